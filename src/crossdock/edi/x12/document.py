"""Transaction sets and documents: `read` makes a document of segments, `write` segments of a document, by a guide."""

from collections.abc import Sequence

from crossdock.edi.findings import Finding
from crossdock.edi.x12.guide import Guide
from crossdock.edi.x12.reading import Reader
from crossdock.trade.documents import Document


def read(segments: Sequence[Sequence[str]], guide: Guide) -> tuple[Document, list[Finding]]:
    """The document that the segments of one transaction set tell (ST and SE may be among them), and what it could not take."""
    reader = guide.__dict__.get("_reader")
    if reader is None:
        reader = guide.__dict__["_reader"] = Reader(guide)
    return reader.read(segments)
