"""Stock as a ledger: movements between typed places, balances that are their fold, what is promised of them and what may be promised still. Pure.

The store keeps the rows and the locks; what follows from them is worked out here. Every quantity is a `Decimal` in the item's stock unit: a partner's
each, inner, case or pallet becomes stock units on the way in, exactly or as a finding (`crossdock.crosswalk.units`), and is never converted again.

    legs        what each kind of movement takes from where to where; ownership: which system may say so
    balances    movements to positions, counts settled as of their moment, figures by item and site
    planning    demands to promises: sites, substitutes, shortage; allocation: shares of what is short
    atp         what can be promised by which day; explanation: what each figure is made of
    offer       what a channel is told; freshness: whether what a source said may still be believed

`expected` says from when a receipt counts.
"""
