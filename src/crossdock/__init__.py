"""Crossdock: the open integration hub for distributors. What is owed to whom by when, done once, and why not yet."""

__version__ = "0.1.0"
