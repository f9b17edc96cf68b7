"""`crossdock keys`: keys of the HTTP API. A secret is shown once, when it is made; the database has only its hash."""

import os
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from crossdock.api.permission import GRANTS, Permission
from crossdock.api.principal import Role
from crossdock.cli.session import HERE, NOT_FOUND, Json, WorkspaceFolder, ask, console, fail, me, print_json, print_rows
from crossdock.store.access import Access, ApiKey
from crossdock.store.database import Database
from crossdock.store.versions import WorkspaceVersions
from crossdock.workspace import from_snapshot

app = typer.Typer(help="Keys of the HTTP API: create, list, rotate, revoke.", no_args_is_help=True)

KeyId = Annotated[str, typer.Argument(help="A key's id, as `keys list` shows it.")]
Who = Annotated[str, typer.Option(help="Who does it; kept in the audit log. By default who is logged in.")]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What the key is for: a shop, a system, a person.")],
    role: Annotated[Role, typer.Option(help="What it may do.")],
    partner: Annotated[str, typer.Option(help="Whose rows it sees, for the role partner: a file in partners/.")] = "",
    scope: Annotated[
        list[Permission] | None, typer.Option(help="Narrow it to this permission; may be repeated.")
    ] = None,
    expires_days: Annotated[int, typer.Option(help="So many days it is good; 0: for ever.", min=0, max=36_500)] = 365,
    workspace: WorkspaceFolder = HERE,
    who: Who = "",
    json: Json = False,
) -> None:
    """Make a key. Its secret is shown this once."""
    if (role is Role.PARTNER) != bool(partner):
        fail("the role partner goes with --partner, and no other does", 2)
    scopes = sorted(set(scope or ()))
    if beyond := [each for each in scopes if each not in GRANTS[role]]:
        fail(f"the role {role} has no {', '.join(beyond)}", 2)

    async def work(database: Database) -> tuple[ApiKey, str] | None:
        if partner and partner not in await _customers(database):
            return None
        now = datetime.now(UTC)
        access = Access(database)
        expires = now + timedelta(days=expires_days) if expires_days else None
        by = f"user:{who or me()}"
        made = await access.create_key(
            os.urandom(38), name, role.value, now, by=by, partner=partner, scopes=scopes, expires_at=expires
        )
        await _note(access, now, by, "keys create", made[0].id, after=made[0])
        return made

    made = ask(workspace, work)
    if made is None:
        fail(f"the workspace in force has no partner {partner!r}", NOT_FOUND)
    _show(*made, json)


@app.command(name="list")
def list_keys(workspace: WorkspaceFolder = HERE, json: Json = False) -> None:
    """All keys, without their secrets."""

    async def question(database: Database) -> list[ApiKey]:
        return await Access(database).keys()

    keys = ask(workspace, question)
    if json:
        print_json(keys)
        return
    now = datetime.now(UTC)
    rows = [
        {
            "id": key.id,
            "name": key.name,
            "role": f"{key.role} {key.partner}".strip(),
            "scopes": key.scopes,
            "good": "yes" if key.good_at(now) else "revoked" if key.revoked_at else "expired",
            "expires_at": key.expires_at,
            "created_by": key.created_by,
        }
        for key in keys
    ]
    columns = {"id": "key", "name": "for", "role": "role", "scopes": "only", "good": "good"}
    print_rows(rows, {**columns, "expires_at": "until", "created_by": "made by"}, nothing="There are no keys.")


@app.command()
def rotate(
    key: KeyId,
    overlap_hours: Annotated[float, typer.Option(help="So long the old one goes on.", min=0, max=8_760)] = 24,
    expires_days: Annotated[
        int, typer.Option(help="So many days the new one is good; 0: for ever.", min=0, max=36_500)
    ] = 365,
    workspace: WorkspaceFolder = HERE,
    who: Who = "",
    json: Json = False,
) -> None:
    """A new key in the place of an old one, which goes on for a while, so that nothing is down in between."""

    async def work(database: Database) -> tuple[ApiKey, str] | None:
        now, access, by = datetime.now(UTC), Access(database), f"user:{who or me()}"
        expires = now + timedelta(days=expires_days) if expires_days else None
        try:
            made = await access.rotate_key(
                os.urandom(38), key, now, timedelta(hours=overlap_hours), by=by, expires_at=expires
            )
        except KeyError:
            return None
        await _note(access, now, by, "keys rotate", key, after=made[0])
        return made

    made = ask(workspace, work)
    if made is None:
        fail(f"there is no good key {key}", NOT_FOUND)
    _show(*made, json)


@app.command()
def revoke(key: KeyId, workspace: WorkspaceFolder = HERE, who: Who = "", json: Json = False) -> None:
    """A key opens nothing any more, on every server after two seconds at the latest."""

    async def work(database: Database) -> bool:
        now, access, by = datetime.now(UTC), Access(database), f"user:{who or me()}"
        done = await access.revoke_key(key, now)
        if done:
            await _note(access, now, by, "keys revoke", key)
        return done

    if not ask(workspace, work):
        fail(f"there is no good key {key}", NOT_FOUND)
    if json:
        print_json({"key": key, "revoked": True})
    else:
        console.print(f"{key} is revoked.")


async def _customers(database: Database) -> set[str]:
    row = await WorkspaceVersions(database).current()
    return set(from_snapshot(row["snapshot"], row["version"]).directory.partners) if row else set()


async def _note(access: Access, now: datetime, by: str, what: str, subject: str, after: Any = None) -> None:
    await access.note(now, by, by.removeprefix("user:"), "admin", what, subject, after=after)


def _show(key: ApiKey, secret: str, json: bool) -> None:
    if json:
        print_json({"key": key, "secret": secret})
        return
    typer.echo(secret)
    typer.echo(f"This is {key.id}; its secret is not shown again. Send it as `Authorization: Bearer ...`.", err=True)
