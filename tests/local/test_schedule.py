"""The scheduler's state machine: tables of its rules, and random runs that keep its invariants."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundlekit.local.schedule import RUN_IFS, Schedule, TaskPlan, find_cycle, select

SUCCESS, FAILED, TIMEDOUT, CANCELED = "SUCCESS", "FAILED", "TIMEDOUT", "CANCELED"
EXCLUDED, UPSTREAM_FAILED, UPSTREAM_CANCELED = "EXCLUDED", "UPSTREAM_FAILED", "UPSTREAM_CANCELED"
FAILURES = {FAILED, TIMEDOUT, UPSTREAM_FAILED}


def plan(key: str, *before: str, **fields: object) -> TaskPlan:
    """`before`: `a`, or `a=true` for an outcome of a condition task."""
    edges = tuple((name, outcome or None) for name, _, outcome in (text.partition("=") for text in before))
    return TaskPlan(key, edges, **fields)  # type: ignore[arg-type]


def play(schedule: Schedule, results: dict[str, str]) -> list[str]:
    """Run everything; `results`: task -> result, or SUCCESS:true for a condition. The order of the starts."""
    started: list[str] = []
    for now in range(1000):
        ready = schedule.ready(now)
        for key in ready:
            schedule.start(key, now)
            started.append(key)
            result, _, outcome = results.get(key, SUCCESS).partition(":")
            schedule.finished(key, result, now, outcome or None)
        if schedule.done:
            return started
    raise AssertionError("it does not end")


def results_of(schedule: Schedule) -> dict[str, str]:
    return {key: state.result for key, state in schedule.tasks.items()}


# run_if, what the two tasks before it give -> its own result ("run" when it is started)
RULES = [
    ("ALL_SUCCESS", SUCCESS, SUCCESS, "run"),
    ("ALL_SUCCESS", SUCCESS, FAILED, UPSTREAM_FAILED),
    ("ALL_SUCCESS", SUCCESS, TIMEDOUT, UPSTREAM_FAILED),
    ("ALL_SUCCESS", SUCCESS, CANCELED, UPSTREAM_CANCELED),
    ("ALL_SUCCESS", FAILED, CANCELED, UPSTREAM_FAILED),
    ("ALL_SUCCESS", SUCCESS, EXCLUDED, EXCLUDED),
    ("ALL_SUCCESS", FAILED, EXCLUDED, UPSTREAM_FAILED),
    ("NONE_FAILED", SUCCESS, SUCCESS, "run"),
    ("NONE_FAILED", SUCCESS, EXCLUDED, "run"),
    ("NONE_FAILED", SUCCESS, FAILED, UPSTREAM_FAILED),
    ("NONE_FAILED", SUCCESS, CANCELED, UPSTREAM_CANCELED),
    ("AT_LEAST_ONE_SUCCESS", SUCCESS, FAILED, "run"),
    ("AT_LEAST_ONE_SUCCESS", SUCCESS, EXCLUDED, "run"),
    ("AT_LEAST_ONE_SUCCESS", FAILED, FAILED, UPSTREAM_FAILED),
    ("AT_LEAST_ONE_SUCCESS", FAILED, EXCLUDED, UPSTREAM_FAILED),
    ("AT_LEAST_ONE_SUCCESS", CANCELED, CANCELED, UPSTREAM_CANCELED),
    ("ALL_DONE", SUCCESS, FAILED, "run"),
    ("ALL_DONE", TIMEDOUT, CANCELED, "run"),
    ("ALL_DONE", SUCCESS, EXCLUDED, "run"),
    ("AT_LEAST_ONE_FAILED", SUCCESS, FAILED, "run"),
    ("AT_LEAST_ONE_FAILED", SUCCESS, TIMEDOUT, "run"),
    ("AT_LEAST_ONE_FAILED", SUCCESS, CANCELED, "run"),
    ("AT_LEAST_ONE_FAILED", SUCCESS, SUCCESS, EXCLUDED),
    ("AT_LEAST_ONE_FAILED", SUCCESS, EXCLUDED, EXCLUDED),
    ("ALL_FAILED", FAILED, FAILED, "run"),
    ("ALL_FAILED", FAILED, TIMEDOUT, "run"),
    ("ALL_FAILED", FAILED, EXCLUDED, "run"),
    ("ALL_FAILED", SUCCESS, FAILED, EXCLUDED),
    *((rule, EXCLUDED, EXCLUDED, EXCLUDED) for rule in RUN_IFS),
]


@pytest.mark.parametrize(("run_if", "one", "other", "expected"), RULES)
def test_run_if(run_if: str, one: str, other: str, expected: str) -> None:
    # A task is excluded when the condition before it has the other outcome.
    schedule = Schedule(
        [
            plan("condition"),
            *(plan(key, *(["condition=true"] if result == EXCLUDED else []))
              for key, result in (("a", one), ("b", other))),
            plan("end", "a", "b", run_if=run_if),
        ]
    )  # fmt: skip
    started = play(schedule, {"condition": "SUCCESS:false", "a": one, "b": other})
    assert ("end" in started) == (expected == "run")
    assert results_of(schedule)["end"] == (SUCCESS if expected == "run" else expected)


@pytest.mark.parametrize("run_if", RUN_IFS)
def test_a_task_without_dependencies_runs_whatever_its_run_if(run_if: str) -> None:
    assert play(Schedule([plan("a", run_if=run_if)]), {}) == ["a"]


def test_upstream_failed_counts_as_failed_further_down() -> None:
    schedule = Schedule([plan("a"), plan("b", "a"), plan("c", "b"), plan("clean", "c", run_if="ALL_FAILED")])
    assert play(schedule, {"a": FAILED}) == ["a", "clean"]
    assert results_of(schedule) == {
        "a": FAILED,
        "b": UPSTREAM_FAILED,
        "c": UPSTREAM_FAILED,
        "clean": SUCCESS,
    }
    assert schedule.result() == "SUCCESS_WITH_FAILURES"


@pytest.mark.parametrize(("outcome", "taken", "left"), [("true", "yes", "no"), ("false", "no", "yes")])
def test_condition_takes_one_branch(outcome: str, taken: str, left: str) -> None:
    plans = [
        plan("if"),
        plan("yes", "if=true"),
        plan("no", "if=false"),
        plan("after_no", "no"),
        plan("after_yes", "yes"),
        plan("join", "after_yes", "after_no", run_if="NONE_FAILED"),
    ]
    schedule = Schedule(plans)
    assert play(schedule, {"if": f"SUCCESS:{outcome}"}) == ["if", taken, f"after_{taken}", "join"]
    found = results_of(schedule)
    assert found[left] == found[f"after_{left}"] == EXCLUDED
    assert schedule.result() == SUCCESS


def test_a_failed_condition_fails_both_branches() -> None:
    schedule = Schedule([plan("if"), plan("yes", "if=true"), plan("no", "if=false")])
    play(schedule, {"if": FAILED})
    assert results_of(schedule) == {"if": FAILED, "yes": UPSTREAM_FAILED, "no": UPSTREAM_FAILED}
    assert schedule.result() == FAILED


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ({}, SUCCESS),
        ({"a": FAILED}, "SUCCESS_WITH_FAILURES"),
        ({"end": FAILED}, FAILED),
        ({"end": TIMEDOUT}, TIMEDOUT),
        ({"side": FAILED, "end": TIMEDOUT}, FAILED),
        ({"end": CANCELED}, CANCELED),
        ({"side": FAILED, "end": CANCELED}, FAILED),
    ],
)
def test_the_leaves_decide_the_result(results: dict[str, str], expected: str) -> None:
    schedule = Schedule([plan("a"), plan("end", "a", run_if="ALL_DONE"), plan("side")])
    play(schedule, results)
    assert schedule.result() == expected


def test_a_job_of_nothing_is_done() -> None:
    schedule = Schedule([])
    assert (schedule.done, schedule.ready(0), schedule.result()) == (True, [], SUCCESS)


def test_retry_waits_for_its_interval_from_the_start() -> None:
    schedule = Schedule([plan("a", max_retries=2, retry_interval=10.0)])
    assert schedule.start("a", 100.0) == 0
    assert schedule.finished("a", FAILED, 103.0)
    assert schedule.next_time(103.0) == 110.0
    assert schedule.ready(109.9) == [] and schedule.ready(110.0) == ["a"]
    assert schedule.start("a", 110.0) == 1
    assert schedule.finished("a", FAILED, 150.0), "the second retry"
    assert schedule.next_time(150.0) is None, "due at once: there is nothing to wait for"
    assert schedule.ready(150.0) == ["a"]
    schedule.start("a", 150.0)
    assert not schedule.finished("a", FAILED, 151.0), "no third retry"
    assert schedule.tasks["a"].history == [FAILED] * 3 and schedule.result() == FAILED


def test_retry_that_succeeds() -> None:
    schedule = Schedule([plan("a", max_retries=1), plan("b", "a")])
    schedule.start("a", 0)
    assert schedule.finished("a", FAILED, 1) and schedule.ready(1) == ["a"]
    schedule.start("a", 1)
    assert not schedule.finished("a", SUCCESS, 2) and schedule.ready(2) == ["b"]


@pytest.mark.parametrize(
    ("result", "on_timeout", "again"),
    [(FAILED, False, True), (TIMEDOUT, False, False), (TIMEDOUT, True, True), (CANCELED, True, False)],
)
def test_what_is_tried_again(result: str, on_timeout: bool, again: bool) -> None:
    schedule = Schedule([plan("a", max_retries=1, retry_on_timeout=on_timeout)])
    schedule.start("a", 0)
    assert schedule.finished("a", result, 1) is again


def test_retries_without_end() -> None:
    schedule = Schedule([plan("a", max_retries=-1)])
    for now in range(50):
        schedule.start("a", now)
        assert schedule.finished("a", FAILED, now)
    assert schedule.cancel() == [] and schedule.done and schedule.result() == CANCELED


def test_cancel_ends_what_waits_and_names_what_runs() -> None:
    schedule = Schedule([plan("a"), plan("b"), plan("c", "a"), plan("clean", "c", run_if="ALL_DONE")])
    for key in schedule.ready(0):
        schedule.start(key, 0)
    assert not schedule.finished("b", SUCCESS, 0)
    assert schedule.cancel() == ["a"]
    assert schedule.ready(1) == [] and not schedule.done
    assert not schedule.finished("a", FAILED, 1), "no retries of a cancelled run"
    assert schedule.done and schedule.result() == CANCELED
    assert results_of(schedule) == {"a": FAILED, "b": SUCCESS, "c": CANCELED, "clean": CANCELED}


def test_cancel_while_a_retry_is_due() -> None:
    schedule = Schedule([plan("a", max_retries=3, retry_interval=100)])
    schedule.start("a", 0)
    schedule.finished("a", FAILED, 1)
    schedule.cancel()
    assert schedule.done and schedule.next_time(1) is None and results_of(schedule) == {"a": CANCELED}


@pytest.mark.parametrize(
    ("edges", "cycle"),
    [
        ({"a": ["a"]}, ["a", "a"]),
        ({"a": ["b"], "b": ["a"]}, ["a", "b", "a"]),
        ({"z": [], "a": ["z", "c"], "b": ["a"], "c": ["b"], "d": ["c"]}, ["a", "b", "c", "a"]),
        ({"a": [], "b": ["a"], "c": ["a", "b"]}, []),
        ({"a": ["gone"]}, []),
    ],
)
def test_cycles(edges: dict[str, list[str]], cycle: list[str]) -> None:
    plans = [plan(key, *before) for key, before in edges.items()]
    assert find_cycle(plans) == cycle
    if cycle:
        with pytest.raises(ValueError, match=" -> ".join(cycle)):
            Schedule(plans)


def test_a_long_chain_is_no_recursion() -> None:
    plans = [plan(f"t{i}", *([f"t{i + 1}"] if i < 4999 else [])) for i in range(5000)]
    assert find_cycle(plans) == []


def test_unknown_run_if() -> None:
    with pytest.raises(ValueError, match="no run_if SOMETIMES"):
        Schedule([plan("a", run_if="SOMETIMES")])


DIAMOND = [plan("a"), plan("b", "a"), plan("c", "a"), plan("d", "b", "c"), plan("e", "d"), plan("x")]


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        (["b"], "b"),
        (["+d"], "abcd"),
        (["d+"], "de"),
        (["+b+"], "abde"),
        (["x", "e"], "ex"),
        # A name chosen before does not stop the search for what is above it.
        (["b", "c", "+d"], "abcd"),
        (["d", "a+"], "abcde"),
    ],
)
def test_only(only: list[str], expected: str) -> None:
    assert "".join(p.key for p in select(DIAMOND, only)) == expected


def test_only_of_a_task_that_does_not_exist() -> None:
    with pytest.raises(KeyError, match="y"):
        select(DIAMOND, ["+y"])


def test_only_drops_edges_to_what_is_left_out() -> None:
    schedule = Schedule(select([plan("if"), plan("a", "if=true"), plan("b", "a")], ["a", "b"]))
    assert play(schedule, {}) == ["a", "b"]


@dataclass
class Work:
    """A random job: plans, what each attempt of a task gives, how long it takes, room, a time of cancelling."""

    plans: list[TaskPlan]
    results: dict[str, list[tuple[str, str | None]]]
    seconds: dict[str, int]
    room: int
    cancel_at: int | None
    log: list[tuple[str, str, int]] = field(default_factory=list)


@st.composite
def jobs(draw: st.DrawFn) -> Work:
    keys = [f"t{i}" for i in range(draw(st.integers(1, 9)))]
    plans: list[TaskPlan] = []
    for index, key in enumerate(keys):
        before = draw(st.lists(st.sampled_from(keys[:index]), unique=True, max_size=3)) if index else []
        edges = tuple((name, draw(st.sampled_from([None, None, "true", "false"]))) for name in before)
        plans.append(
            TaskPlan(
                key,
                edges,
                draw(st.sampled_from(RUN_IFS)),
                draw(st.integers(0, 2)),
                float(draw(st.integers(0, 5))),
                draw(st.booleans()),
            )
        )
    result = st.tuples(st.sampled_from([SUCCESS, SUCCESS, FAILED, TIMEDOUT, CANCELED]),
                       st.sampled_from([None, "true", "false"]))  # fmt: skip
    return Work(
        draw(st.permutations(plans)),
        {key: draw(st.lists(result, min_size=3, max_size=3)) for key in keys},
        {key: draw(st.integers(0, 4)) for key in keys},
        draw(st.integers(1, 3)),
        draw(st.none() | st.integers(0, 12)),
    )


def simulate(work: Work) -> Schedule:
    """Drive a schedule by a clock of whole seconds, as the driver does; `work.log` gets (event, task, time)."""
    schedule = Schedule(work.plans)
    running: dict[str, int] = {}
    attempts = dict.fromkeys(work.results, 0)
    for now in range(10_000):
        if work.cancel_at == now and not schedule.canceled:
            assert set(schedule.cancel()) == set(running)
            work.log.append(("cancel", "", now))
        for key in schedule.ready(now)[: work.room - len(running)]:
            number = schedule.start(key, now)
            assert number == attempts[key]
            attempts[key] += 1
            running[key] = now + work.seconds[key]
            work.log.append(("start", key, now))
        for key, end in list(running.items()):
            if end <= now:
                del running[key]
                result, outcome = work.results[key][attempts[key] - 1]
                schedule.finished(key, result, now, outcome)
                work.log.append(("end", key, now))
        if schedule.done and not running:
            return schedule
        # Nothing runs and nothing is ready: only a retry can be due, and the schedule says when.
        if not running and not schedule.ready(now):
            due = schedule.next_time(now)
            if not schedule.done:
                assert due is not None, "it hangs"
    raise AssertionError("it does not end")


@given(jobs())
def test_invariants_of_random_runs(work: Work) -> None:
    schedule = simulate(work)
    starts: dict[str, list[int]] = {}
    ends: dict[str, list[int]] = {}
    cancelled = next((at for event, _, at in work.log if event == "cancel"), None)
    for event, key, at in work.log:
        if event != "cancel":
            (starts if event == "start" else ends).setdefault(key, []).append(at)
    for state in schedule.tasks.values():
        key, own = state.plan.key, state.plan
        tries = starts.get(key, [])
        assert state.life == "DONE" and state.result
        assert len(tries) == state.attempts == len(ends.get(key, [])) <= own.max_retries + 1
        for earlier, later in pairwise(tries):
            assert later - earlier >= own.retry_interval, "too early"
        for before, _ in own.depends_on:
            # A dependency is terminal: it has ended for good, or was decided without running.
            if tries and starts.get(before):
                assert max(ends[before]) <= min(tries)
        if tries and cancelled is not None:
            assert max(tries) <= cancelled
        if state.result in (EXCLUDED, UPSTREAM_FAILED, UPSTREAM_CANCELED):
            assert not tries and own.depends_on
        if state.result in (FAILED, TIMEDOUT, SUCCESS):
            assert tries and state.result == state.history[-1]
        if state.result == UPSTREAM_FAILED:
            assert any(schedule.tasks[before].result in FAILURES for before, _ in own.depends_on)
    check_result(schedule)


def check_result(schedule: Schedule) -> None:
    results = results_of(schedule)
    needed = {before for state in schedule.tasks.values() for before, _ in state.plan.depends_on}
    leaves = {result for key, result in results.items() if key not in needed}
    found = schedule.result()
    if schedule.canceled:
        assert found == CANCELED
    elif leaves & FAILURES:
        assert found in (FAILED, TIMEDOUT), "a failed leaf fails the run"
    elif leaves & {CANCELED, UPSTREAM_CANCELED}:
        assert found == CANCELED
    else:
        assert found == ("SUCCESS_WITH_FAILURES" if set(results.values()) & FAILURES else SUCCESS)


@given(jobs())
def test_results_depend_on_results_only_not_on_speed(work: Work) -> None:
    """The same answers of the tasks give the same run, whatever the room, the durations and the order."""
    work.cancel_at = None
    first = results_of(simulate(work))
    other = Work(work.plans[::-1], work.results, dict.fromkeys(work.results, 1), 9, None)
    assert results_of(simulate(other)) == first
