"""Stored messages, and a reader with the workspace of `retail_workspace`. The messages stand in `data/`, written
out as partners send them.
"""

from collections.abc import Callable

import pytest
from retail_workspace import DATA, DIRECTORY, RECEIVED_AT

from crossdock.connectors.x12.reader import X12Reader
from crossdock.crosswalk.resolve import Crosswalk
from crossdock.ports.translation import Message


@pytest.fixture(scope="session")
def crosswalk() -> Crosswalk:
    return Crosswalk(DIRECTORY)


@pytest.fixture(scope="session")
def reader(crosswalk: Crosswalk) -> X12Reader:
    return X12Reader(crosswalk)


@pytest.fixture
def sample() -> Callable[..., bytes]:
    """The bytes of a file in `data/`, with words in it put in the place of others."""

    def read(name: str, replacing: dict[str, str] | None = None) -> bytes:
        text = (DATA / f"{name}.edi").read_text("utf-8")
        for old, new in (replacing or {}).items():
            assert old in text, f"{name} does not say {old}"
            text = text.replace(old, new)
        return text.encode()

    return read


@pytest.fixture
def message() -> Callable[..., Message]:
    """A stored message."""

    def stored(data: bytes, id: int = 17, channel: str = "acme") -> Message:
        return Message(id=id, channel=channel, source_id=f"file-{id}", data=data, received_at=RECEIVED_AT)

    return stored
