"""A small year with faults, through the real books: each planted difference is found and named, and none is raised where none was planted."""

import pytest

from crossdock.store.database import Database
from crossdock.testing.reconciled_year import run
from crossdock.testing.year import Size, Year

SMALL = Size(items=300, days=40, moves=40, faults=1.2)


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_small_year_is_reconciled(database: Database, seed: int) -> None:
    score = await run(database, Year(seed, SMALL))
    assert score.planted >= 20
    assert score.compared >= 3 * SMALL.days
    assert score.missed == []
    assert score.raised == []
    assert score.named >= 0.9 * score.planted, score.misnamed


def test_the_same_seed_is_the_same_year() -> None:
    first, again, other = (list(Year(seed, Size(items=50, days=3, moves=20)).days()) for seed in (1, 1, 2))
    assert first == again
    assert first != other
