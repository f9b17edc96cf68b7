"""Stock as a ledger: movements between typed places, balances that are their fold, what is promised of them and what may be promised still. Pure.

The store keeps the rows and the locks; what follows from them is worked out here.
"""
