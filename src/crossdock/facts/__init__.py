"""What can have happened: one type per fact, with a version, and how old versions are lifted.

A fact is told once by a source under an id of that source's (`source`, `source_id`: its idempotency key), about one business
process (`key`). Facts are never edited; the log of them is the only truth, and every other table is a fold of it.
"""

from crossdock.facts.codec import decode, encode, fact_types, lift
from crossdock.facts.fact import Fact, lane_of

__all__ = ["Fact", "decode", "encode", "fact_types", "lane_of", "lift"]
