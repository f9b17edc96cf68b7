"""Exceptions: by root cause with the money at stake, business apart from transport; taken on, spoken of, put off, decided; what failed tried again, after a preview."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body

from crossdock.api.hub import Hub
from crossdock.api.paging import decode, encode
from crossdock.api.permission import Permission, allowed
from crossdock.api.principal import Principal
from crossdock.api.problem import problem
from crossdock.dashboard.acting import MOST, act, preview_retry, retry_deliveries
from crossdock.dashboard.render import page
from crossdock.dashboard.session import here_only, to_page
from crossdock.dashboard.words import plain
from crossdock.process.order_to_cash.deciding import choices
from crossdock.store.operations import Action, Narrowed, Operations, mark_of
from crossdock.store.reading import Reading

A_PAGE = 50
AGES = {"": None, "hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}
FILTERS = ("category", "cause", "partner", "assignee", "older", "snoozed")


class Acting(msgspec.Struct):
    """A form about exceptions. action: assign, comment, snooze, wake, accept, decline. id: one, or several."""

    action: str = ""
    id: str | list[str] = ""
    note: str = ""
    assignee: str = ""
    hours: int = 24
    mark: str = ""
    back: str = "/exceptions"
    csrf: str = ""


class Again(msgspec.Struct):
    """A form about deliveries to be tried again, by their ids or by the exceptions about them; without `sure` it only shows what would be done."""

    ids: str | list[str] = ""
    id: str | list[str] = ""
    sure: str = ""
    back: str = "/exceptions"
    csrf: str = ""


class Filter(msgspec.Struct):
    """A filter to be saved, or forgotten."""

    name: str = ""
    query: str = ""
    forget: str = ""
    csrf: str = ""


Form = Body(media_type=RequestEncodingType.URL_ENCODED)


@get("/exceptions", guards=[allowed(Permission.OPERATIONS_READ)])
async def exceptions(
    request: Request[Any, Any, Any],
    hub: Hub,
    category: str = "",
    cause: str = "",
    partner: str = "",
    assignee: str = "",
    older: str = "",
    snoozed: str = "",
    cursor: str | None = None,
) -> Response[str]:
    """What stands open, by cause, and the list of one cause or of all."""
    principal, now, operations = request.user, hub.clock(), Operations(hub.database)
    asked = {
        name: value
        for name, value in zip(FILTERS, (category, cause, partner, assignee, older, snoozed), strict=True)
        if value
    }
    narrowed = Narrowed(
        partner=partner or None,
        cause=cause or None,
        category=category or None,
        assignee={"": None, "nobody": ""}.get(assignee, principal.id if assignee == "me" else assignee),
        opened_before=now - age if (age := AGES.get(older)) else None,
        snoozed={"": False, "only": True}.get(snoozed),
    )
    bound = ("exceptions page", asked, principal.only)
    after = decode(cursor, bound, tuple[datetime, str])
    rows = await operations.exceptions(narrowed, principal.only, after, A_PAGE + 1, now)
    if partner or principal.only is not None:
        groups = await operations.exceptions_counted(partner or None, narrowed.assignee, principal.only, now)
    else:
        groups = await Reading(hub.database).causes(narrowed.assignee, now)
    more = rows[A_PAGE - 1] if len(rows) > A_PAGE else None
    rows = rows[:A_PAGE]
    return page(
        request,
        "exceptions.html",
        groups=[
            (name, [row for row in groups if row["category"] == name])
            for name in ("business", "transport", "defect")
            if name == "business" or any(row["category"] == name for row in groups)
        ],
        rows=rows,
        asked=asked,
        query=urlencode(asked),
        filters=await Reading(hub.database).filters(principal.id),
        partners=sorted(hub.book.current.agreements) if hub.book.current else [],
        more=encode([more["opened_at"], more["id"]], bound) if more else "",
    )


def _many(given: str | list[str]) -> list[str]:
    """A field that stands once or several times in a form."""
    return [given] if isinstance(given, str) else given


def _effects(row: dict[str, Any]) -> list[str]:
    """The deliveries that an exception may be about."""
    own = [row["id"].removesuffix("/dead-letter")] if row["id"].endswith("/dead-letter") else []
    return list(dict.fromkeys([*own, *row["obligations"]]))


async def _stuck(operations: Operations, rows: Sequence[dict[str, Any]], principal: Principal) -> set[str]:
    found = await operations.deliveries_by_id([id_ for row in rows for id_ in _effects(row)], principal.only)
    return {row["id"] for row in found if row["status"] in ("dead", "refused")}


@get("/exceptions/{id_:path}", guards=[allowed(Permission.OPERATIONS_READ)])
async def one(request: Request[Any, Any, Any], hub: Hub, id_: str) -> Response[str]:
    """One exception with its history and what can be done."""
    principal, operations = request.user, Operations(hub.database)
    row = await operations.exception(id_.lstrip("/"), principal.only, hub.clock())
    if row is None:
        raise problem("not-found", "there is no such exception")
    stuck = await _stuck(operations, [row], principal)
    people = [p for p in await hub.access.people() if p["disabled_at"] is None and p["role"] != "partner"]
    return page(
        request,
        "exception.html",
        row=row,
        mark=mark_of(row),
        choices=choices(row["cause"], row["subject"]) if row["closed_at"] is None else {},
        again=[each for each in _effects(row) if each in stuck],
        people=[(f"user:{p['id']}", p["name"]) for p in people],
    )


@post("/exceptions/act", guards=[allowed(Permission.OPERATIONS_WRITE)], status_code=303)
async def do(request: Request[Any, Any, Any], hub: Hub, data: Annotated[Acting, Form]) -> Response[Any]:
    """Does what a form says about one exception or several."""
    principal: Principal = request.user
    ids = [id_ for id_ in _many(data.id) if id_][:MOST]
    note, back = data.note.strip()[:2000], here_only(data.back)
    if not ids:
        return to_page(back, "Nothing was chosen.", "warn")
    now = hub.clock()
    match data.action:
        case "assign":
            who = principal.id if data.assignee == "me" else data.assignee[:300]
            action = Action(action="assign", who=principal.id, assignee=who, note=note)
            done = f"assigned to {who.removeprefix('user:')}" if who else "given back"
        case "comment" if note:
            action, done = Action(action="comment", who=principal.id, note=note), "commented on"
        case "snooze":
            until = now + timedelta(hours=max(1, min(data.hours, 24 * 90)))
            action, done = Action(action="snooze", who=principal.id, until=until, note=note), "put off"
        case "wake":
            action, done = Action(action="wake", who=principal.id, note=note), "brought back"
        case "accept" | "decline" if note:
            accept = data.action == "accept"
            action = Action(action="decide", who=principal.id, accept=accept, note=note)
            done = (
                "accepted; it closes as soon as that is worked in"
                if accept
                else "declined; it closes as soon as that is worked in"
            )
        case _:
            return to_page(back, "Say why; it is kept with what is done.", "warn")
    for id_ in ids:
        await act(hub, principal, id_, action, data.mark or None)
    return to_page(back, f"{len(ids)} exceptions {done}." if len(ids) > 1 else f"{done[:1].upper()}{done[1:]}.")


@post("/retry", guards=[allowed(Permission.OPERATIONS_WRITE)], status_code=200)
async def again(request: Request[Any, Any, Any], hub: Hub, data: Annotated[Again, Form]) -> Response[Any]:
    """Shows what trying these again would do; and does it once that was seen."""
    ids = [id_ for id_ in _many(data.ids) if id_]
    back, operations = here_only(data.back), Operations(hub.database)
    about = [await operations.exception(id_, request.user.only, hub.clock()) for id_ in _many(data.id)[:MOST] if id_]
    stuck = await _stuck(operations, [row for row in about if row is not None], request.user)
    ids += [id_ for row in about if row is not None for id_ in _effects(row) if id_ in stuck]
    if not ids:
        return to_page(back, "None of those chosen can be tried again.", "warn")
    if data.sure:
        done = await retry_deliveries(hub, request.user, ids)
        return to_page(back, f"{len(done.queued)} queued again, {done.retried} refusals taken back.")
    rows = await preview_retry(hub, request.user, ids)
    useful = [row for row in rows if row.verdict != "nothing"]
    return page(request, "retry.html", rows=rows, ids=[row.id for row in useful], back=back)


@post("/exceptions/filters", guards=[allowed(Permission.OPERATIONS_READ)], status_code=303)
async def keep_filter(request: Request[Any, Any, Any], hub: Hub, data: Annotated[Filter, Form]) -> Response[Any]:
    """Saves a filter under a name, or forgets one."""
    reading, name = Reading(hub.database), data.name.strip()[:60]
    back = "/exceptions" + (f"?{data.query}" if data.query else "")
    if data.forget:
        await reading.drop_filter(request.user.id, data.forget)
        return to_page("/exceptions", f"The filter {data.forget} is forgotten.")
    if not name:
        return to_page(here_only(back), "A filter needs a name.", "warn")
    await reading.save_filter(request.user.id, name, data.query[:1000])
    return to_page(here_only(back), f"Saved as {plain(name)}.")


router = Router("/", route_handlers=[exceptions, one, do, again, keep_filter])
