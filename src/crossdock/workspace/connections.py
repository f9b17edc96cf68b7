"""Whether a connector can do with the `settings` of a system.

Their shape is held against the connector's own declaration, every map is compiled, and every document that the system's
role calls for must be declared. Nothing is connected.
"""

import importlib
import importlib.util
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from crossdock.connectors.json.reader import JsonReader
from crossdock.connectors.json.spec import JsonSpec, json_spec
from crossdock.connectors.json.stock import Words
from crossdock.connectors.json.stock_reader import StockMaps
from crossdock.connectors.json.writer import JsonWriter
from crossdock.connectors.settings import SettingsError
from crossdock.crosswalk.directory import Directory, Partner
from crossdock.crosswalk.maps import Expression, Map, MapError
from crossdock.crosswalk.resolve import Crosswalk
from crossdock.workspace.positions import Path as KeyPath
from crossdock.workspace.problems import did_you_mean
from crossdock.workspace.shape import fit, plain

Fault = tuple[KeyPath, str, str, str]
"""(key path within the settings, code, message, what was meant)."""

CONNECTORS: Mapping[str, tuple[str, str]] = {
    "folder": ("FolderSpec", "folder_spec"),
    "http": ("HttpSpec", "http_spec"),
    "webhook": ("WebhookSpec", "webhook_spec"),
}
"""By connector, the names in its `spec` module of what declares its settings and of what reads them."""

CALLED_FOR: Mapping[str, tuple[str, ...]] = {
    "erp": ("sales-order", "sales-order-revision", "shipment-posting"),
    "tax": ("tax-request",),
}
"""The kinds of document that a system of a role must be able to take. credit-check is looked for where a policy asks for it."""

NOBODYS = Words(Crosswalk(Directory(version=0)), "", Partner(id="", role="warehouse"))
"""Words to compile maps with, of which none is looked up."""

_PLACE = re.compile(r"^settings((?:[.\[][^:\s]*)?): (.*)$", re.DOTALL)


def available() -> list[str]:
    """The connectors whose settings are declared."""
    return [name for name in CONNECTORS if importlib.util.find_spec(f"crossdock.connectors.{name}.spec")]


def spec(connector: str) -> type[msgspec.Struct]:
    """What declares the connector's settings. Raises KeyError for a connector that there is not."""
    declared: type[msgspec.Struct] = getattr(_module(connector), CONNECTORS[connector][0])
    return declared


def _module(connector: str) -> Any:
    return importlib.import_module(f"crossdock.connectors.{connector}.spec")


def speaks_json(connector: str, format: str) -> bool:
    """Whether the settings hold the part that maps objects, of JSON or rows of CSV."""
    return format in ("json", "csv") or (not format and connector != "folder")


def faults(connector: str, format: str, role: str, settings: Mapping[str, Any], root: Path) -> Iterator[Fault]:
    """Everything that is wrong with `settings`, variables already filled in."""
    if connector not in available():
        return
    found: list[Fault] = []

    def complain(code: str, message: str, path: KeyPath, meant: str = "") -> None:
        found.append((path, "bad-setting" if code == "bad-value" else code, message, meant))

    json = speaks_json(connector, format)
    names = {f.name for f in msgspec.structs.fields(JsonSpec)} if json else set()
    ours = {k: v for k, v in settings.items() if k in names}
    rest = {k: v for k, v in settings.items() if k not in names}
    fit(rest, spec(connector), complain, beside=names)
    fit(ours, JsonSpec, complain)
    yield from found
    if found:
        return
    read: Callable[..., Any] = getattr(_module(connector), CONNECTORS[connector][1])
    if reason := _refused(lambda: read(plain(rest), root)):
        yield reason
    if json:
        yield from _maps(json_spec(plain(ours))[0])
        if connector != "webhook":
            for document in CALLED_FOR.get(role, ()):
                if document not in settings.get("documents", {}):
                    meant = did_you_mean(document, settings.get("documents", {}), otherwise="it says how to ask")
                    yield (
                        ("documents",),
                        "missing-key",
                        f"`[settings.documents.{document}]` is missing for the role {role}",
                        meant,
                    )


def _maps(declared: JsonSpec) -> Iterator[Fault]:
    for name, document in declared.documents.items():
        where = f"settings.documents.{name}"
        asked = document.look_up
        for attempt in (
            lambda n=name, d=document: JsonWriter("", {n: d}),
            lambda d=document, w=where: Map(d.answer, f"{w}.answer"),
            lambda d=document, w=where: Expression(d.refused, f"{w}.refused") if d.refused else None,
            lambda a=asked, w=where: Map(a.answer, f"{w}.look_up.answer") if a else None,
            lambda a=asked, w=where: Expression(a.found, f"{w}.look_up.found") if a else None,
        ):
            if reason := _refused(attempt):
                yield reason
    for name, fact in declared.facts.items():
        if reason := _refused(lambda n=name, f=fact: JsonReader("", {n: f})):  # type: ignore[misc]  # mypy cannot type defaults of lambdas
            yield reason
    if reason := _refused(lambda: JsonReader("", {}, declared.tells_nothing)):
        yield reason
    if reason := _refused(lambda: StockMaps(declared, NOBODYS, "settings")):
        yield reason


def _refused(attempt: Callable[[], Any]) -> Fault | None:
    """What is said against it, at the place that it names."""
    try:
        attempt()
    except MapError as error:
        expression = f" in `{error.expression}`" if error.expression else ""
        return (
            _path(error.where.removeprefix("settings")),
            "bad-map",
            f"{_readable(error.where)}: {error.reason}{expression}",
            "",
        )
    except SettingsError as error:
        match = _PLACE.match(str(error))
        return (_path(match[1]), "bad-setting", match[2], "") if match else ((), "bad-setting", str(error), "")
    return None


def _readable(where: str) -> str:
    return f"`{where.removeprefix('settings.')}`"


def _path(text: str) -> KeyPath:
    """`.documents.sales-order.body[2]` as a key path."""
    return tuple(int(p[1:-1]) if p.startswith("[") else p.strip(".") for p in re.findall(r"\[\d+\]|\.?[^.\[\]]+", text))
