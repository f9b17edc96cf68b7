"""Reading messages again with the present workspace, with what it would do shown before anything is done. Effects that were made are never made twice."""

from typing import Annotated, Literal

import msgspec
from litestar import Router, post

from crossdock.api.asked import Name
from crossdock.api.hub import Hub
from crossdock.api.permission import Permission, allowed
from crossdock.api.principal import Principal
from crossdock.api.problem import Problem, problem
from crossdock.facts import Fact
from crossdock.facts.codec import type_of
from crossdock.flow.fold import VersionNotRead
from crossdock.flow.replay import NotReplayable, Preview, previewed, told_again
from crossdock.store.access import Write
from crossdock.store.log import FactLog
from crossdock.store.operations import Operations

MOST = 100
"""Messages and processes in one replay."""


class Replay(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be told again: numbers of received messages, and keys of processes."""

    what: Annotated[list[Name], msgspec.Meta(min_length=1, max_length=MOST)]


class ReplayedFact(msgspec.Struct, frozen=True):
    """A fact that a replay tells. key: of the process that it is about."""

    id: str
    type: str
    key: str


class Effect(msgspec.Struct, frozen=True):
    """What would become of one effect. verdict: new, already-done (nothing would happen), conflict (a person should look first)."""

    obligation: str
    verdict: Literal["new", "already-done", "conflict"]
    detail: str


class Reached(msgspec.Struct, frozen=True):
    """How far a process has come, and would have."""

    key: str
    before: str
    after: str


class ReplayShown(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay does. new: facts that the log lacks; known: how many it has. recorded: whether it has been done."""

    recorded: bool
    new: list[ReplayedFact]
    known: int
    effects: list[Effect]
    milestones: list[Reached]


async def _shown(hub: Hub, principal: Principal, what: list[str]) -> tuple[list[Fact], Preview]:
    if principal.only is not None and not await _theirs(hub, principal.only, what):
        raise problem("not-found", "there is no such message or process")
    try:
        facts = await told_again(dict.fromkeys(what), hub.lookup, hub.systems.readers())
        try:
            return facts, await previewed(facts, hub.lookup, hub.book, hub.clock())
        except VersionNotRead:
            await hub.book.learn()
            return facts, await previewed(facts, hub.lookup, hub.book, hub.clock())
    except NotReplayable as error:
        raise problem("not-found" if error.missing else "conflict", str(error)) from None
    except LookupError as error:
        raise _nothing_applied(error) from None


async def _theirs(hub: Hub, only: str, what: list[str]) -> bool:
    operations = Operations(hub.database)
    return all(
        [
            await operations.may_see_message(int(each), only)
            if each.isascii() and each.isdigit() and len(each) < 19
            else await operations.owner(each, only) is not None
            for each in what
        ]
    )


def _nothing_applied(error: LookupError) -> Problem:
    return problem("conflict", str(error))


def _answer(shown: Preview, recorded: bool) -> ReplayShown:
    return ReplayShown(
        recorded=recorded,
        new=[ReplayedFact(fact.id, type_of(fact.data)[0], fact.key) for fact in shown.fresh],
        known=len(shown.known),
        effects=[Effect(each.obligation, each.verdict, each.detail) for each in shown.effects],  # type: ignore[arg-type]
        milestones=[Reached(key, before, after) for key, (before, after) in sorted(shown.milestones.items())],
    )


@post("/replays/preview", guards=[allowed(Permission.OPERATIONS_READ)], status_code=200, opt={"reads": True})
async def preview_replay(data: Replay, hub: Hub, principal: Principal) -> ReplayShown:
    """Preview a replay. What reading these again would do: what is new, already done, or in conflict. Nothing is done."""
    _, shown = await _shown(hub, principal, data.what)
    return _answer(shown, recorded=False)


@post("/replays", guards=[allowed(Permission.REPLAY)], status_code=200)
async def replay(data: Replay, hub: Hub, principal: Principal, write: Write) -> ReplayShown:
    """Replay. Reads these again with the present workspace, and records what is new of their facts."""
    facts, shown = await _shown(hub, principal, data.what)
    await FactLog(hub.database, hub.systems.planning()).record(facts, hub.clock())
    write.subject, write.after = ", ".join(data.what[:10]), {"new": [fact.id for fact in shown.fresh][:100]}
    return _answer(shown, recorded=True)


router = Router("/", route_handlers=[preview_replay, replay], tags=["Replay"])
