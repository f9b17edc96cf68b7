"""When a webhook is told again: a schedule over three days, and when it is given up. Pure: randomness is an argument."""

SCHEDULE_SECONDS = (5.0, 300.0, 1800.0, 7200.0, 18000.0, 36000.0, 50400.0, 72000.0, 86400.0)
"""How long after each failed attempt the next is made; after one more it has failed."""

ATTEMPTS = len(SCHEDULE_SECONDS) + 1
JITTER = 0.2
LONGEST_SECONDS = 86400.0
"""A receiver may ask to be left alone (Retry-After) for so long at the most."""

GONE = 410


def retry_seconds(attempt: int, random: float, asked_seconds: float | None = None) -> float | None:
    """Seconds from the failed `attempt` (from 1) to the next; None when there is none. Up to a fifth longer by `random` (0..1), so that what failed together does not
    come back together; never sooner than the receiver asked."""
    if attempt >= ATTEMPTS:
        return None
    planned = SCHEDULE_SECONDS[attempt - 1] * (1 + JITTER * random)
    return max(planned, min(asked_seconds or 0.0, LONGEST_SECONDS))
