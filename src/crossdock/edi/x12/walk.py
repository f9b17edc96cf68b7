"""One walk over bytes that finds the envelopes of X12: where each interchange, group and transaction set starts and ends.

It looks at envelope segments only: one compiled pattern stops at those, everything between is passed over in C. A walk can
be fed in portions; what it could not finish is fed again with more behind it. It never raises on data, and never loses
a byte: what stands where nothing may stand is a finding.
"""

import re

import msgspec

from crossdock.edi.findings import Code, Finding, Place, Severity, find
from crossdock.edi.x12.between import between, nothing
from crossdock.edi.x12.control import ControlNumbers, at_element, check_trailer, text
from crossdock.edi.x12.delimiters import BLANKS, Delimiters, Opening, detect
from crossdock.edi.x12.envelope import Interchange, Span, Transaction
from crossdock.edi.x12.headers import (
    FUNCTIONAL_IDS,
    check_group_header,
    check_interchange_header,
    real_date,
    real_time,
    strict_header,
)
from crossdock.edi.x12.opened import OpenGroup, OpenInterchange, OpenTransaction
from crossdock.edi.x12.pattern import envelope_pattern, first_envelope
from crossdock.edi.x12.segments import binary_end

LONGEST_ISA = 512
SERVICES = frozenset({b"TA1", b"TA3", b"ISB", b"ISE"})


class _HeaderWithin(Exception):
    """A new interchange begins in the midst of a segment: the one before was cut off."""

    def __init__(self, at: int) -> None:
        self.at = at


class Walk:
    """The state of reading one file. Feed it, then take what it found.

    largest_bytes: a transaction set longer than this is counted and checked, but not handed on; None knows no limit.
    """

    def __init__(self, largest_bytes: int | None = None) -> None:
        self.findings: list[Finding] = []
        self.interchanges: list[Interchange] = []
        self.unreadable: list[Span] = []
        self._largest = largest_bytes
        self._interchange: OpenInterchange | None = None
        self._group: OpenGroup | None = None
        self._transaction: OpenTransaction | None = None
        self._data, self._base, self._last = b"", 0, 0
        self._names: dict[bytes, dict[bytes, str]] = {}
        self._words: dict[bytes, str] = {}
        self._moments: set[bytes] = set()
        self._numbers: dict[tuple[bytes, ...], ControlNumbers] = {}
        self._alike: dict[bytes, ControlNumbers] = {}
        self._alike_delimiters: Delimiters | None = None
        self._met_any = False

    def feed(self, data: bytes, base: int, final: bool) -> int:
        """Read `data`, which starts at offset `base` of the file; return how many bytes are done with.

        The rest must be fed again with more behind it. final: nothing follows; everything is then done with.
        """
        self._data, self._base = data, base
        at, more = 0, True
        while more:
            if self._interchange is None:
                at, more = self._seek(data, at, base, final)
            if more:
                at, more = self._inside(at, final)
        self._data = b""
        if final and not self._met_any:
            self.findings.append(nothing(base + len(data), bool(self.unreadable)))
        return at

    def take(self) -> tuple[list[Interchange], list[Finding], list[Span]]:
        """What was found since the last call. An interchange still open gives the part of it that was read."""
        opened, group = self._interchange, self._group
        if opened is not None:
            groups = opened.groups
            if group is not None and group.transactions:
                groups.append(group.frozen(group.transactions[-1].end, complete=False))
                group.transactions = []
            if groups or opened.services:
                end = groups[-1].end if groups else opened.start + len(opened.header)
                self.interchanges.append(opened.frozen(end, complete=False))
                opened.groups, opened.services = [], []
        taken = self.interchanges, self.findings, self.unreadable
        self.interchanges, self.findings, self.unreadable = [], [], []
        return taken

    # between interchanges

    def _seek(self, data: bytes, at: int, base: int, final: bool) -> tuple[int, bool]:
        """Find the next ISA. Returns the offset of its terminator and True, or what is done with and False."""
        place = data.find(b"ISA", at)
        while place >= 0:
            if not final and place + LONGEST_ISA > len(data):
                self._pass_over(data, at, place, base)
                return place, False
            opening = detect(data, place)
            if opening is not None:
                self._pass_over(data, at, place, base)
                self._open_interchange(opening, base + place)
                return opening.end - len(opening.delimiters.segment), True
            place = data.find(b"ISA", place + 1)
        end = len(data) if final else max(at, len(data) - 2)
        self._pass_over(data, at, end, base)
        return end, False

    def _pass_over(self, data: bytes, start: int, end: int, base: int) -> None:
        if start < end:
            findings, span = between(data, start, end, base)
            self.findings += findings
            if span is not None:
                self.unreadable.append(span)

    # within an interchange

    def _inside(self, at: int, final: bool) -> tuple[int, bool]:
        """Walk from the terminator at `at` to the end of the interchange (returns True) or of the data (False)."""
        opened = self._interchange
        assert opened is not None
        data, length = self._data, len(self._data)
        delimiters = opened.delimiters
        pattern = envelope_pattern(delimiters.segment, delimiters.element)
        self._last, refused = at, length
        if self._transaction is not None:
            self._transaction.count_from = at
        try:
            while at >= 0:
                binary_at = -1
                for match in pattern.finditer(data, at):
                    start, end = match.span()
                    if end == length and not final:
                        refused = start
                        break
                    se, ge, iea, isa, gs, st, binary = match.groups()
                    if se is not None and st is not None and self._go_on(match, se, ge, iea, isa, gs, st, end):
                        continue
                    if self._transaction is None:
                        if start != self._last:
                            self._gap(start)
                    elif se is None and binary is None:
                        if match.lastindex is None:
                            self._empty(end)
                            continue
                        stop = first_envelope(match, delimiters.element)
                        self._look_for_header(self._transaction.count_from, stop)
                        self._lose_transaction(stop)
                    if se is not None:
                        self._close_transaction(se, match.start(1), match.end(1))
                    if ge is not None:
                        self._close_group(ge, match.start(2), match.end(2))
                    if iea is not None:
                        stop = self._close_interchange(iea, match.start(3), match.end(3))
                        if isa is None or not self._open_alike(match.start(4), match.end(4), delimiters):
                            return stop, True
                    elif isa is not None:
                        begin = match.start(4) - 3 - len(delimiters.element)
                        self._abandon(begin)
                        return begin, True
                    if gs is not None:
                        self._open_group(gs, match.start(5), end if st is None else match.end(5))
                    if st is not None:
                        self._open_transaction(st, match.start(6), end)
                    elif binary is not None:
                        if self._transaction is not None:
                            binary_at = match.start(7)
                            break
                    elif match.lastindex is None:
                        self._empty(end)
                at = self._pass_binary(binary_at, final) if binary_at >= 0 else -1
            if not final:
                return self._pause(refused), False
            self._abandon(length)
        except _HeaderWithin as found:
            self._abandon_within(found.at)
            return found.at, True
        return length, True

    def _go_on(
        self,
        match: re.Match[bytes],
        se: bytes,
        ge: bytes | None,
        iea: bytes | None,
        isa: bytes | None,
        gs: bytes | None,
        st: bytes,
        end: int,
    ) -> bool:
        """From one transaction set to the next, in the same group or in another interchange of the same partners.

        This is how it nearly always goes, so it is done in one go, for speed. Where anything is not as usual it changes
        nothing and returns False: then each segment is looked at by itself.
        """
        transaction, group, opened = self._transaction, self._group, self._interchange
        if transaction is None or group is None or opened is None or transaction.unusual:
            return False
        data, base, element = self._data, self._base, group.element
        close = match.end(1)
        count = data.count(opened.segment, transaction.count_from, close) + 1
        set_id, _, control = transaction.text.partition(element)
        name = group.names.get(set_id)
        if name is None or not control.isalnum() or se != b"%d%b%b" % (count, element, control):
            return False
        begin = match.start(6) - 2 - len(element)
        if ge is None:
            if iea is not None or isa is not None or gs is not None or group.seen(control):
                return False
            stop = base + close + len(opened.segment)
            told = control.decode("latin-1")
            group.transactions.append(Transaction(name, told, group.version, transaction.start, stop, count))
            group.count += 1
        elif iea is None or isa is None or gs is None:
            return False
        else:
            if ge != b"%d%b%b" % (group.count + 1, element, group.control):
                return False
            if iea != b"%d%b%b" % (opened.count + 1, element, opened.control):
                return False
            start = match.start(4) - 3 - len(element)
            raw = data[start : match.end(4)]
            numbers = self._alike.get(raw[:70] + raw[81:90] + raw[99:])
            number = raw[90:99]
            values = gs.split(element)
            if numbers is None or len(raw) != 105 or opened.delimiters is not self._alike_delimiters:
                return False
            if raw[70:81] not in self._moments or not (number.isdigit() and self._usual_group(values)):
                return False
            if group.count and group.seen(control):
                return False
            width = len(opened.segment)
            told = control.decode("latin-1")
            stop = base + close + width
            done = Transaction(name, told, group.version, transaction.start, stop, count)
            group.transactions.append(done)
            group.count += 1
            opened.groups.append(group.frozen(base + match.end(2) + width, True))
            opened.count += 1
            self.interchanges.append(opened.frozen(base + match.end(3) + width, True))
            opened.begin_again(raw, number, base + start, values[5])
            if numbers.seen(number):
                self._doubled_interchange(number, base + start)
            at = match.start(5) - 2 - len(element)
            version = self._words.get(values[7]) or self._word(values[7])
            names = self._names.get(values[0]) or self._names.setdefault(values[0], {})
            self._group = OpenGroup(data[at : match.end(5)], element, values[0], values[5], version, names, base + at)
        transaction.text, transaction.start, transaction.count_from = st, base + begin, begin
        transaction.findings_before = len(self.findings)
        self._last = end
        return True

    def _open_interchange(self, opening: Opening, start: int) -> None:
        delimiters = opening.delimiters
        values = [_tidy(value) for value in opening.raw.split(delimiters.element)]
        place = Place(offset=start, length=len(opening.raw), interchange=values[13].decode("latin-1"), segment="ISA")
        self.findings += check_interchange_header(opening, place)
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
            self.findings += _count_of_services(found) if opened.services and not opened.count else found
        if not opened.count and not opened.services:
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

    # what goes wrong

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

    def _abandon(self, stop: int) -> None:
        """The interchange ends at `stop` without its IEA: at the next ISA, or where the data ends."""
        opened, data = self._opened, self._data
        segment = opened.delimiters.segment
        self._look_for_header(self._transaction.count_from if self._transaction else self._last, stop)
        stop = max(len(data[:stop].rstrip(BLANKS)), self._behind(self._last)) if stop == len(data) else stop
        begin = data.rfind(segment, self._last, stop)
        tail = data[begin + len(segment) : stop] if begin >= 0 else b""
        if self._transaction is None and begin > self._last:
            self._gap(begin)
        if tail.strip(BLANKS):
            self._unterminated(begin + len(segment), stop, None)
        if self._transaction is not None:
            self._lose_transaction(stop)
        if self._group is not None:
            self._lose_group(stop)
        message = f"Interchange {text(opened.control)} has no IEA"
        self.findings.append(find(Code.MISSING_INTERCHANGE_TRAILER, message, self._place(stop, stop, "IEA")))
        self._put_interchange(self._base + stop, complete=False)

    def _abandon_within(self, stop: int) -> None:
        """The interchange ends at `stop`, where the next begins in the midst of a segment."""
        while self._interchange is not None:
            try:
                self._abandon(stop)
            except _HeaderWithin as earlier:
                stop = earlier.at

    def _pause(self, refused: int) -> int:
        """The data ends, the file does not: keep what must be read again. Returns how much is done with.

        refused: where the envelope segments at the end of the data start, which may go on.
        """
        data, segment, transaction = self._data, self._opened.delimiters.segment, self._transaction
        if transaction is None:
            done = data.rfind(segment, self._last, refused + len(segment))
            if done > self._last:
                self._gap(done)
            return self._last
        if not transaction.oversize:
            if self._largest is None or len(data) - transaction.count_from <= self._largest:
                del self.findings[transaction.findings_before :]
                self._transaction = None
                return data.rfind(segment, 0, transaction.count_from)
            transaction.oversize = transaction.unusual = True
        done = data.rfind(segment, transaction.count_from, refused + len(segment))
        transaction.counted += data.count(segment, transaction.count_from, done)
        return done

    def _gap(self, stop: int) -> None:
        """Segments between the terminators at the last known segment and at `stop`, where no transaction set is open."""
        opened = self._opened
        segment, element = opened.delimiters.segment, opened.delimiters.element
        at = self._last + len(segment)
        self._look_for_header(at, stop)
        for piece in self._data[at:stop].split(segment):
            raw = piece.strip(BLANKS)
            values = raw.split(element)
            if not raw:
                self._note_empty(at)
            elif values[0] in SERVICES and self._group is None:
                opened.services.append(tuple(value.decode("latin-1") for value in values))
            else:
                name = text(values[0][:3])
                place = self._place(at, at + len(piece), name)
                message = f"Segment {name} stands outside of any transaction set"
                self.findings.append(find(Code.MISPLACED_SEGMENT, message, place, found=text(raw)))
            at += len(piece) + len(segment)
        self._last = stop

    def _stray(self, name: str, start: int, end: int) -> None:
        """A trailer without its header."""
        place = self._place(start - len(name) - len(self._opened.delimiters.element), end, name)
        if name == "SE":
            code, message = Code.MISSING_TRANSACTION_HEADER, "SE is there, but no ST before it"
        else:
            code, message = Code.MISSING_GROUP_HEADER, "GE is there, but no GS before it"
        self.findings.append(find(code, message, place))
        self._last = end

    def _empty(self, end: int) -> None:
        """An empty segment: the terminator before `end` is followed by another."""
        if self._transaction is not None:
            self._transaction.hidden += 1
            self._transaction.unusual = True
            self._note_empty(end)

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

    def _pass_binary(self, at: int, final: bool) -> int:
        """Skip the data of the binary segment at `at`; returns where to go on, -1 if more data is needed."""
        transaction, delimiters = self._transaction, self._opened.delimiters
        assert transaction is not None
        data = self._data
        end = binary_end(data, at, delimiters)
        if end >= 0:
            transaction.hidden += data.count(delimiters.segment, at, end)
            transaction.binary = transaction.unusual = True
            return end
        stop = data.find(delimiters.segment, at)
        if not final and (self._largest is None or len(data) - at <= self._largest):
            return -1
        name = data[at : at + 3].decode("latin-1")
        place = self._place(at, stop if stop >= 0 else len(data), name)
        self.findings.append(find(Code.BINARY_LENGTH, f"{name} does not end where its length says", place))
        return at

    def _look_for_header(self, start: int, end: int) -> None:
        """Something is wrong between start and end: see whether a new interchange begins within a segment there."""
        at = strict_header(self._data, start, self._behind(end))
        if at >= 0:
            raise _HeaderWithin(at)

    # places

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


def _tidy(value: bytes) -> bytes:
    return value.replace(b"\r", b"").replace(b"\n", b"").strip()


def _count_of_services(found: list[Finding]) -> list[Finding]:
    """Some count a TA1 as a group in IEA01; nobody refuses that."""
    return [
        msgspec.structs.replace(each, severity=Severity.WARNING) if each.code is Code.GROUP_COUNT_MISMATCH else each
        for each in found
    ]
