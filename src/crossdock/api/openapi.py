"""The OpenAPI 3.1 document, at /v1/openapi.json, open to everybody. Litestar makes it of the routes; what holds for all of them is added here: the
permission that each needs (`x-permission`), the headers of writes, problems, and examples.
"""

from typing import Any

import msgspec
from litestar import Controller, Litestar, Request, Response, get
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme
from litestar.routes import HTTPRoute

from crossdock import __version__
from crossdock.api.examples import Example, of_operation
from crossdock.api.gate import WRITES
from crossdock.api.permission import permission_of
from crossdock.api.problem import MEDIA_TYPE, PROBLEMS
from crossdock.connectors.api import DOCUMENTS

WORDS = """Orders, stock, facts and documents in; answers, status and events out. A write carries an `Idempotency-Key` and may be repeated;
lists are pages with cursors; errors are problem details (RFC 9457), each with a page in docs/reference/problems.md. Decimals are strings."""

PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "pointer": {"type": "string"},
                    "parameter": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}

ASKING = (400, 401, 403, 404, 405, 406, 422, 429, 500, 503)
WRITING = (409, 412, 413, 415, 428)


class Document(Controller):
    """Serves the document. It stands in the place of Litestar's own, which answers every other path below its own with a page."""

    path = "/v1"

    @get("/openapi.json", include_in_schema=False, media_type="application/vnd.oai.openapi+json")
    async def document(self, request: Request[Any, Any, Any]) -> Response[bytes]:
        state = request.app.state
        if "openapi" not in state:
            state["openapi"] = msgspec.json.encode(finished(request.app))
        return Response(state["openapi"], headers={"Cache-Control": "public, max-age=300"})


def openapi_config() -> OpenAPIConfig:
    """What stands at its head."""
    return OpenAPIConfig(
        title="Crossdock",
        version=__version__,
        description=WORDS,
        openapi_controller=Document,  # type: ignore[arg-type]  # any controller does; this one serves JSON alone
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(
                    type="http", scheme="bearer", description="An API key, or a token of the identity provider."
                )
            }
        ),
        security=[{"bearer": []}],
        use_handler_docstrings=True,
    )


def finished(app: Litestar) -> dict[str, Any]:
    """The document of an application, with what holds for every route under /v1."""
    document = app.openapi_schema.to_schema()
    schemas = document["components"].setdefault("schemas", {})
    schemas["Problem"] = PROBLEM
    _, documents = msgspec.json.schema_components(DOCUMENTS.values(), ref_template="#/components/schemas/{name}")
    for name, schema in documents.items():
        schemas.setdefault(name, schema)
    for route in app.routes:
        if not isinstance(route, HTTPRoute) or route.path_format not in document["paths"]:
            continue
        for method, (handler, _) in route.route_handler_map.items():
            operation = document["paths"][route.path_format].get(str(method).lower())
            if operation is None or not route.path.startswith("/v1/"):
                continue
            _entitle(operation)
            permission = permission_of(handler)
            if permission is None:
                operation["security"] = []
            else:
                operation["x-permission"] = permission.value
            once = str(method) in WRITES and not handler.opt.get("reads")
            if once:
                operation.setdefault("parameters", []).append(_key())
            if "deprecation" in handler.opt:
                operation["deprecated"] = True
            _add_problems(
                operation, ASKING + (WRITING if str(method) in WRITES else ()) + tuple(handler.opt.get("problems", ()))
            )
            _add_examples(operation, of_operation(f"{method} {route.path_format}"))
    return document


def _entitle(operation: dict[str, Any]) -> None:
    """A docstring that begins with a title ("Search. What ...") tells it as the summary."""
    title, dot, rest = operation.get("description", "").partition(". ")
    if dot and len(title) <= 40:
        operation["summary"], operation["description"] = title, rest


def _key() -> dict[str, Any]:
    return {
        "name": "Idempotency-Key",
        "in": "header",
        "required": True,
        "description": "Any text of its own for this write. Sent again with the same body it is answered the same, and done once.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    }


def _add_problems(operation: dict[str, Any], statuses: tuple[int, ...]) -> None:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for status in statuses:
        titles = [kind.title for kind in PROBLEMS.values() if kind.status == status]
        operation["responses"][str(status)] = {"description": "; ".join(titles), "content": content}


def _add_examples(operation: dict[str, Any], examples: list[Example]) -> None:
    """Bodies stand where the standard has them; the rest of a request (parameters, who asks, the answer's status) beside them, for those who run them."""
    if not examples:
        return
    operation["x-examples"] = [
        {
            "name": example.name,
            "summary": example.summary,
            "role": example.role,
            "parameters": example.parameters,
            "status": list(example.status),
            "mediaType": example.media_type,
            "body": example.body,
        }
        for example in examples
    ]
    for example in examples:
        if example.body is not None:
            media = operation.setdefault("requestBody", {"content": {}, "required": True})["content"]
            kind = media.setdefault(example.media_type, {})
            kind.setdefault("examples", {})[example.name] = {"summary": example.summary, "value": example.body}
        for parameter in operation.get("parameters", []):
            if parameter["name"] in example.parameters:
                value = {"value": example.parameters[parameter["name"]]}
                parameter.setdefault("examples", {})[example.name] = value
