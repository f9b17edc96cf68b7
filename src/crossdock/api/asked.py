"""What lists and things are asked for with: parameters that PostgreSQL can take as they are, and moments that are moments. Whatever is beyond is answered 422, and says where."""

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from litestar import Request
from litestar.params import Parameter

from crossdock.api.paging import LONGEST
from crossdock.api.problem import problem

PLAIN = r"^[^\x00]*$"
"""Text without NUL."""
LONGEST_WORD, LONGEST_TEXT = 300, 4000

Limit = Annotated[int, Parameter(ge=1, le=LONGEST, description="Rows of a page, at the most.")]
Cursor = Annotated[
    str | None,
    Parameter(max_length=4000, description="`next` of the page before; of the same list, with the same filters."),
]
Word = Annotated[str | None, Parameter(max_length=LONGEST_WORD, pattern=PLAIN)]
"""A filter that is compared as a whole."""

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_WORD, pattern=PLAIN)]
"""An id or a name in a body."""
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_TEXT, pattern=PLAIN)]
"""Why somebody does something; kept with it."""
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
"""A moment with its zone."""

Number = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
"""A number that the database handed out."""


def whole(request: Request[Any, Any, Any], before: str) -> str:
    """The id at the end of a path, as it was asked: with every slash, for ids have some. Raises Problem not-found for what no id can be."""
    _, _, id_ = request.scope["path"].partition(before)
    if not id_ or len(id_) > LONGEST_WORD * 2 or "\0" in id_:
        raise problem("not-found", "there is no such thing")
    return id_


def moment(value: datetime | None, parameter: str) -> datetime | None:
    """A moment out of a query, in UTC; one without a zone is UTC. Raises Problem invalid for one that no clock shows."""
    if value is None:
        return None
    try:
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        detail = "is a moment that no clock shows"
        raise problem("invalid", f"{parameter} {detail}", errors=[{"parameter": parameter, "detail": detail}]) from None
