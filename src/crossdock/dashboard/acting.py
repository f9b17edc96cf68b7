"""What people do from a page: the same verbs that the API and the command line use, each with a line in the audit log. No rule of its own.

Every function takes who does it, and has been allowed by the route's guard before.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from crossdock.api.hub import Hub
from crossdock.api.principal import Principal
from crossdock.api.problem import problem
from crossdock.flow.decide import decided
from crossdock.flow.replay import NotReplayable, Preview, previewed, told_again
from crossdock.flow.resubmit import replaced
from crossdock.flow.retry import Retriable, Retried, retry
from crossdock.flow.retry import previewed as retry_previewed
from crossdock.process.order_to_cash.deciding import choices
from crossdock.store.inbox import MessageInbox
from crossdock.store.log import FactLog
from crossdock.store.operations import Action, Changed, Operations
from crossdock.store.outbox import DeliveryOutbox

MOST = 500
"""So many things are acted on together, at most."""


async def note(hub: Hub, who: Principal, what: str, subject: str, before: Any = None, after: Any = None) -> None:
    """A line of the audit log."""
    now = hub.clock()
    await hub.access.note(now, who.id, who.name, who.role, f"dashboard: {what}", subject, before=before, after=after)


async def act(hub: Hub, who: Principal, id_: str, action: Action, seen: str | None = None) -> None:
    """Assigns, comments, snoozes, wakes or decides. Raises Problem where there is no such exception, it was changed meanwhile, or it can't be decided so."""
    now = hub.clock()

    def told(row: dict[str, Any]) -> Sequence[Any]:
        if action.action != "decide":
            return ()
        verdict = "accept" if action.accept else "decline"
        if row["closed_at"] is not None or verdict not in choices(row["cause"], row["subject"]):
            raise problem("conflict", f"{row['cause']} is not closed by that: {row['action']}")
        return [decided(row, bool(action.accept), who.id, action.note, now)]

    try:
        before, after = await Operations(hub.database).act(id_, action, who.only, now, seen, told)
    except KeyError:
        raise problem("not-found", "there is no such exception") from None
    except Changed:
        raise problem("changed-meanwhile", "somebody has done something about it since; look again") from None
    shown = ("assignee", "snoozed_until", "closed_at")
    await note(
        hub,
        who,
        action.action,
        id_,
        {name: before[name] for name in shown},
        {**{name: after[name] for name in shown}, "accept": action.accept, "note": action.note},
    )


async def preview_retry(hub: Hub, who: Principal, ids: Sequence[str]) -> list[Retriable]:
    """What a retry of these deliveries would do."""
    chosen = list(ids)[:MOST]
    return retry_previewed(chosen, await Operations(hub.database).deliveries_by_id(chosen, who.only))


async def retry_deliveries(hub: Hub, who: Principal, ids: Sequence[str]) -> Retried:
    """Takes up dead letters and takes back refusals."""
    seen = {row["id"] for row in await Operations(hub.database).deliveries_by_id(list(ids)[:MOST], who.only)}
    chosen = [id_ for id_ in ids if id_ in seen]
    done = await retry(
        hub.lookup, DeliveryOutbox(hub.database), FactLog(hub.database), chosen, None, who.id, hub.clock()
    )
    for id_ in chosen:
        await note(hub, who, "retry", id_, None, {"queued": id_ in done.queued})
    return done


async def read_again(hub: Hub, who: Principal, ids: Sequence[int]) -> int:
    """Has held messages read again; gives how many."""
    done = await MessageInbox(hub.database).read_again(list(ids))
    for id_ in ids:
        await note(hub, who, "read again", f"message:{id_}")
    return done


async def resubmit(hub: Hub, who: Principal, id_: int, text: bytes, reason: str, readings: int | None = None) -> int:
    """Puts an edit in the place of a held message, whose bytes are kept beside it; gives the edit's number."""
    now: datetime = hub.clock()
    try:
        number = await Operations(hub.database).resubmit(
            id_,
            text,
            who.id,
            reason,
            now,
            lambda original, keys, edit: replaced(original, keys, edit, who.id, reason, now),
            readings,
        )
    except KeyError:
        raise problem("not-found", "there is no such message that came in") from None
    except Changed as changed:
        raise problem("conflict", f"only a held message can be mended; it is {changed} by now") from None
    await note(hub, who, "resubmit", f"message:{id_}", {"status": "held"}, {"by": number, "reason": reason})
    return number


async def replay(hub: Hub, who: Principal, what: Sequence[str], only_preview: bool) -> Preview:
    """What reading messages again (or telling a process's facts again) would do; and does it, unless it is only a preview. Raises Problem for what can't be."""
    try:
        facts = await told_again(what, hub.lookup, hub.systems.readers())
    except NotReplayable as reason:
        raise problem("not-found" if reason.missing else "conflict", str(reason)) from None
    now = hub.clock()
    shown = await previewed(facts, hub.lookup, hub.book, now)
    if not only_preview:
        await FactLog(hub.database).record(facts, now)
        await note(hub, who, "replay", ",".join(what)[:200], None, {"facts": len(shown.fresh)})
    return shown
