"""The documentation of a guide, generated from the guide itself: docs/reference/guides/*.md."""

from crossdock.edi.x12.guide import (
    BASE_VERSION,
    EXACT_VERSIONS,
    MANY,
    Element,
    Guide,
    Loop,
    Rule,
    Segment,
    known_sets,
    load,
)
from crossdock.edi.x12.hierarchy import LEVEL_TYPES
from crossdock.edi.x12.reading import pair_positions


def pages() -> dict[str, str]:
    """File name to Markdown, for every guide and an index of them."""
    made = {"README.md": _index()}
    for set_id in known_sets():
        guide = load(set_id)
        assert guide is not None
        made[f"{set_id}.md"] = page(guide)
    return made


def page(guide: Guide) -> str:
    """One guide, with a partner's overlay if it was applied, as Markdown."""
    partner = f" for {guide.partner}" if guide.partner else ""
    lines = [
        f"# {guide.set_id} {guide.name}{partner}",
        "",
        f"Version {guide.version}" + (f", functional group {guide.group}" if guide.group else "") + ".",
        f"Read to and written from `{guide.document}` of `crossdock.trade.documents`.",
        "",
        "Generated from the guide; do not edit. What we give no meaning to is allowed where X12 allows it, and not judged.",
        "",
        "## Structure",
        "",
        "| segment | usage | at most | what it tells |",
        "|---|---|---|---|",
        *_structure(guide.root, 0, guide),
        "",
    ]
    if guide.line_segments:
        counted = " or ".join(guide.line_segments)
        lines += [f"CTT-01 is the number of {counted} segments." + _hash(guide), ""]
    lines += ["## Segments", ""]
    for segment in guide.segments.values():
        if segment.rules:
            lines += _segment(segment)
    changes = _changes(guide)
    if changes:
        lines += ["## What 005010 changes", "", *changes, ""]
    return "\n".join(lines).rstrip() + "\n"


def _hash(guide: Guide) -> str:
    if not guide.hash_segment:
        return ""
    return f" CTT-02, where it is told, is the sum of {guide.hash_segment}-{guide.hash_element:02}."


def _index() -> str:
    lines = [
        "# Guides",
        "",
        "The transaction sets that Crossdock reads, writes and judges. Generated; the format is described in",
        "[guide-format.md](../guide-format.md).",
        "",
        "| set | name | group | document |",
        "|---|---|---|---|",
    ]
    for set_id in known_sets():
        guide = load(set_id)
        assert guide is not None
        lines.append(f"| [{set_id}]({set_id}.md) | {guide.name} | {guide.group} | `{guide.document}` |")
    return "\n".join(lines) + "\n"


def _usage(part: Segment | Loop) -> str:
    return "not used" if part.unused else "mandatory" if part.required else "optional"


def _most(most: int) -> str:
    return "any" if most >= MANY else str(most)


def _structure(loop: Loop, depth: int, guide: Guide) -> list[str]:
    lines = []
    for part in loop.parts:
        indent = "&nbsp;&nbsp;" * depth
        if isinstance(part, Loop):
            if part.level == "*":
                continue
            level = f" level {part.level}, {guide.levels[part.level]}" if part.level else ""
            told = f"loop {part.path}{level}" + (f": one of `{part.into}` each" if part.into else "")
            if part.level:
                told += f": `{LEVEL_TYPES[part.level].__name__}`"
            lines.append(f"| {indent}{part.trigger.id} | {_usage(part)} | {_most(part.max)} | {told} |")
            lines += _structure(part, depth + 1, guide)
        elif part is not loop.parts[0] or not depth:
            lines.append(f"| {indent}{part.id} | {_usage(part)} | {_most(part.max)} | {part.name} |")
    return lines


def _segment(segment: Segment) -> list[str]:
    notes = f" Syntax notes: {', '.join(map(str, segment.notes))}." if segment.notes else ""
    fields, told = _fields(segment)
    lines = [f"### {segment.path}: {segment.name}", ""]
    if told or notes:
        lines += [f"{' '.join(told)}{notes}".strip(), ""]
    lines += ["| element | name | type | length | usage | codes | fills |", "|---|---|---|---|---|---|---|"]
    repeated = {at for rule in segment.rules if rule.pairs for at in pair_positions(rule.pairs)[1:]}
    for number, element in enumerate(segment.elements or (), 1):
        if (not element.open or number in fields) and not repeated & {number, number - 1}:
            lines.append(_element(segment, number, element, fields.get(number, "")))
    return [*lines, ""]


def _element(segment: Segment, number: int, element: Element, fills: str) -> str:
    codes = ", ".join(f"{code} {word}" for code, word in element.words.items() if code in element.codes)
    further = sorted(element.codes - set(element.words))
    codes = ", ".join(filter(None, [codes, *further])) + (" (no others)" if element.closed else "")
    usage = "not used" if element.unused else "mandatory" if element.required else "optional"
    length = (
        "" if element.open else f"{element.min}" if element.min == element.max else f"{element.min} to {element.max}"
    )
    fixed = f" always `{element.fixed}`" if element.fixed else ""
    kind = "open" if element.open else element.type
    name = f"{element.name} ({element.number})" if element.number else element.name
    return f"| {segment.id}-{number:02} | {name} | {kind} | {length} | {usage} | {codes} | {fills}{fixed} |"


def _fields(segment: Segment) -> tuple[dict[int, str], list[str]]:
    """What each element fills, and sentences about the segment as a whole."""
    fields: dict[int, str] = {}
    told: list[str] = []
    for rule in segment.rules:
        prefix = f"{rule.list or rule.within}." if rule.list or rule.within else ""
        for number, name in {**rule.fields, **rule.sum, **rule.append, **rule.lines}.items():
            fields[number] = f"`{prefix}{name.rstrip('?')}`"
        for number in rule.spread.get("elements", ()):
            fields[number] = f"`{prefix}{rule.spread['into']}`"
        for key in ("date", "time"):
            if rule.moment:
                fields[rule.moment[key]] = f"`{rule.moment['into']}`"
        for number, name in rule.pairs.get("named", {}).items():
            fields[int(number)] = f"`{rule.pairs['into']}` as {name}"
        told += _sentences(rule, segment)
    return fields, told


def _sentences(rule: Rule, segment: Segment) -> list[str]:
    told = []
    if rule.list:
        told.append(f"Each segment is one of `{rule.list}`.")
    if rule.by:
        cases = ", ".join(f"{code} fills `{name.rstrip('?')}`" for code, name in rule.cases.items())
        told.append(f"By {segment.id}-{rule.by:02}, {segment.id}-{rule.value:02} fills: {cases}.")
    if rule.pairs:
        places = ", ".join(f"{segment.id}-{at:02}" for at in pair_positions(rule.pairs))
        cases = ", ".join(f"{code} fills `{name}`" for code, name in rule.pairs.get("cases", {}).items())
        into = f"fill `{rule.pairs['into']}`" if "into" in rule.pairs else "tell what is meant"
        told.append(f"Pairs of kind and number, which start at {places}, {into}{': ' + cases if cases else ''}.")
    if rule.defaults:
        silent = ", ".join(
            f"{segment.id}-{number:02} {text.partition('@')[0]}" for number, text in rule.defaults.items()
        )
        told.append(f"Written where the document is silent: {silent}.")
    return told


def _changes(guide: Guide) -> list[str]:
    """Elements of segments with meaning that differ in the next version."""
    newer = load(guide.set_id, EXACT_VERSIONS[-1])
    if newer is None or guide.version != BASE_VERSION or guide.partner:
        return []
    lines = []
    seen: set[str] = set()
    for path, segment in guide.segments.items():
        other = newer.segments[path]
        if segment.id in seen or segment.elements is None or other.elements is None:
            continue
        seen.add(segment.id)
        for number, (old, new) in enumerate(zip(segment.elements, other.elements, strict=False), 1):
            if old.number == new.number and (old.type, old.min, old.max) != (new.type, new.min, new.max):
                lines.append(
                    f"- {segment.id}-{number:02} ({old.name}): {new.type} {new.min} to {new.max}, was {old.max}"
                )
        if len(other.elements) > len(segment.elements):
            lines.append(f"- {segment.id} has {len(other.elements)} elements, was {len(segment.elements)}")
    return lines
