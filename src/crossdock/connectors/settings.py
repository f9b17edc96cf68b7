"""How a connector reads its own `settings` table: into its Struct, with errors that name the place and what was
probably meant; and how it asks for secrets."""

import difflib
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec


class SettingsError(ValueError):
    """A settings table that is not what its connector declares. The text says which setting and what was meant."""


class Secret(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A reference to a secret, never the secret: {env = "ERP_TOKEN"} or {file = "/run/secrets/erp"}. `Secrets` resolves
    it."""

    env: str = ""
    file: str = ""

    def __post_init__(self) -> None:
        if bool(self.env) == bool(self.file):
            raise ValueError('a secret is named by either env or file: {env = "NAME"}')


Secrets = Callable[[Secret], str]
"""Resolves a reference when it is needed; raises when there is no such secret. Handed in by `wiring`. What it returns
is never logged or put in an error."""

S = TypeVar("S", bound=msgspec.Struct)


def read(settings: Mapping[str, Any], kind: type[S], where: str) -> S:
    """`settings` as a `kind`. `where` names the table in errors ("systems.erp.settings"). Raises SettingsError. Unknown
    settings are errors if `kind` forbids them."""
    _unknown(settings, kind, where)
    try:
        return msgspec.convert(dict(settings), kind, dec_hook=_path)
    except msgspec.ValidationError as error:
        # msgspec says "... - at `$.auth.token`".
        reason, _, place = str(error).partition(" - at `$")
        raise SettingsError(f"{where}{place.rstrip('`')}: {reason}") from None


def _path(kind: type, value: Any) -> Any:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise NotImplementedError(f"{kind} cannot be a setting")


def _unknown(settings: Mapping[str, Any], kind: type[msgspec.Struct], where: str) -> None:
    known = {field.encode_name: field.type for field in msgspec.structs.fields(kind)}
    tag = kind.__struct_config__.tag_field
    for name, value in settings.items():
        if name not in known:
            if name == tag:
                continue
            near = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean `{near[0]}`?" if near else f"; there are {', '.join(sorted(known))}"
            raise SettingsError(f"{where}.{name}: there is no such setting{hint}")
        if isinstance(value, Mapping):
            _descend(value, known[name], f"{where}.{name}")


def _descend(value: Mapping[str, Any], kind: Any, where: str) -> None:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        if kind.__struct_config__.tag is None:
            _unknown(value, kind, where)
        return
    arguments = typing.get_args(kind)
    if typing.get_origin(kind) in (dict, Mapping) and len(arguments) == 2:
        for name, each in value.items():
            if isinstance(each, Mapping):
                _descend(each, arguments[1], f"{where}.{name}")
        return
    structs = [
        a
        for a in arguments
        if isinstance(a, type) and issubclass(a, msgspec.Struct) and a.__struct_config__.tag is None
    ]
    if len(structs) == 1:
        _unknown(value, structs[0], where)
