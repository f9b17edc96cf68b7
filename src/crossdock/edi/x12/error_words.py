"""What a 997 or 999 says of a segment or element, as one located sentence, and the codes again from the sentence.

"IT1[7]: segment has data element errors; IT1-04 (212): invalid character, found "12X"" is one AK3 and its AK4. The
sentences are plain enough to show, and regular enough that a document can be written as the segments it was read from.
"""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

SEGMENT_ERRORS = {
    "1": "unknown segment",
    "2": "unexpected segment",
    "3": "mandatory segment missing",
    "4": "loop occurs too often",
    "5": "segment occurs too often",
    "6": "segment not defined here",
    "7": "segment out of order",
    "8": "segment has data element errors",
}
ELEMENT_ERRORS = {
    "1": "mandatory element missing",
    "2": "conditional element missing",
    "3": "too many elements",
    "4": "element too short",
    "5": "element too long",
    "6": "invalid character",
    "7": "invalid code",
    "8": "invalid date",
    "9": "invalid time",
    "10": "exclusion violated",
}
TRANSACTION_ERRORS = {
    "1": "transaction set not supported",
    "2": "transaction set trailer missing",
    "3": "control numbers do not match",
    "4": "segment count does not match",
    "5": "segments in error",
    "6": "bad transaction set",
    "7": "bad control number",
}
GROUP_ERRORS = {
    "1": "functional group not supported",
    "2": "version not supported",
    "3": "group trailer missing",
    "4": "group control numbers do not match",
    "5": "transaction set count does not match",
    "6": "bad group control number",
}

_SEGMENT = re.compile(r"(\w+)\[([^\]]*)\](?: in loop (\S+?))?(?:: (.*))?", re.DOTALL)
_ELEMENT = re.compile(r"\w+-([^ :]*)(?: \(([^)]*)\))?: (.*?)(?:, found (\".*\"))?", re.DOTALL)


def quoted(text: str) -> str:
    """Quoted so that nothing in it can be taken for the end of a sentence."""
    return json.dumps(text).replace(";", "\\u003b")


def _word(table: dict[str, str], code: str) -> str:
    return table.get(code, f"error code {code}") if code else "in error"


def _code(table: dict[str, str], word: str) -> str:
    if word.startswith("error code "):
        return word.removeprefix("error code ")
    return next((code for code, each in table.items() if each == word), "")


def _read_segment(segment: Sequence[str], frame: dict[str, Any]) -> None:
    """AK3 or IK3."""
    name, position, loop, code = [*segment[1:5], "", "", "", ""][:4]
    where = f"{name}[{position}]" + (f" in loop {loop}" if loop else "")
    frame.setdefault("errors", []).append(f"{where}: {_word(SEGMENT_ERRORS, code)}")


def _read_element(segment: Sequence[str], frame: dict[str, Any]) -> None:
    """AK4 or IK4: added to what its segment said."""
    position, reference, code, bad = [*segment[1:5], "", "", "", ""][:4]
    errors = frame.setdefault("errors", ["?[]: in error"])
    name = errors[-1].partition("[")[0]
    where = f"{name}-{position.zfill(2)}" + (f" ({reference})" if reference else "")
    told = f"{where}: {_word(ELEMENT_ERRORS, code)}" + (f", found {quoted(bad)}" if bad else "")
    errors[-1] = f"{errors[-1]}; {told}"


def _read_list(prefix: str, table: dict[str, str], start: int) -> Callable[[Sequence[str], dict[str, Any]], None]:
    def read(segment: Sequence[str], frame: dict[str, Any]) -> None:
        for code in segment[start:]:
            if code:
                frame.setdefault("errors", []).append(f"{prefix}: {_word(table, code)}")

    return read


READ: dict[str, Callable[[Sequence[str], dict[str, Any]], None]] = {
    "segment-error": _read_segment,
    "element-error": _read_element,
    "transaction-errors": _read_list("transaction", TRANSACTION_ERRORS, 2),
    "group-errors": _read_list("group", GROUP_ERRORS, 5),
}
"""Readers by the `special` of a guide's rule."""


def codes(errors: Sequence[str], prefix: str) -> list[str]:
    """The codes of AK5 or AK9 that these sentences stand for; prefix is transaction or group."""
    table = TRANSACTION_ERRORS if prefix == "transaction" else GROUP_ERRORS
    return [_code(table, each[len(prefix) + 2 :]) for each in errors if each.startswith(f"{prefix}: ")]


def segments(errors: Sequence[str], segment_id: str, element_id: str) -> list[list[str]]:
    """AK3 and AK4 (or IK3 and IK4) that these sentences stand for."""
    made: list[list[str]] = []
    for error in errors:
        first, *rest = error.split("; ")
        match = _SEGMENT.fullmatch(first)
        if match is None:
            continue
        name, position, loop, word = (group or "" for group in match.groups())
        made.append(_trimmed([segment_id, name, position, loop, _code(SEGMENT_ERRORS, word)]))
        for each in rest:
            found = _ELEMENT.fullmatch(each)
            if found is not None:
                place, reference, told, bad = (group or "" for group in found.groups())
                place = str(int(place)) if place.isdigit() else place
                bad = json.loads(bad) if bad else ""
                made.append(_trimmed([element_id, place, reference, _code(ELEMENT_ERRORS, told), bad]))
    return made


def _trimmed(segment: list[str]) -> list[str]:
    while segment and not segment[-1]:
        segment.pop()
    return segment
