"""The lineage of a process: all that belongs to it, from the raw message to the last answer, in one answer."""

from typing import Any

from crossdock.facts.codec import type_of
from crossdock.store.lookup import Lookup


async def lineage(lookup: Lookup, key: str) -> dict[str, Any]:
    """All that belongs to one process: its standing, facts, messages, obligations with their deliveries and attempts, exceptions. Empty when there is none."""
    process = await lookup.process(key)
    if process is None:
        return {}
    facts = await lookup.facts(process["lane"], process["positions"])
    obligations = await lookup.obligations_of(key)
    ids = [row["id"] for row in obligations]
    sent = await lookup.deliveries_of(key, ids)
    messages = {fact.message for fact in facts if fact.message} | {row["message"] for row in sent if row["message"]}
    return {
        "key": key,
        "process": process["process"],
        "milestone": process["milestone"],
        "summary": process["summary"],
        "facts": [
            {
                "id": fact.id,
                "type": type_of(fact.data)[0],
                "source": fact.source,
                "occurred_at": fact.occurred_at,
                "recorded_at": fact.recorded_at,
                "message": fact.message,
                "data": fact.data,
            }
            for fact in facts
        ],
        "messages": await lookup.message_heads(sorted(messages)),
        "obligations": obligations,
        "deliveries": sent,
        "attempts": await lookup.attempts_of(key, ids),
        "exceptions": await lookup.exceptions_of(key),
    }
