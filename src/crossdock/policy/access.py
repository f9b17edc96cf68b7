"""What holds for callers of the HTTP API: how often they may ask, and how an identity provider's people become ours."""

from collections.abc import Mapping
from typing import Literal

import msgspec

RoleName = Literal["operations", "finance", "integration", "partner", "auditor", "admin"]
Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures with a key pair only: a token signed with a shared secret, or not at all, opens nothing."""


class OidcTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Whose bearer tokens are taken, and what their claims mean.

    issuer: as in the token's `iss`, and where its discovery document is found. audience: one of those in `aud`. jwks_url: where its keys are; "": as discovery says.
    algorithms: no other is taken. role_claim: which claim names roles, a dot for each level ("realm_access.roles"). roles: its values to ours; of several the first in
    this table counts, and a token with none opens nothing. partner_claim: names the partner of whoever has the role partner. name_claim: what people are called by.
    leeway_seconds: by how much clocks may differ.
    client_id: which of the provider's clients the dashboard is; "": none, unless the environment says. client_secret: where the client's secret is, as every secret
    is named ({"env": NAME} or {"file": PATH}); empty: a public client. display_name: what the dashboard calls the provider.
    """

    issuer: str
    audience: str
    jwks_url: str = ""
    algorithms: tuple[Algorithm, ...] = ("RS256", "ES256")
    role_claim: str = "roles"
    roles: Mapping[str, RoleName] = {}
    partner_claim: str = ""
    name_claim: str = "email"
    leeway_seconds: int = 30
    client_id: str = ""
    client_secret: Mapping[str, str] = {}
    display_name: str = ""


class ApiTerms(msgspec.Struct, frozen=True, kw_only=True):
    """How often one client may ask, of each server. rate_per_second: on the average, after a burst of `burst`. requests_per_day: over all servers, by UTC day; 0: no quota.
    oidc: None: API keys alone."""

    rate_per_second: float = 100
    burst: int = 200
    requests_per_day: int = 0
    oidc: OidcTerms | None = None
