"""How long the pure process takes for one five-line order: evolve per fact, derive and effect per call, encode and decode, and the size of its state.

.venv/bin/python bench/process_speed.py
"""

import sys
import timeit
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "process"))
from play import AGREEMENT, Play, order, ordered, shipped

from crossdock.process import order_to_cash


def microseconds(work: Callable[[], Any], times: int = 2000) -> float:
    return min(timeit.repeat(work, number=times, repeat=5)) / times * 1e6


def main() -> None:
    lines = tuple(ordered(str(n), 10 * n) for n in range(1, 6))
    play = Play().tell(order(*lines)).run()
    released = play.state
    play.tell(
        shipped(
            "SHP-7", *((str(n), 10 * n) for n in range(1, 6)), bill_of_lading="BOL-1", pro="PRO-1", tracking=("1Z1",)
        )
    ).run()
    state, now = play.state, play.now
    print(
        f"complete: {play.standing.milestone}, {len(play.facts)} facts, {len(play.standing.obligations)} obligations, state {len(order_to_cash.encode(state))} bytes"
    )

    def fold() -> None:
        known = order_to_cash.new(play.key)
        for fact in play.facts:
            known = order_to_cash.evolve(known, fact)

    print(f"evolve     {microseconds(fold, 500) / len(play.facts):6.1f} us per fact")
    one = order_to_cash.new(play.key)
    print(f"  order    {microseconds(lambda: order_to_cash.evolve(one, play.facts[0])):6.1f} us")
    for name, known in (("released", released), ("complete", state)):
        spent = microseconds(lambda known=known: order_to_cash.derive(known, AGREEMENT, now))
        print(f"derive     {spent:6.1f} us {name}")
    for o in play.standing.obligations:
        if o.id in play.effects and o.kind != "release":
            print(
                f"  effect   {microseconds(lambda o=o: order_to_cash.effect(state, o, AGREEMENT, now), 500):6.1f} us {o.kind}"
            )
    print(f"encode     {microseconds(lambda: order_to_cash.encode(state)):6.1f} us")
    data = order_to_cash.encode(state)
    print(f"decode     {microseconds(lambda: order_to_cash.decode(data)):6.1f} us")


if __name__ == "__main__":
    main()
