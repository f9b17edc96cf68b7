"""`Prefer` (RFC 7240): how long a caller waits for an answer (`wait=N`), and whether an order with faults is to be taken all the same."""

import re

import msgspec

LONGEST_WAIT_SECONDS = 30.0
WAIT_SECONDS = 2.0

_WAIT = re.compile(r"\d{1,6}")


class Preferences(msgspec.Struct, frozen=True):
    """wait_seconds: for the answer of systems that must be asked. lenient: an order with lines that nobody understands is kept for people to mend, not refused."""

    wait_seconds: float = WAIT_SECONDS
    lenient: bool = False
    applied: tuple[str, ...] = ()

    @property
    def headers(self) -> dict[str, str]:
        """What of it is honoured."""
        return {"Preference-Applied": ", ".join(self.applied)} if self.applied else {}


def preferences(header: str | None) -> Preferences:
    """What a `Prefer` header asks for; what it asks besides is passed over, as the standard has it."""
    wait, lenient, applied = WAIT_SECONDS, False, []
    for each in (header or "").split(","):
        name, _, value = (part.strip().lower() for part in each.partition(";")[0].partition("="))
        if name == "wait" and _WAIT.fullmatch(value):
            wait = min(float(value), LONGEST_WAIT_SECONDS)
            applied.append(f"wait={wait:g}")
        elif name == "handling" and value in ("lenient", "strict"):
            lenient = value == "lenient"
            applied.append(f"handling={value}")
    return Preferences(wait, lenient, tuple(applied))
