"""From a document to the segments of a transaction set, as its guide says: the inverse of `reading`.

What comes out is the content between ST and SE; envelopes, counts and delimiters are the writer's. Elements are trimmed,
fixed values of a partner's overlay are set, codes are spelled as the guide spells them. Nothing is rounded or cut off:
what an element cannot hold raises `CannotWrite`; texts that may go on in a further segment are wrapped.
"""

import operator
import typing
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from crossdock.edi.x12 import error_words, values
from crossdock.edi.x12.guide import Guide, Loop, Rule, Segment
from crossdock.edi.x12.hierarchy import LEVEL_TYPES, levels
from crossdock.edi.x12.reading import element_of, entry_type, field_types, pair_positions
from crossdock.trade.documents import Document

Out = list[list[str]]
Emitter = Callable[[Any, Out], None]
Slot = tuple[int, Callable[[Any], Any], values.Encoder]
Constants = tuple[tuple[int, str, int], ...]
"""Texts that a document does not tell: element, text, and the element without which it is not written (0: always; -1:
it replaces what the document tells)."""


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What a transaction needs that its document may leave out. moment: now, for mandatory dates that nobody told."""

    moment: datetime | None = None


class Writer:
    """A guide made ready for writing. Make one a guide and keep it; it holds no state between documents."""

    def __init__(self, guide: Guide) -> None:
        self.guide = guide
        self.type = guide.document_type
        self.levels: dict[str, tuple[Emitter, ...]] = {}
        self.dates: dict[str, list[tuple[int, str]]] = {}
        self.steps = self._parts(guide.root, self.type)

    def write(self, document: Document, context: Context | None = None) -> Out:
        """The segments of a document, ST and SE left out."""
        if type(document) is not self.type:
            raise values.CannotWrite(
                f"guide {self.guide.set_id} writes {self.guide.document}, not {type(document).__name__}"
            )
        out: Out = []
        for step in self.steps:
            step(document, out)
        if context is not None and context.moment is not None:
            self._dated(out, context.moment)
        return out

    def _dated(self, out: Out, moment: datetime) -> None:
        """Fill the mandatory dates of the first segment that the document is silent about."""
        made = out[0] if out else [""]
        dates = self.dates.get(made[0])
        if dates is None:
            first = self.guide.segments.get(made[0])
            told = enumerate(first.elements or () if first else (), 1)
            dates = [(n, element.type) for n, element in told if element.required and element.type in ("DT", "TM")]
            self.dates[made[0]] = dates
        for number, kind in dates:
            if number < len(made) and made[number]:
                continue
            made += [""] * (number + 1 - len(made))
            made[number] = f"{moment:%Y%m%d}" if kind == "DT" else f"{moment:%H%M}"

    # --- building ---------------------------------------------------------------------------------------------------

    def _parts(self, loop: Loop, cls: Any) -> tuple[Emitter, ...]:
        made: list[Emitter] = []
        for part in loop.parts:
            if part.unused or part.path in ("ST", "SE", *self.guide.read_only):
                continue
            if isinstance(part, Segment):
                forced = part.required and (part is not loop.parts[0] or bool(loop.into) or not loop.path)
                made.extend(self._segment(part, cls, forced))
            elif part.level:
                if not self.levels:
                    made.append(self._tree())
                self.levels[part.level] = self._parts(part, LEVEL_TYPES.get(part.level, object))
            else:
                into = entry_type(field_types(cls)[part.into]) if part.into else cls
                steps = self._parts(part, into)
                if steps:
                    made.append(_each(operator.attrgetter(part.into), steps) if part.into else _all(steps))
        return tuple(made)

    def _tree(self) -> Emitter:
        by_level = self.levels
        hl = next(segment for segment in self.guide.segments.values() if segment.id == "HL")
        codes = not element_of(hl, 4).unused

        def emit(document: Any, out: Out) -> None:
            for number, (level, parent, children, what) in enumerate(levels(document), 1):
                made = ["HL", str(number), str(parent + 1) if parent >= 0 else "", level]
                if codes:
                    made.append("1" if children else "0")
                out.append(made)
                for step in by_level[level]:
                    step(what, out)

        return emit

    def _segment(self, segment: Segment, cls: Any, forced: bool) -> list[Emitter]:
        """forced: the segment stands even when the document tells nothing of it."""
        return [emitter for rule in segment.rules if (emitter := self._rule(rule, segment, cls, forced)) is not None]

    def _rule(self, rule: Rule, segment: Segment, cls: Any, forced: bool) -> Emitter | None:
        hints = field_types(cls)
        if rule.special in ("segment-error", "element-error"):
            return _errors(segment.id) if rule.special == "segment-error" else None
        if rule.within:
            inner = self._inner(rule, segment, hints[rule.within])
            return _within(operator.attrgetter(rule.within), inner)
        if rule.by:
            return self._cases(rule, segment, cls)
        if rule.list:
            inner = self._inner(rule, segment, entry_type(hints[rule.list]))
            return _each(operator.attrgetter(rule.list), (inner,))
        return self._inner(rule, segment, cls, forced)

    def _cases(self, rule: Rule, segment: Segment, cls: Any) -> Emitter | None:
        hints = field_types(cls)
        made: list[Emitter] = []
        told: set[str] = set()
        for code, name in rule.cases.items():
            if name.endswith("?") or name in told:
                continue
            told.add(name)
            several = typing.get_origin(hints[name]) is tuple
            encode = self._encoder(rule, str if several else hints[name], segment, rule.value)
            further = self._constants(rule, segment, (rule.by, rule.value))
            made.append(
                _case(segment.id, rule.by, rule.value, code, operator.attrgetter(name), encode, several, further)
            )
        if rule.list:
            inner = self._inner(rule, segment, entry_type(hints[rule.list]))
            made.append(_each(operator.attrgetter(rule.list), (inner,)))
        return _all(tuple(made)) if made else None

    def _encoder(self, rule: Rule, hint: Any, segment: Segment, number: int) -> values.Encoder:
        if rule.codec == "sscc":
            return lambda text: f"00{text}" if len(text) == 18 and text.isdigit() else text
        encode = values.encoder(hint, element_of(segment, number), f"{segment.id}-{number:02}")
        width = self.guide.line_width
        if width and rule.fields.get(number) == "line":
            return lambda text: text.zfill(width) if text.isdigit() else text
        return encode

    def _constants(self, rule: Rule, segment: Segment, mapped: tuple[int, ...]) -> Constants:
        """Values that a document does not tell: element, text, and the element without which it is not written (0: always)."""
        found = []
        for number, element in enumerate(segment.elements or (), 1):
            if element.fixed:
                found.append((number, element.fixed, -1))
            elif number in rule.defaults and not element.unused:
                text, _, needs = rule.defaults[number].partition("@")
                found.append((number, text, int(needs or 0)))
        return tuple(found)

    def _inner(self, rule: Rule, segment: Segment, cls: Any, forced: bool = False) -> Emitter:
        hints = field_types(cls)
        for kind in (rule.append, rule.lines):
            for number, name in kind.items():
                constants = self._constants(rule, segment, (number,))
                most = element_of(segment, number).max
                return _texts(segment.id, number, operator.attrgetter(name), most, constants, joined=kind is rule.lines)
        slots: list[Slot] = []
        for number, name in {**rule.fields, **rule.sum}.items():
            if not name.endswith("?") and not element_of(segment, number).unused:
                slots.append((number, operator.attrgetter(name), self._encoder(rule, hints[name], segment, number)))
        if rule.moment:
            get = operator.attrgetter(rule.moment["into"])
            slots.append((rule.moment["date"], get, lambda value: f"{value:%Y%m%d}" if value else ""))
            slots.append((rule.moment["time"], get, _clock))
        counts = tuple((number, name) for number, name in rule.count.items())
        constants = self._constants(rule, segment, tuple(rule.fields))
        spread = (tuple(rule.spread["elements"]), operator.attrgetter(rule.spread["into"])) if rule.spread else None
        if spread:
            return _spread(segment.id, *spread, constants)
        pairs = self._pairs(rule, segment) if rule.pairs else None
        extra = _group_codes(rule.special) if rule.special else None
        always = operator.attrgetter(rule.always) if rule.always else None
        return _plain(segment.id, tuple(slots), counts, constants, pairs, extra, always, forced)

    def _pairs(self, rule: Rule, segment: Segment) -> "Pairs":
        positions = pair_positions(rule.pairs)
        codes = values.codes_of(element_of(segment, positions[0]))
        named = {qualifier: int(number) for number, qualifier in rule.pairs.get("named", {}).items()}
        cases = tuple((code, operator.attrgetter(name)) for code, name in rule.pairs.get("cases", {}).items())
        into = rule.pairs.get("into", "")
        return Pairs(segment.id, positions, codes, named, cases, operator.attrgetter(into) if into else None)


class Pairs(msgspec.Struct, frozen=True):
    """Qualifier and value elements that alternate. positions: of the qualifiers; named: where a value of its own place stands."""

    segment: str
    positions: tuple[int, ...]
    codes: Mapping[str, str]
    named: Mapping[str, int]
    cases: tuple[tuple[str, Callable[[Any], Any]], ...]
    get: Callable[[Any], Any] | None

    @property
    def last(self) -> int:
        """The last element that may be filled."""
        return max([*(number + 1 for number in self.positions), *self.named.values()])

    def put(self, what: Any, made: list[str]) -> int:
        """Fills the elements; the last that was filled, 0 for none."""
        entries = [(each.qualifier, each.id) for each in self.get(what)] if self.get is not None else []
        for code, field in self.cases:
            if text := field(what):
                entries.append((code, text))
        last = used = 0
        for qualifier, text in entries:
            number = self.named.get(qualifier)
            if number is None or made[number]:
                if used == len(self.positions):
                    raise values.CannotWrite(f"{self.segment} holds {used} item numbers, not {len(entries)}")
                number = self.positions[used]
                used += 1
                made[number] = self.codes[qualifier]
                number += 1
            made[number] = text
            if number > last:
                last = number
        return last


# --- emitters ---------------------------------------------------------------------------------------------------------


def _all(steps: tuple[Emitter, ...]) -> Emitter:
    if len(steps) == 1:
        return steps[0]

    def emit(what: Any, out: Out) -> None:
        for step in steps:
            step(what, out)

    return emit


def _each(get: Callable[[Any], Any], steps: tuple[Emitter, ...]) -> Emitter:
    def emit(what: Any, out: Out) -> None:
        for each in get(what):
            for step in steps:
                step(each, out)

    return emit


def _within(get: Callable[[Any], Any], inner: Emitter) -> Emitter:
    def emit(what: Any, out: Out) -> None:
        part = get(what)
        if part is not None:
            inner(part, out)

    return emit


def _finished(made: list[str], constants: Constants, out: Out, last: int) -> None:
    """Set what the document does not tell, trim, and add the segment. last: behind it the document has told nothing."""
    for number, text, needs in constants:
        if needs < 0 or (not made[number] and (not needs or made[needs])):
            made[number] = text
            if number > last:
                last = number
    del made[last + 1 :]
    while not made[-1]:
        made.pop()
    out.append(made)


def _unconditional(blank: list[str], constants: Constants) -> tuple[list[str], tuple[tuple[int, str], ...], int]:
    """Constants that stand whatever else does: (a blank that holds those which data may replace, those that replace data,
    the last element that any of them fills)."""
    filled = blank.copy()
    for number, text, needs in constants:
        if not needs:
            filled[number] = text
    fixed = tuple((number, text) for number, text, needs in constants if needs < 0)
    return filled, fixed, max((number for number, text, _ in constants if text), default=0)


def _simple(
    blank: list[str], slots: tuple[Slot, ...], constants: Constants, always: Callable[[Any], Any] | None, required: bool
) -> Emitter:
    """As `_plain`, for a segment of fields and unconditional constants alone: most are."""
    filled, fixed, least = _unconditional(blank, constants)
    slots = tuple(sorted(slots, key=operator.itemgetter(0)))
    size = len(filled)

    def emit(what: Any, out: Out) -> None:
        made = filled.copy()
        last = 0
        for number, get, encode in slots:
            if text := encode(get(what)):
                made[number] = text
                last = number
        if last or required or (always is not None and always(what)):
            for number, text in fixed:
                made[number] = text
            last = max(last, least) + 1
            if last < size:
                del made[last:]
            out.append(made)

    return emit


def _plain(
    name: str,
    slots: tuple[Slot, ...],
    counts: tuple[tuple[int, str], ...],
    constants: Constants,
    pairs: "Pairs | None",
    extra: Any,
    always: Any,
    required: bool,
) -> Emitter:
    needs = [needs for _, _, needs in constants]
    numbers = [0, *(slot[0] for slot in slots), *(each[0] for each in constants), *(each[0] for each in counts), *needs]
    blank = [name, *[""] * max([*numbers, pairs.last if pairs else 0])]
    if not (counts or pairs or extra or max(needs, default=0) > 0):
        return _simple(blank, slots, constants, always, required)

    slots = tuple(sorted(slots, key=operator.itemgetter(0)))
    put = pairs.put if pairs is not None else None

    def emit(what: Any, out: Out) -> None:
        made = blank.copy()
        last = 0
        for number, get, encode in slots:
            if text := encode(get(what)):
                made[number] = text
                last = number
        if put is not None and (filled := put(what, made)) > last:
            last = filled
        for number, counted in counts:
            if not made[number]:
                made[number] = str(_count(counted, what, out))
                last = max(last, number)
        if extra is not None and (codes := extra(what)):
            start, texts = codes
            made += [""] * (start - len(made))
            made[start:] = texts
            last = len(made) - 1
        if last or required or (always is not None and always(what)):
            _finished(made, constants, out, last)

    return emit


def _count(counted: str, what: Any, out: Out) -> int:
    return sum(made[0] == counted for made in out) if counted.isupper() else len(getattr(what, counted))


def _case(
    name: str,
    by: int,
    value: int,
    code: str,
    get: Callable[[Any], Any],
    encode: values.Encoder,
    several: bool,
    constants: Constants,
) -> Emitter:
    blank = [name, *[""] * max([by, value, *(each[0] for each in constants), *(each[2] for each in constants)])]
    if not several and not constants:
        blank[by] = code

        def emit_one(what: Any, out: Out) -> None:
            found = get(what)
            if found is not None and (text := encode(found)):
                made = blank.copy()
                made[value] = text
                out.append(made)

        return emit_one

    def emit(what: Any, out: Out) -> None:
        found = get(what)
        for each in found if several else (found,):
            if text := encode(each) if each is not None else "":
                made = blank.copy()
                made[by], made[value] = code, text
                _finished(made, constants, out, max(by, value))

    return emit


def _texts(
    name: str,
    number: int,
    get: Callable[[Any], Any],
    most: int,
    constants: Constants,
    *,
    joined: bool,
) -> Emitter:
    blank = [name, *[""] * max([number, *(each[0] for each in constants)])]

    def emit(what: Any, out: Out) -> None:
        found = get(what)
        for text in (found.split("\n") if found else ()) if joined else found:
            for at in range(0, len(text), most):
                made = blank.copy()
                made[number] = text[at : at + most]
                _finished(made, constants, out, number)

    return emit


def _spread(name: str, numbers: tuple[int, ...], get: Callable[[Any], Any], constants: Constants) -> Emitter:
    blank = [name, *[""] * max([*numbers, *(each[0] for each in constants)])]
    size, last = len(numbers), max(numbers)

    def emit(what: Any, out: Out) -> None:
        texts = get(what)
        for at in range(0, len(texts), size):
            made = blank.copy()
            for number, text in zip(numbers, texts[at : at + size], strict=False):
                made[number] = text
            _finished(made, constants, out, last)

    return emit


def _clock(value: datetime | None) -> str:
    if value is None:
        return ""
    hundredths = value.microsecond // 10_000
    if hundredths:
        return f"{value:%H%M%S}{hundredths:02}"
    return f"{value:%H%M%S}" if value.second else f"{value:%H%M}"


def _errors(segment_id: str) -> Emitter:
    def emit(what: Any, out: Out) -> None:
        out.extend(error_words.segments(what.errors, segment_id, f"{segment_id[:2]}4"))

    return emit


def _group_codes(special: str) -> Callable[[Any], tuple[int, list[str]] | None]:
    prefix, start = ("transaction", 2) if special == "transaction-errors" else ("group", 5)

    def codes(what: Any) -> tuple[int, list[str]] | None:
        found = error_words.codes(what.errors, prefix)
        return (start, found) if found else None

    return codes
