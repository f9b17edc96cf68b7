"""What one partner asks for beyond the guide: a table that states only what differs, applied to a copy of the guide.

The workspace hands the table over as TOML gave it. Names that the guide does not have are refused with the nearest that
it has, so that a typing error never goes unnoticed. The format is described in docs/reference/guide-format.md.
"""

import copy
import difflib
import typing
from collections.abc import Iterable
from typing import Any

from crossdock.edi.x12.guide import Element, Guide, GuideError, Loop, Rule, Segment, loops, rule, walk
from crossdock.edi.x12.hierarchy import LEVEL_TYPES
from crossdock.edi.x12.reading import Reader, entry_type, field_types
from crossdock.edi.x12.writing import Writer

_TOP = ("segments", "elements", "words", "meaning", "lines", "totals", "partner")
_SEGMENT = ("usage", "max")
_ELEMENT = ("usage", "min", "max", "codes", "add_codes", "remove_codes", "closed", "value", "field", "default")
_LINES = ("numbers", "width")
_TOTALS = ("hash",)
_USAGES = ("required", "optional", "unused")


_MOST_ELEMENTS = 40
"""How many elements a segment is given that the guide says nothing of, once a partner speaks of one."""


class OverlayError(GuideError):
    """An overlay that names what is not there, or says what cannot be; the message says where and what was meant."""


def apply(guide: Guide, overlay: dict[str, Any]) -> Guide:
    """The guide as a partner wants it. Raises OverlayError; the guide given stays as it is."""
    _known(overlay, _TOP, "overlay")
    for name in ("segments", "elements", "words", "meaning"):
        if not isinstance(overlay.get(name, {}), dict):
            raise OverlayError(f"{name} must be a table, not {overlay[name]!r}")
    made = _copied(guide)
    made.partner = str(overlay.get("partner", guide.partner))
    for path, told in overlay.get("segments", {}).items():
        _segment(made, path, told)
    for vocabulary, words in overlay.get("words", {}).items():
        _words(made, vocabulary, words)
    for place, told in overlay.get("elements", {}).items():
        _element(made, place, told)
    for path, told in overlay.get("meaning", {}).items():
        _meaning(made, path, told)
    _lines(made, overlay.get("lines", {}))
    _totals(made, overlay.get("totals", {}))
    _prove(made)
    return made


def _copied(guide: Guide) -> Guide:
    fields = {name: copy.deepcopy(getattr(guide, name)) for name in guide.__struct_fields__}
    return Guide(**fields)


def _known(told: Any, names: Iterable[str], where: str) -> None:
    if not isinstance(told, dict):
        raise OverlayError(f"{where} must be a table, not {told!r}")
    for name in told:
        if name not in names:
            raise OverlayError(f"{where} has no {name!r}{_meant(name, names)}")


def _meant(name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(names), 1, 0.5)
    return f"; did you mean {near[0]!r}?" if near else f"; there are: {', '.join(list(names)[:40])}"


def _parts(guide: Guide, path: str) -> list[Segment | Loop]:
    """The segment at a path, and the loop that it starts. Of a hierarchy, HL/x means x at every level."""
    found: list[Segment | Loop] = [segment for segment in walk(guide.root) if segment.path == path]
    found += [loop for loop in loops(guide.root) if loop.path == path and path]
    if not found:
        raise OverlayError(f"guide {guide.set_id} has no segment {path!r}{_meant(path, guide.segments)}")
    return found


def _segment(guide: Guide, path: str, told: dict[str, Any]) -> None:
    _known(told, _SEGMENT, f"segments.{path}")
    parts = _parts(guide, path)
    part = parts[-1]
    if "usage" in told:
        usage = _usage(told["usage"], f"segments.{path}")
        part.required, part.unused = usage == "required", usage == "unused"
    if "max" in told:
        part.max = _number(told["max"], f"segments.{path}.max")


def _usage(told: Any, where: str) -> str:
    if told not in _USAGES:
        raise OverlayError(f"{where}.usage cannot be {told!r}{_meant(str(told), _USAGES)}")
    return str(told)


def _number(told: Any, where: str) -> int:
    if not isinstance(told, int) or isinstance(told, bool) or told < 0:
        raise OverlayError(f"{where} must be a whole number, not {told!r}")
    return told


def _place(guide: Guide, place: str) -> tuple[Segment, int]:
    path, _, number = place.rpartition("-")
    if not path or not number.isdigit():
        raise OverlayError(f"elements.{place!r} is no element: write it like BEG-02 or PO1/PID-05")
    segment = _parts(guide, path)[0]
    assert isinstance(segment, Segment)
    if segment.elements is None:
        segment.elements = [Element(open=True, name="(open)") for _ in range(_MOST_ELEMENTS)]
    if not 1 <= int(number) <= len(segment.elements):
        raise OverlayError(f"{segment.id} has {len(segment.elements)} elements, none is {place!r}")
    return segment, int(number)


def _element(guide: Guide, place: str, told: dict[str, Any]) -> None:
    where = f"elements.{place}"
    _known(told, _ELEMENT, where)
    segment, number = _place(guide, place)
    assert segment.elements is not None
    element = segment.elements[number - 1]
    if "usage" in told:
        usage = _usage(told["usage"], where)
        element.required, element.unused = usage == "required", usage == "unused"
    if element.open and {"min", "max", "codes", "closed"} & set(told):
        element.open, element.max = False, 264
    if "min" in told:
        element.min = _number(told["min"], f"{where}.min")
    if "max" in told:
        element.max = _number(told["max"], f"{where}.max")
    if element.min > element.max:
        raise OverlayError(f"{where}: min {element.min} is more than max {element.max}")
    _codes(element, told, where)
    if "value" in told:
        element.fixed = str(told["value"])
        if element.closed and element.fixed not in element.codes:
            raise OverlayError(f"{where}.value {element.fixed!r} is not among its codes {sorted(element.codes)}")
    if "field" in told or "default" in told:
        _field(segment, number, told)


def _codes(element: Element, told: dict[str, Any], where: str) -> None:
    for key in ("codes", "add_codes"):
        given = told.get(key)
        if given is None:
            continue
        if not isinstance(given, (list, dict)):
            raise OverlayError(f"{where}.{key} must be a list of codes or a table of codes and words")
        words = {str(code): str(word) for code, word in given.items()} if isinstance(given, dict) else {}
        codes = frozenset(map(str, given))
        if key == "codes":
            element.codes, element.closed = codes, True
            element.words = {
                **words,
                **{code: word for code, word in element.words.items() if code in codes and code not in words},
            }
        else:
            element.codes |= codes
            element.words = {**words, **{code: word for code, word in element.words.items() if code not in words}}
    for code in told.get("remove_codes", ()):
        if code not in element.codes:
            raise OverlayError(
                f"{where}.remove_codes: {code!r} is not among its codes{_meant(code, sorted(element.codes))}"
            )
        element.codes -= {code}
        element.words.pop(code, None)
        element.closed = True
    if "closed" in told:
        element.closed = bool(told["closed"])


def _field(segment: Segment, number: int, told: dict[str, Any]) -> None:
    """Map an element to a field of what its segment fills."""
    if not segment.rules or segment.rules[0].by:
        segment.rules.insert(0, Rule())
    target = segment.rules[0]
    if "field" in told:
        target.fields = {**{at: name for at, name in target.fields.items() if at != number}, number: str(told["field"])}
    if "default" in told:
        target.defaults = {**target.defaults, number: str(told["default"])}


def _words(guide: Guide, vocabulary: str, words: dict[str, str]) -> None:
    """Codes of a vocabulary (reference, item, role ...) wherever it is used; these are preferred when writing."""
    found = False
    names = sorted(
        {each.vocabulary for segment in walk(guide.root) for each in segment.elements or () if each.vocabulary}
    )
    for segment in walk(guide.root):
        for element in segment.elements or ():
            if element.vocabulary == vocabulary:
                found = True
                told = {str(code): str(word) for code, word in words.items()}
                element.words = {**told, **{code: word for code, word in element.words.items() if code not in told}}
                element.codes |= frozenset(told)
    if not found:
        raise OverlayError(f"guide {guide.set_id} uses no words {vocabulary!r}{_meant(vocabulary, names)}")


def _meaning(guide: Guide, path: str, told: dict[str, Any]) -> None:
    """Further meaning of a segment, in the guide's own terms. `cases` are added to those that are there."""
    segment = _parts(guide, path)[0]
    assert isinstance(segment, Segment)
    try:
        further = rule(told)
    except ValueError as error:
        raise OverlayError(f"meaning.{path}: {error}") from None
    by_case = next((each for each in segment.rules if each.by and further.cases), None)
    if by_case is not None:
        by_case.cases = {**further.cases, **by_case.cases}
    elif further.cases and segment.rules and segment.rules[0].list:
        listed = segment.rules[0]
        listed.by, listed.value, listed.cases = further.by or 1, further.value or 2, further.cases
    else:
        segment.rules.append(further)


def _lines(guide: Guide, told: dict[str, Any]) -> None:
    _known(told, _LINES, "lines")
    numbers = told.get("numbers", guide.line_numbers)
    if numbers not in ("ordinal", "as-told"):
        raise OverlayError(f"lines.numbers cannot be {numbers!r}{_meant(str(numbers), ('ordinal', 'as-told'))}")
    guide.line_numbers = numbers
    guide.line_width = _number(told.get("width", guide.line_width), "lines.width")


def _totals(guide: Guide, told: dict[str, Any]) -> None:
    _known(told, _TOTALS, "totals")
    if "hash" in told:
        usage = _usage(told["hash"], "totals")
        guide.hash_required = usage == "required"
        if usage == "unused":
            guide.hash_segment = ""


def _prove(guide: Guide) -> None:
    """Every field that a rule names must be one of the document's: build reader and writer now, and name what fails."""
    _check_fields(guide.root, guide.document_type)
    Reader(guide)
    Writer(guide)


def _check_fields(loop: Loop, cls: Any) -> None:
    for part in loop.parts:
        if isinstance(part, Loop):
            inner = LEVEL_TYPES.get(part.level, object) if part.level else cls
            _check_fields(part, entry_type(field_types(cls)[part.into]) if part.into else inner)
            continue
        for each in part.rules:
            _check_rule(each, part, cls)


def _check_rule(each: Rule, segment: Segment, cls: Any) -> None:
    hints = field_types(cls)
    names = [*(name.rstrip("?") for name in each.cases.values())]
    if each.list:
        names.append(each.list)
    inner = cls
    if each.within:
        names.append(each.within)
        inner = hints.get(each.within)
    elif each.list and typing.get_origin(hints.get(each.list)) is tuple:
        inner = entry_type(hints[each.list])
    _fields_exist(names, cls, segment)
    further = [*each.fields.values(), *each.append.values(), *each.lines.values(), *each.sum.values()]
    _fields_exist([name.rstrip("?") for name in further], inner, segment)


def _fields_exist(names: Iterable[str], cls: Any, segment: Segment) -> None:
    known = field_types(cls)
    for name in names:
        if name not in known:
            raise OverlayError(f"{segment.path}: {cls.__name__} has no field {name!r}{_meant(name, known)}")
