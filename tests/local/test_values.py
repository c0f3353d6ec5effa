"""Dynamic value references and the comparison of condition tasks."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundlekit.local.values import OPERATORS, ValueMissing, Values, compare

START = 1_772_593_445.678  # Wednesday, 2026-03-04T03:04:05.678Z


def values(**fields: Any) -> Values:
    made: dict[str, Any] = {
        "job": {"id": 7, "name": "etl", "run_id": 70, "start_time": START, "trigger_time": START,
                "trigger_type": "manual", "repair_count": 0},
        "parameters": {"day": "mon", "with space": "s", "n": "1"},
        "task": {"name": "t", "run_id": 71, "execution_count": 2, "notebook_path": "/n"},
        "tasks": {
            "a": {"values": {"x": 1, "text": "ü", "map": {"k": {"deep": [1, 2]}}, "d.o.t": True, "none": None},
                  "result_state": "success", "error_code": "", "execution_count": 1, "run_id": 72,
                  "notebook_path": None, "output": {"rows": [{"c": 1}], "first_row": {"c": 1}}},
            "b-2": {"values": {}, "result_state": "failed", "error_code": "RunExecutionError"},
        },
        "workspace": {"id": 0, "url": "http://localhost"},
        **fields,
    }  # fmt: skip
    return Values(**made)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{job.id}}/{{job.run_id}}/{{job.name}}/{{job.repair_count}}", "7/70/etl/0"),
        ("{{ job.parameters.day }}", "mon"),
        ("{{job.parameters.`with space`}}", "s"),
        ("a{{job.parameters.day}}b{{job.parameters.n}}c", "amonb1c"),
        ("{{job.trigger.type}} {{job.trigger.time.year}}", "manual 2026"),
        ("{{job.start_time.iso_date}}", "2026-03-04"),
        ("{{job.start_time.iso_datetime}}", "2026-03-04T03:04:05.678"),
        ("{{job.start_time.timestamp_ms}}", "1772593445678"),
        ("{{job.start_time.iso_weekday}} {{job.start_time.is_weekday}}", "3 true"),
        ("{{job.start_time.year}}-{{job.start_time.month}}-{{job.start_time.day}}", "2026-3-4"),
        ("{{job.start_time.hour}}:{{job.start_time.minute}}:{{job.start_time.second}}", "3:4:5"),
        ("{{task.name}} {{task.run_id}} {{task.execution_count}} {{task.notebook_path}}", "t 71 2 /n"),
        ("{{workspace.id}} {{workspace.url}}", "0 http://localhost"),
        ("{{tasks.a.result_state}} {{tasks.a.run_id}} {{tasks.a.execution_count}}", "success 72 1"),
        ("{{tasks.b-2.error_code}} {{tasks.`b-2`.result_state}}", "RunExecutionError failed"),
        ("{{tasks.a.values.x}}", "1"),
        ("{{tasks.a.values.text}}", "ü"),
        ("{{tasks.a.values.map}}", '{"k": {"deep": [1, 2]}}'),
        ("{{tasks.a.values.map.k.deep}}", "[1, 2]"),
        ("{{tasks.a.values.d.o.t}}", "true"),
        ("{{tasks.a.values.none}}", "null"),
        ("{{tasks.a.output.rows}}", '[{"c": 1}]'),
        ("{{tasks.a.output.first_row.c}}", "1"),
        # Old names, which the service still replaces.
        ("{{job_id}} {{run_id}} {{parent_run_id}} {{task_key}}", "7 71 70 t"),
        ("{{start_date}} {{start_time}} {{task_retry_count}}", "2026-03-04 1772593445678 1"),
    ],
)
def test_what_is_replaced(text: str, expected: str) -> None:
    assert values().resolve(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "plain", "{{", "}}", "{{}}", "{{ }}", "{{unknown}}", "{{jobs.x}}", "{{job}}", "{{job.what}}", "{{tasks}}",
     "{{tasks.a}}", "{{tasks.a.what}}", "{{job.start_time}}", "{{job.start_time.what}}", "{{secrets/s/k}}",
     "{{input}}", "{job.id}", "{{tasks.a.notebook_path}}"],
)  # fmt: skip
def test_other_text_stays(text: str) -> None:
    assert values().resolve(text) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{job.parameters.month}}", "the job has no parameter month (it has: day, n, with space)"),
        ("{{tasks.c.values.x}}", "no task c has run before this one"),
        ("{{tasks.a.values.y}}", "task a has set no value y (it has set: d.o.t, map, none, text, x)"),
        ("{{tasks.b-2.values.y}}", "task b-2 has set no value y (it has set: none)"),
        ("{{tasks.a.values.map.k.what}}", "task a has set no value map.k.what"),
    ],
)
def test_values_that_are_missing(text: str, message: str) -> None:
    with pytest.raises(ValueMissing) as found:
        values().resolve(f"x {text}")
    assert message in str(found.value) and text in str(found.value)


@pytest.mark.parametrize(
    ("item", "text", "expected"),
    [
        ("a", "{{input}}", "a"),
        (1.5, "<{{input}}>", "<1.5>"),
        (True, "{{input}}", "true"),
        (None, "{{input}}", "null"),
        (
            {"k": [1], "n": {"m": "z"}},
            "{{input.k}} {{input.n.m}} {{input}}",
            '[1] z {"k": [1], "n": {"m": "z"}}',
        ),
    ],
)
def test_input_of_a_loop(item: Any, text: str, expected: str) -> None:
    assert values(has_input=True, item=item).resolve(text) == expected


def test_input_without_the_field() -> None:
    with pytest.raises(ValueMissing, match="has no field k"):
        values(has_input=True, item={"j": 1}).resolve("{{input.k}}")
    with pytest.raises(ValueMissing, match="has no field k"):
        values(has_input=True, item="text").resolve("{{input.k}}")


def test_structures_are_resolved_and_not_changed() -> None:
    task = {"a": ["{{task.name}}", 1, {"b": "{{job.id}}"}], "{{job.id}}": None, "c": True}
    assert values().resolve(task) == {"a": ["t", 1, {"b": "7"}], "{{job.id}}": None, "c": True}
    assert task["a"] == ["{{task.name}}", 1, {"b": "{{job.id}}"}]


def test_values_are_not_resolved_again() -> None:
    assert values(parameters={"x": "{{job.id}}"}).resolve("{{job.parameters.x}}") == "{{job.id}}"


@given(st.text(alphabet=string.ascii_letters + "{}`.$ 0ü\n", max_size=60))
def test_any_text_is_resolved_or_said_to_miss_a_value(text: str) -> None:
    try:
        found = values().resolve(text)
    except ValueMissing:
        return
    assert isinstance(found, str) and ("{{" in text or found == text)


@pytest.mark.parametrize(
    ("operator", "left", "right", "expected"),
    [
        ("EQUAL_TO", "a", "a", True),
        ("EQUAL_TO", "12.0", "12", False),
        ("NOT_EQUAL", "12.0", "12", True),
        ("GREATER_THAN", "10", "9", True),
        ("GREATER_THAN", "10", "10", False),
        ("GREATER_THAN_OR_EQUAL", "12.0", "12", True),
        ("GREATER_THAN_OR_EQUAL", "10.0", "12", False),
        ("LESS_THAN", "-1e3", "0", True),
        ("LESS_THAN_OR_EQUAL", "1", "1", True),
    ],
)
def test_compare(operator: str, left: str, right: str, expected: bool) -> None:
    assert compare(operator, left, right) is expected


@pytest.mark.parametrize("operator", OPERATORS[2:])
def test_compare_refuses_text(operator: str) -> None:
    with pytest.raises(ValueError, match="compares numbers, but got 'many'"):
        compare(operator, "many", "1")


def test_unknown_operator() -> None:
    with pytest.raises(ValueError, match="no operator LIKE; there are EQUAL_TO"):
        compare("LIKE", "a", "b")
