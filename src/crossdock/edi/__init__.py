"""Bytes to documents and back, pure. `findings`: what a reader says of what it read; `x12`: ASC X12, syntax and guides."""
