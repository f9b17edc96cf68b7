"""The first start: a link, good once and for a day, by which the first administrator chooses a password. Whoever starts the server prints it."""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

from crossdock.store.access import Access
from crossdock.store.database import Database
from crossdock.store.sign_in import Door

VALID = timedelta(hours=24)


async def set_up_link(database: Database, environ: Mapping[str, str], address: str, now: datetime) -> str | None:
    """A new link where nobody administers the database yet, None where somebody does. address: of the server, unless CROSSDOCK_PUBLIC_URL says another."""
    if await Door(database).has_administrator():
        return None
    token = secrets.token_urlsafe(32)
    await Access(database).put_setup_link(token, now, VALID)
    return f"{environ.get('CROSSDOCK_PUBLIC_URL', address).rstrip('/')}/set-up/{token}"
