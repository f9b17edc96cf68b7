"""What went wrong as a problem: our own, the framework's, the database's, and what nobody expected."""

import re
from typing import Any

from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    SerializationException,
    ValidationException,
)

from crossdock.api.problem import Problem, problem
from crossdock.store.database import UNKEEPABLE, UNREACHABLE
from crossdock.store.events import Swept

RETRY_AFTER_SECONDS = 5

_BY_STATUS = {
    400: "malformed",
    401: "not-signed-in",
    403: "not-allowed",
    404: "not-found",
    405: "method-not-allowed",
    406: "not-acceptable",
    409: "conflict",
    412: "changed-meanwhile",
    413: "too-large",
    415: "unsupported-media-type",
    422: "invalid",
    428: "precondition-required",
    429: "too-many-requests",
    503: "unavailable",
}
_PLACE = re.compile(r"\.([A-Za-z_][A-Za-z0-9_-]*)|\[(\d+|\.\.\.)\]")


def pointer(path: str) -> str:
    """A msgspec path (`$.lines[0].quantity`) as a JSON pointer (`#/lines/0/quantity`). A member whose name the path does not tell is `*`."""
    return "#" + "".join(f"/{(name or place).replace('...', '*')}" for name, place in _PLACE.findall(path))


def problem_of(error: Exception, traceparent: str = "") -> Problem:
    """The problem that an error is answered as."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, ValidationException):
        return problem("invalid", "the request does not say what it must", errors=_errors(error))
    if isinstance(error, SerializationException):
        return problem("malformed", "the body is no JSON")
    if isinstance(error, RecursionError) and "deserializing" in str(error):
        return problem("malformed", "the body is nested deeper than anybody means it")
    if isinstance(error, HTTPException) and error.status_code < 500:
        slug, headers = _BY_STATUS.get(error.status_code, "malformed"), dict(error.headers or {})
        detail = error.detail or slug
        if isinstance(error, NotFoundException) and detail == "Not Found":
            detail = "there is no such route"
        elif isinstance(error, MethodNotAllowedException):
            detail = f"this path takes {headers.get('allow') or headers.get('Allow') or 'other methods'}"
        return Problem(slug, detail, headers=headers)
    if isinstance(error, Swept):
        return problem("no-longer-kept", str(error), cursor=str(error.cursor), since=error.since)
    if isinstance(error, UNKEEPABLE):
        return problem("invalid", "a value is beyond what can be kept or compared", errors=[])
    if isinstance(error, UNREACHABLE):
        return problem(
            "unavailable", "the database cannot be reached", headers={"Retry-After": str(RETRY_AFTER_SECONDS)}
        )
    return problem("defect", "a defect of ours; it is in the log", trace=traceparent[3:35])


def _errors(error: ValidationException) -> list[dict[str, Any]]:
    found = []
    for each in error.extra if isinstance(error.extra, list) else []:
        key, source = str(each.get("key", "")), str(getattr(each.get("source"), "value", each.get("source") or ""))
        message = str(each.get("message", ""))
        if source in ("query", "header", "cookie", "path"):
            found.append({"parameter": key, "detail": message})
        else:
            words, _, path = message.partition(" - at `")
            place = path.rstrip("`") if path else "$." + key if key not in ("", "data") else "$"
            found.append({"pointer": pointer(place), "detail": words})
    return found or [{"pointer": "#", "detail": error.detail}]
