"""The fast path: a guide as one regular expression over the bytes of a whole transaction set, run at C speed.

What the expression matches, and what passes the counts, hierarchy and check digits beside it, has no finding: the slow
walk of `validate` would find nothing either (a property test holds that). What it does not match proves nothing and is
walked. So valid traffic is judged at tens of MB/s, and a fault costs no precision. The expression allows what was met in
sets that were walked and had no finding; it is compiled when the first volume has been walked, and again when what came
since has. Each process learns for itself: it takes it a few transaction sets, and some milliseconds.
"""

import operator
import re
import sys
from collections.abc import Iterable, Sequence
from decimal import Decimal

from crossdock.edi.findings import Code, Finding, Place, Severity, find
from crossdock.edi.x12 import check_digits, guide_pattern
from crossdock.edi.x12.delimiters import Delimiters
from crossdock.edi.x12.envelope import Transaction
from crossdock.edi.x12.guide import Guide
from crossdock.edi.x12.narrowed import Met, narrowed
from crossdock.edi.x12.segments import offsets, segments
from crossdock.edi.x12.validate import HOLDS, validate

_REMEMBERED = 50_000
_WORTH_ADDING = 8
_WALKED = 40
_MOST_DELIMITERS = 64
_DIGITS = bytes(48) + bytes(range(10)) + bytes(198)
_TRIPLED = bytes(48) + bytes(3 * digit % 10 for digit in range(10)) + bytes(198)
_TENS = bytes(range(0, 256, 10))
_COUNTED = [b"%d" % number for number in range(1, 2001)]
_NUMBERS = {number: at for at, number in enumerate(_COUNTED, 1)}
_LEVEL_PAIRS = frozenset((child.encode(), parent.encode()) for child, parents in HOLDS.items() for parent in parents)
_PAIRED = frozenset(int.from_bytes(child + parent, sys.byteorder) for child, parent in _LEVEL_PAIRS)
"""The same as numbers of two bytes."""
_Numbers = tuple[bytes, int, re.Pattern[bytes], set[bytes]]


def examine(
    data: bytes,
    transaction: Transaction,
    guide: Guide,
    delimiters: Delimiters,
    place: Place | None = None,
    base: int = 0,
) -> list[Finding]:
    """The findings of one transaction set of a file: proven free of any, or walked.

    data: the file, or a portion of it that starts at offset `base` of the file.
    """
    raw = data[transaction.start - base : transaction.end - base]
    ours = None if transaction.binary else prover(guide, delimiters)
    proven = ours is not None and ours.proves(raw)
    if proven and guide.version == guide.asked:
        return []
    if place is None:
        control_number, start = transaction.control_number, transaction.start
        place = Place(transaction_set=guide.set_id, transaction=control_number, offset=start)
    if proven:
        return [_other_version(guide, place)]
    parts = segments(data, transaction, delimiters, base)
    met = Met()
    findings = validate(parts, guide, place, offsets(data, transaction, delimiters, base), met)
    if ours is not None and len(findings) == (not guide.exact):
        ours.learn(met, len(raw))
    return findings


def _other_version(guide: Guide, place: Place) -> Finding:
    message = f"version {guide.asked} is judged by the guide for {guide.version}"
    return find(Code.VERSION_UNSUPPORTED, message, place, found=guide.asked, severity=Severity.NOTE)


def prover(guide: Guide, delimiters: Delimiters) -> "Prover":
    """The prover of a guide for an interchange's delimiters, made once."""
    made: dict[Delimiters, Prover] = guide.__dict__.setdefault("_provers", {})
    found = made.get(delimiters)
    if found is None:
        if len(made) >= _MOST_DELIMITERS:  # delimiters are a sender's choice, and must not fill the memory
            made.clear()
        found = made[delimiters] = Prover(guide, delimiters)
    return found


class Prover:
    """A guide's expression for a set of delimiters, of what was met so far. It remembers GTINs that it has found right."""

    def __init__(self, guide: Guide, delimiters: Delimiters) -> None:
        self.guide, self.delimiters = guide, delimiters
        element, terminator = delimiters.element, delimiters.segment
        self.usable = len(element) == len(terminator) == 1 and not delimiters.wrapped and not element.isalnum()
        self.expression: re.Pattern[bytes] | None = None
        self.met = Met()
        self.walked_bytes = 0
        self._outgrown = False
        ending = terminator + delimiters.line_break
        text = guide_pattern.text_class(delimiters) + b"*+"
        begin, mark = re.escape(ending), re.escape(element)
        self.ctt = ending + b"CTT" + element
        self.element, self.terminator = element, terminator
        self.counted = tuple(ending + name.encode() + element for name in guide.line_segments)
        # The expression has matched by then: whatever is no terminator belongs to the segment.
        hl = begin + b"HL" + mark + b"([^" + re.escape(terminator) + b"]*+)"
        self.levels = re.compile(hl) if guide.levels else None
        self.marks = self._after(mark, text, check_digits.SSCC_QUALIFIERS) if "MAN" in guide.ids else []
        self.gtins = self._after(mark, text, check_digits.GTIN_LENGTHS)
        self.looked_for = self.gtins, self.marks
        self.hash = None
        if guide.hash_segment:
            skipped = b"(?:" + mark + text + b"){%d}" % (guide.hash_element - 1)
            self.hash = re.compile(begin + guide.hash_segment.encode() + skipped + mark + b"(" + text + b")")

    def _after(self, mark: bytes, text: bytes, names: Iterable[str]) -> list[_Numbers]:
        """For each qualifier: its bytes, the length of a GTIN that it announces, a pattern for what follows it, and
        those that were found right.

        One pattern each: a literal beginning is searched for several times as fast as an alternation.
        """
        lengths = check_digits.GTIN_LENGTHS
        made: list[_Numbers] = []
        for name in sorted(names):
            code = self.element + name.encode() + self.element
            made.append((code, lengths.get(name, 0), re.compile(re.escape(code) + b"(" + text + b")"), set()))
        return made

    def learn(self, met: Met, size: int) -> None:
        """What was met in a transaction set of `size` bytes that was walked and found good will be proven in time.

        To compile the expression takes about as long as to walk `_WALKED` bytes for each element in it; nobody who reads
        three orders waits for it, and nobody is made to wait twice as long by what he sends.
        """
        self._outgrown = self.met.add(met) or self._outgrown
        self.walked_bytes += size
        if self._outgrown and self.walked_bytes > _WALKED * self.met.size:
            self.compile(self.met)

    def compile(self, met: Met | None = None) -> None:
        """Makes the expression for what was met; without it for all that the guide allows."""
        self._outgrown, self.walked_bytes = False, 0
        if not self.usable:
            return
        root = narrowed(self.guide.root, met) if met is not None else None
        self.expression = re.compile(guide_pattern.transaction(self.guide, self.delimiters, root))
        if met is not None:
            kinds = {self.element + kind.encode() + self.element for kind in met.kinds}
            gtins, marks = ([each for each in numbers if each[0] in kinds] for numbers in (self.gtins, self.marks))
            self.looked_for = gtins, marks

    def proves(self, raw: bytes) -> bool:
        """Whether a transaction set's bytes, ST to behind SE's terminator, are certainly free of findings."""
        if self.expression is None or self.expression.fullmatch(raw) is None:
            return False
        levels = self.levels.findall(raw) if self.levels is not None else None
        if levels is not None and not (levels and _is_tree(levels, self.element)):
            return False
        return self._totalled(raw, levels) and self._numbered(raw)

    def _numbered(self, raw: bytes) -> bool:
        """Check digits: SSCCs are computed, GTINs, which come again and again, remembered."""
        gtins, marks = self.looked_for
        for _, length, pattern, good in gtins:
            found = pattern.findall(raw)
            if good.issuperset(found):
                continue
            new = set(found) - good
            for each in new:
                if len(each) != length or not check_digits.is_valid(each.decode("latin-1")):
                    return False
            if len(good) > _REMEMBERED:
                good.clear()
            good |= new
        return not marks or all(_are_ssccs(pattern.findall(raw)) for _, _, pattern, _ in marks)

    def _totalled(self, raw: bytes, levels: Sequence[bytes] | None) -> bool:
        """CTT. Of a hierarchy, the levels were counted already."""
        at = raw.rfind(self.ctt)
        if at < 0 or not self.counted:
            return True
        at += len(self.ctt)
        values = raw[at : raw.find(self.terminator, at)].split(self.element, 2)
        if not values[0].isdigit():
            return False
        told = int(values[0])
        if (levels is None or told != len(levels)) and told not in map(raw.count, self.counted):
            return False
        if len(values) < 2 or not values[1] or self.hash is None:
            return True
        return _sum(self.hash.findall(raw)) == _sum([values[1]])


def _are_ssccs(marks: Sequence[bytes]) -> bool:
    """Many at once: the digits of one column stand side by side in one whole number, a byte each, and columns are added up.

    Twenty digits, the tripled ones without their tens, come to no more than 180, so that no byte runs over.
    """
    width = len(marks[0]) if len(marks) >= _WORTH_ADDING else 0
    joined = b"".join(marks)
    if width not in (18, 20) or not joined.isdigit() or set(map(len, marks)) != {width}:
        return all(map(_is_sscc, marks))
    if width == 20 and (joined[::20] + joined[1::20]).strip(b"0"):
        return False
    weighted = joined.translate(_TRIPLED), joined.translate(_DIGITS)
    total = sum(int.from_bytes(weighted[column % 2][column::width], "little") for column in range(width))
    return not total.to_bytes(len(marks), "little").translate(None, _TENS)


def _is_sscc(marks: bytes) -> bool:
    """The weighted sum of an SSCC-18 is a multiple of ten; 8 is what 48 for each of its ASCII digits leaves.

    The two zeros of an application identifier leave it as it is, for they bring 48 times 4.
    """
    if len(marks) == 20 and marks[:2] == b"00":
        return marks.isdigit() and (3 * sum(marks[::2]) + sum(marks[1::2])) % 10 == 0
    return len(marks) == 18 and marks.isdigit() and (3 * sum(marks[::2]) + sum(marks[1::2])) % 10 == 8


def _is_tree(levels: Sequence[bytes], element: bytes) -> bool:
    """As `validate` judges it: numbers once, parents before, levels where they may stand, child codes true. levels: HL01 to HL04 as written."""
    return _is_plain_tree(levels, element) or _is_odd_tree([level.split(element) for level in levels])


def _is_plain_tree(levels: Sequence[bytes], element: bytes) -> bool:
    """The same of the usual tree, column by column at C speed: numbered from 1, one root, a letter and a child code everywhere."""
    count = len(levels)
    values = element.join(levels).split(element)
    if len(values) != 4 * count or values[::4] != _COUNTED[:count] or values[1]:
        return False
    names, codes = b"".join(values[2::4]), b"".join(values[3::4])
    try:
        above = list(map(_NUMBERS.__getitem__, values[5::4]))
    except KeyError:
        return False
    if len(names) != count or len(codes) != count or not all(map(operator.le, above, range(1, count))):
        return False
    pairs = bytearray(2 * count - 2)
    pairs[::2], pairs[1::2] = names[1:], bytes(map((b"-" + names).__getitem__, above))
    if not _PAIRED.issuperset(memoryview(pairs).cast("H")):
        return False
    with_children = bytearray(b"0" * count)
    for number in set(above):
        with_children[number - 1] = 0x31
    return codes == with_children


def _is_odd_tree(levels: Sequence[Sequence[bytes]]) -> bool:
    seen: dict[bytes, bytes] = {}
    parents: set[bytes] = set()
    with_children: set[bytes] = set()
    without: set[bytes] = set()
    for number, parent, level, *code in levels:
        if number in seen:
            return False
        if parent:
            above = seen.get(parent)
            if above is None or ((level, above) not in _LEVEL_PAIRS and level in b"OTPI" and above in b"SOTPI"):
                return False
            parents.add(parent)
        elif level != b"S" and seen:
            return False
        seen[number] = level
        if code and code[0]:
            (with_children if code[0] == b"1" else without).add(number)
    return with_children <= parents and not without & parents


def _sum(texts: list[bytes]) -> Decimal | int | None:
    try:
        return sum(map(int, texts))
    except ValueError:
        pass
    try:
        return sum((Decimal(text.decode("latin-1")) for text in texts if text), Decimal(0))
    except ArithmeticError:
        return None
