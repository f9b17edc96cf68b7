"""Why it is not done yet, in words; and what a retry would do, before it does it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crossdock.flow.retry import previewed
from crossdock.flow.why import why

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def owed(status: str, **more: Any) -> dict[str, Any]:
    """An obligation of ours to the ERP."""
    said = {"debtor": "us", "creditor": "erp", "status": status, "due_at": None, "blocked_by": [], "evidence": []}
    return {**said, **more}


def sent(status: str, **more: Any) -> dict[str, Any]:
    """The delivery that is to meet it."""
    return {
        "id": "SO-1/x",
        "system": "erp",
        "status": status,
        "attempts": 3,
        "outcome": "HTTP 503",
        "uncertain": False,
        **more,
    }


@pytest.mark.parametrize(
    ("obligation", "delivery", "said"),
    [
        (owed("blocked", blocked_by=["credit: not answered", "hold: x"]), None, ["It waits for credit: not answered.", "It waits for hold: x."]),
        (owed("ready"), None, ["It can be done, and is about to be queued."]),
        (owed("ready"), sent("queued"), ["It is queued to erp after 3 attempts (HTTP 503)."]),
        (owed("ready"), sent("sending", attempts=0), ["It is being sent to erp."]),
        (owed("ready"), sent("dead"), ["erp did not take it in 3 attempts (HTTP 503); it was given up and waits for a person."]),
        (owed("refused"), sent("refused", outcome="no such item"), ["erp refused it (no such item). Somebody has to mend the cause and try it again."]),
        (owed("waiting", debtor="acme", creditor="us"), None, ["We wait for acme to do it."]),
        (owed("met", evidence=["erp:1"]), None, ["It is met, by erp:1."]),
        (owed("void"), None, ["It is no longer owed."]),
    ],
)  # fmt: skip
def test_it_is_said_in_words(obligation: dict[str, Any], delivery: dict[str, Any] | None, said: list[str]) -> None:
    assert why(obligation, delivery, NOW) == said


def test_what_is_late_is_said_to_be() -> None:
    assert (
        why(owed("ready", due_at=NOW - timedelta(hours=1)), None, NOW)[-1]
        == "It was due 2026-03-02 08:00 UTC and is late."
    )
    assert why(owed("ready", due_at=NOW + timedelta(hours=1)), None, NOW)[-1] == "It is due 2026-03-02 10:00 UTC."


def test_a_retry_looks_up_what_nobody_knows_and_sends_what_surely_was_not_done() -> None:
    rows = [
        sent("dead", id="a"),
        sent("dead", id="b", uncertain=True),
        sent("refused", id="c"),
        sent("accepted", id="d"),
    ]
    ids = ["a", "b", "c", "d", "e", "a"]
    shown = {each.id: each.verdict for each in previewed(ids, rows)}
    assert shown == {"a": "send", "b": "look-up", "c": "take-back", "d": "nothing", "e": "nothing"}
    assert {each.id: each.verdict for each in previewed(ids, rows, force=True)}["b"] == "send"
