"""Today: what is in flight, what is owed and late, and how each system does."""

from typing import Any

from litestar import Request, Response, Router, get

from crossdock.api.permission import Permission, allowed
from crossdock.dashboard.render import page


@get("/", guards=[allowed(Permission.ORDERS_READ)])
async def today(request: Request[Any, Any, Any]) -> Response[str]:
    """The first page of the day."""
    return page(request, "today.html")


router = Router("/", route_handlers=[today])
