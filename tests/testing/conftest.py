"""Counterparties that are stopped when the test is over."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hub_by_hand import Hub

from crossdock.testing import Config, Running, start


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return Hub(tmp_path)


@pytest.fixture
def begin() -> Iterator[Callable[[Sequence[Config]], Running]]:
    """`start`, with a stop at the end of the test."""
    begun: list[Running] = []

    def run(simulators: Sequence[Config]) -> Running:
        begun.append(start(simulators))
        return begun[-1]

    yield run
    for running in begun:
        running.stop()
