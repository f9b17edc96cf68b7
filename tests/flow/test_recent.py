"""What a worker remembers of its last folds saves work and changes nothing: whoever else writes, and whatever was rolled back."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from play import AGREEMENT, KEY, START, Play, order, ordered, shipped

from crossdock.flow import fold as folding
from crossdock.flow.fold import Recent, fold
from crossdock.ports.log import Folded, Stored


@pytest.fixture
def story() -> Any:
    """The facts of an order from its receipt to its end."""
    play = Play().tell(order(*(ordered(str(n), 10 * n) for n in range(1, 4)))).run()
    play.tell(shipped("SHP-7", ("1", Decimal(10)), ("2", Decimal(20)), ("3", Decimal(30)))).run()
    assert play.standing.milestone == "complete"
    return [msgspec.structs.replace(fact, lane=1, position=n) for n, fact in enumerate(play.facts, 1)]


def _stored(folded: Folded) -> Stored:
    return Stored(folded.lane, folded.key, folded.state, folded.known, folded.positions, folded.created_at)


def _fold_all(story: Any, recents: list[Recent], monkeypatch: pytest.MonkeyPatch, lost: int = 0) -> list[Folded]:
    """One fact a fold, each by the next worker; every `lost`-th fold is rolled back once and done again."""
    stored: dict[str, Stored] = {}
    written = []
    for n, fact in enumerate(story):
        monkeypatch.setattr(folding, "_recent", recents[n % len(recents)])
        now = START + timedelta(minutes=n)
        (folded,) = fold([fact], stored, lambda *_: AGREEMENT, now)
        if lost and n % lost == 0:
            (folded,) = fold([fact], stored, lambda *_: AGREEMENT, now)
        stored[KEY] = _stored(folded)
        written.append(folded)
    return written


def test_what_is_remembered_changes_nothing_that_is_written(story: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    forgetful = _fold_all(story, [Recent(0)], monkeypatch)
    assert _fold_all(story, [Recent(1_000_000)], monkeypatch) == forgetful


def test_workers_that_take_turns_at_an_order_write_what_one_would(story: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    forgetful = _fold_all(story, [Recent(0)], monkeypatch)
    assert _fold_all(story, [Recent(1_000_000), Recent(1_000_000), Recent(0)], monkeypatch) == forgetful


def test_a_fold_that_was_rolled_back_is_not_taken_for_written(story: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    forgetful = _fold_all(story, [Recent(0)], monkeypatch)
    assert _fold_all(story, [Recent(1_000_000)], monkeypatch, lost=2) == forgetful


def test_no_more_is_remembered_than_is_allowed(story: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    recent = Recent(10_000)
    monkeypatch.setattr(folding, "_recent", recent)
    for n in range(50):
        again = [msgspec.structs.replace(fact, key=f"SO-{n}") for fact in story]
        fold(again, {}, lambda *_: AGREEMENT, START)
    kept = sum(len(k.state_bytes) + len(k.known_bytes) for k in recent._kept.values())
    assert 0 < kept <= 10_000
    assert "SO-49" in recent._kept and "SO-0" not in recent._kept
