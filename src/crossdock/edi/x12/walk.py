"""One walk over bytes that finds the envelopes of X12: where each interchange, group and transaction set starts and ends.

It looks at envelope segments only: one compiled pattern stops at those, all between is passed over in C. A walk can be
fed in portions; what it could not finish is fed again with more behind it. It never raises on data, and never loses
a byte: what stands where nothing may stand is a finding.
"""

import re

from crossdock.edi.findings import Code, Finding, find
from crossdock.edi.x12.between import between, nothing
from crossdock.edi.x12.control import text
from crossdock.edi.x12.delimiters import BLANKS, detect
from crossdock.edi.x12.envelope import Interchange, Span, Transaction
from crossdock.edi.x12.envelope_pattern import envelope_pattern, first_envelope
from crossdock.edi.x12.envelopes import Envelopes, HeaderWithin
from crossdock.edi.x12.opened import OpenGroup
from crossdock.edi.x12.segments import binary_end

LONGEST_ISA = 512
SERVICES = frozenset({b"TA1", b"TA3", b"ISB", b"ISE"})
"""Segments that may stand in an interchange outside of any group."""


class Walk(Envelopes):
    """The reading of one file. Feed it, then take what it found.

    largest_bytes: a transaction set longer than this is counted and checked, but not handed on; None knows no limit.
    """

    def __init__(self, largest_bytes: int | None = None) -> None:
        super().__init__()
        self._largest = largest_bytes

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
        end = len(data) if final else max(at, len(data) - LONGEST_ISA)
        self._pass_over(data, at, end, base)
        return end, False

    def _pass_over(self, data: bytes, start: int, end: int, base: int) -> None:
        if start < end:
            findings, span = between(data, start, end, base)
            self.findings += findings
            if span is not None:
                self.unreadable.append(span)

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
        except HeaderWithin as found:
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
            except HeaderWithin as earlier:
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
                opened.served += 1
            else:
                name = text(values[0][:3])
                place = self._place(at, at + len(piece), name)
                message = f"Segment {name} stands outside of any transaction set"
                self.findings.append(find(Code.MISPLACED_SEGMENT, message, place, found=text(raw)))
            at += len(piece) + len(segment)
        self._last = stop

    def _empty(self, end: int) -> None:
        """An empty segment: the terminator before `end` is followed by another."""
        if self._transaction is not None:
            self._transaction.hidden += 1
            self._transaction.unusual = True
            self._note_empty(end)

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
