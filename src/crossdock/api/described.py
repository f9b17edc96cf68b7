"""What the OpenAPI document says beyond what the framework knows: which permission an operation needs, that a write carries a key, and every problem that it may answer."""

from collections.abc import Iterator
from typing import Any

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from crossdock.api.gate import WRITES
from crossdock.api.permission import permission_of
from crossdock.api.problem import MEDIA_TYPE, PROBLEMS

Json = dict[str, Any]

ALWAYS = ("malformed", "bad-cursor", "not-signed-in", "not-allowed", "not-found", "not-acceptable", "invalid", "too-many-requests", "unavailable")  # fmt: skip
WITH_A_BODY = ("conflict", "too-large", "unsupported-media-type")
WRITING = ("idempotency-key-missing", "in-flight", "idempotency-key-reused", "conflict", "too-large")
EDITING = ("changed-meanwhile", "precondition-required")

PROBLEM = {
    "title": "Problem",
    "description": "Problem details (RFC 9457). `type` has a page in docs/reference/problems.md; `errors` locates what is wrong.",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object", "additionalProperties": {"type": "string"}}},
    },
}
KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "The same key and body: the same answer, and it is done once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}


def described(app: Litestar) -> Json:
    """The document of `app`."""
    made: Json = app.openapi_schema.to_schema()
    made.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM
    for path, method, handler in _operations(app):
        operation = made["paths"].get(path, {}).get(method)
        if operation is not None:
            _describe(operation, method, handler)
    return made


def _operations(app: Litestar) -> Iterator[tuple[str, str, HTTPRouteHandler]]:
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for method, handler in route.route_handler_map.items():
                found = handler[0] if isinstance(handler, tuple) else handler
                yield route.path_format, method.lower(), found


def _describe(operation: Json, method: str, handler: HTTPRouteHandler) -> None:
    permission = permission_of(handler)
    if permission is not None:
        operation["x-permission"] = permission.value
    head, dot, rest = operation.get("description", "").partition(". ")
    if dot and len(head) < 60:
        operation["summary"], operation["description"] = head, rest
    parameters = operation.setdefault("parameters", [])
    slugs = list(ALWAYS)
    if "requestBody" in operation:
        slugs += WITH_A_BODY
    if method.upper() in WRITES and not handler.opt.get("reads"):
        slugs += WRITING
        if not any(each["name"].lower() == "idempotency-key" for each in parameters):
            parameters.append(KEY)
    if any(each["name"].lower() == "if-match" for each in parameters):
        slugs += EDITING
    by_status: dict[int, list[str]] = {}
    for slug in dict.fromkeys(slugs):
        by_status.setdefault(PROBLEMS[slug].status, []).append(slug)
    # The framework's own idea of a 400 is none of ours.
    operation["responses"].pop("400", None)
    for status, named in sorted(by_status.items()):
        operation["responses"][str(status)] = {
            "description": " ".join(f"`{slug}`: {PROBLEMS[slug].title}." for slug in named),
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
