"""W3C Trace Context: the caller's trace is taken, or one is begun, and goes on in the answer, the log and what is recorded."""

import random
import re

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")


def traceparent_of(given: str | None) -> str:
    """The `traceparent` of our part of the work: in the caller's trace where it sent a well-formed one, else in a new one that is not sampled."""
    span = f"{random.getrandbits(64) or 1:016x}"
    if given is not None and _TRACEPARENT.fullmatch(given):
        return f"00-{given[3:35]}-{span}-{given[53:55]}"
    return f"00-{random.getrandbits(128) or 1:032x}-{span}-00"


def trace_id(traceparent: str) -> str:
    """The id that all parts of the work share."""
    return traceparent[3:35]
