"""What the warehouse does with a 940: what it picks, and the 945 that says so. Pure; `confirmation` serves benchmarks
without any process."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path

import msgspec

from crossdock.testing.configs import Warehouse
from crossdock.testing.faults import strikes
from crossdock.testing.simulators import x12


class ReleasedLine(msgspec.Struct, frozen=True):
    """One LX/W01 of a 940. `items` are qualifier and id by turns, as written; `notes` the N9 of the line, echoed."""

    line: str
    quantity: Decimal
    unit: str
    upc: str
    items: tuple[str, ...]
    notes: tuple[tuple[str, ...], ...]


class Release(msgspec.Struct, frozen=True):
    """A 940. `order` is the depositor's (our) number W05-02, `release` what tells apart several releases of one
    order; `site` the warehouse's code of the place that it ships from (N1 WH), empty where none is named."""

    purpose: str
    order: str
    purchase_order: str
    release: str
    notes: tuple[tuple[str, ...], ...]
    ship_to: tuple[tuple[str, ...], ...]
    lines: tuple[ReleasedLine, ...]
    site: str = ""

    @property
    def cancels(self) -> bool:
        """W05-01: F cancels; some write 01 or C."""
        return self.purpose in ("F", "01", "C")


class Picked(msgspec.Struct, frozen=True):
    """What leaves for one line. status: W12-01. `substitute` is a GTIN-12 sent in place of the item ordered."""

    line: ReleasedLine
    status: str
    shipped: Decimal
    substitute: str = ""


def read(transaction: x12.Transaction) -> Release:
    """A 940 as the warehouse understands it."""
    w05 = transaction.first("W05")
    notes: list[tuple[str, ...]] = []
    party: list[tuple[str, ...]] = []
    lines: list[ReleasedLine] = []
    line_notes: list[tuple[str, ...]] = []
    w01: list[str] | None = None
    number, role, site = "", "", ""
    for segment in [*transaction.segments, ["LX", ""]]:
        match segment[0]:
            case "LX":
                if w01 is not None:
                    lines.append(_line(number, w01, tuple(line_notes)))
                number, line_notes, w01 = x12.element(segment, 1), [], None
            case "W01":
                # Some write several W01 under one LX; then the place is the line.
                if w01 is not None:
                    lines.append(_line(number, w01, tuple(line_notes)))
                    number, line_notes = str(len(lines) + 1), []
                w01 = segment
            case "N9":
                (line_notes if w01 is not None else notes).append(tuple(segment))
            case "N1" | "N2" | "N3" | "N4":
                role = x12.element(segment, 1) if segment[0] == "N1" else role
                if role == "ST":
                    party.append(tuple(segment))
                elif role == "WH" and segment[0] == "N1":
                    site = x12.element(segment, 4) or x12.element(segment, 2)
            case _:
                pass
    return Release(
        purpose=x12.element(w05, 1),
        order=x12.element(w05, 2),
        purchase_order=x12.element(w05, 3),
        release=next((x12.element(n, 2) for n in notes if x12.element(n, 1) == "RE"), x12.element(w05, 4)),
        notes=tuple(notes),
        ship_to=tuple(party),
        lines=tuple(lines),
        site=site,
    )


def _line(number: str, w01: list[str], notes: tuple[tuple[str, ...], ...]) -> ReleasedLine:
    pairs = [w01[at : at + 2] for at in (4, 6) if x12.element(w01, at + 1)]
    return ReleasedLine(
        line=number,
        quantity=Decimal(x12.element(w01, 1) or "0"),
        unit=x12.element(w01, 2) or "EA",
        upc=x12.element(w01, 3),
        items=tuple(each for pair in pairs for each in pair),
        notes=notes,
    )


def pick(
    release: Release, config: Warehouse, *, first: bool, there: Mapping[str, Decimal] | None = None
) -> list[list[Picked]]:
    """What is shipped, one list per shipment; `there`: how many can be, by line (None: always enough). Faults strike an
    order's first release only, as a balance is picked with more care."""
    whole = [_all_of(line, line.quantity if there is None else there[line.line]) for line in release.lines]
    if not first or not whole:
        return [whole]
    faults, at = config.faults, whole[0]

    def struck(fault: str, share: float | tuple[str, ...]) -> bool:
        return strikes(config.seed, fault, share, release.purchase_order or release.order, release.order)

    if struck("short", faults.short):
        shipped = max(at.shipped - faults.short_by, Decimal(0))
        return [[Picked(at.line, "CP", shipped), *whole[1:]]]
    if struck("over", faults.over):
        return [[Picked(at.line, "CM", at.shipped + faults.over_by), *whole[1:]]]
    if struck("substituted", faults.substituted):
        return [[Picked(at.line, "CS", at.line.quantity, config.substitute), *whole[1:]]]
    if struck("partial", faults.partial):
        return _halves(whole)
    return [whole]


def _all_of(line: ReleasedLine, there: Decimal) -> Picked:
    return Picked(line, "CC" if there >= line.quantity else "CP", min(line.quantity, there))


def _halves(whole: list[Picked]) -> list[list[Picked]]:
    first = [Picked(p.line, "BP", p.shipped // 2) for p in whole if p.shipped // 2 > 0]
    gone = {p.line.line: p.shipped for p in first}
    rest = [Picked(p.line, "CC", p.shipped - gone.get(p.line.line, Decimal(0))) for p in whole]
    return [first, rest] if first else [whole]


def advice(
    release: Release,
    picked: Sequence[Picked],
    *,
    shipment: str,
    day: date,
    first_serial: int,
    config: Warehouse,
    more_follows: bool = False,
) -> tuple[str, list[str]]:
    """The body of a 945 and the SSCC-18s in it: one carton a line, numbered from `first_serial`. W06-12 says whether
    more follows."""
    parts = [
        f"W06*F*{release.order}*{day:%Y%m%d}*{shipment}**{release.purchase_order}******{'P' if more_follows else 'F'}~",
        x12.body(*release.ship_to, *release.notes),
        f"W27*M*{config.carrier}~",
    ]
    cartons: list[str] = []
    units = Decimal(0)
    for at in picked:
        line = at.line
        mark = ""
        if at.shipped > 0:
            cartons.append(sscc(config.company_prefix, first_serial + len(cartons)))
            mark = f"MAN*GM*{cartons[-1]}~"
        upc, items = (at.substitute, ("UP", at.substitute)) if at.substitute else (line.upc, line.items)
        parts.append(f"LX*{line.line}~{mark}W12*{at.status}*{line.quantity}*{at.shipped}*{line.quantity - at.shipped}")
        parts.append(f"*{line.unit}*{upc}*{_pairs(items)}".rstrip("*") + "~")
        parts.append(x12.body(*line.notes))
        units += at.shipped
    parts.append(f"W03*{units}~")
    return "".join(parts), cartons


def sscc(company_prefix: str, serial: int) -> str:
    """The SSCC-18 of a carton: extension digit 0, company prefix, serial, check digit (GS1 General Specifications
    7.9)."""
    digits = f"0{company_prefix}{serial:0{16 - len(company_prefix)}d}"
    return digits + x12.check_digit(digits)


def _pairs(items: Sequence[str]) -> str:
    """W12-07/08 and, for a second identifier, W12-17/18."""
    first = "*".join(items[:2])
    return first + "*" * 9 + "*".join(items[2:4]) if len(items) > 2 else first


ANY_WAREHOUSE = Warehouse(name="warehouse", mailbox=Path(), tally=Path())


def confirmation(
    data: bytes,
    *,
    config: Warehouse = ANY_WAREHOUSE,
    first_serial: int = 1,
    control_number: int = 1,
    day: date = date(2026, 1, 16),
) -> bytes:
    """One interchange of 945s that confirm every 940 (whole quantities, one W01 to an LX) in `data` in full; for
    benchmarks. Serials run on from `first_serial`, one a line."""
    bodies: list[tuple[str, str]] = []
    for interchange in x12.split(data):
        for transaction in interchange.transactions():
            if transaction.set_id != "940":
                continue
            text, first_serial = _whole(transaction.segments, day, first_serial, config)
            bodies.append(("945", text))
    return x12.join(
        "SW",
        bodies,
        control_number=control_number,
        identity=config.identity,
        style=config.style,
        moment=datetime.combine(day, time(12)),
    )


def _whole(segments: list[list[str]], day: date, serial: int, config: Warehouse) -> tuple[str, int]:
    """What `advice` says when all is picked, straight from the 940's segments: no decimal is needed to ship what was
    asked."""
    head: list[str] = []
    notes: list[str] = []
    lines: list[str] = []
    units, place, role = 0, "", ""
    for segment in segments:
        match segment[0]:
            case "W01":
                mark = sscc(config.company_prefix, serial)
                quantity, unit, upc = segment[1], segment[2], x12.element(segment, 3)
                lines.append(f"LX*{place}~MAN*GM*{mark}~W12*CC*{quantity}*{quantity}*0*{unit}*{upc}*")
                lines[-1] = (lines[-1] + _pairs(segment[4:8])).rstrip("*") + "~"
                units, serial = units + int(quantity), serial + 1
            case "LX":
                place = segment[1]
            case "W05":
                order, purchase_order = segment[2], x12.element(segment, 3)
                shipment = f"SHP-{order}-1"
                head.append(f"W06*F*{order}*{day:%Y%m%d}*{shipment}**{purchase_order}******F~")
            case "N1" | "N2" | "N3" | "N4":
                role = segment[1] if segment[0] == "N1" else role
                if role == "ST":
                    head.append("*".join(segment) + "~")
            case "N9":
                (lines if lines else notes).append("*".join(segment) + "~")
            case _:
                pass
    return "".join((*head, *notes, f"W27*M*{config.carrier}~", *lines, f"W03*{units}~")), serial
