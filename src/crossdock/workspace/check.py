"""Whether the parts of a workspace fit together: every name that one file says must be in another, no secret in the clear, no map, overlay or rule that does not compile."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from crossdock.connectors.settings import Secret
from crossdock.crosswalk.directory import Identity, X12Profile
from crossdock.policy.agreement import Clocks
from crossdock.workspace import connections, overlays
from crossdock.workspace.catalogue import QUALIFIERS, Catalogue, known_qualifier
from crossdock.workspace.environment import MissingVariable, filled, references, secrets_in_clear
from crossdock.workspace.folder import Folder, TomlFile
from crossdock.workspace.model import CompanyFile, PartnerFile, SystemFile
from crossdock.workspace.positions import Path as KeyPath
from crossdock.workspace.positions import at
from crossdock.workspace.problems import did_you_mean
from crossdock.workspace.routing import check_decision

_AT_LEAST_ONE = ("concurrency", "burst", "attempts", "breaker_failures", "batch", "factor")
"""Figures of a pace that make no sense below 1."""

LONGEST_KEPT_DAYS = 36_500


class SystemDraft(msgspec.Struct, frozen=True):
    """A file of `systems/`, and what it declares (None: it does not)."""

    file: TomlFile
    declared: SystemFile | None


class PartnerDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A file of `partners/`, what it declares, and its tables with the defaults worked in."""

    file: TomlFile
    declared: PartnerFile | None
    x12: X12Profile
    clocks: Clocks
    policy: Any


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A workspace as read, before anybody has looked whether its parts fit together."""

    folder: Folder
    environ: Mapping[str, str]
    company_toml: TomlFile
    company: CompanyFile
    systems: Mapping[str, SystemDraft]
    partners: Mapping[str, PartnerDraft]
    catalogue: Catalogue
    routing_file: str
    routing_text: str
    routing: bytes

    def with_role(self, *roles: str) -> list[str]:
        """The ids of the systems that have one of these roles and can be written to: a webhook only tells."""
        known = ((id, s.declared) for id, s in self.systems.items() if s.declared)
        return [id for id, said in known if said.role in roles and said.connector != "webhook"]

    def channels(self, partner: str) -> list[str]:
        """The systems that carry this partner's documents."""
        return [id for id, s in self.systems.items() if s.declared and s.declared.partner == partner]

    def channel(self, partner: str) -> str:
        """The system to write to: as the partner says, else the first that carries its documents; "" for none."""
        said = self.partners[partner].declared
        return (said.channel if said else "") or next(iter(self.channels(partner)), "")

    def warehouses_acknowledge(self) -> bool:
        """Whether every warehouse owes us 997s. One that does not must not leave orders waiting for them, so all must."""
        warehouses = [p for p in self.partners.values() if p.declared and p.declared.role == "warehouse"]
        return all(p.x12.functional_acks for p in warehouses)

    def place(self, partner: PartnerDraft, table: str, key: str) -> tuple[TomlFile, KeyPath]:
        """Where a key of a partner's table is said: in its own file, or among the defaults."""
        path = (table, key)
        if key in (partner.file.data.get(table) or {}):
            return partner.file, path
        return self.company_toml, ("defaults", *path)


def cross_check(draft: Draft) -> None:
    """Everything that takes more than one file to see; problems go to the folder's report."""
    _company(draft)
    for id, system in draft.systems.items():
        if system.declared:
            _system(draft, id, system.file, system.declared)
    for id, partner in draft.partners.items():
        if partner.declared:
            _partner(draft, id, partner, partner.declared)
    _senders(draft)
    if draft.routing:
        check_decision(
            draft.routing,
            draft.routing_file,
            draft.routing_text,
            draft.with_role("warehouse"),
            draft.catalogue.sites,
            draft.folder.report,
        )


def _company(draft: Draft) -> None:
    defaults, toml = draft.company.defaults, draft.company_toml
    if defaults.warehouse:
        _one_of(draft, toml, ("defaults", "warehouse"), defaults.warehouse, "warehouse")
    if defaults.site and defaults.site not in draft.catalogue.sites:
        meant = did_you_mean(defaults.site, draft.catalogue.sites)
        draft.folder.complain(
            toml, "unknown-site", f"no site `{defaults.site}` in sites.csv", ("defaults", "site"), meant
        )
    _twice(draft, toml, ("identities",), draft.company.identities)
    _api(draft)
    if not 1 <= draft.company.events.kept_days <= LONGEST_KEPT_DAYS:
        words = f"events are kept for 1 to {LONGEST_KEPT_DAYS} days"
        draft.folder.complain(toml, "bad-value", words, ("events", "kept_days"))


def _api(draft: Draft) -> None:
    """Whether callers of the API can be told apart: a provider that is reached in the clear, or partners that no claim names, let the wrong people in."""
    said, toml = draft.company.api, draft.company_toml
    if said.rate_per_second <= 0 or said.burst < 1 or said.requests_per_day < 0:
        draft.folder.complain(toml, "bad-value", "a rate of nothing lets nobody in", ("api",))
    oidc = said.oidc
    if oidc is None:
        return
    for key, url in (("issuer", oidc.issuer), ("jwks_url", oidc.jwks_url)):
        if (url or key == "issuer") and not url.startswith(("https://", "http://127.0.0.1", "http://localhost")):
            draft.folder.complain(toml, "bad-value", f"`{key}` must be an https address", ("api", "oidc", key))
    if not oidc.audience:
        draft.folder.complain(
            toml, "bad-value", "without an audience any token of the issuer would do", ("api", "oidc", "audience")
        )
    if oidc.client_secret:
        try:
            msgspec.convert(oidc.client_secret, Secret)
        except msgspec.ValidationError:
            words = 'a secret is named, not told: { env = "NAME" } or { file = "path" }'
            draft.folder.complain(toml, "bad-value", words, ("api", "oidc", "client_secret"))
        if not oidc.client_id:
            words = "`client_id` must say whose secret it is"
            draft.folder.complain(toml, "missing-key", words, ("api", "oidc"), "client_id")
    if not oidc.roles:
        draft.folder.complain(
            toml,
            "bad-value",
            "no value of a claim is one of our roles, so that no token opens anything",
            ("api", "oidc"),
        )
    if "partner" in oidc.roles.values() and not oidc.partner_claim:
        draft.folder.complain(
            toml,
            "missing-key",
            "`partner_claim` must say whose rows a partner's people see",
            ("api", "oidc"),
            "partner_claim",
        )


def _system(draft: Draft, id: str, file: TomlFile, said: SystemFile) -> None:
    complain = draft.folder.complain
    if said.connector not in connections.CONNECTORS:
        meant = did_you_mean(said.connector, connections.CONNECTORS)
        complain(file, "bad-value", f"there is no connector `{said.connector}`", ("connector",), meant)
    if said.partner and said.partner not in draft.partners:
        meant = did_you_mean(said.partner, draft.partners)
        complain(file, "unknown-partner", f"no partner `{said.partner}` in partners/", ("partner",), meant)
    if not said.partner and (said.format == "x12" or (not said.format and said.connector == "folder")):
        complain(file, "missing-key", "`partner` is missing: whose X12 is it?", (), did_you_mean(id, draft.partners))
    for key, value in msgspec.structs.asdict(said.pace).items():
        least = 1 if key in _AT_LEAST_ONE else 0
        if value is not None and (value < least or (key == "jitter" and value > 1)):
            meant = "from 0 to 1" if key == "jitter" else f"{least} or more"
            complain(file, "bad-value", f"`pace.{key}` cannot be {value}", ("pace", key), meant)
    clear = set(secrets_in_clear(said.settings, ("settings",)))
    for path in clear:
        meant = 'write { env = "NAME" } or { file = "path" }'
        complain(file, "secret-in-clear", f"a secret stands in `{'.'.join(map(str, path))}` itself", path, meant)
    _environment(draft, file, said.settings)
    try:
        settings = filled(said.settings, draft.environ)
    except MissingVariable:
        return
    if not clear:
        for path, code, message, meant in connections.faults(
            said.connector, said.format, said.role, settings, draft.folder.root
        ):
            complain(file, code, message, ("settings", *path), meant)


def _environment(draft: Draft, file: TomlFile, settings: Mapping[str, Any]) -> None:
    """What this machine lacks. Warnings, since the machine that runs the workspace may be another."""
    for path, reference in references(settings, ("settings",)):
        name = reference.get("env", "")
        if name and not draft.environ.get(name):
            message, meant = (
                f"the environment variable `{name}` is not set",
                "the processes that run this workspace need it",
            )
            draft.folder.complain(file, "missing-secret", message, path, meant, "warning")
        elif not name and not (draft.folder.root / reference["file"]).is_file():
            message = f"there is no file `{reference['file']}`"
            draft.folder.complain(
                file, "missing-secret", message, path, "the processes that run this workspace need it", "warning"
            )
    for path, text in _texts(settings, ("settings",)):
        try:
            filled(text, draft.environ)
        except MissingVariable as missing:
            message, meant = f"the environment variable `{missing}` is not set", f"give a default: ${{{missing}:-...}}"
            draft.folder.complain(file, "missing-variable", message, path, meant, "warning")


def _texts(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _texts(each, (*path, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _texts(each, (*path, index))


def _partner(draft: Draft, id: str, partner: PartnerDraft, said: PartnerFile) -> None:
    file, complain, words = partner.file, draft.folder.complain, draft.catalogue
    if said.channel:
        _one_of(draft, file, ("channel",), said.channel, "partner", "warehouse")
    elif len(several := draft.channels(id)) > 1:
        complain(
            file,
            "ambiguous-channel",
            f"several systems carry its documents: {', '.join(several)}",
            (),
            "say `channel = ...`",
        )
    elif not several:
        complain(
            file,
            "unknown-system",
            "no system carries its documents",
            (),
            f'a file in systems/ with partner = "{id}"',
            "warning",
        )
    _twice(draft, file, ("them",), said.them)
    ours = draft.company.identities
    if said.us and ours and not any((said.us.qualifier, said.us.id) == (i.qualifier, i.id) for i in ours):
        complain(
            file,
            "bad-value",
            f"`us` is none of our identities: {said.us.id}",
            ("us",),
            did_you_mean(said.us.id, [i.id for i in ours]),
        )
    if not said.us and not ours:
        complain(file, "missing-key", "`us` is missing, and crossdock.toml has no [[identities]]", ())
    if said.price_list and said.price_list not in {price_list for price_list, _ in words.prices}:
        meant = did_you_mean(said.price_list, {price_list for price_list, _ in words.prices})
        complain(
            file, "unknown-price-list", f"no prices for list `{said.price_list}` in prices.csv", ("price_list",), meant
        )
    for index, qualifier in enumerate(said.item_qualifiers):
        if not known_qualifier(qualifier):
            meant = did_you_mean(qualifier, QUALIFIERS)
            complain(file, "unknown-qualifier", f"`{qualifier}` is no qualifier", ("item_qualifiers", index), meant)
    units = {i.unit for i in words.items.values()} | {u for i in words.items.values() for u in i.packs}
    for code, unit in said.units.items():
        if unit not in units:
            complain(file, "unknown-unit", f"no item has the unit `{unit}`", ("units", code), did_you_mean(unit, units))
    for code, site in said.locations.items():
        if site not in words.sites:
            complain(
                file,
                "unknown-site",
                f"no site `{site}` in sites.csv",
                ("locations", code),
                did_you_mean(site, words.sites),
                "warning",
            )
    for table, values in (("clocks", partner.clocks), ("policy", partner.policy)):
        for key, value in msgspec.structs.asdict(values).items():
            if isinstance(value, int | float | Decimal) and value < 0:
                where, path = draft.place(partner, table, key)
                complain(where, "bad-value", f"`{table}.{key}` cannot be {value}", path, "0 or more")
    if said.role == "customer":
        for key, role in (("erp", "erp"), ("tax", "tax")):
            if system := getattr(partner.policy, key):
                _one_of(draft, *draft.place(partner, "policy", key), system, role)
        _credit_check(draft, partner)
    _x12(draft, partner)


def _credit_check(draft: Draft, partner: PartnerDraft) -> None:
    """Who asks the ERP for credit must have said how."""
    erp = draft.systems.get(partner.policy.erp)
    if not partner.policy.credit_check or erp is None or erp.declared is None or erp.declared.role != "erp":
        return
    if "credit-check" not in erp.declared.settings.get("documents", {}):
        message = (
            f"`[settings.documents.credit-check]` is missing, and partner `{partner.file.id}` has its credit checked"
        )
        meant = "or `credit_check = false` in its [policy]"
        draft.folder.complain(erp.file, "missing-key", message, ("settings", "documents"), meant)


def _one_of(draft: Draft, file: TomlFile, path: KeyPath, system: str, *roles: str) -> None:
    fit = draft.with_role(*roles)
    if system not in fit:
        role = draft.systems[system].declared.role if system in draft.systems and draft.systems[system].declared else ""  # type: ignore[union-attr]  # looked at just before
        message = f"system `{system}` has the role {role}" if role else f"no system `{system}` in systems/"
        meant = did_you_mean(system, fit) or f"a system of role {' or '.join(roles)} is needed"
        if path[-1:] in (("erp",), ("tax",)):
            meant += f', or `{path[-1]} = ""` for none'
        draft.folder.complain(file, "unknown-system", message, path, meant)


def _twice(draft: Draft, file: TomlFile, path: KeyPath, identities: Iterable[Identity]) -> None:
    seen: set[Identity] = set()
    for index, identity in enumerate(identities):
        if identity in seen:
            draft.folder.complain(
                file, "duplicate", f"identity {identity.qualifier}/{identity.id} stands there twice", (*path, index)
            )
        seen.add(identity)


def _senders(draft: Draft) -> None:
    """No two partners may be one sender towards the same identity of ours."""
    senders: dict[tuple[Identity, tuple[str, str]], str] = {}
    first = draft.company.identities[0] if draft.company.identities else None
    for id, partner in draft.partners.items():
        said = partner.declared
        us = (said.us or first) if said else None
        for index, identity in enumerate(said.them if said else ()):
            other = senders.setdefault((identity, (us.qualifier, us.id) if us else ("", "")), id)
            if other != id:
                group = f" (group {identity.group_id})" if identity.group_id else ""
                message = f"identity {identity.qualifier}/{identity.id}{group} is also partner `{other}`"
                draft.folder.complain(partner.file, "duplicate", message, ("them", index))


def _x12(draft: Draft, partner: PartnerDraft) -> None:
    profile = partner.x12
    used: dict[str, str] = {}
    for key in ("element_separator", "component_separator", "segment_terminator", "repetition_separator"):
        value = getattr(profile, key)
        file, path = draft.place(partner, "x12", key)
        if key == "repetition_separator" and not value:
            continue
        if len(value) != 1 or value.isalnum() or value == " ":
            message = f"`{key}` must be one character, no letter, digit or blank"
            draft.folder.complain(file, "bad-delimiters", message, path)
        elif value in used:
            draft.folder.complain(file, "bad-delimiters", f"`{key}` is the same as `{used[value]}`", path)
        used[value] = key
    if profile.line_break not in ("", "\n", "\r\n", "\r"):
        _not_so(draft, partner, "line_break", 'write "", "\\n" or "\\r\\n"')
    if profile.usage not in ("P", "T"):
        _not_so(draft, partner, "usage", "P (production) or T (test)")
    own = at(partner.file.data, ("x12", "overlays")) if "overlays" in (partner.file.data.get("x12") or {}) else {}
    for path, message, meant in overlays.faults(profile.version, own):
        draft.folder.complain(partner.file, "bad-overlay", message, ("x12", "overlays", *path), meant)


def _not_so(draft: Draft, partner: PartnerDraft, key: str, meant: str) -> None:
    file, path = draft.place(partner, "x12", key)
    message = f"`{key}` cannot be {getattr(partner.x12, key)!r}"
    draft.folder.complain(file, "bad-value", message, path, meant)
