"""Bytes to documents and back, pure. `findings` is what a reader says of what it read; `x12` is ASC X12: syntax, guides."""
