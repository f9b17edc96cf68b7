"""Webhooks outwards: an event is posted to an address that a subscriber named, and to no place in our own house.

`guard` says which addresses may be called, `sender` calls them.
"""
