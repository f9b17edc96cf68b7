"""How long to wait before the next attempt: exponential, with jitter, never less than the other side asked for. Pure:
randomness is an argument."""


def backoff_seconds(
    attempt: int, random: float, *, first_seconds: float, factor: float, longest_seconds: float, jitter: float
) -> float:
    """Seconds to wait after attempt number `attempt` (from 1) has failed.

    The wait grows by `factor` from `first_seconds` up to `longest_seconds`; of that, the part `jitter` (0..1) is drawn
    by `random` (0..1),
    so that many deliveries that failed together do not come back together.
    """
    # Beyond some hundreds of attempts the power itself would overflow.
    growth = factor ** min(attempt - 1, 64)
    full = min(first_seconds * growth, longest_seconds)
    return full * (1 - jitter * random)
