"""A system that speaks JSON through folders, as the workspace declares it and `wiring` makes it."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from crossdock.connectors.folder import FolderSink
from crossdock.connectors.json import JsonReader, JsonWriter
from crossdock.flow.ownership import OwnedReader
from crossdock.ports.outbound import Accepted, Delivery
from crossdock.wiring import Systems
from crossdock.workspace import load

WHOLESALER = Path(__file__).parents[2] / "examples/wholesaler"
SECRETS = {
    "ERP_TOKEN": "x",
    "TAX_API_KEY": "x",
    "SHOP_TOKEN": "x",
    "ERP_WEBHOOK_SECRET": "whsec_c2VjcmV0LW9mLXRoZS1lcnA=",
}
CRM = """
role = "other"
connector = "folder"
format = "json"

[settings]
inbound = "crm/to-us"
outbound = "crm/from-us"
tells_nothing = "type == 'ping'"

[settings.documents.note]
path = "/notes"
body = { order = "order" }

[settings.facts.released]
when = "type == 'released'"
type = "order.hold-released"
key = "order"
data = { hold = "hold", reason = "reason" }
"""


async def test_json_goes_and_comes_by_folder(tmp_path: Path) -> None:
    shutil.copytree(WHOLESALER, tmp_path / "w")
    (tmp_path / "w/systems/crm.toml").write_text(CRM)
    systems = Systems(load(tmp_path / "w", SECRETS), SECRETS, tmp_path / "w")
    assert "crm" in {source.channel for source in systems.sources()}
    reader = systems.readers()["crm"]
    assert isinstance(reader, OwnedReader), "the example says who owns which state of stock"
    assert isinstance(reader.reader, JsonReader)
    [(sink, writer)] = [(sink, writer) for sink, writer, _ in systems.sinks(1) if sink.system == "crm"]
    assert isinstance(sink, FolderSink)
    assert isinstance(writer, JsonWriter)
    delivery = Delivery(id="SO-1/note", key="SO-1", system="crm", document="note", content=b'{"order":"SO-1"}')
    [sent] = writer.compose([delivery], None, datetime.now(UTC)).transmissions  # type: ignore[arg-type]
    assert isinstance(await sink.send(sent), Accepted)
    [dropped] = [path for path in (tmp_path / "w/crm/from-us").iterdir() if path.is_file()]
    assert dropped.name == "SO-1%2Fnote.json"
    assert msgspec.json.decode(dropped.read_bytes()) == {"order": "SO-1"}
    await sink.close()
