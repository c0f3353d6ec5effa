"""The scheduler: run_if and outcomes by table, and what holds for every job by generated runs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundlekit.local.schedule import RUN_IFS, Schedule, TaskPlan, select

S, F, C, X = "SUCCESS", "FAILED", "CANCELED", "EXCLUDED"


@pytest.mark.parametrize(
    ("run_if", "upstream", "runs"),
    [
        ("ALL_SUCCESS", [S, S], True), ("ALL_SUCCESS", [S, F], False), ("ALL_SUCCESS", [S, C], False),
        ("AT_LEAST_ONE_SUCCESS", [S, F], True), ("AT_LEAST_ONE_SUCCESS", [F, F], False),
        ("NONE_FAILED", [S, S], True), ("NONE_FAILED", [S, F], False),
        ("ALL_DONE", [F, C], True), ("ALL_DONE", [S, S], True),
        ("AT_LEAST_ONE_FAILED", [S, F], True), ("AT_LEAST_ONE_FAILED", [S, S], False),
        ("ALL_FAILED", [F, F], True), ("ALL_FAILED", [S, F], False),
    ],
)  # fmt: skip
def test_run_if(run_if: str, upstream: list[str], runs: bool) -> None:
    ups = [TaskPlan(f"u{i}") for i in range(len(upstream))]
    schedule = Schedule([*ups, TaskPlan("t", tuple((u.key, None) for u in ups), run_if)])
    for key in schedule.ready(0):
        schedule.start(key, 0)
    for plan, result in zip(ups, upstream, strict=True):
        schedule.finished(plan.key, result, 1)
    assert ("t" in schedule.ready(1)) is runs


@pytest.mark.parametrize(
    ("run_if", "runs"), [("ALL_SUCCESS", False), ("NONE_FAILED", True), ("ALL_DONE", True)]
)
def test_the_branch_that_was_not_taken(run_if: str, runs: bool) -> None:
    """A join behind both branches of a condition."""
    schedule = Schedule(
        [
            TaskPlan("c"), TaskPlan("yes", (("c", "true"),)), TaskPlan("no", (("c", "false"),)),
            TaskPlan("join", (("yes", None), ("no", None)), run_if),
        ]
    )  # fmt: skip
    schedule.start("c", 0) if schedule.ready(0) else None
    schedule.finished("c", S, 1, "true")
    assert schedule.ready(1) == ["yes"]
    assert schedule.tasks["no"].result == X
    schedule.start("yes", 1)
    schedule.finished("yes", S, 2)
    assert ("join" in schedule.ready(2)) is runs


def test_retry_waits_for_its_interval() -> None:
    schedule = Schedule([TaskPlan("a", max_retries=1, retry_interval=10)])
    schedule.ready(0)
    schedule.start("a", 0)
    assert schedule.finished("a", F, 3)
    assert schedule.ready(9) == []
    assert schedule.next_time() == 10
    assert schedule.ready(10) == ["a"]
    schedule.start("a", 10)
    assert not schedule.finished("a", F, 11)
    assert schedule.result() == F


def test_a_timeout_is_tried_again_only_when_asked() -> None:
    for again in (False, True):
        schedule = Schedule([TaskPlan("a", max_retries=1, retry_on_timeout=again)])
        schedule.ready(0)
        schedule.start("a", 0)
        assert schedule.finished("a", "TIMEDOUT", 1) is again


def test_select() -> None:
    plans = [TaskPlan("a"), TaskPlan("b", (("a", None),)), TaskPlan("c", (("b", None),))]
    assert [p.key for p in select(plans, ["b"])] == ["b"]
    assert [p.key for p in select(plans, ["+b"])] == ["a", "b"]
    assert [p.key for p in select(plans, ["b+"])] == ["b", "c"]
    with pytest.raises(KeyError):
        select(plans, ["d"])


@st.composite
def jobs(draw: st.DrawFn) -> list[TaskPlan]:
    """A DAG of up to 8 tasks: each depends on some of those before it."""
    plans: list[TaskPlan] = []
    for number in range(draw(st.integers(1, 8))):
        before = (
            draw(st.lists(st.sampled_from(plans), max_size=3, unique_by=lambda p: p.key)) if plans else []
        )
        depends = tuple((p.key, draw(st.sampled_from([None, None, "true", "false"]))) for p in before)
        plans.append(
            TaskPlan(f"t{number}", depends, draw(st.sampled_from(RUN_IFS)), draw(st.integers(0, 2)),
                     draw(st.sampled_from([0.0, 5.0])), draw(st.booleans()))
        )  # fmt: skip
    return plans


@given(jobs(), st.data())
def test_every_run_ends_and_keeps_its_order(plans: list[TaskPlan], data: st.DataObject) -> None:
    schedule, now, running = Schedule(plans), 0.0, []
    cancel_at = data.draw(st.sampled_from([None, None, 2, 4]))
    for step in range(200):
        if step == cancel_at:
            running = schedule.cancel()
        for key in schedule.ready(now):
            state = schedule.tasks[key]
            for upstream, _ in state.plan.depends_on:
                assert schedule.tasks[upstream].life == "DONE", "started before its dependency was done"
            assert schedule.start(key, now) == len(state.history)
            running.append(key)
        if not running:
            due = schedule.next_time()
            if due is None:
                break
            now = due
            continue
        key = running.pop(data.draw(st.integers(0, len(running) - 1)))
        now += 1
        result = C if schedule.canceled else data.draw(st.sampled_from([S, S, F, "TIMEDOUT"]))
        schedule.finished(key, result, now, data.draw(st.sampled_from(["true", "false"])))
    assert schedule.done
    for state in schedule.tasks.values():
        assert state.result
        assert state.attempts <= state.plan.max_retries + 1
    leaves = {p.key for p in plans} - {u for p in plans for u, _ in p.depends_on}
    if not schedule.canceled and any(schedule.tasks[k].result == F for k in leaves):
        assert schedule.result() == F
    if all(s.result == S for s in schedule.tasks.values()):
        assert schedule.result() == (C if schedule.canceled else S)
