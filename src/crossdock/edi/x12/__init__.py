"""ASC X12: bytes to an index of envelopes, to segments, and back; and the acknowledgements that go out for them."""
