"""What is published stays readable: the schemas in force grow from those that others rely on, and never break them."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.events import TYPES, retrying
from crossdock.events.compatibility import breaks
from crossdock.events.published import published
from crossdock.events.schemas import schema

TYPE = "crossdock.demand.shipped.v1"


@pytest.mark.parametrize("type_", TYPES)
def test_no_published_schema_is_broken(type_: str) -> None:
    assert type_ in published(), "publish it: crossdock events publish src/crossdock/events/published"
    assert breaks(published()[type_], schema(type_)) == []


def test_every_published_type_is_still_told() -> None:
    assert published().keys() - TYPES.keys() == set()


@pytest.mark.parametrize("type_", TYPES)
def test_what_has_grown_is_published_as_it_now_is(type_: str) -> None:
    assert published()[type_] == schema(type_), "publish it: crossdock events publish src/crossdock/events/published"


def edited(*path: str | int, to: Any = None, drop: str = "") -> dict[str, Any]:
    """The schema of TYPE with something in it changed or left out."""
    made = copy.deepcopy(schema(TYPE))
    at: Any = made
    for part in path:
        at = at[part]
    if drop:
        at.remove(drop) if isinstance(at, list) else at.pop(drop)
    else:
        at.update(to)
    return made


LINE = ("$defs", "DemandLine")


def test_a_removed_field_breaks() -> None:
    now = edited("properties", "data", "properties", drop="channel")
    assert "#/data/channel: removed" in breaks(schema(TYPE), now)


def test_a_field_removed_deep_inside_breaks_with_its_place() -> None:
    assert "#/data/lines/items/site: removed" in breaks(schema(TYPE), edited(*LINE, "properties", drop="site"))


def test_another_type_of_value_breaks() -> None:
    now = edited(*LINE, "properties", to={"quantity": {"type": "number"}})
    found = breaks(schema(TYPE), now)
    assert any(word.startswith("#/data/lines/items/quantity: may be number") for word in found)
    assert any(word.startswith("#/data/lines/items/quantity: may not be string") for word in found)


def test_a_value_that_may_be_lacking_now_breaks() -> None:
    now = edited(*LINE, "properties", to={"item": {"anyOf": [{"type": "string"}, {"type": "null"}]}})
    assert any("#/data/lines/items/item: may be null" in word for word in breaks(schema(TYPE), now))


def test_a_narrower_value_breaks_what_is_in_the_feed_already() -> None:
    now = edited(*LINE, "properties", to={"unit": {"type": "string", "maxLength": 2}})
    assert any("#/data/lines/items/unit" in word for word in breaks(schema(TYPE), now))


def test_a_field_that_is_newly_required_breaks() -> None:
    now = edited(*LINE, to={"required": [*schema(TYPE)["$defs"]["DemandLine"]["required"], "unit"]})
    assert breaks(schema(TYPE), now) == ["#/data/lines/items/unit: newly required"]


def test_a_field_that_need_not_be_written_any_more_breaks() -> None:
    now = edited(*LINE, "required", drop="site")
    assert breaks(schema(TYPE), now) == ["#/data/lines/items/site: not always written any more"]


def test_a_new_field_breaks_nobody() -> None:
    assert breaks(schema(TYPE), edited(*LINE, "properties", to={"colour": {"type": "string", "default": ""}})) == []


def test_other_words_break_nobody() -> None:
    assert breaks(schema(TYPE), edited(to={"description": "Said otherwise."})) == []


_schemas = st.recursive(
    st.sampled_from([{"type": "string"}, {"type": "integer"}, {"type": "string", "format": "date"}, {"type": "null"}]),
    lambda inner: st.one_of(
        st.builds(lambda items: {"type": "array", "items": items}, inner),
        st.dictionaries(st.sampled_from("abc"), inner, max_size=3).map(
            lambda fields: {"type": "object", "properties": fields, "required": sorted(fields)}
        ),
    ),
    max_leaves=6,
)


@given(_schemas, _schemas)
def test_a_schema_never_breaks_itself_and_two_that_do_not_break_each_other_are_alike(old: Any, new: Any) -> None:
    assert breaks(old, old) == []
    if breaks(old, new) == [] and breaks(new, old) == []:
        assert old == new


# --- When webhooks are tried again ---


@given(st.integers(1, retrying.ATTEMPTS - 1), st.floats(0, 1), st.none() | st.floats(0, 1e6))
def test_a_retry_comes_by_the_schedule_and_never_before_the_receiver_asked(
    attempt: int, random: float, asked: float | None
) -> None:
    wait = retrying.retry_seconds(attempt, random, asked)
    assert wait is not None
    assert wait >= retrying.SCHEDULE_SECONDS[attempt - 1]
    assert wait >= min(asked or 0, retrying.LONGEST_SECONDS)
    assert wait <= max(1.2 * retrying.SCHEDULE_SECONDS[attempt - 1], asked or 0)


def test_after_the_last_attempt_there_is_none() -> None:
    assert retrying.retry_seconds(retrying.ATTEMPTS, 0.5) is None
