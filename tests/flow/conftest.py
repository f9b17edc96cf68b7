"""What tests of the flow share: a hub on a fresh database."""

import pytest

from crossdock.store.database import Database

from .hub import Hub


@pytest.fixture
def hub(database: Database) -> Hub:
    """The flow on a fresh database."""
    return Hub(database)
