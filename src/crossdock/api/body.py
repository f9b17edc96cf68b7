"""Bodies as their types say, from the bytes themselves: a decimal never passes through a float, and what is wrong is located by a JSON pointer."""

from typing import Any, Generic, TypeVar

import msgspec
from litestar.dto import AbstractDTO
from litestar.typing import FieldDefinition

from crossdock.api.failures import pointer
from crossdock.api.problem import Problem, problem

T = TypeVar("T")

JSON = frozenset(("", "application/json"))


def wrong(error: msgspec.ValidationError, prefix: str = "") -> Problem:
    """The problem of a value that is not of its type. prefix: where in the body the value stands, as a JSON pointer without its #."""
    words, _, path = str(error).partition(" - at `")
    place = "#" + prefix + pointer(path.rstrip("`"))[1:]
    return problem("invalid", f"{place}: {words}", errors=[{"pointer": place, "detail": words}])


def parsed(body: bytes, type_: type[T]) -> T:
    """A JSON body. Raises Problem malformed or invalid."""
    try:
        return msgspec.json.decode(body, type=type_)
    except msgspec.ValidationError as error:
        raise wrong(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise problem("malformed", f"the body is no JSON: {error}") from None


class Exact(AbstractDTO[T], Generic[T]):
    """The body of a route: `dto=Exact[T]` beside `data: T`."""

    def decode_builtins(self, value: dict[str, Any]) -> Any:
        raise problem("unsupported-media-type", "the body is to be application/json")

    def decode_bytes(self, value: bytes) -> Any:
        given = self.asgi_connection.headers.get("content-type", "").partition(";")[0].strip().lower()
        if given not in JSON and not given.endswith("+json"):
            raise problem("unsupported-media-type", f"the body is to be application/json, and is {given}")
        return parsed(value, self.model_type)

    def data_to_encodable_type(self, data: Any) -> Any:
        return data

    @classmethod
    def create_for_field_definition(cls, *args: Any, **more: Any) -> None:
        """There is nothing to prepare."""

    @classmethod
    def is_supported_model_type_field(cls, field_definition: FieldDefinition) -> bool:
        return False  # answers are encoded as they are

    @classmethod
    def generate_field_definitions(cls, model_type: type[Any]) -> Any:
        return iter(())

    @classmethod
    def detect_nested_field(cls, field_definition: FieldDefinition) -> bool:
        return False

    @classmethod
    def create_openapi_schema(cls, field_definition: FieldDefinition, handler_id: str, schema_creator: Any) -> Any:
        return schema_creator.for_field_definition(field_definition)
