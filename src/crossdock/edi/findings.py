"""What a reader has to say about what it read: data problems as values with a place, out of one documented enumeration.

Code problems are exceptions; data problems never are. A finding says where (message, group, transaction, segment,
element, byte offset), what was expected, and what to do; the acknowledgements (997, TA1) are built from the same values.
"""

import enum

import msgspec


class Severity(enum.StrEnum):
    """error: the thing is refused (or the part of it that is wrong); warning: it is taken, and somebody should know; note: odd, but allowed."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Place(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Where in a file. Positions count from 1 as the standards do; `offset` counts bytes of the file from 0.

    segment_position: the segment's place in its transaction set (ST is 1), as AK3-02 wants it.
    element, component, repetition: positions within the segment; 0 when the finding is about the whole segment.
    """

    offset: int = 0
    length: int = 0
    interchange: str = ""
    group: str = ""
    transaction: str = ""
    transaction_set: str = ""
    segment: str = ""
    segment_position: int = 0
    element: int = 0
    component: int = 0
    repetition: int = 0
    loop: str = ""
    data_element: str = ""
