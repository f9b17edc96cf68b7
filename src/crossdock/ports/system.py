"""What the workspace says about a system: its role, how it is connected, how it wants to be treated. Each connector reads its own `settings`."""

from collections.abc import Mapping
from typing import Any

import msgspec

from crossdock.ports.outbound import Pace


class System(msgspec.Struct, frozen=True, kw_only=True):
    """One connected system; its id is a channel's name too.

    role: partner, warehouse, erp, tax, other. connector: folder, http, webhook. format: x12 or json. partner: whose X12 it speaks (partner or 3PL).
    settings: the connector's own table, secrets resolved only by `wiring` ({"env": "ERP_TOKEN"} or {"file": "..."} stay references here).
    """

    id: str
    role: str
    connector: str
    format: str = "json"
    partner: str = ""
    name: str = ""
    pace: Pace = Pace()
    settings: Mapping[str, Any] = {}
