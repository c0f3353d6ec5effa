"""Merging trees: maps recurse, lists concatenate, scalars override, null loses."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bundlekit.source.merge import MergeError, merge_map
from bundlekit.source.tree import Map, from_plain, to_plain, walk

SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
# One kind per key, so that two of these maps can always be merged.
TREES = st.fixed_dictionaries(
    {},
    optional={
        "text": SCALARS,
        "list": st.lists(SCALARS, max_size=3),
        "map": st.fixed_dictionaries({}, optional={"a": SCALARS, "b": st.lists(SCALARS, max_size=2)}),
    },
)


def merged(one: dict[str, Any], two: dict[str, Any]) -> Map:
    onto: Map = from_plain(one)
    merge_map(onto, from_plain(two), "target dev")
    return onto


def expected(one: Any, two: Any) -> Any:
    if two is None:
        return one
    if isinstance(one, dict) and isinstance(two, dict):
        keys = [*one, *(key for key in two if key not in one)]
        return {key: expected(one.get(key), two.get(key)) for key in keys}
    return one + two if isinstance(one, list) and isinstance(two, list) else two


@settings(max_examples=200, deadline=None)
@given(TREES, TREES)
def test_merge_is_the_simple_definition(one: dict[str, Any], two: dict[str, Any]) -> None:
    assert to_plain(merged(one, two)) == expected(one, two)


@settings(max_examples=100, deadline=None)
@given(TREES, TREES, TREES)
def test_merge_is_associative(one: dict[str, Any], two: dict[str, Any], three: dict[str, Any]) -> None:
    left = merged(to_plain(merged(one, two)), three)
    right = merged(one, to_plain(merged(two, three)))
    assert left == right


@settings(max_examples=100, deadline=None)
@given(TREES, TREES)
def test_every_child_has_a_spot(one: dict[str, Any], two: dict[str, Any]) -> None:
    for _, parent, key, _ in walk(merged(one, two)):
        assert (key in parent.spots) if isinstance(parent, Map) else len(parent.spots) == len(parent)


@pytest.mark.parametrize(
    ("one", "two"), [({"a": 1}, {"a": {}}), ({"a": []}, {"a": {}}), ({"a": {}}, {"a": "x"})]
)
def test_kinds_that_cannot_be_merged(one: dict[str, Any], two: dict[str, Any]) -> None:
    with pytest.raises(MergeError) as raised:
        merged(one, two)
    assert raised.value.path == ("a",)


def test_cause_and_former_value_are_kept() -> None:
    onto = merged({"a": 1}, {"a": 2})
    (change,) = onto.notes["a"]
    assert (change.cause, change.before) == ("target dev", 1)
