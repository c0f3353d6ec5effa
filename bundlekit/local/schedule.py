"""The scheduler of one run: a state machine without clock, threads or processes.

Its driver tells it what happened (`finished`, `cancel`) and asks what to start (`ready`) and when to look
again (`next_time`). States and results are those of the Jobs API's runs; `run_if` is as documented at
https://docs.databricks.com/jobs/run-if
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

SUCCESS, FAILED, TIMEDOUT, CANCELED = "SUCCESS", "FAILED", "TIMEDOUT", "CANCELED"
EXCLUDED, UPSTREAM_FAILED, UPSTREAM_CANCELED = "EXCLUDED", "UPSTREAM_FAILED", "UPSTREAM_CANCELED"
_FAILURES = {FAILED, TIMEDOUT, UPSTREAM_FAILED}
_CANCELLATIONS = {CANCELED, UPSTREAM_CANCELED}
RUN_IFS = (
    "ALL_SUCCESS",
    "AT_LEAST_ONE_SUCCESS",
    "NONE_FAILED",
    "ALL_DONE",
    "AT_LEAST_ONE_FAILED",
    "ALL_FAILED",
)


@dataclass(frozen=True, slots=True)
class TaskPlan:
    """What the scheduler must know of a task. Times are seconds."""

    key: str
    depends_on: tuple[tuple[str, str | None], ...] = ()
    """(task, outcome "true"/"false" of a condition task, or None)"""
    run_if: str = "ALL_SUCCESS"
    max_retries: int = 0
    """-1: without end"""
    retry_interval: float = 0.0
    """From the start of an attempt to the start of the next one, at least."""
    retry_on_timeout: bool = False


@dataclass(slots=True)
class TaskState:
    """Where a task stands. `life`: BLOCKED, WAITING (for a retry), RUNNING, DONE."""

    plan: TaskPlan
    life: str = "BLOCKED"
    result: str = ""
    outcome: str | None = None
    attempts: int = 0
    started: float = 0.0
    retry_at: float = 0.0
    history: list[str] = field(default_factory=list)


class Schedule:
    """One run. Unknown dependencies are dropped: `only` leaves tasks out.

    Raises ValueError for what could never end or has no meaning: tasks that wait for each other, an unknown
    `run_if`.
    """

    def __init__(self, plans: list[TaskPlan]) -> None:
        for plan in plans:
            if plan.run_if not in RUN_IFS:
                raise ValueError(f"task {plan.key}: there is no run_if {plan.run_if}")
        cycle = find_cycle(plans)
        if cycle:
            raise ValueError(f"tasks wait for each other: {' -> '.join(cycle)}")
        self.tasks = {plan.key: TaskState(plan) for plan in plans}
        self.canceled = False

    def ready(self, now: float) -> list[str]:
        """Tasks to start now, in the job's order. Tasks that will never run are decided on the way."""
        changed = True
        while changed:
            changed = False
            for state in self.tasks.values():
                if state.life == "BLOCKED" and self._decide(state):
                    changed = True
        if self.canceled:
            return []
        return [key for key, state in self.tasks.items() if state.life == "WAITING" and state.retry_at <= now]

    def start(self, key: str, now: float) -> int:
        """The task is started; the number of this attempt, from 0."""
        state = self.tasks[key]
        state.life, state.started = "RUNNING", now
        state.attempts += 1
        return state.attempts - 1

    def finished(self, key: str, result: str, now: float, outcome: str | None = None) -> bool:
        """An attempt has ended; whether the task will be tried again."""
        state = self.tasks[key]
        state.history.append(result)
        plan = state.plan
        again = result == FAILED or (result == TIMEDOUT and plan.retry_on_timeout)
        left = plan.max_retries < 0 or state.attempts <= plan.max_retries
        if again and left and not self.canceled:
            state.life = "WAITING"
            state.retry_at = max(now, state.started + plan.retry_interval)
            return True
        state.life, state.result, state.outcome = "DONE", result, outcome
        return False

    def cancel(self) -> list[str]:
        """Cancel the run: nothing starts any more; the tasks that run."""
        self.canceled = True
        for state in self.tasks.values():
            if state.life in ("BLOCKED", "WAITING"):
                state.life, state.result = "DONE", CANCELED
        return [key for key, state in self.tasks.items() if state.life == "RUNNING"]

    def next_time(self, now: float) -> float | None:
        """When the next retry is due; None when only events can change something.

        What is due already waits for room, which an event announces.
        """
        times = [s.retry_at for s in self.tasks.values() if s.life == "WAITING" and s.retry_at > now]
        return min(times) if times and not self.canceled else None

    @property
    def done(self) -> bool:
        return all(state.life == "DONE" for state in self.tasks.values())

    def result(self) -> str:
        """The run's result: the leaves decide; SUCCESS_WITH_FAILURES when a failure was dealt with."""
        if self.canceled:
            return CANCELED
        needed = {upstream for state in self.tasks.values() for upstream, _ in state.plan.depends_on}
        leaves = [state for key, state in self.tasks.items() if key not in needed]
        results = {state.result for state in leaves}
        if results & _FAILURES:
            return TIMEDOUT if results & _FAILURES == {TIMEDOUT} else FAILED
        if results & _CANCELLATIONS:
            return CANCELED
        if any(state.result in _FAILURES for state in self.tasks.values()):
            return "SUCCESS_WITH_FAILURES"
        return SUCCESS

    def _decide(self, state: TaskState) -> bool:
        """Move a blocked task on when its dependencies allow it; whether it moved."""
        upstream = [(self.tasks[key], outcome) for key, outcome in state.plan.depends_on if key in self.tasks]
        if any(task.life != "DONE" for task, _ in upstream):
            return False
        verdict = self._verdict(state.plan, upstream)
        if verdict:
            state.life, state.result = "DONE", verdict
        else:
            state.life = "WAITING"
        return True

    @staticmethod
    def _verdict(plan: TaskPlan, upstream: list[tuple[TaskState, str | None]]) -> str:
        """The result of a task that is not run; "" when it runs."""
        if not upstream:
            return ""
        excluded = [
            task.result == EXCLUDED
            or (outcome is not None and task.result == SUCCESS and task.outcome != outcome)
            for task, outcome in upstream
        ]
        if all(excluded):
            return EXCLUDED
        active = [task.result for (task, _), out in zip(upstream, excluded, strict=True) if not out]
        failed = [r in _FAILURES for r in active]
        canceled = [r in _CANCELLATIONS for r in active]
        bad = [f or c for f, c in zip(failed, canceled, strict=True)]
        not_run = UPSTREAM_CANCELED if any(canceled) and not any(failed) else UPSTREAM_FAILED
        if plan.run_if == "ALL_SUCCESS":
            return not_run if any(bad) else (EXCLUDED if any(excluded) else "")
        if plan.run_if == "NONE_FAILED":
            return not_run if any(bad) else ""
        if plan.run_if == "AT_LEAST_ONE_SUCCESS":
            return "" if not all(bad) else not_run
        # Handlers of failures also run after a cancelled task, as documented: they clean up.
        if plan.run_if == "AT_LEAST_ONE_FAILED":
            return "" if any(bad) else EXCLUDED
        if plan.run_if == "ALL_FAILED":
            return "" if all(bad) else EXCLUDED
        return ""


def find_cycle(plans: list[TaskPlan]) -> list[str]:
    """Tasks that depend on each other, the first one repeated at the end; empty when there are none."""
    before = {plan.key: [key for key, _ in plan.depends_on] for plan in plans}
    done: set[str] = set()
    for start, first in before.items():
        path: list[str] = []
        pending = [(start, iter(first))]
        while pending:
            key, others = pending[-1]
            if len(path) < len(pending):
                path.append(key)
            step = next((other for other in others if other in before and other not in done), None)
            if step is None:
                done.add(key)
                path.pop()
                pending.pop()
            elif step in path:
                return [*path[path.index(step) :], step][::-1]
            else:
                pending.append((step, iter(before[step])))
    return []


def select(plans: list[TaskPlan], only: list[str]) -> list[TaskPlan]:
    """The tasks that `--only` names: `t` itself, `+t` with everything upstream, `t+` with all downstream.

    Raises KeyError with the name of a task that does not exist.
    """
    by_key = {plan.key: plan for plan in plans}
    below: dict[str, list[str]] = {}
    for plan in plans:
        for upstream, _ in plan.depends_on:
            below.setdefault(upstream, []).append(plan.key)
    chosen: set[str] = set()
    for text in only:
        key = text.strip("+")
        if key not in by_key:
            raise KeyError(key)
        chosen.add(key)
        if text.startswith("+"):
            _spread(key, lambda k: [u for u, _ in by_key[k].depends_on if u in by_key], chosen)
        if text.endswith("+"):
            _spread(key, lambda k: below.get(k, []), chosen)
    return [plan for plan in plans if plan.key in chosen]


def _spread(key: str, neighbours: Callable[[str], list[str]], chosen: set[str]) -> None:
    seen, pending = {key}, [key]
    while pending:
        for other in neighbours(pending.pop()):
            if other not in seen:
                seen.add(other)
                pending.append(other)
    chosen |= seen
