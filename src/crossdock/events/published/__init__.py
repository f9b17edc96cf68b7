"""The schemas that others rely on, as they were published: a file a type. A type that is in force may grow from what is here, and must not break it."""

from importlib import resources
from typing import Any

import msgspec


def published() -> dict[str, dict[str, Any]]:
    """The published schema of each type, by the type's full name."""
    files = (file for file in resources.files(__package__).iterdir() if file.name.endswith(".json"))
    return {file.name.removesuffix(".json"): msgspec.json.decode(file.read_bytes()) for file in files}


def written(schema: dict[str, Any]) -> str:
    """A schema as its file has it."""
    return msgspec.json.format(msgspec.json.encode(schema, order="deterministic"), indent=2).decode() + "\n"
