"""The JSON Schema of every event, and the AsyncAPI 3.0 document that describes where they are to be had. Both are made of the structs in `types`."""

import inspect
from typing import Any

import msgspec

from crossdock.events.event import CONTENT_TYPE, SCHEMAS, SOURCE
from crossdock.events.types import PREFIX, TYPES, Said

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def words_of(data: type[Said]) -> str:
    """What an event of a type says, in a line."""
    return " ".join(inspect.cleandoc(data.__doc__ or "").split())


def data_schema(type_: str) -> dict[str, Any]:
    """What `data` of an event of this type is. All fields are written; those that are not required may be lacking in what was
    written before they were told of. A reader passes over those that it does not know. Raises KeyError."""
    _, components = msgspec.json.schema_components([TYPES[type_]], ref_template="#/$defs/{name}")
    name = TYPES[type_].__name__
    for each in components.values():
        each["description"] = " ".join(each.get("description", "").split())
    components = msgspec.json.decode(msgspec.json.encode(components))  # as a reader of JSON has it
    own: dict[str, Any] = components.pop(name)
    return {**own, **({"$defs": components} if components else {})}


def schema(type_: str) -> dict[str, Any]:
    """The schema of a whole event of this type, envelope and data, as it is served under its name. Raises KeyError."""
    data = data_schema(type_)
    defs = data.pop("$defs", {})
    return {"$schema": DIALECT, "$id": SCHEMAS + type_, **_envelope(type_, data), **({"$defs": defs} if defs else {})}


def _envelope(type_: str, data: dict[str, Any]) -> dict[str, Any]:
    text = {"type": "string", "minLength": 1}
    return {
        "title": type_,
        "description": words_of(TYPES[type_]),
        "type": "object",
        "properties": {
            "specversion": {"const": "1.0"},
            "id": text,
            "source": {"const": SOURCE},
            "type": {"const": type_},
            "subject": text,
            "time": {"type": "string", "format": "date-time"},
            "datacontenttype": {"const": "application/json"},
            "dataschema": {"const": SCHEMAS + type_},
            "sequence": {"type": "string", "pattern": "^[0-9]+$"},
            "partner": text,
            "data": data,
        },
        "required": [
            "data",
            "datacontenttype",
            "dataschema",
            "id",
            "sequence",
            "source",
            "specversion",
            "subject",
            "time",
            "type",
        ],
    }


def asyncapi(version: str) -> dict[str, Any]:
    """The AsyncAPI 3.0 document: the feed and the stream that are read, and the webhooks that are called, each with every type of event."""
    messages = {
        _name(type_): {
            "name": type_,
            "title": type_,
            "summary": words_of(data),
            "contentType": CONTENT_TYPE,
            "payload": _envelope(type_, {"$ref": f"#/components/schemas/{data.__name__}"}),
        }
        for type_, data in TYPES.items()
    }
    _, schemas = msgspec.json.schema_components(list(TYPES.values()), ref_template="#/components/schemas/{name}")
    told = {name: {"$ref": f"#/components/messages/{name}"} for name in messages}
    channels = {
        "events": {
            "address": "/v1/events",
            "title": "Feed",
            "description": "Pages of events behind a cursor, which a reader keeps and may set back.",
            "messages": told,
        },
        "stream": {
            "address": "/v1/events/stream",
            "title": "Stream",
            "description": "Server-sent events; `Last-Event-ID` goes on where a reader was.",
            "messages": told,
        },
        "webhook": {
            "address": None,
            "title": "Webhook",
            "description": "A POST to the subscription's own URL, signed as Standard Webhooks 1.0 says; any 2xx within 15 seconds takes it.",
            "messages": told,
        },
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Crossdock events",
            "version": version,
            "description": "What has happened, in the trade's words, as CloudEvents 1.0.",
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": channels,
        "operations": {
            name: {
                "action": "send",
                "channel": {"$ref": f"#/channels/{name}"},
                "messages": [{"$ref": f"#/channels/{name}/messages/{each}"} for each in messages],
            }
            for name in channels
        },
        "components": {"messages": messages, "schemas": schemas},
    }


def _name(type_: str) -> str:
    return type_.removeprefix(PREFIX).replace(".", "_").replace("-", "_")
