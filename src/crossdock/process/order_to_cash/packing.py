"""Whether what was packed is what was confirmed: checked before a ship notice leaves, because the customer's dock will check it after."""

from decimal import Decimal

from crossdock.process.order_to_cash.money import ZERO
from crossdock.process.order_to_cash.state import Package, Shipment


def sscc_is_valid(sscc: str) -> bool:
    """18 digits, the last the GS1 check digit (GS1 General Specifications 7.9: weights 3 and 1 from the left, modulo 10)."""
    if len(sscc) != 18 or not sscc.isascii() or not sscc.isdigit():
        return False
    digits = [ord(c) - 48 for c in sscc]
    return (3 * sum(digits[0:17:2]) + sum(digits[1:17:2]) + digits[17]) % 10 == 0


def mislabelled(packages: tuple[Package, ...]) -> str:
    """The first thing that is wrong with the labels, in words; "" when nothing is."""
    seen: set[str] = set()
    for package in packages:
        sscc = package.sscc
        if sscc:
            if not sscc_is_valid(sscc):
                return f"SSCC {sscc} is not 18 digits with a right check digit"
            if sscc in seen:
                return f"SSCC {sscc} is on two packages"
            seen.add(sscc)
    return ""


def packed_in(packages: tuple[Package, ...]) -> tuple[tuple[str, Decimal], ...]:
    """(line, quantity) of all packages together."""
    packed: dict[str, Decimal] = {}
    for package in packages:
        for line, quantity in package.contents:
            packed[line] = packed[line] + quantity if line in packed else quantity
    return tuple(packed.items())


def mispacked(told: Shipment, confirmed: dict[str, Decimal]) -> str:
    """The first thing that is wrong, in words; "" when packages without contents or with the confirmed contents are all there is."""
    if told.mislabelled:
        return told.mislabelled
    packed = dict(told.packed)
    if packed and packed != confirmed:
        for line in sorted(packed.keys() | confirmed.keys()):
            if packed.get(line, ZERO) != confirmed.get(line, ZERO):
                return f"line {line}: {packed.get(line, ZERO)} packed, {confirmed.get(line, ZERO)} confirmed"
    return ""
