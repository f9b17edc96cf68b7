"""Who asks: a key or a signed-in person, with a role and, where the role is a partner's, the one partner whose rows it sees.

A principal promises nothing about rows by itself: every read is handed `only`.
"""

from collections.abc import Mapping
from enum import StrEnum
from functools import cache

import msgspec


class Role(StrEnum):
    """What somebody is to us. What each may do is in `permission.GRANTS`."""

    OPERATIONS = "operations"
    FINANCE = "finance"
    INTEGRATION = "integration"
    PARTNER = "partner"
    AUDITOR = "auditor"
    ADMIN = "admin"


class Principal(msgspec.Struct, frozen=True):
    """Whoever asks.

    id: "key:ab12cd34ef" for an API key and all that it was rotated to, "user:ann@example.com" for a person.
    partner: the partner whose rows it sees, for the role partner alone; "" for all others.
    scopes: permissions that it is narrowed to; empty: all that the role may.
    """

    id: str
    name: str
    role: Role
    partner: str = ""
    scopes: frozenset[str] = frozenset()

    def may(self, permission: str) -> bool:
        """Whether its role grants `permission` and its scopes do not leave it out."""
        return permission in _grants()[self.role] and (not self.scopes or permission in self.scopes)

    @property
    def only(self) -> str | None:
        """None: it sees everything. Otherwise the one partner whose rows it sees; a partner's key without a partner sees nobody's."""
        return self.partner if self.role is Role.PARTNER else None


@cache
def _grants() -> Mapping[Role, frozenset[str]]:
    from crossdock.api.permission import GRANTS  # it is written in terms of Role

    return GRANTS
