"""Problem details (RFC 9457): every answer that is not what was asked for has a type with a page of its own in docs/reference/problems.md.

The detail tells the caller what to mend. It never quotes a secret, a statement or a traceback.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

TYPES = "https://crossdock.dev/problems/"
MEDIA_TYPE = "application/problem+json"


class Kind(NamedTuple):
    """One type of problem: its HTTP status, a title that never changes, and what it means and what to do."""

    status: int
    title: str
    sentence: str


PROBLEMS: Mapping[str, Kind] = {
    "malformed": Kind(400, "Malformed request", "The request could not be read: no JSON, no UTF-8, or a header that is not what its standard says."),
    "bad-cursor": Kind(400, "Cursor of another list", "A cursor goes on where a page of the same list, with the same filters and for the same caller, ended. Begin without one."),
    "idempotency-key-missing": Kind(400, "Idempotency-Key missing", "Every write carries an `Idempotency-Key` of 1 to 255 visible characters, so that it can be repeated."),
    "not-signed-in": Kind(401, "Not signed in", "A key or a token is needed in `Authorization: Bearer ...`; it was missing, unknown, expired or revoked."),
    "not-allowed": Kind(403, "Not allowed", "The caller's role and scopes do not include the permission that this route needs."),
    "not-found": Kind(404, "Not found", "There is no such thing, or it is not yours to see; the answer is the same."),
    "method-not-allowed": Kind(405, "Method not allowed", "This path has no such method; `Allow` says which it has."),
    "not-acceptable": Kind(406, "Not acceptable", "None of the media types in `Accept` can be made of this."),
    "in-flight": Kind(409, "Still under way", "A request with this `Idempotency-Key` is being worked on. Ask again after `Retry-After` seconds; both get one answer."),
    "conflict": Kind(409, "Conflict", "What was asked for contradicts how things stand now; the detail says what does."),
    "no-longer-kept": Kind(410, "No longer kept", "Events so old have been swept (`[events] kept_days`). `cursor` is the first that still stands."),
    "changed-meanwhile": Kind(412, "Changed meanwhile", "It has another `ETag` than `If-Match` says. Read it again, look, and repeat."),
    "too-large": Kind(413, "Body too large", "The body is larger than this route takes; the detail says how much it takes."),
    "unsupported-media-type": Kind(415, "Unsupported media type", "The body's `Content-Type` or `Content-Encoding` is not one that this route reads."),
    "invalid": Kind(422, "Invalid", "The request was read, but does not say what it must. `errors` locates each fault by a JSON pointer (RFC 6901), or names the parameter."),
    "order-refused": Kind(422, "Order refused", "The order cannot be taken as it is; `errors` names each reason with its cause and place. Nothing was kept."),
    "idempotency-key-reused": Kind(422, "Idempotency-Key used for another request", "This key stands for a request with another path or body. Take a new key for a new request."),
    "precondition-required": Kind(428, "If-Match needed", "An edit names in `If-Match` the `ETag` of what it was made of, so that nobody's edit is lost."),
    "too-many-requests": Kind(429, "Too many requests", "The caller is over its rate or its quota. `RateLimit` and `Retry-After` say when to come again."),
    "defect": Kind(500, "Internal error", "A defect of ours. It is in the log under the `trace` that the answer names. A write may be repeated with the same `Idempotency-Key`."),
    "unavailable": Kind(503, "Not available", "A part that is needed cannot be reached, such as the database. Nothing was done; come again after `Retry-After` seconds."),
}  # fmt: skip
"""Every type by its slug."""


class Problem(Exception):
    """An answer that is a problem. Raise it anywhere below a route; `problem` makes one.

    errors: places and what is wrong there, `{"pointer": "#/lines/0/quantity", "detail": ...}` or `{"parameter": ..., "detail": ...}`.
    """

    def __init__(
        self,
        slug: str,
        detail: str,
        members: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{slug}: {detail}")
        self.slug = slug
        self.kind = PROBLEMS[slug]
        self.detail = detail
        self.members = dict(members or {})
        self.headers = dict(headers or {})

    @property
    def status(self) -> int:
        """Its HTTP status."""
        return self.kind.status

    def body(self, instance: str = "") -> bytes:
        """The JSON object of the answer. `instance` is the path that was asked."""
        told = {"type": TYPES + self.slug, "title": self.kind.title, "status": self.status, "detail": self.detail}
        return msgspec.json.encode(told | ({"instance": instance} if instance else {}) | self.members)


def problem(slug: str, detail: str, *, headers: Mapping[str, str] | None = None, **members: Any) -> Problem:
    """A problem of a type in `PROBLEMS`; `members` are further members of its object. Raises KeyError for a slug that has no page."""
    return Problem(slug, detail, members, headers)


def reference() -> str:
    """docs/reference/problems.md."""
    parts = [
        "# Problems of the HTTP API\n",
        "<!-- Generated by `make docs` from `crossdock.api.problem`; do not edit. -->\n",
        "Every answer that is not what was asked for is `application/problem+json` (RFC 9457) with `type`, `title`, `status`, `detail` and",
        f"`instance`. `type` is `{TYPES}` and one of the names below; it never changes its meaning.\n",
    ]
    for slug, kind in PROBLEMS.items():
        parts.append(f"## {slug}\n\n{kind.status} {kind.title}. {kind.sentence}\n")
    return "\n".join(parts)
