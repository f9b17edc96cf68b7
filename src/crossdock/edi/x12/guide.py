"""A guide: the structure and meaning of one transaction set, declared once as data and used for all that is done with it.

Reading, writing, validating, the fast path and the documentation are all derived from the same `Guide`. Guides are TOML
files beside this module; `load` builds one for a set and version, `overlay.apply` changes it for a partner. The format is
described in docs/reference/guide-format.md.
"""

import copy
import functools
import tomllib
from collections.abc import Iterator
from importlib import resources
from typing import Any

import msgspec

from crossdock.trade import documents, stock

BASE_VERSION = "004010"
EXACT_VERSIONS = (BASE_VERSION, "005010")
MANY = 999_999
"""How often a segment may repeat that may repeat without limit."""


class Element(msgspec.Struct, kw_only=True, eq=False):
    """A data element in one place: its type (AN, ID, N0, N2, R, DT, TM) and lengths; open elements may hold anything.

    codes are what it may hold and `words` what they mean; `closed` forbids others. fixed is written whatever a document says.
    """

    number: str = ""
    name: str = ""
    type: str = "AN"
    min: int = 0
    max: int = MANY
    words: dict[str, str] = {}
    vocabulary: str = ""
    codes: frozenset[str] = frozenset()
    closed: bool = False
    open: bool = False
    required: bool = False
    unused: bool = False
    fixed: str = ""


class Note(msgspec.Struct, frozen=True, eq=False):
    """A syntax note: P if one then all, R at least one, E at most one, C if the first then all, L if the first then one."""

    kind: str
    positions: tuple[int, ...]

    def __str__(self) -> str:
        return self.kind + "".join(f"{position:02}" for position in self.positions)


class Rule(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, eq=False):
    """What the elements of a segment mean: which field of the document each fills. Keys are element positions.

    fields: element to field. list: each segment is one entry of this field. within: the fields are those of this part.
    by, value, cases: element `by` tells which field element `value` fills; without such a case the segment goes to `list`.
    A field name that ends with `?` is read only where nothing better told it, and never written.
    pairs: qualifier and value elements that alternate. append: one text per segment. lines: texts joined by line breaks.
    spread: the texts of several elements and segments. sum: amounts that add up. moment: date and time of one field.
    defaults are written where the document is silent ("G@07": only with element 07), count where it has no count.
    always: write the segment when this field of the document has something. special: see `error_words`.
    """

    fields: dict[int, str] = {}
    list: str = ""
    within: str = ""
    by: int = 0
    value: int = 0
    cases: dict[str, str] = {}
    pairs: dict[str, Any] = {}
    append: dict[int, str] = {}
    lines: dict[int, str] = {}
    spread: dict[str, Any] = {}
    moment: dict[str, Any] = {}
    defaults: dict[int, str] = {}
    count: dict[int, str] = {}
    codec: str = ""
    sum: dict[int, str] = {}
    always: str = ""
    special: str = ""


class Segment(msgspec.Struct, kw_only=True, eq=False):
    """A segment in one place of the set. path names the place: loops and segment with `/`, such as PO1/PID.

    elements is None where we give the segment no meaning: then it may hold anything.
    """

    id: str
    path: str
    name: str = ""
    required: bool = False
    unused: bool = False
    max: int = 1
    elements: list[Element] | None = None
    notes: tuple[Note, ...] = ()
    rules: list[Rule] = []


class Loop(msgspec.Struct, kw_only=True, eq=False):
    """Segments that repeat together; the first of `parts` starts it. `into` is the field that its repetitions fill.

    again: a segment that starts a further entry with what the loop said before it (W01 in LX). level: the HL03 code
    that this loop stands for where the set is a hierarchy.
    """

    path: str
    required: bool = False
    unused: bool = False
    max: int = 1
    parts: list["Segment | Loop"] = []
    into: str = ""
    level: str = ""

    @property
    def trigger(self) -> Segment:
        first = self.parts[0]
        assert isinstance(first, Segment)
        return first


class Guide(msgspec.Struct, kw_only=True, dict=True, eq=False):
    """All that is known of one transaction set in one version, for one partner if an overlay was applied.

    version is the version that the guide describes; `exact` is false where another version was asked for. read_only: loops that are read and never written.
    """

    set_id: str
    name: str
    group: str
    version: str
    asked: str
    document: str
    root: Loop
    levels: dict[str, str] = {}
    line_segments: tuple[str, ...] = ()
    hash_segment: str = ""
    hash_element: int = 0
    hash_required: bool = False
    again: str = ""
    read_only: tuple[str, ...] = ()
    line_numbers: str = "ordinal"
    line_width: int = 0
    partner: str = ""

    @property
    def exact(self) -> bool:
        return self.version == self.asked

    @property
    def document_type(self) -> type[documents.Document]:
        room = documents if hasattr(documents, self.document) else stock
        found: type[documents.Document] = getattr(room, self.document)
        return found

    @functools.cached_property
    def segments(self) -> dict[str, Segment]:
        """Every segment by its path."""
        return {segment.path: segment for segment in walk(self.root)}

    @functools.cached_property
    def ids(self) -> frozenset[str]:
        """Every segment id that X12 allows somewhere in the set."""
        return frozenset(segment.id for segment in walk(self.root))


class GuideError(ValueError):
    """A guide or overlay that contradicts itself or names what is not there; the message says where."""


def walk(loop: Loop) -> list[Segment]:
    """All segments of a loop and of the loops in it, in order."""
    found: list[Segment] = []
    for part in loop.parts:
        if isinstance(part, Segment):
            found.append(part)
        else:
            found.extend(walk(part))
    return found


def loops(loop: Loop) -> list[Loop]:
    """The loop and all loops in it, in order."""
    found = [loop]
    for part in loop.parts:
        if isinstance(part, Loop):
            found.extend(loops(part))
    return found


def known_sets() -> tuple[str, ...]:
    """The transaction sets that there is a guide for."""
    names = (entry.name for entry in resources.files(__package__).joinpath("guides").iterdir())
    return tuple(sorted(name[:-5] for name in names if name.endswith(".toml") and name != "dictionary.toml"))


@functools.lru_cache(maxsize=256)
def load(set_id: str, version: str = BASE_VERSION) -> Guide | None:
    """The guide of a set for GS08 `version` (004010, 005010X230, 004010VICS ...); None if there is none.

    A version without a guide of its own is read with the nearest lower one, or the lowest.
    """
    if set_id not in known_sets():
        return None
    asked = version.strip()[:6] or BASE_VERSION
    if not asked.isdigit() or len(asked) != 6:
        asked = BASE_VERSION
    nearest = max((known for known in EXACT_VERSIONS if known <= asked), default=BASE_VERSION)
    return _build(_read(set_id), _dictionary(asked), nearest, asked)


@functools.cache
def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(resources.files(__package__).joinpath("guides", f"{name}.toml").read_text("utf-8"))


@functools.lru_cache(maxsize=32)
def _dictionary(asked: str) -> dict[str, Any]:
    """The dictionary with what the version asked for changes."""
    told = copy.deepcopy(_read("dictionary"))
    for version, changes in told.pop("versions").items():
        applies = asked < version.removeprefix("before-") if version.startswith("before-") else asked >= version
        if applies:
            for number, change in changes.get("elements", {}).items():
                told["elements"][number].update(change)
            for segment, elements in changes.get("segments", {}).items():
                told["segments"][segment]["elements"] = elements
    return told


def _build(told: dict[str, Any], dictionary: dict[str, Any], version: str, asked: str) -> Guide:
    builder = _Builder(told, dictionary)
    root = builder.root(told["structure"])
    totals = told.get("totals", {})
    segment, _, element = totals.get("hash", "").partition("-")
    guide = Guide(
        set_id=told["set"],
        name=told["name"],
        group=told["group"],
        version=version,
        asked=asked,
        document=told["document"],
        root=root,
        levels=told.get("levels", {}),
        line_segments=tuple(totals.get("lines", ())),
        hash_segment=segment,
        hash_element=int(element or 0),
        again=told.get("again", ""),
        read_only=tuple(told.get("read_only", ())),
    )
    unplaced = sorted(set(told.get("meaning", {})) - set(guide.segments)) + sorted(
        set(told.get("loops", {})) - {loop.path for loop in loops(root)}
    )
    if unplaced:
        raise GuideError(f"guide {guide.set_id} gives meaning to what its structure does not have: {unplaced}")
    return guide


class _Builder:
    """Turns the text of a structure into loops and segments."""

    def __init__(self, told: dict[str, Any], dictionary: dict[str, Any]) -> None:
        self.told, self.dictionary = told, dictionary
        self.levels: dict[str, str] = told.get("levels", {})

    def root(self, structure: str) -> Loop:
        tokens = iter(structure.replace("(", " ( ").replace(")", " ) ").split())
        return Loop(path="", required=True, parts=self._parts(tokens, ""))

    def _loop(self, tokens: Iterator[str], above: str) -> Loop:
        """A loop up to its closing bracket. The first segment gives it its name, usage and maximum."""
        name, required, most = _told(next(tokens))
        path = f"{above}/{name}" if above else name
        first = self.segment(name, path, required=True, most=1)
        into = str(self.told.get("loops", {}).get(path, ""))
        return Loop(path=path, required=required, max=most, parts=[first, *self._parts(tokens, path)], into=into)

    def _parts(self, tokens: Iterator[str], above: str) -> list[Segment | Loop]:
        parts: list[Segment | Loop] = []
        for token in tokens:
            if token == ")":
                break
            if token == "(":
                parts.extend(self._levelled(self._loop(tokens, above)))
            else:
                name, required, most = _told(token)
                place = f"{above}/{name}" if above else name
                parts.append(self.segment(name, place, required=required, most=most))
        return parts

    def _levelled(self, loop: Loop) -> list[Loop]:
        """An HL loop becomes one loop a level, so that each level has its own rules; others stay as they are."""
        if loop.trigger.id != "HL" or not self.levels:
            return [loop]
        return [self._level(loop, code) for code in [*self.levels, ""]]

    def _level(self, loop: Loop, code: str) -> Loop:
        def renamed(part: Segment | Loop) -> Segment | Loop:
            path = (code or "HL") + part.path[2:]
            if isinstance(part, Segment):
                return self.segment(part.id, path, required=part.required, most=part.max)
            inner = [renamed(each) for each in part.parts]
            into = str(self.told.get("loops", {}).get(path, ""))
            return Loop(path=path, required=part.required, max=part.max, parts=inner, into=into)

        made = renamed(loop)
        assert isinstance(made, Loop)
        made.level, made.required = code or "*", False
        return made

    def segment(self, name: str, path: str, *, required: bool, most: int) -> Segment:
        told = self.dictionary["segments"].get(name)
        rules = self.told.get("meaning", {}).get(path, [])
        rules = rules if isinstance(rules, list) else [rules]
        made = Segment(
            id=name,
            path=path,
            required=required,
            max=most,
            rules=[rule(each) for each in rules],
        )
        if told:
            made.name = told["name"]
            made.elements = [self._element(token) for token in _expanded(told["elements"])]
            made.notes = tuple(_note(note) for note in told.get("notes", "").split())
        return made

    def _element(self, token: str) -> Element:
        required, number = token.endswith("!"), token.rstrip("!")
        if number == "?":
            return Element(open=True, required=required, name="(open)")
        try:
            told = self.dictionary["elements"][number]
        except KeyError:
            raise GuideError(f"the dictionary has no element {number}") from None
        type_, least, most = told["is"].split()
        vocabulary = told.get("words", "")
        words = dict(self.dictionary["words"][vocabulary]) if vocabulary else {}
        return Element(
            number=number,
            name=told["name"],
            type=type_,
            min=int(least),
            max=int(most),
            words=words,
            vocabulary=vocabulary,
            codes=frozenset(words),
            closed=told.get("closed", False),
            required=required,
        )


def _told(token: str) -> tuple[str, bool, int]:
    """`REF!:12` as its name, whether it is mandatory, and how often it may stand."""
    name, _, most = token.partition(":")
    return name.rstrip("!"), name.endswith("!"), MANY if most == "*" else int(most or 1)


def rule(told: dict[str, Any]) -> Rule:
    """A rule as TOML tells it; element positions may have leading zeros."""
    return msgspec.convert(
        {key: _positions(value) if key in _BY_POSITION else value for key, value in told.items()}, Rule
    )


_BY_POSITION = ("fields", "append", "lines", "defaults", "count", "sum")


def _positions(told: dict[str, str]) -> dict[int, str]:
    return {int(position): value for position, value in told.items()}


def _expanded(elements: str) -> list[str]:
    """`a (b c)x2` as a b c b c."""
    found: list[str] = []
    for piece in elements.replace("(", "|(").split("|"):
        if piece.startswith("("):
            group, _, rest = piece[1:].partition(")x")
            times, _, after = rest.partition(" ")
            found += group.split() * int(times) + after.split()
        else:
            found += piece.split()
    return found


def _note(text: str) -> Note:
    digits = text[1:]
    return Note(text[0], tuple(int(digits[at : at + 2]) for at in range(0, len(digits), 2)))
