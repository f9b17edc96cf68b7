"""The customer's unit and the rounding of money. A line's amount is quantity x price, rounded half up to cents, per line and shipment; sums are of rounded amounts.

Where the customer's price holds and the quantity is exact in the customer's unit, the amount is worked out there, as the customer will check it;
elsewhere in our stock unit. Header and line allowances are not applied.
"""

from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache

from crossdock.process.order_to_cash.state import Line

CENT = Decimal("0.01")
ZERO = Decimal(0)
_FINEST_QUANTITY = Decimal("0.000001")
_FINEST_PRICE = Decimal("0.0001")
_context = Context(prec=60, rounding=ROUND_HALF_UP)


@lru_cache(maxsize=4096)
def _ratio(text: str) -> tuple[Decimal, Decimal]:
    """Stock units, and partner units that they make: "12/1". A ratio that is none counts as 1/1."""
    above, _, below = text.partition("/")
    if not (above.isdigit() and (below or "1").isdigit()) or not int(above) or not int(below or "1"):
        return Decimal(1), Decimal(1)
    return Decimal(above), Decimal(below or "1")


def rounded(amount: Decimal) -> Decimal:
    """`amount` in whole cents, half up."""
    return amount.quantize(CENT, context=_context)


def in_partner_unit(line: Line, quantity: Decimal) -> Decimal | None:
    """`quantity` of our stock unit in the customer's unit; None when it is not exact there to six places."""
    if line.per_partner_unit == "1/1":
        return quantity
    above, below = _ratio(line.per_partner_unit)
    if quantity == line.quantity and line.partner_quantity:
        return line.partner_quantity
    wanted = quantity * below
    found = _context.divide(wanted, above).quantize(_FINEST_QUANTITY, context=_context)
    if found * above != wanted:
        return None
    whole = found.to_integral_value()
    return whole if whole == found else found.normalize(_context)


def amount_of(line: Line, price: Decimal | None, partner_price: Decimal | None, quantity: Decimal) -> Decimal:
    """What `quantity` of the stock unit costs. `partner_price`: the customer's, where it is the one that holds."""
    if price is None:
        return ZERO
    if partner_price is not None:
        theirs = quantity if line.per_partner_unit == "1/1" else in_partner_unit(line, quantity)
        if theirs is not None:
            return (theirs * partner_price).quantize(CENT, None, _context)
    return (quantity * price).quantize(CENT, None, _context)


def said_to_customer(
    line: Line, price: Decimal | None, partner_price: Decimal | None, quantity: Decimal
) -> tuple[Decimal, str, Decimal | None]:
    """(quantity, unit, price per unit) in the customer's unit, or in ours when the quantity is not exact there; a price that must be converted has four places."""
    theirs = in_partner_unit(line, quantity)
    if theirs is None or not line.partner_unit:
        ours = price if price is None else price.quantize(_FINEST_PRICE, context=_context).normalize(_context)
        return quantity, line.unit or line.partner_unit, ours
    if partner_price is not None or price is None:
        return theirs, line.partner_unit, partner_price
    above, below = _ratio(line.per_partner_unit)
    if above == below:
        return theirs, line.partner_unit, price
    return theirs, line.partner_unit, _context.divide(price * above, below).quantize(_FINEST_PRICE, context=_context)
