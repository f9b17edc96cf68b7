"""Why an obligation is not met yet, or by what it was, in words. Pure; what it waits for was said by the process itself (`blocked_by`)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

UNDER_WAY = ("queued", "sending", "unknown")


def why(owed: Mapping[str, Any], delivery: Mapping[str, Any] | None, now: datetime) -> list[str]:
    """Sentences about an obligation (`store.lookup` and `store.operations` give such rows) and the delivery that is to meet it, if there is one."""
    by, to, status = owed["debtor"], owed["creditor"], owed["status"]
    due: datetime | None = owed["due_at"]
    if status == "met":
        return [f"It is met, by {', '.join(owed['evidence']) or 'what has happened'}."]
    if status == "void":
        return ["It is no longer owed."]
    told = []
    if status == "blocked":
        told = [f"It waits for {reason}." for reason in owed["blocked_by"]]
    elif status == "refused":
        told = [
            f"{to if by == 'us' else by} refused it{_because(delivery)}. Somebody has to mend the cause and try it again."
        ]
    elif status == "waiting":
        told = [f"We wait for {by} to do it."]
    elif delivery is None:
        told = ["It can be done, and is about to be queued."]
    else:
        told = [_going(delivery)]
    if due is not None:
        told.append(
            f"It {'was' if due <= now else 'is'} due {due:%Y-%m-%d %H:%M} UTC{' and is late' if due <= now else ''}."
        )
    return told


def _going(delivery: Mapping[str, Any]) -> str:
    system, tries = delivery["system"], delivery["attempts"]
    if delivery["status"] == "dead":
        return (
            f"{system} did not take it in {tries} attempts{_because(delivery)}; it was given up and waits for a person."
        )
    if delivery["status"] == "unknown":
        return (
            f"It was sent to {system}, and nobody knows whether it was done{_because(delivery)}; it is being looked up."
        )
    if delivery["status"] in UNDER_WAY:
        again = f" after {tries} attempts{_because(delivery)}" if tries else ""
        return f"It is {'being sent' if delivery['status'] == 'sending' else 'queued'} to {system}{again}."
    return f"Its delivery to {system} is {delivery['status']}, and what that means is about to be folded."


def _because(delivery: Mapping[str, Any] | None) -> str:
    return f" ({delivery['outcome']})" if delivery is not None and delivery["outcome"] else ""
