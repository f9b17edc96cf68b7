"""The one pattern that finds the envelope segments of X12, compiled for an interchange's delimiters."""

import re
from functools import lru_cache

NAMES = ("", "SE", "GE", "IEA", "ISA", "GS", "ST")
"""The envelope segments in their usual order; the position is the group of the pattern that holds their elements."""


@lru_cache(maxsize=64)
def envelope_pattern(segment: bytes, element: bytes) -> re.Pattern[bytes]:
    """Matches one run of envelope segments in their usual order, starting with the terminator before it.

    Groups: the elements of SE, GE, IEA, ISA, GS, ST, and the name of a binary segment. A match without any of them is an
    empty segment.
    """
    end, sep = re.escape(segment), re.escape(element)
    blank = b"[" + b"".join(re.escape(bytes([each])) for each in b" \t\r\n" if bytes([each]) != segment) + b"]*+"
    # Not possessive where a group is repeated: CPython before 3.11.5 then runs past the terminator (gh-100061).
    rest = b"([^" + end + b"]*+)" if len(segment) == 1 else b"((?:(?!" + end + b").)*)"
    parts = [
        b"(?:" + (b"" if name == "SE" else b"(?:" + end + b")?") + blank + name.encode() + sep + rest + b")?"
        for name in NAMES[1:]
    ]
    stop = b"(?=" + blank + b"(?:" + end + b"|(?:S[TE]|G[SE]|I[SE]A|BIN|BDS)" + sep + b"))"
    binary = b"(?:" + blank + b"(BIN|BDS)(?=" + sep + b"))?"
    return re.compile(end + stop + b"".join(parts) + binary, re.DOTALL)


def first_envelope(match: re.Match[bytes], element: bytes) -> int:
    """Where the first envelope segment of a match starts that is not SE."""
    number = next(number for number in range(2, 7) if match.start(number) >= 0)
    return match.start(number) - len(NAMES[number]) - len(element)
