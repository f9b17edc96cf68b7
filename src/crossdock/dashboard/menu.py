"""The pages of the rail: where each is, the key that leads there after `g`, and what whoever sees it must be allowed."""

from typing import NamedTuple

from crossdock.api.permission import Permission
from crossdock.api.principal import Principal


class Entry(NamedTuple):
    """A page of the rail."""

    path: str
    title: str
    icon: str
    key: str
    permission: Permission


class Group(NamedTuple):
    """Pages that belong together; the first group has no title."""

    title: str
    entries: tuple[Entry, ...]


P = Permission
GROUPS = (
    Group(
        "",
        (
            Entry("/", "Today", "today", "t", P.ORDERS_READ),
            Entry("/search", "Orders", "search", "o", P.ORDERS_READ),
            Entry("/exceptions", "Exceptions", "exceptions", "e", P.OPERATIONS_READ),
            Entry("/stock", "Stock", "stock", "s", P.STOCK_READ),
            Entry("/billing", "Billing", "billing", "b", P.FIGURES_READ),
        ),
    ),
    Group(
        "Connections",
        (
            Entry("/partners", "Partners", "partners", "p", P.FIGURES_READ),
            Entry("/messages", "Messages", "messages", "m", P.OPERATIONS_READ),
            Entry("/flows", "Flows", "flows", "f", P.OPERATIONS_READ),
            Entry("/replay", "Replay", "replay", "r", P.REPLAY),
        ),
    ),
    Group(
        "Insight",
        (
            Entry("/kpis", "KPIs", "kpis", "k", P.FIGURES_READ),
            Entry("/configuration", "Configuration", "configuration", "c", P.WORKSPACE_READ),
        ),
    ),
)


def menu_of(principal: Principal) -> list[Group]:
    """What of the rail this principal may see."""
    seen = [Group(group.title, tuple(e for e in group.entries if principal.may(e.permission))) for group in GROUPS]
    return [group for group in seen if group.entries]
