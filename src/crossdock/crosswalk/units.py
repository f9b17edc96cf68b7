"""Their unit to our stock unit, exactly or not at all. Ratios are rational numbers, quantities and money `Decimal`;
nothing is ever a float.

A price per partner unit becomes a price per stock unit by division, which need not end (10.00 a dozen). Such a
price is kept at `PRICE_PLACES` decimal places, half to even: it only serves comparison with what is agreed, which
no finite price could equal anyway. What is billed is the partner's own price and quantity, which stay beside it
untouched, with the ratio.
"""

from decimal import ROUND_HALF_EVEN, Context, Decimal, Inexact
from fractions import Fraction

from crossdock.crosswalk.directory import Item, Partner

PRICE_PLACES = Decimal("1e-12")

_exact = Context(prec=60, traps=[Inexact])
_rounding = Context(prec=60, rounding=ROUND_HALF_EVEN)

ONE = Fraction(1)
DOZEN = {("DZ", "EA"): Fraction(12), ("DZ", "PR"): Fraction(6), ("PR", "EA"): Fraction(2)}
"""What needs no agreement with anybody: a dozen is twelve, a pair is two."""


class Ratio:
    """Stock units in one partner unit, ready for use: `numerator`, `denominator` and its text "12/1"."""

    __slots__ = ("_denominator", "_numerator", "identity", "text")

    def __init__(self, ratio: Fraction) -> None:
        if ratio <= 0:
            raise ValueError(f"a pack holds more than nothing of its item, not {ratio}")
        self._numerator = Decimal(ratio.numerator)
        self._denominator = Decimal(ratio.denominator)
        self.identity = ratio == 1
        self.text = f"{ratio.numerator}/{ratio.denominator}"

    @classmethod
    def parse(cls, text: str) -> "Ratio":
        """The ratio that `text` ("12/1") says."""
        return UNCHANGED if text == "1/1" else cls(Fraction(text))

    def times(self, count: Fraction) -> "Ratio":
        """Stock units in so many of the partner's."""
        return Ratio(Fraction(int(self._numerator), int(self._denominator)) * count)

    def to_stock(self, quantity: Decimal) -> Decimal | None:
        """So many partner units in stock units; None when that is no finite decimal (5 each of an item kept by the
        dozen).
        """
        if self.identity:
            return quantity
        return _divided(_exact.multiply(quantity, self._numerator), self._denominator)

    def to_partner(self, quantity: Decimal) -> Decimal | None:
        """So many stock units in partner units; None when that is no finite decimal."""
        if self.identity:
            return quantity
        return _divided(_exact.multiply(quantity, self._denominator), self._numerator)

    def price_to_stock(self, price: Decimal) -> Decimal:
        """The price of one stock unit: exact where it is a finite decimal, else at `PRICE_PLACES`."""
        if self.identity:
            return price
        dividend = _exact.multiply(price, self._denominator)
        exact = _divided(dividend, self._numerator)
        if exact is not None:
            return exact
        return _rounding.quantize(_rounding.divide(dividend, self._numerator), PRICE_PLACES)

    def price_from(self, price: Decimal, basis: "Ratio") -> Decimal | None:
        """`price` per unit of `basis` as a price per unit of this ratio; None when that is no finite decimal."""
        in_stock = _divided(_exact.multiply(price, basis._denominator), basis._numerator)
        if in_stock is not None:
            return _divided(_exact.multiply(in_stock, self._numerator), self._denominator)
        return None


def _divided(dividend: Decimal, divisor: Decimal) -> Decimal | None:
    if divisor == 1:
        return dividend
    try:
        return _plain(_exact.divide(dividend, divisor))
    except Inexact:
        return None


def _plain(value: Decimal) -> Decimal:
    # A division leaves 1E+1 where a person expects 10.
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value


UNCHANGED = Ratio(ONE)


def our_unit(partner: Partner, unit: str) -> str:
    """Their unit code as ours; one without an entry means the same to both."""
    unit = unit.strip()
    return partner.units.get(unit, unit)


class Units:
    """Ratios by item and partner unit, worked out once each."""

    def __init__(self) -> None:
        self._ratios: dict[tuple[str, str], Ratio | None] = {}

    def ratio(self, partner: Partner, item: Item, unit: str) -> Ratio | None:
        """Stock units of `item` in one of the partner's `unit`, or None: it has no such pack."""
        ours = our_unit(partner, unit)
        if ours == item.unit:
            return UNCHANGED
        key = (item.id, ours)
        if key not in self._ratios:
            packed = item.packs.get(ours) or DOZEN.get((ours, item.unit))
            if len(self._ratios) > 200_000:  # units are a partner's words, and must not fill the memory
                self._ratios.clear()
            self._ratios[key] = Ratio(packed) if packed else None
        return self._ratios[key]
