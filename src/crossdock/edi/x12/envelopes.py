"""The envelopes that are open while X12 is read, and what is said when one opens, closes as it should, or is lost.

Offsets within the data at hand come in, offsets in the file go out. How the segments are found is the walk's business.
"""

import msgspec

from crossdock.edi.findings import Code, Finding, Place, Severity, find
from crossdock.edi.x12.control import ControlNumbers, at_element, check_trailer, text
from crossdock.edi.x12.delimiters import Delimiters, Opening
from crossdock.edi.x12.envelope import Interchange, Span, Transaction
from crossdock.edi.x12.headers import (
    FUNCTIONAL_IDS,
    check_group_header,
    check_interchange_header,
    real_date,
    real_time,
    strict_header,
    tidied,
)
from crossdock.edi.x12.opened import OpenGroup, OpenInterchange, OpenTransaction


class HeaderWithin(Exception):
    """A new interchange begins in the midst of a segment, at offset `at`: the one before was cut off."""

    def __init__(self, at: int) -> None:
        self.at = at


class Envelopes:
    """What is open, and what was found so far."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.interchanges: list[Interchange] = []
        self.unreadable: list[Span] = []
        self._interchange: OpenInterchange | None = None
        self._group: OpenGroup | None = None
        self._transaction: OpenTransaction | None = None
        # The data at hand, its offset in the file, and the terminator of the last segment that was dealt with.
        self._data, self._base, self._last = b"", 0, 0
        # What comes again and again: names of transaction sets by functional id, values, dates with times, and for each
        # sender and receiver the interchange numbers seen, found also by what does not change in an ISA of theirs.
        self._names: dict[bytes, dict[bytes, str]] = {}
        self._words: dict[bytes, str] = {}
        self._moments: set[bytes] = set()
        self._numbers: dict[tuple[bytes, ...], ControlNumbers] = {}
        self._alike: dict[bytes, ControlNumbers] = {}
        self._alike_delimiters: Delimiters | None = None
        self._met_any = False

    def _open_interchange(self, opening: Opening, start: int) -> None:
        delimiters = opening.delimiters
        values = tidied(opening.raw, delimiters.element)
        place = Place(offset=start, length=len(opening.raw), interchange=values[13].decode("latin-1"), segment="ISA")
        self.findings += check_interchange_header(opening, values, place)
        numbers = self._numbers.setdefault(tuple(values[5:9]), ControlNumbers())
        self._begin(opening.raw, delimiters, values[13], start, numbers)
        if opening.fixed:
            if delimiters != self._alike_delimiters:
                self._alike_delimiters, self._alike = delimiters, {}
            if len(opening.raw) == 105:
                self._alike[_kind(opening.raw)] = numbers

    def _open_alike(self, start: int, end: int, delimiters: Delimiters) -> bool:
        """Open an ISA that differs from an earlier one in date, time and number only; False if it is another kind."""
        begin = start - 3 - len(delimiters.element)
        raw = self._data[begin:end]
        numbers = self._alike.get(_kind(raw)) if delimiters == self._alike_delimiters else None
        if numbers is None or end == len(self._data) or len(raw) != 105 or raw[76:77] != delimiters.element:
            return False
        if not (real_date(raw[70:76]) and real_time(raw[77:81]) and raw[90:99].isdigit()):
            return False
        self._moments.add(raw[70:81])
        self._begin(raw, delimiters, raw[90:99], self._base + begin, numbers)
        self._last = end
        return True

    def _begin(self, raw: bytes, delimiters: Delimiters, control: bytes, start: int, numbers: ControlNumbers) -> None:
        self._met_any = True
        self._interchange = OpenInterchange(raw, delimiters, control, start)
        if numbers.seen(control):
            self._doubled_interchange(control, start)

    def _doubled_interchange(self, control: bytes, start: int) -> None:
        number = text(control)
        message = f"ISA-13 {number} came before in this file from the same sender to the same receiver"
        place = Place(offset=start, interchange=number, segment="ISA", element=13)
        self.findings.append(find(Code.DUPLICATE_INTERCHANGE, message, place, found=number))

    def _open_group(self, gs: bytes, start: int, end: int) -> None:
        opened = self._opened
        start -= 2 + len(opened.delimiters.element)
        if b"ISA" in gs:
            self._look_for_header(start, end)
        if self._group is not None:
            self._look_for_header(self._last, start)
            self._lose_group(start)
        header = self._data[start:end]
        values = header.split(opened.delimiters.element)
        group = self._group = self._new_group(header, values, opened.delimiters.element, start)
        self._last = end
        if not self._usual_group(values[1:]):
            self.findings += check_group_header(values, self._place(start, end, "GS"))
        if group.control in opened.numbers:
            number = text(group.control)
            message = f"GS-06 {number} came before in this interchange"
            place = at_element(self._place(start, end, "GS"), 6)
            self.findings.append(find(Code.DUPLICATE_GROUP_CONTROL_NUMBER, message, place, found=number))
        opened.numbers.add(group.control)

    def _usual_group(self, values: list[bytes]) -> bool:
        """Whether the eight elements of a GS are as the standard wants them."""
        if len(values) != 8 or not values[5].isdigit() or len(values[5]) > 9:
            return False
        moment = values[3] + values[4]
        if moment not in self._moments:
            if not (real_date(values[3]) and real_time(values[4])):
                return False
            self._moments.add(moment)
        return True

    def _new_group(self, header: bytes, values: list[bytes], element: bytes, start: int) -> OpenGroup:
        functional_id, control, version = (
            values[number].strip() if len(values) > number else b"" for number in (1, 6, 8)
        )
        names = self._names.setdefault(functional_id, {})
        return OpenGroup(header, element, functional_id, control, self._word(version), names, self._base + start)

    def _word(self, raw: bytes) -> str:
        """Text of a value that comes again and again, kept once."""
        word = self._words.get(raw)
        if word is None:
            word = self._words[raw] = raw.decode("latin-1")
        return word

    def _open_transaction(self, st: bytes, start: int, end: int) -> None:
        start -= 2 + len(self._opened.delimiters.element)
        if self._group is None:
            self._group = self._new_group(b"", [], self._opened.delimiters.element, start)
            message = "A transaction set is there, but no GS before it"
            self.findings.append(find(Code.MISSING_GROUP_HEADER, message, self._place(start, end, "ST")))
        self._transaction = OpenTransaction(st, self._base + start, start, len(self.findings))
        self._last = end

    def _close_transaction(self, se: bytes, start: int, end: int) -> None:
        transaction, group, delimiters = self._transaction, self._group, self._opened.delimiters
        element = delimiters.element
        if transaction is None or group is None:
            self._stray("SE", start, end)
            return
        set_id, _, control = transaction.text.partition(element)
        implementation = b""
        if element in control:
            control, _, implementation = control.partition(element)
        count = self._data.count(delimiters.segment, transaction.count_from, end) + 1
        count += transaction.counted - transaction.hidden
        if se != b"%d%b%b" % (count, element, control):
            if b"ISA" in se:
                self._look_for_header(start, end)
            place = self._place(start - 2 - len(element), end, "SE", count)
            codes = (Code.SEGMENT_COUNT_MISMATCH, Code.TRANSACTION_CONTROL_NUMBER_MISMATCH)
            words = ("segment", "ST-02")
            self.findings += check_trailer("SE", se.split(element), count, control, codes, words, place)
        self._last = end
        self._put_transaction(set_id, control, implementation, self._base + self._behind(end), count, True)

    def _put_transaction(
        self, set_id: bytes, control: bytes, implementation: bytes, end: int, count: int, complete: bool
    ) -> None:
        transaction, group = self._transaction, self._group
        assert transaction is not None and group is not None
        name = group.names.get(set_id) or self._check_set_id(set_id)
        if group.seen(control):
            number = text(control)
            message = f"ST-02 {number} came before in this group"
            place = Place(
                offset=transaction.start,
                interchange=text(self._opened.control),
                group=text(group.control),
                transaction=number,
                transaction_set=name,
                segment="ST",
                segment_position=1,
                element=2,
            )
            self.findings.append(find(Code.DUPLICATE_TRANSACTION_CONTROL_NUMBER, message, place, found=number))
        group.count += 1
        if transaction.oversize:
            message = f"Transaction set {name} of {end - transaction.start} bytes is larger than what is kept in memory"
            place = Place(offset=transaction.start, length=end - transaction.start, transaction=text(control))
            self.findings.append(find(Code.TRANSACTION_TOO_LARGE, message, place))
        else:
            group.transactions.append(
                Transaction(
                    name,
                    control.decode("latin-1").strip(),
                    group.version,
                    transaction.start,
                    end,
                    count,
                    complete,
                    transaction.binary,
                    implementation.decode("latin-1").strip(),
                )
            )
        self._transaction = None

    def _close_group(self, ge: bytes, start: int, end: int) -> None:
        group, element = self._group, self._opened.delimiters.element
        if group is None:
            self._stray("GE", start, end)
            return
        if ge != b"%d%b%b" % (group.count, element, group.control):
            if b"ISA" in ge:
                self._look_for_header(start, end)
            codes = (Code.TRANSACTION_COUNT_MISMATCH, Code.GROUP_CONTROL_NUMBER_MISMATCH)
            place = self._place(start - 2 - len(element), end, "GE")
            words = ("transaction set", "GS-06")
            self.findings += check_trailer("GE", ge.split(element), group.count, group.control, codes, words, place)
        self._last = end
        self._put_group(self._base + self._behind(end), complete=True)

    def _put_group(self, end: int, *, complete: bool) -> None:
        group, opened = self._group, self._opened
        assert group is not None
        opened.groups.append(group.frozen(end, complete))
        opened.count += 1
        self._group = None

    def _close_interchange(self, iea: bytes, start: int, end: int) -> int:
        """Returns the offset behind the interchange."""
        opened = self._opened
        element = opened.delimiters.element
        if self._group is not None:
            self._look_for_header(self._last, start)
            self._lose_group(start - 3 - len(element))
        if iea != b"%d%b%b" % (opened.count, element, opened.control):
            if b"ISA" in iea:
                self._look_for_header(start, end)
            codes = (Code.GROUP_COUNT_MISMATCH, Code.INTERCHANGE_CONTROL_NUMBER_MISMATCH)
            place = self._place(start - 3 - len(element), end, "IEA")
            words = ("group", "ISA-13")
            found = check_trailer("IEA", iea.split(element), opened.count, opened.control, codes, words, place)
            self.findings += _count_of_services(found) if opened.served and not opened.count else found
        if not opened.count and not opened.served:
            message = "The interchange holds neither a group nor an interchange acknowledgement"
            self.findings.append(find(Code.EMPTY_INTERCHANGE, message, self._place(start, end, "IEA")))
        behind = self._behind(end)
        if end == len(self._data):
            self._unterminated(start, end, Severity.WARNING)
        self._last = end
        self._put_interchange(self._base + behind, complete=True)
        return behind

    def _put_interchange(self, end: int, *, complete: bool) -> None:
        self.interchanges.append(self._opened.frozen(end, complete))
        self._interchange = None

    def _lose_transaction(self, stop: int) -> None:
        """A transaction set ends at `stop` without its SE."""
        transaction, delimiters = self._transaction, self._opened.delimiters
        assert transaction is not None
        pieces = self._data[transaction.count_from : stop].split(delimiters.segment)
        count = transaction.counted + sum(1 for piece in pieces if piece.strip())
        if transaction.binary:
            count -= transaction.hidden
        set_id, _, rest = transaction.text.partition(delimiters.element)
        control, _, implementation = rest.partition(delimiters.element)
        place = self._place(stop, stop, "SE", count + 1)
        message = f"Transaction set {text(set_id)} {text(control)} has no SE"
        self.findings.append(find(Code.MISSING_TRANSACTION_TRAILER, message, place))
        self._last = max(self._data.rfind(delimiters.segment, 0, stop), 0)
        self._put_transaction(set_id, control, implementation, self._base + stop, count, False)

    def _lose_group(self, stop: int) -> None:
        """A group ends at `stop` without its GE."""
        group = self._group
        assert group is not None
        message = f"Group {text(group.control)} has no GE"
        self.findings.append(find(Code.MISSING_GROUP_TRAILER, message, self._place(stop, stop, "GE")))
        self._put_group(self._base + stop, complete=False)

    def _stray(self, name: str, start: int, end: int) -> None:
        """A trailer without its header."""
        place = self._place(start - len(name) - len(self._opened.delimiters.element), end, name)
        if name == "SE":
            code, message = Code.MISSING_TRANSACTION_HEADER, "SE is there, but no ST before it"
        else:
            code, message = Code.MISSING_GROUP_HEADER, "GE is there, but no GS before it"
        self.findings.append(find(code, message, place))
        self._last = end

    def _note_empty(self, at: int) -> None:
        self.findings.append(find(Code.EMPTY_SEGMENT, "A segment is empty", self._place(at, at, "")))

    def _unterminated(self, start: int, end: int, severity: Severity | None) -> None:
        told = text(self._data[start:end][:40])
        message = f"The last segment has no terminator: {told}"
        place = self._place(start, end, "")
        self.findings.append(find(Code.UNTERMINATED_TAIL, message, place, found=told, severity=severity))

    def _check_set_id(self, set_id: bytes) -> str:
        """The name of a transaction set, remembered if its group is of the right kind; if not, that is said."""
        transaction, group = self._transaction, self._group
        assert transaction is not None and group is not None
        name = set_id.decode("latin-1").strip()
        wanted = FUNCTIONAL_IDS.get(set_id)
        if wanted is None or wanted == group.functional_id or not group.header:
            group.names[set_id] = name
        else:
            message = f"GS-01 is {text(group.functional_id)}, a transaction set {name} belongs to {text(wanted)}"
            place = Place(offset=transaction.start, segment="ST", segment_position=1, element=1)
            self.findings.append(
                find(
                    Code.UNKNOWN_FUNCTIONAL_GROUP,
                    message,
                    place,
                    expected=text(wanted),
                    found=text(group.functional_id),
                )
            )
        return name

    def _look_for_header(self, start: int, end: int) -> None:
        """Something is wrong between start and end: see whether a new interchange begins within a segment there."""
        at = strict_header(self._data, start, self._behind(end))
        if at >= 0:
            raise HeaderWithin(at)

    @property
    def _opened(self) -> OpenInterchange:
        assert self._interchange is not None
        return self._interchange

    def _behind(self, end: int) -> int:
        """The offset behind the terminator at `end`, if there is one."""
        return min(end + len(self._opened.delimiters.segment), len(self._data))

    def _place(self, start: int, end: int, segment: str, position: int = 0) -> Place:
        control = set_id = ""
        if self._transaction is not None:
            parts = self._transaction.text.split(self._opened.delimiters.element)
            set_id, control = text(parts[0]), text(parts[1]) if len(parts) > 1 else ""
        return Place(
            offset=self._base + start,
            length=end - start,
            interchange=text(self._opened.control),
            group=text(self._group.control) if self._group is not None else "",
            transaction=control,
            transaction_set=set_id,
            segment=segment,
            segment_position=position,
        )


def _kind(isa: bytes) -> bytes:
    """All of a fixed-width ISA that does not change from one interchange to the next."""
    return isa[:70] + isa[81:90] + isa[99:]


def _count_of_services(found: list[Finding]) -> list[Finding]:
    """Some count a TA1 as a group in IEA01; nobody refuses that."""
    return [
        msgspec.structs.replace(each, severity=Severity.WARNING) if each.code is Code.GROUP_COUNT_MISMATCH else each
        for each in found
    ]
