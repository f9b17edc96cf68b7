"""The OpenAPI 3.1 document, at /v1/openapi.json, open to everybody. Every operation says which permission it needs (`x-permission`)."""

from typing import Any

import msgspec
from litestar import Controller, Request, Response, get
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme

from crossdock import __version__
from crossdock.api.described import described

WORDS = """Orders, stock, facts and documents in; answers, status and events out. A write carries an `Idempotency-Key` and may be repeated;
lists are pages with cursors; errors are problem details (RFC 9457), each with a page in docs/reference/problems.md. Decimals are strings."""


class Document(Controller):
    """Serves the document. It stands in the place of Litestar's own, which answers every other path below its own with a page."""

    path = "/v1"

    @get("/openapi.json", include_in_schema=False, media_type="application/vnd.oai.openapi+json")
    async def document(self, request: Request[Any, Any, Any]) -> Response[bytes]:
        state = request.app.state
        if "openapi" not in state:
            state["openapi"] = msgspec.json.encode(described(request.app))
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
