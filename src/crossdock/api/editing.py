"""Edits that lose nobody's work: what is edited has an ETag, and an edit names the one it was made of (RFC 9110, 13.1.1)."""

import hashlib
from typing import Any

import msgspec
from litestar import Request

from crossdock.api.problem import problem


def etag_of(*values: Any) -> str:
    """A strong ETag over what of a thing can be edited."""
    return '"' + hashlib.blake2b(msgspec.json.encode(values), digest_size=12).hexdigest() + '"'


def must_match(request: Request[Any, Any, Any], etag: str) -> None:
    """Raises Problem precondition-required without If-Match, changed-meanwhile when it names another ETag."""
    given = request.headers.get("if-match")
    if given is None:
        raise problem("precondition-required", "say in `If-Match` which `ETag` this edit was made of")
    if given.strip() != "*" and etag not in [each.strip() for each in given.split(",")]:
        raise problem("changed-meanwhile", "it has been changed since it was read", headers={"ETag": etag})
