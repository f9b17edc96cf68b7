"""What is agreed with each party and channel: clocks, tolerances, billing checkpoints, which documents are owed. Pure values, read from the workspace."""

from crossdock.policy.agreement import Agreement, Agreements, Clocks, StockTerms

__all__ = ["Agreement", "Agreements", "Clocks", "StockTerms"]
