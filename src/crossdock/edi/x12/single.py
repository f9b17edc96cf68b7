"""A file of one interchange with one transaction set, which is what most files are, indexed in one go instead of by a walk.

Only what is right in everything is read here, and only behind an ISA that the walk has found no fault with before, but for date, time and number. All
else is None, and the walk's: whether a file is read here or there makes no difference but the time it takes.
"""

from crossdock.edi.x12.delimiters import ISA_LENGTH, WIDTHS, Delimiters
from crossdock.edi.x12.envelope import Group, Index, Interchange, Transaction
from crossdock.edi.x12.envelope_pattern import envelope_pattern
from crossdock.edi.x12.headers import FUNCTIONAL_IDS, real_date, real_time

REMEMBERED = 1000
"""Kinds of ISA at most: partners, each with its separators and line breaks."""

_known: dict[bytes, Delimiters] = {}


def _kind(data: bytes) -> bytes:
    """What does not change from one ISA of a sender to the next, with the terminator and what comes behind it."""
    return data[:70] + data[81:90] + data[99 : ISA_LENGTH + 2]


def learn(data: bytes, found: Index) -> None:
    """Remembers the ISA of a file in which the walk found no fault."""
    if found.findings or found.unreadable or len(found.interchanges) != 1:
        return
    interchange = found.interchanges[0]
    header, delimiters = interchange.header, interchange.delimiters
    widths = tuple(map(len, header.split(delimiters.element)[1:]))
    if interchange.start or delimiters.wrapped or widths != WIDTHS or len(delimiters.segment) != 1:
        return
    if len(_known) >= REMEMBERED:
        _known.clear()
    _known[_kind(data)] = delimiters


def single(data: bytes) -> Index | None:
    """The index of `data`, if it is such a file."""
    delimiters = _known.get(_kind(data))
    if delimiters is None:
        return None
    element, end, line_break = delimiters.element, delimiters.segment, delimiters.line_break
    isa = data[: ISA_LENGTH - 1]
    control = isa[90:99]
    if isa[76:77] != element or not (control.isdigit() and real_date(isa[70:76]) and real_time(isa[77:81])):
        return None
    group_at = ISA_LENGTH + len(line_break)
    group_end = data.find(end, group_at)
    gs = data[group_at:group_end].split(element)
    if len(gs) != 9 or gs[0] != b"GS" or group_end < 0:
        return None
    functional_id, number, version = gs[1], gs[6], gs[8]
    if not (number.isdigit() and len(number) <= 9 and real_date(gs[4]) and real_time(gs[5])):
        return None
    at = group_end + 1 + len(line_break)
    header_end = data.find(end, at)
    if data.find(b"ISA", group_at, header_end) >= 0:  # perhaps an interchange that begins in the midst of another
        return None
    name, _, rest = data[at:header_end].partition(element)
    set_id, _, transaction = rest.partition(element)
    if name != b"ST" or not data.startswith(line_break, group_end + 1):
        return None
    if not (set_id.isalnum() and transaction.isalnum()):
        return None
    if FUNCTIONAL_IDS.get(set_id, functional_id) != functional_id or version != version.strip():
        return None
    stop = len(data) - len(line_break) if line_break and data.endswith(line_break) else len(data)
    count = data.count(end, at, stop) - 2
    se = b"%bSE%b%d%b%b" % (line_break, element, count, element, transaction)
    ge = b"%bGE%b1%b%b" % (line_break, element, element, number)
    iea = b"%bIEA%b1%b%b" % (line_break, element, element, control)
    trailers = end.join((b"", se, ge, iea, b""))
    if not data.endswith(trailers, header_end, stop):
        return None
    within = envelope_pattern(end, element).search(data, header_end)
    if within is None or within.start() != stop - len(trailers):
        return None
    ends_at = stop - len(iea) - 1
    words = set_id.decode("latin-1"), transaction.decode("latin-1"), version.decode("latin-1")
    told = Transaction(*words, at, ends_at - len(ge) - 1, count)
    group = Group(data[group_at:group_end], element, (told,), 1, group_at, ends_at)
    return Index((Interchange(isa, delimiters, (group,), (), 1, 0, stop),), (), len(data), ())
