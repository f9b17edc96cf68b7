"""Rates, breakers and back-off over simulated time."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.ports.outbound import Accepted, Later, Outcome, Pace, Pacing, Refused, Unknown
from crossdock.run.backoff import backoff_seconds
from crossdock.run.breaker import Breaker
from crossdock.run.pacing import SystemPacing
from crossdock.run.throttle import TokenBucket

steps = st.lists(st.floats(0, 3, allow_subnormal=False), min_size=1, max_size=80)
rates = st.floats(0.1, 50)
bursts = st.integers(1, 20)


@given(steps, rates, bursts)
def test_over_any_window_no_more_goes_out_than_the_burst_and_the_rate_allow(
    steps: list[float], rate: float, burst: int
) -> None:
    bucket = TokenBucket.full(rate, burst, 0)
    now, sent = 0.0, []
    for step in steps:
        now += step
        while bucket.available(now) >= 1:
            bucket = bucket.take(now)
            sent.append(now)
    for first, start in enumerate(sent):
        for last in range(first, len(sent)):
            assert last - first + 1 <= burst + rate * (sent[last] - start) + 1e-6


@given(steps, rates, bursts)
def test_whoever_waits_as_long_as_told_gets_a_token(steps: list[float], rate: float, burst: int) -> None:
    bucket, now = TokenBucket.full(rate, burst, 0), 0.0
    for step in steps:
        now += step
        bucket = bucket.take(now + bucket.wait_seconds(now))
        now += bucket.wait_seconds(now)
        assert bucket.available(now) >= 1


def test_a_rate_is_used_up_and_a_missing_one_is_no_limit() -> None:
    bucket, sent = TokenBucket.full(10, 3, 0), 0
    for tick in range(1001):
        while bucket.available(tick / 100) >= 1:
            bucket, sent = bucket.take(tick / 100), sent + 1
    assert sent == 3 + 100
    assert TokenBucket.full(None, 1, 0).take(0).available(0) == math.inf


def test_a_clock_that_goes_back_earns_nothing() -> None:
    bucket = TokenBucket.full(1, 1, 100).take(100)
    assert bucket.available(50) == 0
    assert bucket.take(50).at_seconds == 100


@given(st.integers(1, 10_000), st.floats(0, 1), st.floats(0, 1))
def test_backing_off_grows_up_to_the_longest_and_jitter_only_shortens(
    attempt: int, random: float, jitter: float
) -> None:
    settings = {"first_seconds": 0.5, "factor": 2.0, "longest_seconds": 300.0}
    full = backoff_seconds(attempt, 0, jitter=jitter, **settings)
    assert full == min(0.5 * 2 ** min(attempt - 1, 64), 300)
    assert full * (1 - jitter) - 1e-9 <= backoff_seconds(attempt, random, jitter=jitter, **settings) <= full


def opened(limit: int = 3) -> Breaker:
    breaker = Breaker(limit=limit, open_seconds=5)
    for _ in range(limit):
        breaker = breaker.begin(0).end(True, 0)
    return breaker


def test_the_circuit_opens_after_failures_in_a_row_only() -> None:
    breaker = Breaker(limit=3, open_seconds=5)
    for failed in (True, True, False, True, True):
        breaker = breaker.begin(0).end(failed, 0)
    assert breaker.state(0) == "closed"
    assert breaker.begin(0).end(True, 0).state(0) == "open"


def test_an_open_circuit_lets_one_probe_through_which_decides() -> None:
    breaker = opened()
    assert breaker.may_begin(4.9) == 0
    assert breaker.wait_seconds(1) == 4
    assert (breaker.state(5), breaker.may_begin(5)) == ("half-open", 1)
    probing = breaker.begin(5)
    assert (probing.state(5), probing.may_begin(5)) == ("half-open", 0)
    assert probing.end(False, 6).may_begin(6) is None
    assert probing.end(True, 6).may_begin(10.9) == 0
    assert probing.end(True, 6).may_begin(11) == 1


def test_the_probe_waits_for_what_was_under_way_before() -> None:
    breaker = Breaker(limit=1, open_seconds=5).begin(0).begin(0).end(True, 0)
    assert breaker.may_begin(100) == 0
    assert breaker.end(False, 100).may_begin(100) == 1, "an old success is no probe"


events = st.lists(st.tuples(st.floats(0, 4), st.booleans(), st.booleans()), max_size=150)


@given(events, st.integers(1, 4))
def test_while_the_circuit_is_not_closed_never_more_than_one_is_under_way_that_began_since(
    events: list[tuple[float, bool, bool]], limit: int
) -> None:
    breaker, now, begun_since_open = Breaker(limit=limit, open_seconds=5), 0.0, 0
    for step, ends, failed in events:
        now += step
        if ends and breaker.under_way:
            breaker = breaker.end(failed, now)
            begun_since_open = max(0, begun_since_open - 1) if breaker.open_until_seconds is not None else 0
        elif breaker.may_begin(now) != 0:
            closed = breaker.state(now) == "closed"
            breaker = breaker.begin(now)
            begun_since_open = 0 if closed else begun_since_open + 1
        assert begun_since_open <= 1


def pacing(**settings: object) -> SystemPacing:
    return SystemPacing(Pace(**settings), lambda: 0.5, 0)  # type: ignore[arg-type]


def test_it_is_the_pacing_that_a_dispatcher_asks() -> None:
    asked: Pacing = pacing()
    assert asked.allowance(0) > 0
    assert asked.breaker == "closed"


def test_retry_after_shuts_the_door_and_leaves_the_breaker_alone() -> None:
    system = pacing(breaker_failures=1)
    system.begin(0)
    system.end(Later("429", "429", 7), 0)
    assert (system.allowance(6.9), system.wait_seconds(1), system.breaker) == (0, 6, "closed")
    assert system.allowance(7) > 0


@pytest.mark.parametrize(
    ("outcome", "state"),
    [(Later("x"), "open"), (Unknown("x"), "open"), (Refused("x"), "closed"), (Accepted(), "closed")],
)
def test_what_counts_as_a_failure(outcome: Outcome, state: str) -> None:
    system = pacing(breaker_failures=1)
    system.begin(0)
    system.end(outcome, 0)
    assert system.breaker == state


def test_one_probe_is_allowed_after_the_circuits_time() -> None:
    system = pacing(breaker_failures=1, breaker_seconds=5)
    system.begin(0)
    system.end(Unknown("x"), 0)
    assert (system.allowance(4), system.wait_seconds(4)) == (0, 1)
    assert system.allowance(5) == 1
    system.begin(5)
    assert (system.allowance(5), system.breaker) == (0, "half-open")
    system.end(Accepted(), 6)
    assert system.allowance(6) > 1


def test_the_next_attempt_is_never_before_the_time_that_was_asked_for() -> None:
    system = pacing(attempts=3, first_retry_seconds=1, jitter=0.3)
    assert system.retry_seconds(1, Later("x")) == pytest.approx(0.85)
    assert system.retry_seconds(2, Unknown("x")) == pytest.approx(1.7)
    asked = system.retry_seconds(1, Later("x", "429", 30))
    assert asked is not None
    assert asked >= 30
    assert system.retry_seconds(3, Later("x")) is None
    assert system.retry_seconds(1, Refused("x")) is None
    assert system.retry_seconds(1, Accepted()) is None


@given(
    st.lists(
        st.tuples(st.floats(0, 2), st.sampled_from([Accepted(), Later("x"), Later("x", "", 1.5), Unknown("x")])),
        max_size=60,
    )
)
def test_whoever_waits_as_long_as_told_may_begin(events: list[tuple[float, Outcome]]) -> None:
    system, now = pacing(rate_per_second=5, burst=2, breaker_failures=3, breaker_seconds=2), 0.0
    for step, outcome in events:
        now += step
        now += system.wait_seconds(now) + 1e-9
        assert system.allowance(now) >= 1
        system.begin(now)
        system.end(outcome, now)
