"""The OpenAPI 3.1 document, at /v1/openapi.json. Every operation says what it needs (`x-permission`) and how it is shown who asks."""

from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from crossdock import __version__


def openapi_config() -> OpenAPIConfig:
    """Where the document is, and what stands at its head."""
    return OpenAPIConfig(
        title="Crossdock",
        version=__version__,
        path="/v1",
        render_plugins=[JsonRenderPlugin(path="/openapi.json")],
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
