"""The one place where a counterparty asks the real codec: is what we were sent sound X12? Nothing that the
counterparties say or count rests on it."""

from crossdock.edi.findings import Severity
from crossdock.edi.x12.index import index


def errors(data: bytes) -> list[str]:
    """What the envelope index calls an error in these bytes, in its own words."""
    return [finding.message for finding in index(data).findings if finding.severity is Severity.ERROR]
