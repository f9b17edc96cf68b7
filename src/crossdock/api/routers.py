"""The list of what is served under /v1: a module a line, each of which exports `router`."""

from importlib import import_module

from litestar import Router

MODULES = (
    "crossdock.api.routes.orders",
    "crossdock.api.routes.stock",
    "crossdock.api.routes.facts",
    "crossdock.api.routes.documents",
    "crossdock.api.routes.search",
    "crossdock.api.routes.obligations",
    "crossdock.api.routes.exceptions",
    "crossdock.api.routes.messages",
    "crossdock.api.routes.deliveries",
    "crossdock.api.routes.replays",
    "crossdock.api.routes.reconciliations",
    "crossdock.api.routes.versions",
    "crossdock.api.routes.events",
    "crossdock.api.routes.subscriptions",
    "crossdock.api.routes.keys",
)  # fmt: skip


def routers() -> list[Router]:
    """The routers of all modules, in order."""
    return [import_module(module).router for module in MODULES]
