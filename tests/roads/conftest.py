"""What tests of roads share: a folder that the embedded server can reach, kept where a test fails."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A new folder; readable for all, because the embedded server is another user where we are root."""
    with tempfile.TemporaryDirectory(prefix="crossdock-road-", ignore_cleanup_errors=True) as made:
        Path(made).chmod(0o755)
        yield Path(made) / "rig"
