"""Whose rows a page may show: what every read of a page is handed as `only`."""

from typing import Any

from litestar import Request

from crossdock.dashboard.session import session_of

NOBODY = ""
"""No partner has this id: whoever is not signed in sees nobody's rows."""


def only_of(request: Request[Any, Any, Any]) -> str | None:
    """None: all rows. Otherwise the one partner whose rows whoever looks may see."""
    session = session_of(request)
    return session.principal.only if session is not None and session.principal is not None else NOBODY
