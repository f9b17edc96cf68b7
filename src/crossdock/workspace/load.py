"""From a folder to a `Loaded` workspace, with every problem on the way. The steps stand in `read` in the order in which they happen."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from crossdock.crosswalk.directory import Directory, Identity, MovementTerms, Partner, X12Profile
from crossdock.policy.agreement import Agreement, Clocks
from crossdock.ports.system import System
from crossdock.workspace.catalogue import Catalogue, catalogue
from crossdock.workspace.check import Draft, PartnerDraft, SystemDraft, cross_check
from crossdock.workspace.folder import Folder, TomlFile
from crossdock.workspace.model import (
    FORMAT,
    ChannelFile,
    Company,
    CompanyFile,
    Loaded,
    PartnerFile,
    PartnerStock,
    Policy,
    SystemFile,
)
from crossdock.workspace.movements import check_movements
from crossdock.workspace.positions import Path as KeyPath
from crossdock.workspace.problems import Problem, Report, WorkspaceError
from crossdock.workspace.routing import from_rows
from crossdock.workspace.shape import Complain, fit, plain
from crossdock.workspace.stock import ChannelDraft, channels_of, check_stock, policy_of, terms_of

_ID = re.compile(r"[a-z][a-z0-9-]{0,19}")

TABLES: Mapping[str, type[msgspec.Struct]] = {"x12": X12Profile, "clocks": Clocks, "policy": Policy}
"""The tables of a partner's file for which `crossdock.toml` may give defaults."""


def load(path: Path, environ: Mapping[str, str]) -> Loaded:
    """The workspace in the folder `path`. Raises WorkspaceError with every problem when there is an error among them.

    `environ` is only looked into for what is missing; the result is the same on every machine (see `connected`).
    """
    loaded, problems = read(path, environ)
    if loaded is None or any(p.severity == "error" for p in problems):
        raise WorkspaceError(problems)
    return loaded


def check(path: Path, environ: Mapping[str, str]) -> list[Problem]:
    """Everything that is wrong with the workspace in the folder `path`, by file and line. Needs no database."""
    return read(path, environ)[1]


def read(path: Path, environ: Mapping[str, str]) -> tuple[Loaded | None, list[Problem]]:
    """The workspace as far as it can be understood, None without a usable `crossdock.toml`, and every problem."""
    report = Report()
    folder = Folder(path, report)
    company_toml, company = _company(folder)
    systems = {f.id: SystemDraft(f, _system(folder, f)) for f in folder.tomls("systems")}
    partners = {f.id: _partner(folder, f, company) for f in folder.tomls("partners")}
    channels = {f.id: ChannelDraft(f, _channel(folder, f)) for f in folder.tomls("channels")}
    _ids(folder, [s.file for s in systems.values()] + [p.file for p in partners.values()])
    _ids(folder, [c.file for c in channels.values()])
    words = catalogue(folder.rows, partners, report)
    routing_file, routing_text, routing = _routing(folder, report)
    folder.strangers()
    if company is None or company_toml is None:
        return None, report.problems()
    draft = Draft(
        folder=folder,
        environ=environ,
        company_toml=company_toml,
        company=company,
        systems=systems,
        partners=partners,
        catalogue=words,
        routing_file=routing_file,
        routing_text=routing_text,
        routing=routing,
    )
    cross_check(draft)
    check_stock(draft, channels)
    check_movements(draft)
    return _loaded(draft, channels), report.problems()


def _company(folder: Folder) -> tuple[TomlFile | None, CompanyFile | None]:
    name = "crossdock.toml"
    file = folder.toml(name)
    if file is None:
        if not (folder.root / name).exists():
            meant = f"`crossdock init {folder.root}` makes a workspace"
            folder.report.add("missing-file", f"there is no {name} in {folder.root}", file=name, meant=meant)
        return None, None
    complain = _complaints(folder, file)
    if (format := file.data.get("format", FORMAT)) != FORMAT:
        complain("bad-value", f"`format` is {format}, and this Crossdock reads format {FORMAT}", ("format",))
        return file, None
    company = fit(file.data, CompanyFile, complain)
    if company is not None:
        for name, shape in TABLES.items():
            fit(getattr(company.defaults, name), shape, complain, ("defaults", name))
    return file, company


def _system(folder: Folder, file: TomlFile) -> SystemFile | None:
    declared: SystemFile | None = fit(file.data, SystemFile, _complaints(folder, file))
    return declared


def _channel(folder: Folder, file: TomlFile) -> ChannelFile | None:
    declared: ChannelFile | None = fit(file.data, ChannelFile, _complaints(folder, file))
    return declared


def _partner(folder: Folder, file: TomlFile, company: CompanyFile | None) -> PartnerDraft:
    complain = _complaints(folder, file)
    declared: PartnerFile | None = fit(file.data, PartnerFile, complain)
    tables: dict[str, Any] = {}
    for name, shape in TABLES.items():
        own = getattr(declared, name) if declared else {}
        general = getattr(company.defaults, name) if company else {}
        fit(own, shape, complain, (name,))
        tables[name] = fit({**general, **own}, shape, _told_already) or shape()
    if declared:
        fit(declared.stock, PartnerStock, complain, ("stock",))
        fit(declared.movements, MovementTerms, complain, ("movements",))
    return PartnerDraft(
        file=file, declared=declared, x12=tables["x12"], clocks=tables["clocks"], policy=tables["policy"]
    )


def _routing(folder: Folder, report: Report) -> tuple[str, str, bytes]:
    """The file that holds the rules, its text, and the decision."""
    text = folder.text("routing.json")
    table = "routing.csv" if (folder.root / "routing.csv").exists() else ""
    if text is None:
        return (table, "", from_rows(folder.rows(table), table, report)) if table else ("", "", b"")
    if table:
        report.add("duplicate", "routing.json says it already", file=table, meant="keep one of the two")
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        report.add("bad-routing", f"not JSON: {error}", file="routing.json")
        return "", "", b""
    return "routing.json", text, text.encode()


def _loaded(draft: Draft, channels: Mapping[str, ChannelDraft]) -> Loaded:
    company, words = draft.company, draft.catalogue
    us = company.identities[0] if company.identities else None
    partners = {id: _as_partner(id, d, us) for id, d in draft.partners.items() if d.declared}
    return Loaded(
        company=Company(
            name=company.company,
            currency=company.currency,
            lanes=company.lanes,
            identities=company.identities,
            api=company.api,
            events=company.events,
        ),
        directory=_directory(draft, partners, words),
        agreements={id: _as_agreement(id, d, draft) for id, d in draft.partners.items() if d.declared},
        systems={id: _as_system(id, d.declared) for id, d in draft.systems.items() if d.declared},
        stock=policy_of(draft),
        channels=channels_of(draft, channels),
        sources=tuple(sorted(draft.folder.sources)),
    )


def _directory(draft: Draft, partners: Mapping[str, Partner], words: Catalogue) -> Directory:
    return Directory(
        version=0,
        company=draft.company.company,
        currency=draft.company.currency,
        partners=partners,
        items=words.items,
        partner_items=words.partner_items,
        prices=words.prices,
        sites=words.sites,
        default_warehouse=draft.company.defaults.warehouse,
        default_site=draft.company.defaults.site,
        routing=draft.routing,
    )


def _as_partner(id: str, draft: PartnerDraft, us: Identity | None) -> Partner:
    said = draft.declared
    assert said is not None
    return Partner(
        id=id,
        role=said.role,
        name=said.name or id,
        them=said.them,
        us=said.us or us,
        x12=msgspec.structs.replace(draft.x12, overlays=plain(draft.x12.overlays)),
        units=said.units,
        item_qualifiers=said.item_qualifiers,
        locations=said.locations,
        price_list=said.price_list,
        movements=fit(plain(said.movements), MovementTerms, _told_already) or MovementTerms(),
    )


def _as_agreement(id: str, draft: PartnerDraft, whole: Draft) -> Agreement:
    said = draft.declared
    assert said is not None
    return Agreement(
        partner=id,
        name=said.name or id,
        currency=said.currency or whole.company.currency,
        channel=whole.channel(id),
        functional_acks=draft.x12.functional_acks,
        warehouse_functional_acks=whole.warehouses_acknowledge(),
        clocks=draft.clocks,
        stock=terms_of(whole, _stock(said), whole.company.stock) if said.role == "customer" else None,
        **msgspec.structs.asdict(draft.policy),
    )


def _stock(said: PartnerFile) -> dict[str, Any]:
    """The keys of the partner's own [stock] table that could be read."""
    fitted = fit(said.stock, PartnerStock, _told_already) or PartnerStock()
    return {key: getattr(fitted, key) for key in said.stock if key in PartnerStock.__struct_fields__}


def _as_system(id: str, said: SystemFile) -> System:
    return System(
        id=id,
        role=said.role,
        connector=said.connector,
        format=said.format or ("x12" if said.connector == "folder" else "json"),
        partner=said.partner,
        name=said.name or id,
        pace=said.pace,
        settings=plain(said.settings),
    )


def _ids(folder: Folder, files: Iterable[TomlFile]) -> None:
    """A file's name is an id that travels: in order numbers, keys and the names of files."""
    for file in files:
        if not _ID.fullmatch(file.id):
            meant = "small letters, digits and hyphens, at most 20, a letter first"
            folder.complain(file, "bad-value", f"`{file.id}` cannot be an id", (), meant)


def _complaints(folder: Folder, file: TomlFile) -> Complain:
    def complain(code: str, message: str, path: KeyPath, meant: str = "") -> None:
        folder.complain(file, code, message, path, meant)

    return complain


def _told_already(code: str, message: str, path: KeyPath, meant: str = "") -> None:
    """Swallows what the file's own table has been blamed for."""
