"""One conformance suite per port, shipped: whoever writes a connector runs its adapter through the same promises as
ours are held to.

An adapter's test is a few lines: subclass the suite, declare what the adapter can do (`features`), and set a `stage`:
the adapter against a real
counterpart. What a feature excludes is skipped by name, never passed in silence. Needs pytest and pytest-asyncio.
"""

import pytest

pytest.register_assert_rewrite(f"{__name__}.sink", f"{__name__}.source")

from crossdock.testing.conformance.sink import SinkConformance, SinkFeatures, SinkStage  # noqa: E402  # after the registration
from crossdock.testing.conformance.source import SourceConformance, SourceFeatures, SourceStage  # noqa: E402  # the same

__all__ = ["SinkConformance", "SinkFeatures", "SinkStage", "SourceConformance", "SourceFeatures", "SourceStage"]
