"""The settings of an HTTP connection, as the workspace declares them. The maps of its documents are the JSON format's
(`connectors.json.spec`)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from crossdock.connectors.settings import Secret, SettingsError, read

Verdict = Literal["accepted", "already-done", "later", "refused", "unknown"]

STATUSES: Mapping[str, Verdict] = {
    "2xx": "accepted",
    "3xx": "refused",
    "401": "later",
    "407": "later",
    "408": "later",
    "425": "later",
    "429": "later",
    "4xx": "refused",
    "503": "later",
    "5xx": "unknown",
}
"""What a status means where a connection says nothing else. 401 and 407 are our credentials' trouble and no business
no."""


class Header(msgspec.Struct, frozen=True, tag_field="kind", tag="header", forbid_unknown_fields=True):
    """A key in a header: {kind = "header", name = "X-Api-Key", value = {env = "TAX_KEY"}}."""

    name: str
    value: Secret


class Bearer(msgspec.Struct, frozen=True, tag_field="kind", tag="bearer", forbid_unknown_fields=True):
    """A fixed token: {kind = "bearer", token = {env = "ERP_TOKEN"}}."""

    token: Secret


class ClientCredentials(
    msgspec.Struct, frozen=True, tag_field="kind", tag="oauth2-client-credentials", forbid_unknown_fields=True
):
    """OAuth 2.0 client credentials (RFC 6749, 4.4). The token is kept until `early_seconds` before it runs out and
    fetched anew once on a 401.

    placement: whether the client's id and secret go as HTTP Basic (2.3.1, the default) or in the body.
    """

    token_url: str
    client_id: str
    client_secret: Secret
    scope: str = ""
    audience: str = ""
    placement: Literal["basic", "body"] = "basic"
    early_seconds: float = 60


class HttpSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One HTTP system.

    base_url: "https://erp.example:8443/api"; document paths are put behind it. auth: one of header, bearer,
    oauth2-client-credentials.
    statuses: "409" or "5xx" to accepted, already-done (looked up, or accepted), later (surely not done), refused,
    unknown; what it does not name is as STATUSES says.
    idempotency_header: carries the delivery's id; "" for none. ca_file: authorities to trust instead of the usual.
    connect_seconds: for the connection alone.
    keepalive_seconds: how long an idle connection is used again; stay below the server's own, or its closing looks like
    an unknown outcome. answer_bytes: longest answer that is read.
    """

    base_url: str
    auth: Header | Bearer | ClientCredentials | None = None
    statuses: dict[str, Verdict] = {}
    idempotency_header: str = "Idempotency-Key"
    ca_file: Path | None = None
    connect_seconds: float = 5
    keepalive_seconds: float = 5
    answer_bytes: int = 10_000_000

    def verdict(self, status: int) -> Verdict:
        """The exact status first, then its class; the connection's own words before the common ones."""
        exact, kind = str(status), f"{status // 100}xx"
        for table in (self.statuses, STATUSES):
            # A connection's "4xx" must not swallow the common word on 429, unless it names 429 itself.
            if exact in table:
                return table[exact]
        return self.statuses.get(kind) or STATUSES.get(kind, "unknown")


def http_spec(settings: Mapping[str, Any], base: Path, where: str = "settings") -> HttpSpec:
    """The settings, `ca_file` made absolute below `base`. Raises SettingsError."""
    spec = read(settings, HttpSpec, where)
    _check_url(spec.base_url, f"{where}.base_url")
    if isinstance(spec.auth, ClientCredentials):
        _check_url(spec.auth.token_url, f"{where}.auth.token_url")
    for status in spec.statuses:
        if len(status) != 3 or status[0] not in "12345" or not (status.isdigit() or status[1:] == "xx"):
            raise SettingsError(f"{where}.statuses.{status}: a status is three digits or a class such as 5xx")
    return msgspec.structs.replace(
        spec, base_url=spec.base_url.rstrip("/"), ca_file=base / spec.ca_file if spec.ca_file else None
    )


def _check_url(url: str, where: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsError(f"{where}: {url!r} is no http:// or https:// address")
    if parts.username or parts.password:
        raise SettingsError(f"{where}: no user or password in an address; declare `auth`")
