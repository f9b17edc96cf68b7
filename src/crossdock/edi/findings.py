"""What a reader has to say about what it read: data problems as values with a place, out of one documented enumeration.

Code problems are exceptions; data problems never are. A finding says where (message, group, transaction, segment,
element, byte offset), what was expected, and what to do; the acknowledgements (997, TA1) are built from the same
values. `Code` is the whole list; its members carry severity, level, meaning, remedy and acknowledgement codes.
"""

import enum
from typing import Self

import msgspec


class Severity(enum.StrEnum):
    """error: the thing is refused (or the wrong part of it); warning: it is taken, and somebody is told; note: odd."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Level(enum.StrEnum):
    """Which part of a file a finding is about. `business`: the syntax is right, what it says is not."""

    FILE = "file"
    INTERCHANGE = "interchange"
    GROUP = "group"
    TRANSACTION = "transaction"
    SEGMENT = "segment"
    ELEMENT = "element"
    BUSINESS = "business"


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


class Code(enum.StrEnum):
    """Every kind of finding there is. The value is the name that people and files use.

    severity: the default; a partner's policy may soften or harden it. meaning and remedy: one sentence each.
    ta105, ak905, ak502, ak304, ak403: the code that says this in a TA1 or 997 (X12 data elements I18, 716, 718, 720,
    723), None where the acknowledgement has no word for it.
    """

    severity: Severity
    level: Level
    meaning: str
    remedy: str
    ta105: str | None
    ak905: str | None
    ak502: str | None
    ak304: str | None
    ak403: str | None

    def __new__(cls, value: str, severity: Severity, level: Level, ack: str, meaning: str, remedy: str) -> Self:
        """`ack` is a blank-separated list such as "ak304=8 ak403=7"."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.severity, member.level, member.meaning, member.remedy = severity, level, meaning, remedy
        codes = dict(pair.split("=") for pair in ack.split())
        member.ta105, member.ak905, member.ak502 = codes.get("ta105"), codes.get("ak905"), codes.get("ak502")
        member.ak304, member.ak403 = codes.get("ak304"), codes.get("ak403")
        return member

    # One code is three lines: its name in files, severity, level and acknowledgement codes; meaning; remedy.
    # fmt: off
    # the file
    UNREADABLE_BYTES = ("unreadable-bytes", Severity.ERROR, Level.FILE, "",
        "These bytes belong to no interchange.",
        "Ask the sender what they are; everything around them was read.")
    NOT_X12 = ("not-x12", Severity.ERROR, Level.FILE, "",
        "The file holds no X12 interchange header (ISA).",
        "Check that the right kind of file was sent to this channel.")
    EMPTY_FILE = ("empty-file", Severity.WARNING, Level.FILE, "",
        "The file holds nothing but blanks.",
        "Ask the sender whether a transmission was lost.")
    BYTE_ORDER_MARK = ("byte-order-mark", Severity.NOTE, Level.FILE, "",
        "The file starts with a byte order mark, which was skipped.",
        "None needed; the sender's text editor or export adds it.")
    UNTERMINATED_TAIL = ("unterminated-tail", Severity.ERROR, Level.INTERCHANGE, "ta105=023",
        "The file ends within a segment: its terminator is missing.",
        "Ask for the file again; it was probably cut off in transfer.")
    WRAPPED_LINES = ("wrapped-lines", Severity.NOTE, Level.INTERCHANGE, "",
        "Lines were broken at a fixed width without regard to segments; the breaks were left out.",
        "Switch the transfer to binary or stream mode.")
    # the interchange
    ISA_NOT_FIXED_WIDTH = ("isa-not-fixed-width", Severity.WARNING, Level.INTERCHANGE, "",
        "An ISA element does not have its fixed width; the delimiters were found by counting elements.",
        "Ask the sender to pad ISA to 106 bytes.")
    BAD_HEADER = ("bad-header", Severity.ERROR, Level.INTERCHANGE, "ta105=024",
        "An ISA that cannot be read: it has too few elements, or no usable delimiters.",
        "Ask for the file again with a right ISA.")
    BAD_DELIMITER = ("bad-delimiter", Severity.WARNING, Level.INTERCHANGE, "ta105=027",
        "A delimiter is missing, doubled, or a character that also stands in data.",
        "Agree on delimiters that never occur in data.")
    BAD_HEADER_VALUE = ("bad-header-value", Severity.WARNING, Level.INTERCHANGE, "ta105=024 ak905=6",
        "An element of an envelope header is empty or not what the standard allows there.",
        "Ask the sender to correct the header.")
    BAD_HEADER_DATE = ("bad-header-date", Severity.WARNING, Level.INTERCHANGE, "ta105=014",
        "The date or time of an envelope header does not exist.",
        "None needed for processing; tell the sender.")
    BAD_CONTROL_NUMBER = ("bad-control-number", Severity.WARNING, Level.INTERCHANGE, "ta105=018 ak905=6 ak502=7",
        "A control number is empty or not a number of the standard's length.",
        "Ask the sender to number as the standard says.")
    VERSION_UNSUPPORTED = ("version-unsupported", Severity.ERROR, Level.INTERCHANGE, "ta105=017 ak905=2",
        "The version is none that this channel reads.",
        "Agree on a version with the partner, or add a guide for this one.")
    TEST_INDICATOR = ("test-indicator", Severity.ERROR, Level.INTERCHANGE, "ta105=020",
        "ISA15 says test where production is agreed, or the other way round.",
        "Send it to the right channel, or change the channel's setting.")
    DUPLICATE_INTERCHANGE = ("duplicate-interchange", Severity.ERROR, Level.INTERCHANGE, "ta105=025",
        "An interchange of the same sender, receiver and control number was there before.",
        "Process it once; if it is new, the sender must number it anew.")
    DUPLICATE_CONTENT = ("duplicate-content", Severity.WARNING, Level.FILE, "",
        "The same bytes were received before.",
        "None needed; it is not processed again.")
    DUPLICATE_DOCUMENT = ("duplicate-document", Severity.WARNING, Level.BUSINESS, "",
        "The same business document came before under another control number.",
        "Ask the sender whether it is a resend or a change.")
    MISSING_INTERCHANGE_TRAILER = ("missing-interchange-trailer", Severity.ERROR, Level.INTERCHANGE, "ta105=023",
        "There is no IEA before the next ISA or the end of the file.",
        "Ask for the file again; it may be cut off.")
    INTERCHANGE_CONTROL_NUMBER_MISMATCH = (
        "interchange-control-number-mismatch", Severity.ERROR, Level.INTERCHANGE, "ta105=001",
        "IEA02 is not the control number of its ISA13.",
        "Ask the sender to mend its envelope.")
    GROUP_COUNT_MISMATCH = ("group-count-mismatch", Severity.ERROR, Level.INTERCHANGE, "ta105=021",
        "IEA01 is not the number of groups that are there.",
        "Check with the sender whether groups are missing.")
    MISPLACED_SEGMENT = ("misplaced-segment", Severity.ERROR, Level.INTERCHANGE, "ta105=022",
        "A segment stands where the envelope allows none, such as outside of any transaction set.",
        "Ask the sender to mend the order of the envelope.")
    EMPTY_INTERCHANGE = ("empty-interchange", Severity.NOTE, Level.INTERCHANGE, "",
        "The interchange holds neither a group nor an interchange acknowledgement.",
        "None needed; tell the sender if something was to come.")
    # the group
    MISSING_GROUP_HEADER = ("missing-group-header", Severity.ERROR, Level.GROUP, "ta105=022",
        "A transaction set or group trailer is there, but no GS before it.",
        "Ask the sender to mend its envelope.")
    MISSING_GROUP_TRAILER = ("missing-group-trailer", Severity.ERROR, Level.GROUP, "ta105=022 ak905=3",
        "There is no GE before the next group or the end of the interchange.",
        "Ask for the file again; it may be cut off.")
    GROUP_CONTROL_NUMBER_MISMATCH = ("group-control-number-mismatch", Severity.ERROR, Level.GROUP, "ak905=4",
        "GE02 is not the control number of its GS06.",
        "Ask the sender to mend its envelope.")
    TRANSACTION_COUNT_MISMATCH = ("transaction-count-mismatch", Severity.ERROR, Level.GROUP, "ak905=5",
        "GE01 is not the number of transaction sets that are there.",
        "Check with the sender whether transaction sets are missing.")
    DUPLICATE_GROUP_CONTROL_NUMBER = ("duplicate-group-control-number", Severity.ERROR, Level.GROUP, "ak905=19",
        "Two groups of an interchange have the same GS06.",
        "Ask the sender to number groups apart.")
    UNKNOWN_FUNCTIONAL_GROUP = ("unknown-functional-group", Severity.WARNING, Level.GROUP, "ak905=1",
        "GS01 does not go with the transaction sets inside.",
        "Ask the sender to correct GS01.")
    # the transaction set
    MISSING_TRANSACTION_HEADER = ("missing-transaction-header", Severity.ERROR, Level.TRANSACTION, "ak905=6",
        "A transaction set trailer (SE) is there, but no ST before it.",
        "Ask the sender to mend its envelope.")
    MISSING_TRANSACTION_TRAILER = ("missing-transaction-trailer", Severity.ERROR, Level.TRANSACTION, "ak502=2",
        "There is no SE before the next ST, the group's end or the end of the file.",
        "Ask for the transaction set again.")
    TRANSACTION_CONTROL_NUMBER_MISMATCH = (
        "transaction-control-number-mismatch", Severity.ERROR, Level.TRANSACTION, "ak502=3",
        "SE02 is not the control number of its ST02.",
        "Ask the sender to mend its envelope.")
    SEGMENT_COUNT_MISMATCH = ("segment-count-mismatch", Severity.ERROR, Level.TRANSACTION, "ak502=4",
        "SE01 is not the number of segments that are there.",
        "Check with the sender whether segments are missing.")
    DUPLICATE_TRANSACTION_CONTROL_NUMBER = (
        "duplicate-transaction-control-number", Severity.ERROR, Level.TRANSACTION, "ak502=23",
        "Two transaction sets of a group have the same ST02.",
        "Ask the sender to number transaction sets apart.")
    NO_GUIDE = ("no-guide", Severity.NOTE, Level.TRANSACTION, "",
        "There is no guide for this transaction set and version; only its envelope was checked.",
        "Add a guide to have its content read.")
    TRANSACTION_TOO_LARGE = ("transaction-too-large", Severity.ERROR, Level.TRANSACTION, "ak502=5",
        "The transaction set is larger than this reader keeps in memory; it was counted but not handed on.",
        "Raise the limit, or ask the sender to split it.")
    # segments
    UNKNOWN_SEGMENT = ("unknown-segment", Severity.ERROR, Level.SEGMENT, "ak502=5 ak304=1",
        "The segment is in no dictionary that is known here.",
        "Ask the sender, or add it to the partner's overlay.")
    UNEXPECTED_SEGMENT = ("unexpected-segment", Severity.ERROR, Level.SEGMENT, "ak502=5 ak304=6",
        "The segment is known, but has no place in this transaction set.",
        "Ask the sender, or add it to the partner's overlay.")
    SEGMENT_OUT_OF_ORDER = ("segment-out-of-order", Severity.ERROR, Level.SEGMENT, "ak502=5 ak304=7",
        "The segment belongs to this transaction set, but not at this place.",
        "Ask the sender to mend the order of segments.")
    MISSING_SEGMENT = ("missing-segment", Severity.ERROR, Level.SEGMENT, "ak502=5 ak304=3",
        "A mandatory segment is not there.",
        "Ask the sender to send it.")
    TOO_MANY_SEGMENTS = ("too-many-segments", Severity.ERROR, Level.SEGMENT, "ak502=5 ak304=5",
        "The segment is there more often than it may be.",
        "Ask the sender, or raise the maximum in the partner's overlay.")
    TOO_MANY_LOOPS = ("too-many-loops", Severity.ERROR, Level.SEGMENT, "ak502=5 ak304=4",
        "The loop is there more often than it may be.",
        "Ask the sender, or raise the maximum in the partner's overlay.")
    EMPTY_SEGMENT = ("empty-segment", Severity.NOTE, Level.SEGMENT, "",
        "A segment terminator follows another: there is nothing between them.",
        "None needed; it is not counted.")
    SEGMENT_WITHOUT_DATA = ("segment-without-data", Severity.WARNING, Level.SEGMENT, "ak502=5 ak304=8",
        "The segment holds its name and no element.",
        "Ask the sender to leave it out.")
    TRAILING_EMPTY_ELEMENTS = ("trailing-empty-elements", Severity.NOTE, Level.SEGMENT, "",
        "Empty elements stand at the end of the segment.",
        "None needed; a writer should leave them out.")
    BINARY_LENGTH = ("binary-length", Severity.ERROR, Level.SEGMENT, "ak502=5 ak304=8",
        "The length of a binary segment (BIN, BDS) is no number, or its data ends elsewhere.",
        "Ask the sender to state the length in bytes.")
    BROKEN_SYNTAX_NOTE = ("broken-syntax-note", Severity.ERROR, Level.SEGMENT, "ak502=5 ak304=8 ak403=2",
        "Elements that depend on each other are not there together as the segment's syntax notes demand.",
        "Ask the sender to send the missing element.")
    EXCLUSION_VIOLATED = ("exclusion-violated", Severity.ERROR, Level.SEGMENT, "ak502=5 ak304=8 ak403=10",
        "Two elements are there of which only one may be.",
        "Ask the sender which of the two is meant.")
    # elements
    MISSING_ELEMENT = ("missing-element", Severity.ERROR, Level.ELEMENT, "ak502=5 ak304=8 ak403=1",
        "A mandatory element is empty or not there.",
        "Ask the sender to send it.")
    TOO_MANY_ELEMENTS = ("too-many-elements", Severity.ERROR, Level.ELEMENT, "ak502=5 ak304=8 ak403=3",
        "The segment has more elements, or an element more components, than are defined.",
        "Ask the sender, or add them to the partner's overlay.")
    ELEMENT_TOO_SHORT = ("element-too-short", Severity.ERROR, Level.ELEMENT, "ak502=5 ak304=8 ak403=4",
        "The element is shorter than its minimum.",
        "Ask the sender to correct it.")
    ELEMENT_TOO_LONG = ("element-too-long", Severity.ERROR, Level.ELEMENT, "ak502=5 ak304=8 ak403=5",
        "The element is longer than its maximum.",
        "Ask the sender to shorten it, or raise the maximum in the partner's overlay.")
    BAD_CHARACTER = ("bad-character", Severity.ERROR, Level.ELEMENT, "ak502=5 ak304=8 ak403=6",
        "The element holds a character that it may not hold.",
        "Ask the sender to correct it.")
    BAD_NUMBER = ("bad-number", Severity.ERROR, Level.ELEMENT, "ak502=5 ak304=8 ak403=6",
        "The element is not a number of the declared kind.",
        "Ask the sender to correct it.")
    BAD_CODE = ("bad-code", Severity.ERROR, Level.ELEMENT, "ak502=5 ak304=8 ak403=7",
        "The code is none of those that the guide allows here.",
        "Ask the sender, or add the code to the partner's overlay.")
    BAD_DATE = ("bad-date", Severity.ERROR, Level.ELEMENT, "ak502=5 ak304=8 ak403=8",
        "The date does not exist.",
        "Ask the sender to correct it.")
    BAD_TIME = ("bad-time", Severity.ERROR, Level.ELEMENT, "ak502=5 ak304=8 ak403=9",
        "The time does not exist.",
        "Ask the sender to correct it.")
    UNMAPPED_VALUE = ("unmapped-value", Severity.NOTE, Level.ELEMENT, "",
        "The value is right, but has no place in our document; it is kept with the message.",
        "None needed, or map it in the partner's overlay.")
    # what it says
    LINE_COUNT_MISMATCH = ("line-count-mismatch", Severity.ERROR, Level.BUSINESS, "ak502=5 ak304=8 ak403=7",
        "CTT01 is not the number of lines that are there.",
        "Check with the sender whether lines are missing.")
    HASH_TOTAL_MISMATCH = ("hash-total-mismatch", Severity.ERROR, Level.BUSINESS, "ak502=5 ak304=8 ak403=7",
        "CTT02 is not the sum of the quantities that are there.",
        "Check with the sender whether lines are missing.")
    HL_PARENT_UNKNOWN = ("hl-parent-unknown", Severity.ERROR, Level.BUSINESS, "ak502=5 ak304=8 ak403=7",
        "HL02 names a parent that did not come before.",
        "Ask the sender to mend the hierarchy.")
    HL_NUMBER_REPEATED = ("hl-number-repeated", Severity.ERROR, Level.BUSINESS, "ak502=5 ak304=8 ak403=7",
        "HL01 is not unique in its transaction set.",
        "Ask the sender to mend the hierarchy.")
    HL_LEVEL_ORDER = ("hl-level-order", Severity.ERROR, Level.BUSINESS, "ak502=5 ak304=8 ak403=7",
        "A level of the hierarchy stands under one that may not hold it.",
        "Ask the sender to mend the hierarchy.")
    HL_CHILD_CODE = ("hl-child-code", Severity.WARNING, Level.BUSINESS, "ak502=5 ak304=8 ak403=7",
        "HL04 says that there are children, or none, and it is the other way round.",
        "Tell the sender; the hierarchy itself was read.")
    SSCC_CHECK_DIGIT = ("sscc-check-digit", Severity.ERROR, Level.BUSINESS, "ak502=5 ak304=8 ak403=7",
        "The check digit of an SSCC-18 is wrong.",
        "Ask the sender; the carton would not scan.")
    SSCC_LENGTH = ("sscc-length", Severity.ERROR, Level.BUSINESS, "ak502=5 ak304=8 ak403=7",
        "An SSCC-18 does not have 18 digits (or 20 with its application identifier).",
        "Ask the sender; the carton would not scan.")
    GTIN_CHECK_DIGIT = ("gtin-check-digit", Severity.WARNING, Level.BUSINESS, "ak502=5 ak304=8 ak403=7",
        "The check digit of a GTIN is wrong.",
        "Ask the sender; the item may be mistyped.")
    DOCUMENT_INCOMPLETE = ("document-incomplete", Severity.ERROR, Level.BUSINESS, "",
        "The document lacks what our side needs to act on it.",
        "Ask the sender for what is missing.")
    # fmt: on


class Finding(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One thing that is wrong or odd. `message` has its place in it: "SE-01 says 41 segments, 38 are there".

    severity is the code's default unless the reader knew better (a control number that lacks its leading zeros is but a
    warning). expected and found are the values as they stood in the file or were counted; empty where there is no pair.
    """

    code: Code
    severity: Severity
    message: str
    place: Place
    expected: str = ""
    found: str = ""


def find(
    code: Code,
    message: str,
    place: Place,
    *,
    expected: object = "",
    found: object = "",
    severity: Severity | None = None,
) -> Finding:
    """A finding with its code's default severity."""
    return Finding(code, severity or code.severity, message, place, str(expected), str(found))


def errors(findings: tuple[Finding, ...] | list[Finding]) -> list[Finding]:
    """Those that refuse what they are about."""
    return [finding for finding in findings if finding.severity is Severity.ERROR]
