"""Stock and channels in a workspace: the `[stock]` table of `crossdock.toml`, the files of `channels/`, and what the CSV files say for both.

A workspace without `[stock]` keeps none: its orders are promised as they were, and no channel is told anything.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from crossdock.policy.agreement import StockTerms
from crossdock.policy.stock import Channel, Schedule, StockPolicy, StockSite
from crossdock.workspace.check import Draft, SystemDraft
from crossdock.workspace.columns import CHANNEL_ITEMS
from crossdock.workspace.folder import Folder, TomlFile
from crossdock.workspace.model import ChannelFile, StockTable
from crossdock.workspace.positions import Path as KeyPath
from crossdock.workspace.problems import did_you_mean
from crossdock.workspace.tables import rows

ADVICE = "inventory-advice"
"""The document that tells a channel of stock: what a JSON system needs a map for."""

_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


class ChannelDraft(msgspec.Struct, frozen=True):
    """A file of `channels/`, and what it declares (None: it does not)."""

    file: TomlFile
    declared: ChannelFile | None


def policy_of(draft: Draft) -> StockPolicy | None:
    """How stock is kept, by `[stock]` and the CSV files; None where it is not."""
    said = draft.company.stock
    if said is None:
        return None
    return StockPolicy(
        allocation=said.allocation,
        horizon_days=said.horizon_days,
        buffer=said.buffer,
        receipts_late_days=said.receipts_late_days,
        negative_at=said.negative_at,
        repair_free=said.repair_free,
        repair_limit=said.repair_limit,
        repair_units=said.repair_units,
        reconcile=said.reconcile,
        grace_minutes=said.grace_minutes,
        patience_hours=said.patience_hours,
        look_back_days=said.look_back_days,
        silent_after_minutes=said.silent_after_minutes,
        owners=said.owners,
        sites={s.site: StockSite(system=s.system, entity=s.entity) for s in draft.catalogue.stock_sites if s.keeps},
        items=draft.catalogue.stock_items,
    )


def terms_of(draft: Draft, own: Mapping[str, Any], general: StockTable | None) -> StockTerms | None:
    """How a partner's orders are promised: its own `[stock]` table (`own`, as fitted) over the company's; None where no stock is kept."""
    if general is None:
        return None
    sites = {s.site: s.system or draft.company.defaults.warehouse for s in draft.catalogue.stock_sites if s.keeps}
    shared = {"split": general.split, "release": general.release, "soft_hours": general.soft_hours}
    return StockTerms(**{**shared, "short_pick": general.short_pick, **own, "sites": sites})


def channels_of(draft: Draft, drafts: Mapping[str, ChannelDraft]) -> dict[str, Channel]:
    """Every channel as its file, its list of items and its system say; none where no stock is kept."""
    if draft.company.stock is None:
        return {}
    found: dict[str, Channel] = {}
    for id, each in drafts.items():
        said = each.declared
        system = draft.systems[said.system].declared if said and said.system in draft.systems else None
        if said is None or system is None:
            continue
        told = {f.name: getattr(said, f.name) for f in msgspec.structs.fields(ChannelFile) if f.name != "items_csv"}
        told["format"] = said.format or _speaks(draft.systems[said.system])
        told["partner"] = said.partner or system.partner
        told["name"] = said.name or id
        told["items"] = tuple(dict.fromkeys([*said.items, *(item for _, item in _listed(draft.folder, each))]))
        found[id] = Channel(id=id, **told)
    return found


def check_stock(draft: Draft, drafts: Mapping[str, ChannelDraft]) -> None:
    """Everything about stock and channels that takes more than one file to see."""
    if draft.company.stock is not None:
        _table(draft, draft.company.stock)
    else:
        for each in drafts.values():
            meant = "say [stock] in crossdock.toml"
            draft.folder.complain(each.file, "missing-key", "no stock is kept, so there is nothing to tell", (), meant)
    for each in drafts.values():
        if each.declared is not None and draft.company.stock is not None:
            _channel(draft, each, each.declared)


def _table(draft: Draft, said: StockTable) -> None:
    toml, complain = draft.company_toml, draft.folder.complain
    keeping = {s.site for s in draft.catalogue.stock_sites if s.keeps}
    _not_below(draft, toml, ("stock",), said)
    if said.repair_limit is not None and said.repair_limit < said.repair_free:
        message = "`stock.repair_limit` is less than `stock.repair_free`"
        complain(toml, "bad-value", message, ("stock", "repair_limit"), "what is free must be allowed")
    _schedule(draft, toml, ("stock", "reconcile"), said.reconcile)
    for index, site in enumerate(said.negative_at):
        _site(draft, toml, ("stock", "negative_at", index), site, keeping)
    for index, rule in enumerate(said.owners):
        path = ("stock", "owners", index)
        _system(draft, toml, (*path, "system"), rule.system)
        if rule.site:
            _site(draft, toml, (*path, "site"), rule.site, keeping)
        if rule in said.owners[:index]:
            complain(toml, "duplicate", f"the rule for {rule.state} stands there twice", path)
    if not keeping:
        complain(toml, "unknown-site", "no site of sites.csv keeps stock", ("stock",), "`stock` is yes or empty there")
    for row in draft.catalogue.stock_sites:
        if row.system and row.system not in draft.systems:
            meant = did_you_mean(row.system, draft.systems)
            message = f"no system `{row.system}` in systems/"
            draft.folder.report.add("unknown-system", message, file="sites.csv", line=row.line, meant=meant)


def _channel(draft: Draft, each: ChannelDraft, said: ChannelFile) -> None:
    file, complain = each.file, draft.folder.complain
    keeping = {s.site for s in draft.catalogue.stock_sites if s.keeps}
    _not_below(draft, file, (), said)
    for key in ("share_percent", "buffer_percent"):
        if getattr(said, key) > 100:
            complain(file, "bad-value", f"`{key}` cannot be {getattr(said, key)}", (key,), "from 0 to 100")
    for index, site in enumerate(said.sites):
        _site(draft, file, ("sites", index), site, keeping)
    for index, item in enumerate(said.items):
        if item not in draft.catalogue.items:
            meant = did_you_mean(item, draft.catalogue.items)
            complain(file, "unknown-item", f"no item `{item}` in items.csv", ("items", index), meant)
    if said.items_csv and not (draft.folder.root / "channels" / said.items_csv).is_file():
        complain(file, "missing-file", f"there is no channels/{said.items_csv}", ("items_csv",))
    for line, item in _listed(draft.folder, each):
        if item not in draft.catalogue.items:
            meant = did_you_mean(item, draft.catalogue.items)
            name = f"channels/{said.items_csv}"
            draft.folder.report.add("unknown-item", f"no item `{item}` in items.csv", file=name, line=line, meant=meant)
    _schedule(draft, file, ("snapshot",), said.snapshot)
    sources = {s.system for s in draft.catalogue.stock_sites if s.keeps and s.system}
    for index, rule in enumerate(said.stale):
        path: KeyPath = ("stale", index)
        _not_below(draft, file, path, rule)
        if rule.source and rule.source not in sources:
            meant = did_you_mean(rule.source, sources, otherwise="`system` in sites.csv says who tells a site's stock")
            complain(file, "unknown-system", f"`{rule.source}` tells no site's stock", (*path, "source"), meant)
        if rule.action == "widen" and rule.factor < 1:
            message = f"`stale[{index + 1}].factor` cannot be {rule.factor}"
            complain(file, "bad-value", message, (*path, "factor"), "1 or more")
        if any(rule.source == other.source for other in said.stale[:index]):
            complain(file, "duplicate", f"there is a rule for `{rule.source or 'any source'}` already", path)
    if _system(draft, file, ("system",), said.system):
        _way(draft, file, said)


def _way(draft: Draft, file: TomlFile, said: ChannelFile) -> None:
    """Whether the system can be told what the channel wants to tell it."""
    complain = draft.folder.complain
    system = draft.systems[said.system]
    if system.declared is None:
        return
    speaks = _speaks(system)
    if system.declared.connector == "webhook":
        complain(
            file, "unknown-system", f"system `{said.system}` only tells us", ("system",), "one that can be written to"
        )
    elif said.format and said.format != speaks:
        complain(file, "bad-value", f"system `{said.system}` speaks {speaks}", ("format",), "leave it out")
    elif speaks == "x12":
        partner = said.partner or system.declared.partner
        if partner not in draft.partners:
            meant = did_you_mean(partner, draft.partners)
            complain(file, "unknown-partner", f"no partner `{partner}` in partners/", ("partner",), meant)
    elif ADVICE not in system.declared.settings.get("documents", {}):
        message = f"`[settings.documents.{ADVICE}]` is missing, and channel `{file.id}` is told by it"
        complain(system.file, "missing-key", message, ("settings", "documents"), "it says how to tell")


def _speaks(system: SystemDraft) -> str:
    said = system.declared
    assert said is not None
    return said.format or ("x12" if said.connector == "folder" else "json")


def _listed(folder: Folder, each: ChannelDraft) -> Iterator[tuple[int, str]]:
    """(line, item) of the channel's own list. The file is read each time that it is asked for, and kept among the sources once."""
    name = each.declared.items_csv if each.declared else ""
    path = f"channels/{name}"
    if not name or not (folder.root / path).is_file():
        return
    before = list(folder.sources)
    text = folder.text(path)
    if any(source.name == path for source in before):
        folder.sources[:] = before
    for line, row in rows(text or "", path, CHANNEL_ITEMS, folder.report):
        yield line, row["item"]


def _system(draft: Draft, file: TomlFile, path: KeyPath, system: str) -> bool:
    if system in draft.systems:
        return True
    meant = did_you_mean(system, draft.systems)
    draft.folder.complain(file, "unknown-system", f"no system `{system}` in systems/", path, meant)
    return False


def _site(draft: Draft, file: TomlFile, path: KeyPath, site: str, keeping: Iterable[str]) -> None:
    if site in draft.catalogue.sites and site not in set(keeping):
        draft.folder.complain(file, "unknown-site", f"site `{site}` keeps no stock", path, "`stock` in sites.csv")
    elif site not in draft.catalogue.sites:
        meant = did_you_mean(site, draft.catalogue.sites)
        draft.folder.complain(file, "unknown-site", f"no site `{site}` in sites.csv", path, meant)


def _not_below(draft: Draft, file: TomlFile, path: KeyPath, said: msgspec.Struct) -> None:
    """No figure of a table is below nothing."""
    for key, value in msgspec.structs.asdict(said).items():
        if isinstance(value, int | float | Decimal) and value < 0:
            draft.folder.complain(file, "bad-value", f"`{key}` cannot be {value}", (*path, key), "0 or more")


def _schedule(draft: Draft, file: TomlFile, path: KeyPath, said: Schedule) -> None:
    complain = draft.folder.complain
    if said.every_hours is not None and said.every_hours < 1:
        complain(file, "bad-value", f"`every_hours` cannot be {said.every_hours}", (*path, "every_hours"), "1 or more")
    if said.every_hours is not None and said.at:
        complain(file, "bad-value", "`every_hours` and `at` both say when", (*path, "at"), "keep one of the two")
    for index, text in enumerate(said.at):
        if not _TIME.fullmatch(text):
            complain(file, "bad-value", f'`at` cannot be "{text}"', (*path, "at", index), 'like "02:00" or "14:30"')
    try:
        ZoneInfo(said.zone).utcoffset(datetime(2026, 1, 1))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        complain(file, "bad-value", f"there is no time zone `{said.zone}`", (*path, "zone"), "like America/New_York")
