"""Processes: evolve(state, fact) says what has happened, derive(state, agreement, now) what should therefore be true. Both pure.

`order_to_cash` is a customer's order from its receipt to its invoice; `interchange` is a message from its receipt to its acknowledgement.
"""
