"""compare(ours, theirs) -> differences, each with its likely cause and the evidence beside it. Pure."""
