"""Deliveries to JSON requests by the workspace's maps, and accepted answers to facts. One request per delivery; its
name is the delivery's id.

Money and quantities stand as text in our documents and stay text, unless a map says `number(...)` and the result is
whole.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from crossdock.connectors.json.answers import answer_keys, tell
from crossdock.connectors.json.spec import JsonDocument
from crossdock.crosswalk.maps import Map, MapError, to_json
from crossdock.ports.outbound import Delivery, Transmission
from crossdock.ports.translation import Composition, ControlNumbers

_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")


class Path:
    """A path template: text with {expressions}, each of which must give text or a whole number."""

    def __init__(self, template: str, where: str) -> None:
        if not template.startswith("/"):
            raise MapError(where, template, "a path starts with / (the host stands in base_url)")
        pieces = _PLACEHOLDER.split(template)
        self._where, self._template = where, template
        self._fixed = pieces[0::2]
        if any("{" in piece or "}" in piece for piece in self._fixed):
            raise MapError(where, template, "has a brace without its other one")
        if any(not (piece.isascii() and piece.isprintable()) or " " in piece for piece in self._fixed):
            raise MapError(where, template, "what cannot stand in a URL must be written as %XX")
        self._map = (
            Map({str(index): expression for index, expression in enumerate(pieces[1::2])}, where)
            if len(pieces) > 1
            else None
        )

    def fill(self, value: Any) -> str:
        """The path for the document `value`. Raises MapError if a placeholder comes out empty."""
        if self._map is None:
            return self._template
        filled = self._map.apply(value)
        path = self._fixed[0]
        for index, fixed in enumerate(self._fixed[1:]):
            piece = filled.get(str(index))
            if piece is None or piece == "" or isinstance(piece, bool | dict | list):
                raise MapError(
                    self._where, self._template, f"placeholder {index + 1} gives {piece!r}, and must give text"
                )
            path += quote(str(piece), safe="") + fixed
        return path


class _Compiled:
    def __init__(self, name: str, document: JsonDocument, where: str) -> None:
        self.method = document.method
        self.headers = dict(document.headers)
        self.path = Path(document.path, f"{where}.path")
        self.body = None if document.body is None else Map(document.body, f"{where}.body")
        if document.question and document.look_up:
            raise MapError(
                f"{where}.look_up", "", "a question is asked again when its outcome is unknown, not looked up"
            )
        self.look_up_path = Path(document.look_up.path, f"{where}.look_up.path") if document.look_up else None
        self.look_up_method = document.look_up.method if document.look_up else ""
        _check_answer(name, document.answer, f"{where}.answer")
        if document.look_up:
            _check_answer(name, document.look_up.answer, f"{where}.look_up.answer")


class JsonWriter:
    """A `Writer` for one system. Raises MapError when a map cannot be compiled or an answer map lacks a key.

    files: each request becomes a file of its own, so its name must do as a file's: the delivery's id, %-quoted, and
    `.json`.
    """

    def __init__(
        self,
        system: str,
        documents: Mapping[str, JsonDocument],
        where: str = "settings.documents",
        *,
        files: bool = False,
    ) -> None:
        self._system = system
        self._files = files
        self._documents = {name: _Compiled(name, document, f"{where}.{name}") for name, document in documents.items()}

    def needs(self, deliveries: Sequence[Delivery]) -> Mapping[tuple[str, str], int]:
        """JSON takes no control numbers."""
        return {}

    def compose(self, deliveries: Sequence[Delivery], numbers: ControlNumbers, now: datetime) -> Composition:
        """One request per delivery. What a map cannot write is unwritable, with the map and key in the reason."""
        transmissions: list[Transmission] = []
        unwritable: list[tuple[str, str]] = []
        for delivery in deliveries:
            try:
                transmissions.append(self._request(delivery))
            except MapError as error:
                unwritable.append((delivery.id, f"{self._system}: {error}"))
        return Composition(transmissions=tuple(transmissions), unwritable=tuple(unwritable))

    def _request(self, delivery: Delivery) -> Transmission:
        kind = self._documents.get(delivery.document)
        if kind is None:
            raise MapError("documents", "", f"there is no map for {delivery.document}")
        request: dict[str, Any] = {
            "document": delivery.document,
            "method": kind.method,
            "path": kind.path.fill(delivery.content),
            "headers": kind.headers,
        }
        if kind.look_up_path is not None:
            request["look_up"] = {"method": kind.look_up_method, "path": kind.look_up_path.fill(delivery.content)}
        return Transmission(
            name=f"{quote(delivery.id, safe='')}.json" if self._files else delivery.id,
            data=delivery.content if kind.body is None else to_json(kind.body.apply(delivery.content)),
            deliveries=(delivery.id,),
            content_type="application/json",
            request=request,
        )

    def settle(self, delivery: Delivery, control: str, answer: Mapping[str, Any]) -> Any:
        """The fact data that an accepted delivery tells. Raises ValueError when the answer lacks what it must have."""
        return tell(delivery.document, delivery.id, delivery.content, answer, control)


def _check_answer(document: str, answer: Mapping[str, Any], where: str) -> None:
    known, required = answer_keys(document)
    for key in answer:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            raise MapError(
                f"{where}.{key}",
                "",
                f"{document} has no such answer" + (f"; did you mean `{near[0]}`?" if near else ""),
            )
    if missing := sorted(required - set(answer)):
        raise MapError(where, "", f"{document} must answer with {', '.join(missing)}")
