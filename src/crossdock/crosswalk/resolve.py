"""One version of the workspace, ready to be asked: the indexes over a `Directory`, and how one line is understood
with them.

Made once for a version and shared by all readers and writers of it. Its memories only save work; the same words
always get the same answer.
"""

from decimal import Decimal
from fractions import Fraction

from crossdock.crosswalk.directory import Directory, Item, Partner
from crossdock.crosswalk.items import Items
from crossdock.crosswalk.partners import Partners
from crossdock.crosswalk.routing import Router
from crossdock.crosswalk.units import UNCHANGED, Ratio, Units
from crossdock.facts.order import OrderedLine
from crossdock.trade.documents import PurchaseOrderLine

EACH = "EA"
PRICED_BY = {
    **dict.fromkeys(("PE", "TE", "LE", "QE", "WE"), Fraction(1)),
    **dict.fromkeys(("PD", "TD", "LD", "WD"), Fraction(12)),
    **dict.fromkeys(("HP", "TC", "LC", "QH", "WC"), Fraction(100)),
    **dict.fromkeys(("TP", "TM", "LM", "QS", "WM"), Fraction(1000)),
}
"""How many pieces a price is for, by the basis of the price (X12 element 639). All other bases (net, contract,
catalogue ...) tell what kind of price it is, and not of how many: then it is for one unit of the line.
"""


class Crosswalk:
    """Their words and ours, by one `Directory`. Raises RoutingError when its routing rules cannot be compiled."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self.partners = Partners(directory)
        self.items = Items(directory)
        self.units = Units()
        self.router = Router(directory)

    def ordered_line(self, partner: Partner, line: PurchaseOrderLine) -> OrderedLine:
        """A line as ordered and as understood; `trouble` says what is not: unknown-item, item-conflict,
        unknown-unit, inexact-unit.

        The customer's own words are kept whatever becomes of them.
        """
        item, trouble = self.items.find(partner, line.items)
        ratio = self.units.ratio(partner, item, line.unit) if item is not None else None
        if item is None or ratio is None:
            return self._troubled(line, item, trouble or "unknown-unit")
        quantity = ratio.to_stock(line.quantity)
        if quantity is None:
            return self._troubled(line, item, "inexact-unit", ratio)
        price = partner_price = line.price
        if price is not None:
            basis = self._basis(partner, item, line.price_basis)
            if basis is not None:
                # Where it does not end, what we make of the price is all that can be said of it for one of their units.
                partner_price = ratio.price_from(price, basis)
            price = (basis or ratio).price_to_stock(price)
        return OrderedLine(
            line=line.line,
            item=item.id,
            quantity=quantity,
            unit=item.unit,
            price=price,
            agreed_price=self.agreed_price(partner, item),
            partner_quantity=line.quantity,
            partner_unit=line.unit,
            partner_price=partner_price,
            per_partner_unit=ratio.text,
            items=line.items,
            description=line.description or item.description,
            substitutes=item.substitutes,
        )

    def resolved_again(self, partner: Partner, line: OrderedLine) -> OrderedLine:
        """A line that was in trouble, understood once more with what this version knows."""
        return self.ordered_line(
            partner,
            PurchaseOrderLine(
                line=line.line,
                quantity=line.partner_quantity,
                unit=line.partner_unit,
                price=line.partner_price,
                items=line.items,
                description=line.description,
            ),
        )

    def agreed_price(self, partner: Partner, item: Item) -> Decimal | None:
        """Per stock unit, by the partner's price list; None when nothing is agreed."""
        return self.directory.prices.get((partner.price_list, item.id))

    def _basis(self, partner: Partner, item: Item, basis: str) -> Ratio | None:
        pieces = PRICED_BY.get(basis)
        each = self.units.ratio(partner, item, EACH) if pieces is not None else None
        return each.times(pieces) if each is not None and pieces is not None else None

    def _troubled(
        self, line: PurchaseOrderLine, item: Item | None, trouble: str, ratio: Ratio = UNCHANGED
    ) -> OrderedLine:
        return OrderedLine(
            line=line.line,
            item=item.id if item is not None else "",
            trouble=trouble,
            partner_quantity=line.quantity,
            partner_unit=line.unit,
            partner_price=line.price,
            per_partner_unit=ratio.text,
            items=line.items,
            description=line.description,
        )
