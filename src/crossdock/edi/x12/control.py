"""Control numbers and counts of the envelope: whether a trailer says what its header says, and whether a number came before.

A number that differs only in leading zeros is the same number to a partner, so that is a warning. Numbers usually count
upwards; `ControlNumbers` keeps runs of them as two integers, so that a million cost next to nothing.
"""

from crossdock.edi.findings import Code, Finding, Place, Severity, find


class ControlNumbers:
    """The control numbers seen so far within one scope."""

    __slots__ = ("_first", "_last", "_others")

    def __init__(self) -> None:
        self._first, self._last = 0, -1
        self._others: set[int | bytes] = set()

    def seen(self, number: bytes) -> bool:
        """Whether `number` came before; it is remembered. Leading zeros make no difference."""
        if not number.isdigit():
            value: int | bytes = number
        elif (value := int(number) if len(number) <= 18 else number.lstrip(b"0")) == self._last + 1:
            if value in self._others:
                return True
            if self._last < 0:
                self._first = value
            self._last = value
            return False
        elif isinstance(value, int):
            if self._first <= value <= self._last:
                return True
            if self._last < 0:
                self._first = self._last = value
                return False
        if value in self._others:
            return True
        self._others.add(value)
        return False


def check_trailer(
    name: str,
    said: list[bytes],
    count: int,
    control: bytes,
    codes: tuple[Code, Code],
    what: tuple[str, str],
    place: Place,
) -> list[Finding]:
    """Compare a trailer with what is there. said: its elements (count, control number); what: words for both."""
    found: list[Finding] = []
    count_said = said[0].strip() if said else b""
    if not (count_said.isdigit() and len(count_said) < 18 and int(count_said) == count):
        told = text(count_said)
        found.append(
            find(
                codes[0],
                f"{name}-01 says {told or 'nothing'}, {_number(count, what[0])} there",
                at_element(place, 1),
                expected=count,
                found=told,
            )
        )
    number = said[1].strip() if len(said) > 1 else b""
    control = control.strip()
    if number != control:
        same = number.lstrip(b"0") == control.lstrip(b"0") and number.isdigit() and control.isdigit()
        told, wanted = text(number), text(control)
        found.append(
            find(
                codes[1],
                f"{name}-02 says {told or 'nothing'}, {what[1]} says {wanted or 'nothing'}",
                at_element(place, 2),
                expected=wanted,
                found=told,
                severity=Severity.WARNING if same else None,
            )
        )
    return found


def at_element(place: Place, element: int) -> Place:
    return Place(**{field: getattr(place, field) for field in place.__struct_fields__} | {"element": element})


def text(raw: bytes) -> str:
    """A value for a message: printable, not longer than a line."""
    told = raw[:80].decode("utf-8", "replace")
    return "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in told)


def _number(count: int, unit: str) -> str:
    """1 segment is / 38 segments are."""
    return f"{count} {unit} is" if count == 1 else f"{count} {unit}s are"
