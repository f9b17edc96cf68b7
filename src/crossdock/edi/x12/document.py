"""Transaction sets and documents: `read` makes a document of segments, `write` segments of a document, by a guide.

Readers and writers are built from a guide once and kept with it.
"""

from collections.abc import Sequence

from crossdock.edi.findings import Finding
from crossdock.edi.x12.guide import Guide
from crossdock.edi.x12.reading import Reader
from crossdock.edi.x12.values import CannotWrite
from crossdock.edi.x12.writing import Context, Writer
from crossdock.trade.documents import Document

__all__ = ["CannotWrite", "Context", "read", "write"]


def read(segments: Sequence[Sequence[str]], guide: Guide) -> tuple[Document, list[Finding]]:
    """The document that the segments of one transaction set tell (ST and SE may be among them), and what it could not take."""
    reader: Reader | None = guide.__dict__.get("_reader")
    if reader is None:
        reader = guide.__dict__["_reader"] = Reader(guide)
    return reader.read(segments)


def write(document: Document, guide: Guide, context: Context | None = None) -> list[list[str]]:
    """The segments between ST and SE that tell a document. Raises CannotWrite where the guide has no place for it."""
    writer: Writer | None = guide.__dict__.get("_writer")
    if writer is None:
        writer = guide.__dict__["_writer"] = Writer(guide)
    return writer.write(document, context)
