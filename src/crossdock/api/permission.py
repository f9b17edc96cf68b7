"""What may be done, by whom, and the guard that every route carries. A route without a guard is a defect that a test finds."""

from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from crossdock.api.principal import Principal, Role
from crossdock.api.problem import problem

if TYPE_CHECKING:  # the command line asks what there is, and need not wait for the web server
    from litestar.connection import ASGIConnection
    from litestar.handlers import BaseRouteHandler

Guard = Callable[["ASGIConnection[Any, Any, Any, Any]", "BaseRouteHandler"], Awaitable[None]]


class Permission(StrEnum):
    """What a route needs. operations: obligations, exceptions, deliveries, messages; events:write: subscriptions."""

    ORDERS_READ = "orders:read"
    ORDERS_WRITE = "orders:write"
    STOCK_READ = "stock:read"
    STOCK_WRITE = "stock:write"
    FACTS_WRITE = "facts:write"
    DOCUMENTS_WRITE = "documents:write"
    OPERATIONS_READ = "operations:read"
    OPERATIONS_WRITE = "operations:write"
    MESSAGES_RAW = "messages:raw"
    REPLAY = "replay"
    RECONCILE_READ = "reconcile:read"
    RECONCILE_WRITE = "reconcile:write"
    WORKSPACE_READ = "workspace:read"
    EVENTS_READ = "events:read"
    EVENTS_WRITE = "events:write"
    KEYS_WRITE = "keys:write"
    AUDIT_READ = "audit:read"
    FIGURES_READ = "figures:read"


P = Permission
_LOOKING = {
    P.ORDERS_READ,
    P.STOCK_READ,
    P.OPERATIONS_READ,
    P.RECONCILE_READ,
    P.WORKSPACE_READ,
    P.EVENTS_READ,
    P.FIGURES_READ,
}

GRANTS: Mapping[Role, frozenset[Permission]] = {
    Role.OPERATIONS: frozenset({*_LOOKING, P.ORDERS_WRITE, P.OPERATIONS_WRITE, P.MESSAGES_RAW, P.RECONCILE_WRITE}),
    Role.FINANCE: frozenset({*_LOOKING, P.OPERATIONS_WRITE}),
    Role.INTEGRATION: frozenset(
        {
            *_LOOKING,
            P.ORDERS_WRITE,
            P.STOCK_WRITE,
            P.FACTS_WRITE,
            P.DOCUMENTS_WRITE,
            P.OPERATIONS_WRITE,
            P.MESSAGES_RAW,
            P.REPLAY,
            P.EVENTS_WRITE,
        }
    ),
    Role.PARTNER: frozenset({P.ORDERS_READ, P.ORDERS_WRITE, P.EVENTS_READ, P.EVENTS_WRITE}),
    Role.AUDITOR: frozenset({*_LOOKING, P.MESSAGES_RAW, P.AUDIT_READ}),
    Role.ADMIN: frozenset(Permission),
}
"""What each role may. A partner's rows are filtered besides (`Principal.only`). It asks what can be promised (orders:read), and does not see our books of stock."""


def allowed(permission: Permission) -> Guard:
    """The guard of a route: whoever has no principal is answered 401, whoever may not 403. `guard.permission` says which it is.

    It is a coroutine because Litestar hands what is none to a thread, which costs more than all else that a read does.
    """

    async def guard(connection: "ASGIConnection[Any, Any, Any, Any]", _: "BaseRouteHandler") -> None:
        principal = connection.scope.get("user")
        if not isinstance(principal, Principal):
            raise problem("not-signed-in", "a key or a token is needed: `Authorization: Bearer ...`")
        if not principal.may(permission):
            raise problem(
                "not-allowed", f"{principal.role} with these scopes has no {permission}", permission=permission
            )

    guard.permission = permission  # type: ignore[attr-defined]  # for the tests and the OpenAPI document
    return guard


def permission_of(handler: "BaseRouteHandler") -> Permission | None:
    """What a route needs, None when it has no guard of ours. Raises ValueError when it has several."""
    found = [guard.permission for guard in handler.guards or () if hasattr(guard, "permission")]
    if len(found) > 1:
        raise ValueError(f"{handler} needs {found}; a route has exactly one permission")
    return found[0] if found else None
