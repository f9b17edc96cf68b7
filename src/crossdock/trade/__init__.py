"""The nouns of the trade: frozen values, no I/O, nothing that knows a format, a partner or a database.

Money and quantities are `Decimal`, never float; a quantity always says its unit and a price its basis unit.
Documents (`trade.documents`) hold what one party said to another in *its own* words: partner item numbers,
partner units. What they mean for us is worked out by `crosswalk` and told as facts.
"""
