"""Does a schema break those who read events by an earlier one? Pure.

A reader may rely on every field that was there, on its being written, and on its values being of the kinds that were told. New fields are no harm: readers pass over what they
do not know.
"""

from collections.abc import Iterator, Mapping
from typing import Any

_BOUNDS = (
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minItems",
    "maxItems",
    "pattern",
    "format",
    "const",
)


def breaks(published: Mapping[str, Any], present: Mapping[str, Any]) -> list[str]:
    """How the `present` JSON Schema breaks the `published` one, each with its place; empty when it does not.

    removed: a field is not told any more. not always written: it may be left out now. may be: its values may be of kinds that were not told.
    newly required, may not be: what is in the feed already, written by the published one, does not hold to the present one.
    """
    return [
        *_breaks(published, present, published, present, "#"),
        *(f"{place}: newly required" for place in _newly_required(published, present, published, present, "#")),
        *_kinds_lost(published, present),
    ]


def _resolve(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        found: Any = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    return schema


def _variants(schema: Mapping[str, Any], root: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The alternatives that a schema names, each of one type."""
    schema = _resolve(schema, root)
    if "anyOf" in schema:
        return [variant for each in schema["anyOf"] for variant in _variants(each, root)]
    kinds = schema.get("type")
    if isinstance(kinds, list):
        return [{**schema, "type": kind} for kind in kinds]
    return [schema]


def _kind(variant: Mapping[str, Any]) -> str:
    if "enum" in variant:
        return "one of " + ", ".join(sorted(map(str, variant["enum"])))
    if "const" in variant:
        return f"the constant {variant['const']}"
    bounds = ", ".join(f"{name} {variant[name]}" for name in _BOUNDS if name in variant)
    return f"{variant.get('type', 'anything')}{f' ({bounds})' if bounds else ''}"


def _breaks(old: Mapping[str, Any], new: Mapping[str, Any], old_root: Any, new_root: Any, place: str) -> Iterator[str]:
    olds, news = _variants(old, old_root), _variants(new, new_root)
    known = {_kind(variant): variant for variant in olds}
    for variant in news:
        match = known.get(_kind(variant))
        if match is None:
            if not any(_allows(each, variant) for each in olds):
                yield f"{place}: may be {_kind(variant)}, and was {' or '.join(known)}"
            continue
        if variant.get("type") == "array" and "items" in match:
            yield from _breaks(match["items"], variant.get("items", {}), old_root, new_root, f"{place}/items")
        if "properties" in match:
            fields, required = variant.get("properties", {}), set(variant.get("required", ()))
            for name, field in match["properties"].items():
                where = f"{place}/{name}"
                if name not in fields:
                    yield f"{where}: removed"
                    continue
                if name in match.get("required", ()) and name not in required:
                    yield f"{where}: not always written any more"
                yield from _breaks(field, fields[name], old_root, new_root, where)


def _allows(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether every value of `new` is one of `old`, where that is plain to see: an enumeration with fewer words, a bound that was not there."""
    if "enum" in old and "enum" in new:
        return set(new["enum"]) <= set(old["enum"])
    if "enum" in old or "const" in old:
        return "const" in new and new["const"] in old.get("enum", ())
    if not old:
        return True
    return old.get("type") == new.get("type") and not any(name in old for name in _BOUNDS)


def _newly_required(
    old: Mapping[str, Any], new: Mapping[str, Any], old_root: Any, new_root: Any, place: str
) -> Iterator[str]:
    for was in _variants(old, old_root):
        for now in _variants(new, new_root):
            if was.get("type") != now.get("type"):
                continue
            if was.get("type") == "array":
                yield from _newly_required(
                    was.get("items", {}), now.get("items", {}), old_root, new_root, f"{place}/items"
                )
            before = was.get("properties", {})
            for name in now.get("required", ()):
                if name not in was.get("required", ()):
                    yield f"{place}/{name}"
            for name, field in now.get("properties", {}).items():
                if name in before:
                    yield from _newly_required(before[name], field, old_root, new_root, f"{place}/{name}")


def _kinds_lost(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """What was told and is told no more: as `_breaks` would say it the other way round, fields that are new apart."""
    for word in _breaks(new, old, new, old, "#"):
        place, said = word.split(": ", 1)
        if said.startswith("may be"):
            yield f"{place}: may not be{said.removeprefix('may be')}"
