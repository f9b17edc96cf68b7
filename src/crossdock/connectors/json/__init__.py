"""Documents as JSON by declared maps: `JsonWriter` makes requests of deliveries and facts of answers, `JsonReader`
makes facts of webhooks and JSON files.

It knows no socket: `http`, `webhook` and `folder` carry what it writes and reads.
"""

from crossdock.connectors.json.reader import JsonReader
from crossdock.connectors.json.spec import JsonDocument, JsonFact, JsonSpec, LookUp, json_spec
from crossdock.connectors.json.writer import JsonWriter

__all__ = ["JsonDocument", "JsonFact", "JsonReader", "JsonSpec", "JsonWriter", "LookUp", "json_spec"]
