"""The little X12 that the counterparties speak: interchanges taken apart and put together, plainly and on their own.

It is kept apart from `crossdock.edi` on purpose, so that a mistake there is not shared here. It reads any delimiters
(from ISA) and line breaks after segments; it checks nothing but what it needs, `conformity` asks the real codec for
that.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache

import msgspec

from crossdock.testing.configs import Identity, Style

ISA_LENGTH = 106


class Malformed(Exception):
    """The bytes are no X12 interchange that a counterparty could work with."""


class Transaction(msgspec.Struct, frozen=True):
    """ST to SE, split into elements; `segments` holds what is between them."""

    set_id: str
    control_number: str
    segments: list[list[str]]

    def first(self, tag: str) -> list[str]:
        """The first segment of that tag, or an empty one."""
        return next((segment for segment in self.segments if segment[0] == tag), [tag])


class Group(msgspec.Struct, frozen=True):
    """GS to GE."""

    functional_id: str
    control_number: str
    version: str
    transactions: list[Transaction]


class Interchange(msgspec.Struct, frozen=True):
    """ISA to IEA. `acknowledgements` are its TA1 segments."""

    sender: str
    receiver: str
    control_number: str
    groups: list[Group]
    acknowledgements: list[list[str]]

    def transactions(self) -> Iterator[Transaction]:
        """All transactions, in the order written."""
        for group in self.groups:
            yield from group.transactions


def element(segment: Sequence[str], position: int) -> str:
    """The element at that position (1 is the first after the tag), empty if the segment is shorter."""
    return segment[position] if position < len(segment) else ""


def split(data: bytes) -> list[Interchange]:
    """The interchanges of a file. Raises Malformed where there is none to be seen."""
    text = data.decode("utf-8", errors="replace").lstrip("\ufeff \r\n")
    found = []
    while text:
        if not text.startswith("ISA") or len(text) < ISA_LENGTH:
            raise Malformed(f"an interchange starts with ISA and 106 characters, here it is {text[:12]!r}")
        interchange, text = _interchange(text)
        found.append(interchange)
    if not found:
        raise Malformed("the file is empty")
    return found


def _interchange(text: str) -> tuple[Interchange, str]:
    separator, terminator = text[3], text[ISA_LENGTH - 1]
    isa = text[: ISA_LENGTH - 1].split(separator)
    if len(isa) != 17:
        raise Malformed(f"ISA has {len(isa) - 1} elements, not 16")
    groups: list[Group] = []
    acknowledgements: list[list[str]] = []
    group = Group("", "", "", [])
    transaction = Transaction("", "", [])
    position = ISA_LENGTH
    while (end := text.find(terminator, position)) >= 0:
        segment = text[position:end].strip("\r\n ").split(separator)
        position = end + 1
        match segment[0]:
            case "":
                pass
            case "GS":
                group = Group(element(segment, 1), element(segment, 6), element(segment, 8), [])
                groups.append(group)
            case "ST":
                transaction = Transaction(element(segment, 1), element(segment, 2), [])
                group.transactions.append(transaction)
            case "TA1":
                acknowledgements.append(segment)
            case "SE" | "GE":
                pass
            case "IEA":
                interchange = Interchange(isa[6].strip(), isa[8].strip(), isa[13], groups, acknowledgements)
                return interchange, text[position:].lstrip("\r\n ")
            case _:
                transaction.segments.append(segment)
    raise Malformed(f"interchange {isa[13]} has no IEA")


def body(*segments: Sequence[str]) -> str:
    """The segments of a transaction as text in the plain style (`*` and `~`), empty elements at the end left out."""
    return "".join("*".join(segment).rstrip("*") + "~" for segment in segments)


def join(
    functional_id: str,
    transactions: Sequence[tuple[str, str]],
    *,
    control_number: int,
    identity: Identity,
    style: Style,
    moment: datetime,
) -> bytes:
    """One interchange with one group. `transactions` are (set id, body in the plain style); control numbers count from
    0001."""
    before, between = _header(functional_id, identity, style, moment)
    parts = [f"{before[0]}{control_number:09d}{before[1]}~{between[0]}{control_number}{between[1]}~"]
    for position, (set_id, text) in enumerate(transactions, 1):
        parts.append(f"ST*{set_id}*{position:04d}~{text}SE*{text.count('~') + 2}*{position:04d}~")
    parts.append(f"GE*{len(transactions)}*{control_number}~IEA*1*{control_number:09d}~")
    return _styled("".join(parts), style).encode()


@lru_cache(maxsize=64)
def _header(
    functional_id: str, identity: Identity, style: Style, moment: datetime
) -> tuple[tuple[str, str], tuple[str, str]]:
    """ISA and GS, each cut where its control number goes."""
    five = style.version >= "005"
    sender = f"{identity.qualifier:<2}*{identity.id:<15}"
    receiver = f"{identity.partner_qualifier:<2}*{identity.partner:<15}"
    edition = "^*00501" if five else "U*00401"
    return (
        (f"ISA*00*{'':10}*00*{'':10}*{sender}*{receiver}*{moment:%y%m%d*%H%M}*{edition}*", f"*0*{style.usage}*>"),
        (
            f"GS*{functional_id}*{identity.id}*{identity.partner}*{moment:%Y%m%d*%H%M}*",
            f"*X*{style.version}",
        ),
    )


def _styled(text: str, style: Style) -> str:
    wanted = {"*": style.element, ">": style.component, "~": style.segment + style.line_break, "^": style.repetition}
    changed = {ord(plain): its for plain, its in wanted.items() if plain != its}
    return text.translate(changed) if changed else text


def acknowledgement(group: Group, rejected: frozenset[str] = frozenset()) -> str:
    """The body of a 997 for one group; the transactions whose control numbers are in `rejected` are refused, the
    others accepted."""
    segments: list[list[str]] = [["AK1", group.functional_id, group.control_number]]
    for transaction in group.transactions:
        segments.append(["AK2", transaction.set_id, transaction.control_number])
        segments.append(["AK5", "R", "5"] if transaction.control_number in rejected else ["AK5", "A"])
    count, refused = len(group.transactions), sum(t.control_number in rejected for t in group.transactions)
    verdict = "A" if not refused else "R" if refused == count else "P"
    segments.append(["AK9", verdict, str(count), str(count), str(count - refused)])
    return body(*segments)


def check_digit(digits: str) -> str:
    """GS1's check digit (General Specifications 7.9): weights 3 and 1 from the right."""
    codes = digits.encode()
    tripled, single = codes[::-2], codes[-2::-2]
    total = 3 * (sum(tripled) - 48 * len(tripled)) + sum(single) - 48 * len(single)
    return str(-total % 10)


def plain(text: str) -> str:
    """Text that collides with no delimiter of any style used here: letters, digits and common punctuation stay."""
    return "".join(c if c.isalnum() or c in " .,-/#&'()" else " " for c in text)
