"""API keys and the audit log, for administrators. A key's secret is in the answer that makes it, and nowhere else."""

import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from litestar import Router, delete, get, post

from crossdock.api.asked import Cursor, Limit, Word
from crossdock.api.hub import Hub
from crossdock.api.paging import DEFAULT_LIMIT, Page, decode, page
from crossdock.api.permission import Permission, allowed
from crossdock.api.principal import Principal, Role
from crossdock.api.problem import problem
from crossdock.store.access import ApiKey, Write

Row = dict[str, Any]


class KeyWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key to be made. partner: whose rows it sees, for the role partner. scopes: permissions to narrow it to. expires_days: None never."""

    name: str
    role: Role
    partner: str = ""
    scopes: list[Permission] = []
    expires_days: int | None = 365


class KeyMade(msgspec.Struct, frozen=True):
    """A new key with its secret, which is shown this once."""

    key: ApiKey
    secret: str


@get("/", guards=[allowed(Permission.KEYS_WRITE)])
async def list_keys(hub: Hub) -> Page[ApiKey]:
    """Keys. All API keys, oldest first, without their secrets, which nobody has but their holders."""
    return Page(await hub.access.keys())


@post("/", guards=[allowed(Permission.KEYS_WRITE)])
async def create_key(data: KeyWanted, hub: Hub, principal: Principal, write: Write) -> KeyMade:
    """Make a key. The answer has the secret; it is shown this once."""
    check_wanted(data.role, data.partner, data.scopes)
    now = hub.clock()
    expires = now + timedelta(days=data.expires_days) if data.expires_days is not None else None
    key, secret = await hub.access.create_key(
        os.urandom(38),
        data.name,
        data.role,
        now,
        by=principal.id,
        partner=data.partner,
        scopes=sorted(set(data.scopes)),
        expires_at=expires,
    )
    write.subject, write.after, write.kept = key.id, key, msgspec.json.encode(KeyMade(key, ""))
    return KeyMade(key, secret)


def check_wanted(role: Role, partner: str, scopes: Sequence[str]) -> None:
    """Raises Problem invalid for a partner's key without a partner, and the reverse."""
    if (role is Role.PARTNER) != bool(partner):
        raise problem(
            "invalid",
            "the role partner has a partner, and no other has",
            errors=[{"pointer": "#/partner", "detail": "goes with the role partner"}],
        )


@delete("/{id:str}", guards=[allowed(Permission.KEYS_WRITE)], status_code=200)
async def revoke_key(id: str, hub: Hub, write: Write) -> ApiKey:
    """Revoke a key. It opens nothing any more, on every server after two seconds at the latest."""
    before = await hub.access.key(id)
    if before is None:
        raise problem("not-found", "there is no such key")
    await hub.access.revoke_key(id, hub.clock())
    after = await hub.access.key(id)
    assert after is not None
    write.subject, write.before, write.after = id, before, after
    return after


class AuditLine(msgspec.Struct, frozen=True):
    """One write. status 0: its server ended before it was known what came of it. before, after: what it changed, where there is something to say."""

    id: int
    at: datetime
    who: str
    name: str
    role: str
    what: str
    subject: str
    key: str
    status: int
    before: Any
    after: Any
    trace: str


@get("/audit", guards=[allowed(Permission.AUDIT_READ)])
async def audit(
    hub: Hub,
    principal: Principal,
    who: Word = None,
    subject: Word = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Page[AuditLine]:
    """The audit log. Every write, newest first: who, when, what, and what it was before and after."""
    bound = ("audit", who, subject, principal.only)
    after = decode(cursor, bound, tuple[int])
    rows = await hub.access.audit_lines(after[0] if after else None, who, subject, limit + 1)
    return page([AuditLine(**row) for row in rows], limit, bound, lambda line: [line.id])


router = Router(
    "/", route_handlers=[Router("/keys", route_handlers=[list_keys, create_key, revoke_key]), audit], tags=["Access"]
)
