"""Differences between states, and the state file's log."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundlekit.diagnostics import BundlekitError
from bundlekit.plan.diff import MISSING, differences
from bundlekit.plan.plan import parse_plan
from bundlekit.plan.state import StateFile, parse_state

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda child: st.lists(child, max_size=3) | st.dictionaries(st.sampled_from("abc"), child, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from("abc"), JSON), st.dictionaries(st.sampled_from("abc"), JSON))
def test_nothing_differs_from_itself_and_everything_else_is_found(
    left: dict[str, Any], right: dict[str, Any]
) -> None:
    assert differences(left, left) == {}
    assert bool(differences(left, right)) == (
        json.dumps(left, sort_keys=True) != json.dumps(right, sort_keys=True)
    )


def test_lists_with_keys_are_compared_by_them() -> None:
    left = {"tasks": [{"task_key": "a", "timeout_seconds": 1}, {"task_key": "b"}]}
    right = {"tasks": [{"task_key": "b"}, {"task_key": "a", "timeout_seconds": 2}]}
    assert {path: (d.left, d.right) for path, d in differences(left, right).items()} == {
        "tasks[task_key='a'].timeout_seconds": (1, 2)
    }
    gone = differences(left, {"tasks": [{"task_key": "b"}]})
    assert gone["tasks[task_key='a']"].right is MISSING


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.none() | st.integers(0, 9)), max_size=12),
    st.integers(0, 12),
)
def test_a_log_that_was_cut_off_anywhere_is_replayed(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int | None]], cut: int
) -> None:
    """Recording and then dying gives what had been recorded, at every point."""
    path = tmp_path_factory.mktemp("state") / "resources.json"
    file = StateFile(path)
    file.begin()
    wanted: dict[str, Any] = {}
    for key, value in steps[:cut]:
        node = f"resources.jobs.{key}"
        entry = None if value is None else {"__id__": str(value), "state": {"n": value}}
        file.record(node, entry)
        if entry is None:
            wanted.pop(node, None)
        else:
            wanted[node] = entry
    file.abandon()
    again = StateFile(path)
    assert again.load().resources == wanted
    again.begin()
    again.touch()
    again.finish()
    assert StateFile(path).load().resources == wanted
    assert StateFile(path).load().serial == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{",
        '{"plan_version": 1}',
        '{"plan_version": 2, "surprise": 1}',
        '{"plan_version": 2, "plan": {"a": {"action": "jump"}}}',
    ],
)
def test_malformed_plans(text: str) -> None:
    with pytest.raises(BundlekitError):
        parse_plan(text)


@given(st.binary(max_size=40))
def test_malformed_states(data: bytes) -> None:
    with contextlib.suppress(BundlekitError):
        parse_state(data, "resources.json")


def test_the_log_of_another_deployment_is_refused(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "resources.json")
    file.begin()
    file.touch()
    file.finish()
    header = {"lineage": "another", "serial": 2, "cli_version": "0"}
    (tmp_path / "resources.json.wal").write_text(json.dumps(header) + "\n", encoding="utf-8")
    with pytest.raises(BundlekitError, match="another deployment"):
        StateFile(tmp_path / "resources.json").load()
