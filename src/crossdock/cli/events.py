"""`crossdock events` and `crossdock subscriptions`: what others are told, and the webhooks that tell them."""

import asyncio
import getpass
import os
import sys
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import typer
from msgspec.structs import replace

from crossdock.api.subscribing import Made, Unwanted, full_types, known_types, subscribe
from crossdock.cli.session import (
    HERE,
    LARGEST,
    NOT_FOUND,
    WRONG,
    Json,
    Limit,
    WorkspaceFolder,
    ask,
    console,
    database_of,
    fail,
    print_json,
    print_rows,
)
from crossdock.connectors.events.guard import allowed_by
from crossdock.events import PREFIX, TYPES, Kept, cloud_event
from crossdock.events.compatibility import breaks
from crossdock.events.published import published, written
from crossdock.events.schemas import schema
from crossdock.store.database import Database
from crossdock.store.events import EventFeed, Swept
from crossdock.store.webhooks import Subscription, WebhookStore
from crossdock.workspace.problems import did_you_mean

LOOK_SECONDS = 0.5
T = TypeVar("T")

events = typer.Typer(help="Events for others: the feed, as it is and as it grows.", no_args_is_help=True)
subscriptions = typer.Typer(help="Webhooks: who is told of which events, and what became of it.", no_args_is_help=True)

Types = Annotated[list[str] | None, typer.Option("--type", "-t", help="Only this type; may be repeated.")]
After = Annotated[int | None, typer.Option(help="Behind this sequence.", min=0, max=LARGEST)]
Since = Annotated[datetime | None, typer.Option(help="From this moment on (UTC).")]
Key = Annotated[str | None, typer.Option(help="Only about this order, item@site or other key.")]
Partner = Annotated[str | None, typer.Option(help="Only this partner's.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="A webhook's id, as `subscriptions list` shows it.")]


@events.command()
def feed(
    after: After = None,
    since: Since = None,
    type_: Types = None,
    key: Key = None,
    partner: Partner = None,
    workspace: WorkspaceFolder = HERE,
    limit: Limit = 50,
    json: Json = False,
) -> None:
    """Events from the oldest that is kept, behind a sequence, or from a moment on."""
    wanted = _types(type_)

    async def question(database: Database) -> tuple[list[Kept], int | None, bool]:
        found, begin = EventFeed(database), after
        if after is None and since is not None:
            begin = await found.before(since.replace(tzinfo=UTC))
        kept: list[Kept] = []
        more = True
        while more and len(kept) < limit:
            page, begin, more = await found.after(begin, limit - len(kept), wanted, key, partner)
            kept += page
        return kept, begin, more

    kept, upto, more = _asked(workspace, question)
    if json:
        items = [msgspec.json.decode(cloud_event(each)) for each in kept]
        print_json({"items": items, "next": str(upto), "more": more})
        return
    print_rows([_row(each) for each in kept], _COLUMNS, nothing="Nothing has been announced.")
    if more:
        console.print(f"There is more: --after {upto}")


@events.command()
def tail(
    after: After = None,
    type_: Types = None,
    key: Key = None,
    partner: Partner = None,
    workspace: WorkspaceFolder = HERE,
    json: Json = False,
) -> None:
    """Events as they are announced, from now on, until Ctrl-C. With --json each is a line of its own."""
    wanted = _types(type_)

    async def follow() -> None:
        async with database_of(workspace) as database:
            found = EventFeed(database)
            upto = await found.head() if after is None else after
            while True:
                kept, upto, more = await found.after(upto, 200, wanted, key, partner)
                for each in kept:
                    sys.stdout.write(_line(each, json) + "\n")
                sys.stdout.flush()
                if not more:
                    await asyncio.sleep(LOOK_SECONDS)

    try:
        asyncio.run(follow())
    except KeyboardInterrupt:
        return
    except Swept as error:
        fail(str(error), NOT_FOUND)


@events.command()
def rewind(workspace: WorkspaceFolder = HERE, json: Json = False) -> None:
    """Have every fact announced anew. The feed keeps what it has, under its sequence; what it lacks is appended as the workers come to it. What was swept stays so."""
    ask(workspace, lambda database: EventFeed(database).rewind())
    if json:
        print_json({"rewound": True})
    else:
        console.print("The workers announce from the beginning; nothing is told twice.")


@events.command(hidden=True)
def publish(folder: Annotated[Path, typer.Argument(help="Where the published schemas are.", file_okay=False)]) -> None:
    """Write the schemas in force to where the published ones are; refuses to break one."""
    known = published()
    broken = [
        f"{type_} {word}" for type_, had in known.items() if type_ in TYPES for word in breaks(had, schema(type_))
    ]
    broken += [f"{type_}: removed" for type_ in known.keys() - TYPES.keys()]
    if broken:
        fail("others rely on these; make a new version of the type instead:\n" + "\n".join(broken), WRONG)
    for type_ in TYPES:
        (folder / f"{type_}.json").write_text(written(schema(type_)))


def _asked(workspace: Path, question: Callable[[Database], Coroutine[Any, Any, T]]) -> T:
    """As `ask`; ends with 3 where what is asked for is no longer kept."""
    try:
        return ask(workspace, question)
    except Swept as error:
        fail(str(error), NOT_FOUND)


def _types(types: list[str] | None) -> tuple[str, ...] | None:
    for each in types or ():
        try:
            known_types([each])
        except Unwanted:
            meant = did_you_mean(each, TYPES) or did_you_mean(PREFIX + each, TYPES)
            fail(f"there is no type {each!r}{f'; {meant}' if meant else ''} (docs/reference/events.md lists them)", 2)
    return known_types(types) if types else None


_COLUMNS = {"sequence": "sequence", "type": "event", "key": "about", "partner": "partner", "time": "when"}


def _row(kept: Kept) -> dict[str, Any]:
    told = kept.event
    return {
        "sequence": kept.sequence,
        "type": told.type,
        "key": told.key,
        "partner": told.partner,
        "time": told.time,
    }


def _line(kept: Kept, json: bool) -> str:
    if json:
        return cloud_event(kept).decode()
    told = kept.event
    return f"{kept.sequence:>8}  {told.time:%H:%M:%S}  {told.type:<28}  {told.key}"


# --- Webhooks ---


@subscriptions.command("list")
def list_(workspace: WorkspaceFolder = HERE, limit: Limit = 100, json: Json = False) -> None:
    """Webhooks and how each stands."""
    found = ask(workspace, lambda database: WebhookStore(database).all(limit=limit))
    if json:
        print_json([_shown(each) for each in found])
        return
    rows = [{**_shown(each), "types": ", ".join(each.types) or "all"} for each in found]
    columns = {"id": "subscription", "status": "status", "url": "url", "types": "events", "partner": "partner"}
    print_rows(rows, {**columns, "failures": "failures", "reason": "why"}, nothing="Nobody is told by webhook.")


@subscriptions.command()
def create(
    url: Annotated[str, typer.Argument(help="Where to post: https, on the open Internet.")],
    type_: Types = None,
    partner: Annotated[str, typer.Option(help="Only this partner's events.")] = "",
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    after: Annotated[
        int | None, typer.Option(help="Begin behind this sequence; from now on unless told.", min=0, max=LARGEST)
    ] = None,
    workspace: WorkspaceFolder = HERE,
    json: Json = False,
) -> None:
    """Tell a URL of events. Prints the secret that signs, this once."""

    async def question(database: Database) -> Made:
        return await subscribe(
            WebhookStore(database),
            url,
            _types(type_) or (),
            allowed_by(os.environ),
            datetime.now(UTC),
            by=f"user:{getpass.getuser()}",
            partner=partner,
            description=description,
            after=after,
        )

    try:
        made = _asked(workspace, question)
    except Unwanted as error:
        fail(str(error), 2)
    if json:
        print_json({"subscription": _shown(made.subscription), "secret": made.secret})
        return
    console.print(f"{made.subscription.id} tells {url}.")
    console.print(f"It signs with {made.secret}; this is shown once.", soft_wrap=True)


@subscriptions.command()
def pause(id_: Id, workspace: WorkspaceFolder = HERE, json: Json = False) -> None:
    """Stop telling a webhook; what is announced meanwhile waits for it."""
    _set(id_, "paused", workspace, json)


@subscriptions.command()
def resume(
    id_: Id,
    after: Annotated[
        int | None, typer.Option(help="Go on behind this sequence; where it stopped unless told.", min=0, max=LARGEST)
    ] = None,
    workspace: WorkspaceFolder = HERE,
    json: Json = False,
) -> None:
    """Tell a webhook again that was paused or given up; it goes on where it stopped. Where events were swept meanwhile that it was not sent, say --after."""
    _set(id_, "active", workspace, json, after)


@subscriptions.command()
def delete(id_: Id, workspace: WorkspaceFolder = HERE, json: Json = False) -> None:
    """Take a webhook away, with what was sent to it."""
    if not ask(workspace, lambda database: WebhookStore(database).delete(id_, datetime.now(UTC))):
        fail(f"there is no subscription {id_}", NOT_FOUND)
    if json:
        print_json({"deleted": id_})
    else:
        console.print(f"{id_} is gone.")


@subscriptions.command()
def redeliver(
    id_: Id,
    sequence: Annotated[int | None, typer.Option(help="This event alone.", min=0, max=LARGEST)] = None,
    first: Annotated[int | None, typer.Option(help="From this sequence on.", min=0, max=LARGEST)] = None,
    last: Annotated[
        int | None, typer.Option(help="Up to this one; to the end unless told.", min=0, max=LARGEST)
    ] = None,
    since: Since = None,
    until: Annotated[datetime | None, typer.Option(help="Up to this moment (UTC).")] = None,
    workspace: WorkspaceFolder = HERE,
    json: Json = False,
) -> None:
    """Send events again: one, or a range of sequences or of time; at most ten thousand at once."""
    if sequence is None and first is None and since is None:
        fail("say which: --sequence, --first or --since", 2)

    async def question(database: Database) -> int | None:
        store, found = WebhookStore(database), EventFeed(database)
        if await store.get(id_) is None:
            return None
        head = await found.head()
        begin, end = (sequence, sequence) if sequence is not None else (first, last)
        if begin is None:
            assert since is not None
            begin = await found.before(since.replace(tzinfo=UTC)) + 1
            end = await found.before(until.replace(tzinfo=UTC)) if until is not None else head
        return await store.redeliver(id_, begin, head if end is None else end, datetime.now(UTC))

    queued = _asked(workspace, question)
    if queued is None:
        fail(f"there is no subscription {id_}", NOT_FOUND)
    if json:
        print_json({"queued": queued})
    else:
        console.print(f"{queued} queued.")


@subscriptions.command()
def deliveries(
    id_: Id,
    sequence: Annotated[int | None, typer.Option(help="Every attempt at this event.", min=0, max=LARGEST)] = None,
    status: Annotated[str | None, typer.Option(help="queued, sending, delivered or failed.")] = None,
    workspace: WorkspaceFolder = HERE,
    limit: Limit = 50,
    json: Json = False,
) -> None:
    """What was sent to a webhook, or every attempt at one event."""

    async def question(database: Database) -> list[dict[str, Any]]:
        store = WebhookStore(database)
        if sequence is not None:
            return [msgspec.structs.asdict(each) for each in await store.attempts(id_, sequence)]
        return [msgspec.structs.asdict(each) for each in await store.deliveries(id_, None, status, limit)]

    rows = ask(workspace, question)
    if json:
        print_json(rows)
    elif sequence is not None:
        columns = {"attempt": "attempt", "started_at": "when", "status": "HTTP", "outcome": "outcome"}
        print_rows(rows, {**columns, "detail": "answer"}, nothing="It was not tried.")
    else:
        columns = {"sequence": "sequence", "type": "event", "key": "about", "status": "status", "attempts": "attempts"}
        print_rows(rows, {**columns, "outcome": "outcome", "due_at": "next"}, nothing="Nothing was sent to it.")


def _set(id_: str, status: str, workspace: Path, json: bool, after: int | None = None) -> None:
    async def question(database: Database) -> Subscription | None:
        store = WebhookStore(database)
        found = await store.get(id_)
        while found is not None:
            if await store.edit(replace(found, status=status), found.revision, datetime.now(UTC), after):
                return await store.get(id_)
            found = await store.get(id_)
        return None

    found = _asked(workspace, question)
    if found is None:
        fail(f"there is no subscription {id_}", NOT_FOUND)
    if json:
        print_json(_shown(found))
    else:
        console.print(f"{id_} is {found.status}.")


def _shown(found: Subscription) -> dict[str, Any]:
    return {**msgspec.structs.asdict(found), "types": full_types(found.types)}
