"""From the segments of a transaction set to a document, as its guide says, as fast as Python allows.

A guide is turned once into tables: from the loop one is in and a segment's id to what its elements fill. Order is not
judged here (`validate` does that): a segment belongs to the innermost loop that knows it. What cannot be decoded is a
finding and leaves its field empty; what a document cannot do without is filled with nothing and is a finding too.
"""

import typing
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from types import NoneType, UnionType
from typing import Any

import msgspec

from crossdock.edi.findings import Code, Finding, Place, find
from crossdock.edi.x12 import error_words, values
from crossdock.edi.x12.guide import Element, Guide, Loop, Rule, Segment
from crossdock.edi.x12.hierarchy import LEVEL_TYPES, Tree
from crossdock.trade.documents import Document

Frame = dict[str, Any]
Handler = Callable[[Sequence[str], Frame], None]


class Step(typing.NamedTuple):
    """What a segment does in a loop: at which depth it belongs, the field a new entry of which it starts, and so on.

    opens: None for a plain segment; "" for a loop without entries of its own; otherwise the field that gets an entry.
    """

    depth: int
    opens: str | None
    again: bool
    handler: Handler | None
    table: "Table"
    segment: Segment


Table = dict[str, Step]


def field_types(cls: type) -> dict[str, Any]:
    """Fields of a document class by name: the type without None; tuples stay tuples."""
    return {name: _bare(hint) for name, hint in typing.get_type_hints(cls).items()}


def _bare(hint: Any) -> Any:
    if isinstance(hint, UnionType) or typing.get_origin(hint) is typing.Union:
        return next(option for option in typing.get_args(hint) if option is not NoneType)
    return hint


def entry_type(hint: Any) -> Any:
    """The type of a tuple's entries."""
    return typing.get_args(hint)[0]


class Reader:
    """A guide made ready for reading. Make one a guide and keep it; it holds no state between transactions."""

    def __init__(self, guide: Guide) -> None:
        self.guide = guide
        self.type = guide.document_type
        self.depths = 0
        self.levels: dict[str, Table] = {}
        self.table = self._table(guide.root, self.type, 0, {})

    def read(self, segments: Sequence[Sequence[str]]) -> tuple[Document, list[Finding]]:
        """The document of one transaction set, and what could not be taken into it."""
        frames: list[Frame] = [{}] * (self.depths + 1)
        root: Frame = {}
        frames[0] = root
        tree = Tree(root) if self.levels else None
        table = self.table
        findings: list[Finding] = []
        for position, segment in enumerate(segments, 1):
            step = table.get(segment[0])
            if step is None:
                if tree is not None and segment[0] == "HL":
                    level, frames[1] = tree.enter(segment)
                    table = self.levels.get(level) or self.levels["*"]
                continue
            depth, opens, splits, handler, table, _ = step
            if opens is None:
                frame = frames[depth]
            elif opens:
                frame = {}
                parent = frames[depth - 1]
                entries = parent.get(opens)
                if entries is None:
                    parent[opens] = [frame]
                else:
                    entries.append(frame)
                frames[depth] = frame
            elif splits:
                frame = frames[depth] = self._again(frames, depth)
            else:
                frame = frames[depth] = frames[depth - 1]
            if handler is not None:
                try:
                    handler(segment, frame)
                except (ValueError, ArithmeticError, LookupError):
                    handler(self._mended(segment, position, step, findings), frame)
        return self.finish(root, findings)

    def _again(self, frames: list[Frame], depth: int) -> Frame:
        """A second W01 in one LX is a line of its own, with the line number and packages of its LX."""
        frame = frames[depth - 1]
        if "@shared" not in frame:
            frame["@shared"] = dict(frame)
            return frame
        further = dict(frame["@shared"])
        further["@shared"] = frame["@shared"]
        frames[depth - 2][self.again_field].append(further)
        frames[depth - 1] = further
        return further

    def finish(self, root: Frame, findings: list[Finding]) -> tuple[Document, list[Finding]]:
        """The frames as a document; what it cannot do without and was not told is a finding."""
        if self.guide.line_numbers == "ordinal" and (lines := root.get("lines")):
            for number, line in enumerate(lines, 1):
                if not line.get("line"):
                    line["line"] = str(number)
        try:
            return msgspec.convert(root, self.type), findings
        except msgspec.ValidationError:
            fill(root, self.type, self.guide, findings)
            return msgspec.convert(root, self.type), findings

    def _mended(self, segment: Sequence[str], position: int, step: Step, findings: list[Finding]) -> list[str]:
        """The segment without what cannot be decoded, each of which is a finding."""
        mended = list(segment)
        for rule in step.segment.rules:
            for number, decode in self._decoders(rule, step.segment):
                if number >= len(mended) or not mended[number]:
                    continue
                try:
                    decode(mended[number])
                except (ValueError, ArithmeticError, LookupError):
                    findings.append(unmapped(step.segment, position, number, mended[number], self.guide))
                    mended[number] = ""
        return mended

    # --- building ---------------------------------------------------------------------------------------------------

    def _table(self, loop: Loop, cls: Any, depth: int, above: Table) -> Table:
        """Steps for everything that may follow within a loop; `above` is what may follow once it is left."""
        self.depths = max(self.depths, depth)
        table: Table = dict(above)
        inner: list[tuple[Loop, Any]] = []
        for part in loop.parts:
            if isinstance(part, Loop):
                inner.append((part, self._entry_class(part, cls)))
            elif depth == 0 or part is not loop.parts[0]:
                after = above if part.id == "LE" and loop.trigger.id == "LS" else table
                table[part.id] = Step(depth, None, False, self._handler(part, cls), after, part)
        opened = [self._opening(part, into, loop, depth, table) for part, into in inner if not part.level]
        for part, into, step in opened:
            step.table.update(self._table(part, into, depth + 1, table))
            step.table[part.trigger.id] = step
        for part, _ in inner:
            if part.level:
                self.levels[part.level] = self._table(part, LEVEL_TYPES.get(part.level, object), depth + 1, table)
        return table

    def _opening(self, part: Loop, into: Any, loop: Loop, depth: int, table: Table) -> tuple[Loop, Any, Step]:
        """Put the step that starts a loop into the table around it. The loop's own table is filled when all are there."""
        splits = bool(self.guide.again) and part.path == self.guide.again
        if splits:
            self.again_field = loop.into
        trigger = part.trigger
        step = Step(depth + 1, part.into, splits, self._handler(trigger, into), {}, trigger)
        table[trigger.id] = step
        return part, into, step

    def _entry_class(self, loop: Loop, cls: Any) -> Any:
        return entry_type(field_types(cls)[loop.into]) if loop.into else cls

    def _handler(self, segment: Segment, cls: Any) -> Handler | None:
        return chained([self._rule(rule, segment, cls) for rule in segment.rules])

    def _rule(self, rule: Rule, segment: Segment, cls: Any) -> Handler:
        hints = field_types(cls)
        if rule.within:
            return _within(rule.within, self._inner(rule, segment, hints[rule.within]))
        if rule.by:
            return self._cases(rule, segment, cls)
        if rule.list:
            return _listed(rule.list, self._inner(rule, segment, entry_type(hints[rule.list])))
        return self._inner(rule, segment, cls)

    def _cases(self, rule: Rule, segment: Segment, cls: Any) -> Handler:
        hints = field_types(cls)
        element = element_of(segment, rule.value)
        single: dict[str, tuple[str, values.Decoder]] = {}
        several: dict[str, str] = {}
        for code, told in rule.cases.items():
            name = told.rstrip("?")
            if typing.get_origin(hints[name]) is tuple:
                several[code] = name
            else:
                single[code] = (name, self._decoder(rule, hints[name], element))
        rest = _listed(rule.list, self._inner(rule, segment, entry_type(hints[rule.list]))) if rule.list else None
        further = tuple(number for number in rule.fields if number not in (rule.by, rule.value))
        decode = self._decoder(rule, str, element)
        return _by_case(rule.by, rule.value, single, several, decode, rest, further)

    def _inner(self, rule: Rule, segment: Segment, cls: Any) -> Handler:
        hints = field_types(cls)
        made: list[Handler] = []
        if rule.fields:
            fields = [
                (number, name, self._decoder(rule, hints[name], element_of(segment, number)))
                for number, name in sorted(rule.fields.items())
                if not name.endswith("?")
            ]
            made.append(_fields(tuple(fields)))
        for number, name in rule.fields.items():
            if name.endswith("?"):
                made.append(_unless_told(number, name[:-1], self._decoder(rule, str, element_of(segment, number))))
        if rule.pairs:
            made.append(_pairs(rule.pairs, values.Words(element_of(segment, pair_positions(rule.pairs)[0]).words)))
        for number, name in rule.sum.items():
            made.append(_sum(number, name, self._decoder(rule, Decimal, element_of(segment, number))))
        if rule.special:
            made.append(error_words.READ[rule.special])
        for number, name in rule.append.items():
            made.append(_append(number, name, self._decoder(rule, str, element_of(segment, number))))
        for number, name in rule.lines.items():
            made.append(_lines(number, name))
        if rule.spread:
            made.append(_spread(tuple(rule.spread["elements"]), rule.spread["into"]))
        if rule.moment:
            made.append(_moment(rule.moment["date"], rule.moment["time"], rule.moment["into"]))
        return chained(made) or _nothing

    def _decoder(self, rule: Rule, hint: Any, element: Element) -> values.Decoder:
        return serial if rule.codec == "sscc" else values.decoder(hint, element)

    def _decoders(self, rule: Rule, segment: Segment) -> list[tuple[int, values.Decoder]]:
        """Element positions of a rule and what must be able to read them, by the element's own type."""
        numbers = [*rule.fields, *rule.sum, *([rule.value] if rule.value else [])]
        numbers += [rule.moment["date"], rule.moment["time"]] if rule.moment else []
        found: list[tuple[int, values.Decoder]] = []
        for number in numbers:
            element = element_of(segment, number)
            kinds = {"DT": date, "R": Decimal, "N2": Decimal, "N0": int}
            if element.type == "TM":
                found.append((number, values.clock))
            elif element.type == "ID" and set(element.words.values()) == {"true", "false"}:
                found.append((number, values.decoder(bool, element)))
            elif element.type in kinds:
                found.append((number, values.decoder(kinds[element.type], element)))
        return found


def element_of(segment: Segment, number: int) -> Element:
    """The element at a position; an open one where the guide has none."""
    if segment.elements is None or number > len(segment.elements):
        return Element(open=True)
    return segment.elements[number - 1]


def serial(text: str) -> str:
    """An SSCC-18; its application identifier 00, where the sender wrote it, is no part of it."""
    text = text.strip()
    return text[2:] if len(text) == 20 and text.startswith("00") else text


def fill(frame: Frame, cls: Any, guide: Guide, findings: list[Finding], where: str = "") -> None:
    """Put nothing where a document must have something, and say so."""
    required, inner = _shape(cls)
    for name, nothing in required:
        if name not in frame:
            frame[name] = nothing
            if name == "line":
                continue  # many ship notices number no items; what they ship is told by the item itself
            message = f"{where or guide.name} has no {name.replace('_', ' ')}"
            place = Place(transaction_set=guide.set_id, loop=where)
            findings.append(find(Code.DOCUMENT_INCOMPLETE, message, place, expected=name))
    for name, kind in inner:
        value = frame.get(name)
        if isinstance(value, dict):
            fill(value, kind, guide, findings, f"{where} {name}".strip())
        elif isinstance(value, list):
            for number, each in enumerate(value, 1):
                fill(each, kind, guide, findings, f"{where} {name} {number}".strip())


@cache
def _shape(cls: Any) -> tuple[tuple[tuple[str, Any], ...], tuple[tuple[str, Any], ...]]:
    """Of a document class: each field that it cannot do without, with the nothing of its type; each field that holds documents, with their class.

    Once a class: items without a line number are common, so that whole ship notices pass through `fill`.
    """
    hints = field_types(cls)
    nothing = {Decimal: Decimal(0), bool: False}
    required = tuple(
        (each.name, nothing.get(hints[each.name], "")) for each in msgspec.structs.fields(cls) if each.required
    )
    kinds = ((name, entry_type(hint) if typing.get_origin(hint) is tuple else hint) for name, hint in hints.items())
    return required, tuple(
        (name, kind) for name, kind in kinds if isinstance(kind, type) and issubclass(kind, Document)
    )


def unmapped(segment: Segment, position: int, number: int, found: str, guide: Guide) -> Finding:
    """An element whose text is no value of its type, so that its field stays empty."""
    code = {"DT": Code.BAD_DATE, "TM": Code.BAD_TIME, "ID": Code.UNMAPPED_VALUE}
    element = element_of(segment, number)
    place = Place(
        transaction_set=guide.set_id,
        segment=segment.id,
        segment_position=position,
        element=number,
        data_element=element.number,
    )
    message = f"{segment.id}-{number:02} at segment {position} is no {element.name}: {found!r}"
    return find(code.get(element.type, Code.BAD_NUMBER), message, place, expected=element.type, found=found)


# --- handlers ---------------------------------------------------------------------------------------------------------


def chained(handlers: list[Handler]) -> Handler | None:
    if len(handlers) < 2:
        return handlers[0] if handlers else None
    steps = tuple(handlers)

    def several(segment: Sequence[str], frame: Frame) -> None:
        for step in steps:
            step(segment, frame)

    return several


def _nothing(segment: Sequence[str], frame: Frame) -> None:
    return None


def _fields(fields: tuple[tuple[int, str, values.Decoder], ...]) -> Handler:
    def take(segment: Sequence[str], frame: Frame) -> None:
        length = len(segment)
        for number, name, decode in fields:
            if number >= length:
                return
            if text := segment[number]:
                frame[name] = decode(text)

    return take


def pair_positions(pairs: dict[str, Any]) -> tuple[int, ...]:
    """Where the qualifiers of pairs stand."""
    return tuple(pairs["at"]) if "at" in pairs else tuple(range(pairs["from"], pairs["to"], 2))


def _pairs(pairs: dict[str, Any], words: values.Words) -> Handler:
    positions, into, cases = pair_positions(pairs), pairs.get("into", ""), pairs.get("cases", {})
    named = tuple((int(number), qualifier) for number, qualifier in pairs.get("named", {}).items())

    def take(segment: Sequence[str], frame: Frame) -> None:
        last = len(segment) - 1
        entries = []
        for number, qualifier in named:
            if number <= last and segment[number]:
                entries.append({"qualifier": qualifier, "id": segment[number]})
        for number in positions:
            if number >= last:
                break
            if value := segment[number + 1]:
                qualifier = segment[number]
                if qualifier in cases and cases[qualifier] not in frame:
                    frame[cases[qualifier]] = value
                elif into:
                    entries.append({"qualifier": words[qualifier], "id": value})
        if entries:
            if into in frame:
                frame[into].extend(entries)
            else:
                frame[into] = entries

    return take


def _unless_told(number: int, name: str, decode: values.Decoder) -> Handler:
    def take(segment: Sequence[str], frame: Frame) -> None:
        if name not in frame and number < len(segment) and segment[number]:
            frame[name] = decode(segment[number])

    return take


def _sum(number: int, name: str, decode: values.Decoder) -> Handler:
    def take(segment: Sequence[str], frame: Frame) -> None:
        if number < len(segment) and segment[number]:
            frame[name] = frame.get(name, Decimal(0)) + decode(segment[number])

    return take


def _append(number: int, name: str, decode: values.Decoder) -> Handler:
    def take(segment: Sequence[str], frame: Frame) -> None:
        if number < len(segment) and segment[number]:
            frame.setdefault(name, []).append(decode(segment[number]))

    return take


def _lines(number: int, name: str) -> Handler:
    def take(segment: Sequence[str], frame: Frame) -> None:
        if number < len(segment) and (text := segment[number]):
            frame[name] = f"{frame[name]}\n{text}" if name in frame else text

    return take


def _spread(numbers: tuple[int, ...], name: str) -> Handler:
    def take(segment: Sequence[str], frame: Frame) -> None:
        texts = [segment[number] for number in numbers if number < len(segment) and segment[number]]
        if texts:
            frame.setdefault(name, []).extend(texts)

    return take


def _moment(date_number: int, time_number: int, name: str) -> Handler:
    def take(segment: Sequence[str], frame: Frame) -> None:
        if date_number < len(segment) and segment[date_number]:
            clock = segment[time_number] if time_number < len(segment) else ""
            frame[name] = values.moment(segment[date_number], clock)

    return take


def _within(name: str, inner: Handler) -> Handler:
    def take(segment: Sequence[str], frame: Frame) -> None:
        part = frame.get(name)
        if part is None:
            part = {}
            inner(segment, part)
            if part:
                frame[name] = part
        else:
            inner(segment, part)

    return take


def _listed(name: str, inner: Handler) -> Handler:
    def take(segment: Sequence[str], frame: Frame) -> None:
        entry: Frame = {}
        inner(segment, entry)
        if entry:
            frame.setdefault(name, []).append(entry)

    return take


def _by_case(
    by: int,
    value: int,
    single: dict[str, tuple[str, values.Decoder]],
    several: dict[str, str],
    decode: values.Decoder,
    rest: Handler | None,
    further: tuple[int, ...],
) -> Handler:
    def take(segment: Sequence[str], frame: Frame) -> None:
        length = len(segment)
        code = segment[by] if by < length else ""
        text = segment[value] if value < length else ""
        if text and code in single:
            name, read = single[code]
            if name not in frame:
                frame[name] = read(text)
                if rest is None or not any(number < length and segment[number] for number in further):
                    return
        elif text and code in several:
            frame.setdefault(several[code], []).append(decode(text))
            return
        if rest is not None:
            rest(segment, frame)

    return take
