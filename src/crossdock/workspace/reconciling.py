"""What reconciliation of stock takes out of a workspace: what items are worth, how they are packed, and how long movements may be under way."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from crossdock.ports.reconcile import Catalogue, Items
from crossdock.reconcile.evidence import Terms
from crossdock.workspace.model import Loaded


def reconcile_terms(loaded: Loaded) -> Terms:
    """The terms that `[stock]` says."""
    stock = loaded.stock
    if stock is None:
        return Terms()
    return Terms(
        grace=timedelta(minutes=stock.grace_minutes),
        patience=timedelta(hours=stock.patience_hours),
        look_back=timedelta(days=stock.look_back_days),
    )


def reconcile_items(loaded: Loaded) -> Items:
    """Values and packs of items. Packs that hold no whole number of stock units explain no mix-up and are left out."""
    known, stock = loaded.directory.items, loaded.stock

    def of(items: Sequence[str]) -> Catalogue:
        values: dict[str, Decimal] = {}
        factors: dict[str, tuple[Decimal, ...]] = {}
        for item in items:
            said = stock.items.get(item) if stock is not None else None
            if said is not None and said.value is not None:
                values[item] = said.value
            if item in known:
                packs = {Decimal(p.numerator) for p in known[item].packs.values() if p.denominator == 1 and p != 1}
                factors[item] = tuple(sorted(packs))
        return Catalogue(values=values, factors=factors)

    return of
