"""One run: connects the scheduler (`schedule.py`) with attempts, values and the store.

A single thread owns all state; attempts and child runs report through a queue. A `for_each_task` is a second
schedule whose tasks are its iterations.
"""

from __future__ import annotations

import json
import os
import queue
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bundlekit.diagnostics import BundlekitError
from bundlekit.local import values as dynamic
from bundlekit.local.attempts import Attempt, AttemptResult
from bundlekit.local.schedule import FAILED, SUCCESS, Schedule, TaskPlan, select
from bundlekit.tasks.support import task_type

if TYPE_CHECKING:
    from bundlekit.local.service import RunService

_RESULTS = {
    "success": SUCCESS,
    "failed": FAILED,
    "crashed": FAILED,
    "canceled": "CANCELED",
    "timedout": "TIMEDOUT",
}


DEEPEST = 5
"""Levels of jobs that run jobs."""
_OF_AN_ATTEMPT = ("bundlekit_log", "bundlekit_ipynb", "bundlekit_html", "bundlekit_stubbed")
_DECIDED = {
    "EXCLUDED": "its condition was not met",
    "UPSTREAM_FAILED": "a task before it failed",
    "UPSTREAM_CANCELED": "a task before it was cancelled",
    "CANCELED": "the run was cancelled",
}


@dataclass(slots=True)
class Group:
    """The run's tasks, or the iterations of one loop."""

    name: str
    schedule: Schedule
    tasks: dict[str, dict[str, Any]]
    items: dict[str, Any] = field(default_factory=dict)
    limit: int = 10_000
    records: dict[str, dict[str, Any]] = field(default_factory=dict)


class Driver:
    """The life of one run. `drive` returns when it has ended; `cancel` and `kill` may come from any thread."""

    def __init__(
        self, service: RunService, run_id: int, job: dict[str, Any], request: dict[str, Any], now: float
    ) -> None:
        self.service = service
        self.run_id = run_id
        self.job = job
        self.settings: dict[str, Any] = job["settings"]
        self.request = request
        self.began = now
        self.cancelled = False
        self.events: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
        self.running: dict[int, tuple[Group, str, Attempt]] = {}
        self.children: dict[int, tuple[Group, str]] = {}
        self.task_values: dict[str, dict[str, Any]] = {}
        self.groups: dict[str, Group] = {}
        self.parameters = self._job_parameters()
        self.record = self._new_record()
        self.outputs: dict[str, Any] = {}
        self.deadlines: dict[tuple[str, str], float] = {}
        """(group, task) of loops and child runs with a timeout -> its time; attempts have their own clock."""
        self.expired: set[tuple[str, str]] = set()
        self._needs_engine: bool | None = None

    # -- the record ----------------------------------------------------------------------------------------

    def _job_parameters(self) -> dict[str, str]:
        found = {p["name"]: str(p.get("default", "")) for p in self.settings.get("parameters") or []}
        given = {k: str(v) for k, v in (self.request.get("job_parameters") or {}).items()}
        unknown = sorted(set(given) - set(found))
        if unknown and found:
            raise BundlekitError(
                f"the job has no parameter {unknown[0]}", f"it has: {', '.join(sorted(found))}"
            )
        found.update(given)
        base = dynamic.Values(job={"id": self.job["job_id"], "run_id": self.run_id, "start_time": self.began,
                                   "name": self.settings.get("name", "")})  # fmt: skip
        return {name: base.resolve(value) for name, value in found.items()}

    def _new_record(self) -> dict[str, Any]:
        millis = int(self.began * 1000)
        record: dict[str, Any] = {
            "job_id": self.job["job_id"],
            "run_id": self.run_id,
            "number_in_job": self.run_id,
            "creator_user_name": self.service.user,
            "run_name": self.settings.get("name", "Untitled"),
            "run_type": "JOB_RUN",
            "trigger": "ONE_TIME",
            "format": "MULTI_TASK",
            "start_time": millis,
            "setup_duration": 0,
            "execution_duration": 0,
            "cleanup_duration": 0,
            "state": {"life_cycle_state": "PENDING", "state_message": ""},
            "tasks": [],
            "bundlekit_pid": os.getpid(),
            "bundlekit_engine": self.service.settings.engine,
        }
        if self.parameters:
            given = self.request.get("job_parameters") or {}
            record["job_parameters"] = [
                {"name": p["name"], "default": p.get("default", ""), "value": self.parameters[p["name"]]}
                for p in self.settings.get("parameters") or []
            ]
            if given:
                record["overriding_parameters"] = {"job_parameters": given}
        return record

    def save(self) -> None:
        self.service.save(self.record)

    def queued(self) -> None:
        self.record["state"] = {
            "life_cycle_state": "QUEUED",
            "state_message": "waits for another run of this job",
        }
        self.save()

    def skip(self, message: str) -> None:
        self._end("SKIPPED", "", message)

    def fail(self, message: str, details: str = "") -> None:
        from bundlekit.local.service import end_tasks

        if details:
            self.record["bundlekit_details"] = details
        end_tasks(self.record, "the run has ended before it")
        self._end("INTERNAL_ERROR", FAILED, message)

    def _end(self, life: str, result: str, message: str = "") -> None:
        now = int(time.time() * 1000)
        self.record["end_time"] = now
        self.record["run_duration"] = self.record["execution_duration"] = now - self.record["start_time"]
        self.record["state"] = {"life_cycle_state": life, "state_message": message}
        if result:
            self.record["state"]["result_state"] = result
        self.save()

    # -- from other threads --------------------------------------------------------------------------------

    def cancel(self) -> None:
        self.cancelled = True
        self.events.put(("cancel",))

    def kill(self) -> None:
        self.cancelled = True
        for _, _, attempt in list(self.running.values()):
            attempt.kill()
        for child in list(self.children):
            self.service.kill(child)
        self.events.put(("cancel",))

    def take_cancel_of_others(self) -> None:
        """Cancel if another process has asked for it."""
        if not self.cancelled and self.service.cancel_wanted(self.run_id):
            self.cancel()

    def last_lines(self) -> dict[int, str]:
        return {task_run: attempt.last_line for task_run, (_, _, attempt) in list(self.running.items())}

    # -- the loop ------------------------------------------------------------------------------------------

    def drive(self) -> None:
        """Run everything. Raises BundlekitError when the run cannot go on at all."""
        tasks = {task["task_key"]: task for task in self.settings.get("tasks") or []}
        plans = [_plan(task) for task in tasks.values()]
        if self.request.get("only"):
            try:
                plans = select(plans, self.request["only"])
            except KeyError as error:
                raise BundlekitError(f"no task {error.args[0]}", f"there are: {', '.join(tasks)}") from error
        try:
            schedule = Schedule(plans)
        except ValueError as error:
            raise BundlekitError(str(error)) from error
        group = Group("", schedule, {plan.key: tasks[plan.key] for plan in plans})
        self.groups[""] = group
        for key, task in group.tasks.items():
            self._add_record(group, key, task)
        self.record["state"] = {"life_cycle_state": "RUNNING", "state_message": ""}
        self.save()
        if not self.cancelled:
            self._prepare()
        if self.cancelled:
            schedule.cancel()
        timeout = self.settings.get("timeout_seconds") or 0
        deadline = self.began + timeout if timeout else None
        try:
            while not group.schedule.done:
                self._start_ready()
                if group.schedule.done:
                    break
                self._take_event(deadline)
                if deadline and time.time() >= deadline and not self.cancelled:
                    self._cancel_all("timedout")
                    deadline = None
                self._expire()
        finally:
            for _, _, attempt in list(self.running.values()):
                attempt.kill()
        self._settle_records(group)
        result = (
            "TIMEDOUT" if timeout and deadline is None and not self.cancelled else group.schedule.result()
        )
        message = {
            "CANCELED": "the run was cancelled",
            "TIMEDOUT": "the run took longer than its timeout",
        }.get(result, "")
        if result == FAILED:
            bad = [k for k, s in group.schedule.tasks.items() if s.result in ("FAILED", "TIMEDOUT")]
            message = f"failed: {', '.join(bad)}" if bad else "tasks failed"
        self._end("TERMINATED", result, message)

    def _prepare(self) -> None:
        kinds = {task_type(t) for t in self.settings.get("tasks") or []}
        inner = {
            task_type(t["for_each_task"].get("task") or {})
            for t in self.settings.get("tasks") or []
            if t.get("for_each_task")
        }
        if (kinds | inner) - {"condition_task", "for_each_task", "run_job_task", ""}:
            if self.needs_engine():
                self.service.engine_variables(start=True)
                self.service.pool().preload("spark")
            if "notebook_task" in kinds | inner:
                self.service.pool().preload("notebook")

    def needs_engine(self) -> bool:
        """Whether any source of this run mentions Spark, so that the engine should be started early."""
        if self._needs_engine is None:
            from bundlekit.local.sources import mentions_spark

            self._needs_engine = self.service.settings.engine != "none" and mentions_spark(self)
        return self._needs_engine

    def _start_ready(self) -> None:
        now = time.time()
        progress = True
        while progress:
            progress = False
            for group in list(self.groups.values()):
                busy = sum(state.life == "RUNNING" for state in group.schedule.tasks.values())
                for key in group.schedule.ready(now):
                    if busy >= group.limit or not self._room(group, key):
                        continue
                    busy += 1
                    progress = True
                    self._start(group, key)
                if group.name and group.schedule.done:
                    self._loop_done(group)
                    progress = True
        for group in self.groups.values():
            self._settle_records(group)

    def _room(self, group: Group, key: str) -> bool:
        kind = task_type(group.tasks[key])
        if kind in ("condition_task", "for_each_task", "run_job_task"):
            return True
        return len(self.running) < self.service.settings.max_parallel_tasks

    def _take_event(self, deadline: float | None) -> None:
        now = time.time()
        times = [t for g in self.groups.values() if (t := g.schedule.next_time(now)) is not None]
        times += [now + 1.0, *self.deadlines.values(), *([deadline] if deadline else [])]
        try:
            event = self.events.get(timeout=max(0.0, min(times) - now))
        except queue.Empty:
            self.take_cancel_of_others()
            return
        if event[0] == "cancel":
            self._cancel_all("canceled")
        elif event[0] == "attempt":
            self._attempt_done(event[1])
        elif event[0] == "child":
            self._child_done(event[1], event[2])

    def _cancel_all(self, reason: str) -> None:
        for group in self.groups.values():
            group.schedule.cancel()
        for _, _, attempt in list(self.running.values()):
            attempt.cancel("canceled" if reason == "canceled" else "timedout")
        for child in list(self.children):
            self.service.cancel(child)

    def _expire(self) -> None:
        """End the loops and child runs that have run out of time."""
        now = time.time()
        for place in [place for place, at in self.deadlines.items() if at <= now]:
            del self.deadlines[place]
            self.expired.add(place)
            nested = self.groups.get(place[1]) if not place[0] else None
            if nested is not None:
                nested.schedule.cancel()
            for group, _, attempt in list(self.running.values()):
                if group is nested:
                    attempt.cancel("timedout")
            for child, (group, key) in list(self.children.items()):
                if group is nested or (group.name, key) == place:
                    self.service.cancel(child)

    # -- starting ------------------------------------------------------------------------------------------

    def _start(self, group: Group, key: str) -> None:
        now = time.time()
        number = group.schedule.start(key, now)
        task = group.tasks[key]
        record = self._begin_record(group, key, task, number, now)
        try:
            resolved = self._resolve(group, key, task, record)
            kind = task_type(task)
            if kind == "condition_task":
                self._condition(group, key, resolved["condition_task"], record)
            elif kind == "for_each_task":
                self._set_deadline(group, key, task, now)
                self._loop(group, key, task, resolved["for_each_task"], record)
            elif kind == "run_job_task":
                self._set_deadline(group, key, task, now)
                self._child(group, key, resolved["run_job_task"], record)
            else:
                self._attempt(group, key, resolved, record, number)
        except (dynamic.ValueMissing, ValueError, OSError, BundlekitError) as error:
            text = error.summary if isinstance(error, BundlekitError) else str(error)
            hint = f" ({error.hint})" if isinstance(error, BundlekitError) and error.hint else ""
            self._finish(group, key, FAILED, record, error=text + hint)
        self.save()

    def _set_deadline(self, group: Group, key: str, task: dict[str, Any], now: float) -> None:
        if task.get("timeout_seconds"):
            self.deadlines[group.name, key] = now + float(task["timeout_seconds"])

    def _timed_out(self, group: Group, key: str) -> bool:
        """Whether a loop or child run was ended by its timeout; forgotten afterwards."""
        place = (group.name, key)
        found = place in self.expired
        self.expired.discard(place)
        self.deadlines.pop(place, None)
        return found

    def _resolve(
        self, group: Group, key: str, task: dict[str, Any], record: dict[str, Any]
    ) -> dict[str, Any]:
        parent = group.name or key
        known = {
            name: {
                "values": self.task_values.get(name, {}),
                "result_state": _result_word(state.result),
                "error_code": "RunExecutionError" if state.result == FAILED else "",
                "execution_count": state.attempts,
                "output": self.outputs.get(name, {}),
                "run_id": self.groups[""].records[name]["run_id"],
                "notebook_path": (self.groups[""].tasks[name].get("notebook_task") or {}).get(
                    "notebook_path"
                ),
            }
            for name, state in self.groups[""].schedule.tasks.items()
            if state.life == "DONE" and name != parent
        }
        values = dynamic.Values(
            job={
                "id": self.job["job_id"], "name": self.settings.get("name", ""), "run_id": self.run_id,
                "start_time": self.began, "trigger_time": self.began, "trigger_type": "manual", "repair_count": 0,
            },
            parameters=self.parameters,
            task={"name": key, "run_id": record["run_id"], "execution_count": group.schedule.tasks[key].attempts,
                  "notebook_path": (task.get("notebook_task") or {}).get("notebook_path", "")},
            tasks=known,
            workspace={"id": 0, "url": "http://localhost"},
            has_input=bool(group.name),
            item=group.items.get(key),
        )  # fmt: skip
        if task.get("for_each_task"):
            # The inner task's references are resolved for each iteration.
            outer = {k: v for k, v in task["for_each_task"].items() if k != "task"}
            return {
                **task,
                "for_each_task": {**values.resolve(outer), "task": task["for_each_task"].get("task")},
            }
        resolved: dict[str, Any] = values.resolve(task)
        return resolved

    def _condition(self, group: Group, key: str, condition: dict[str, Any], record: dict[str, Any]) -> None:
        outcome = dynamic.compare(
            condition.get("op", "EQUAL_TO"), str(condition.get("left", "")), str(condition.get("right", ""))
        )
        record["condition_task"] = {**condition, "outcome": str(outcome).lower()}
        self._finish(group, key, SUCCESS, record, outcome=str(outcome).lower())

    def _loop(
        self, group: Group, key: str, task: dict[str, Any], loop: dict[str, Any], record: dict[str, Any]
    ) -> None:
        if group.name:
            raise BundlekitError("a loop cannot repeat a loop")
        inputs = loop.get("inputs", "[]")
        try:
            items = json.loads(inputs) if isinstance(inputs, str) else inputs
        except ValueError as error:
            raise ValueError(f"for_each_task.inputs is not a JSON list: {inputs!r} ({error})") from error
        if not isinstance(items, list):
            raise ValueError(f"for_each_task.inputs must be a JSON list, not {inputs!r}")
        inner = task["for_each_task"].get("task") or {}
        name = inner.get("task_key") or f"{key}_iteration"
        keys = [f"{name}[{index}]" for index in range(len(items))]
        plan = _plan(inner)
        plans = [
            TaskPlan(k, (), "ALL_SUCCESS", plan.max_retries, plan.retry_interval, plan.retry_on_timeout)
            for k in keys
        ]
        nested = Group(key, Schedule(plans), dict.fromkeys(keys, inner), dict(zip(keys, items, strict=True)),
                       max(1, int(loop.get("concurrency") or 1)))  # fmt: skip
        record["for_each_task"] = {
            "inputs": json.dumps(items), "concurrency": nested.limit,
            "stats": {"task_run_stats": {"total_iterations": len(items)}}, "iterations": [],
        }  # fmt: skip
        for k in keys:
            self._add_record(nested, k, inner, record["for_each_task"]["iterations"])
        self.groups[key] = nested
        if not items:
            self._loop_done(nested)

    def _loop_done(self, nested: Group) -> None:
        self._settle_records(nested)
        self.groups.pop(nested.name, None)
        result = nested.schedule.result() if nested.tasks else SUCCESS
        group = self.groups[""]
        record = group.records[nested.name]
        bad = [k for k, s in nested.schedule.tasks.items() if s.result not in (SUCCESS, "EXCLUDED")]
        error = f"{len(bad)} of {len(nested.tasks)} iterations failed: {', '.join(bad[:5])}" if bad else ""
        stats = record["for_each_task"]["stats"]["task_run_stats"]
        stats.update(completed_iterations=len(nested.tasks), failed_iterations=len(bad),
                     succeeded_iterations=len(nested.tasks) - len(bad))  # fmt: skip
        if self._timed_out(group, nested.name):
            result, error = "TIMEDOUT", "the loop took longer than its timeout"
        elif result == "CANCELED":
            error = "the run was cancelled"
        self._finish(group, nested.name, result, record, error=error)
        self.save()

    def _child(self, group: Group, key: str, task: dict[str, Any], record: dict[str, Any]) -> None:
        job = self.service.store.get("jobs", str(task.get("job_id")))
        if job is None:
            raise BundlekitError(f"run_job_task: there is no job {task.get('job_id')} in the local workspace")
        above = [*(self.request.get("bundlekit_above") or []), self.job["job_id"]]
        if job["job_id"] in above:
            # Its run would wait for the one that waits for it.
            raise BundlekitError(f"run_job_task: job {job['job_id']} runs itself, in a circle")
        if len(above) > DEEPEST:
            raise BundlekitError(f"jobs that run jobs are nested deeper than {DEEPEST} levels")
        request = {"job_parameters": task.get("job_parameters") or {}, "bundlekit_above": above}
        child = self.service.run_now(job, request)
        record["run_job_task"] = {**task, "run_id": child}
        self.children[child] = (group, key)

        def follow() -> None:
            *_, last = self.service.watch(child)
            self.events.put(("child", child, last))

        threading.Thread(target=follow, daemon=True, name=f"child-{child}").start()

    def _attempt(
        self, group: Group, key: str, task: dict[str, Any], record: dict[str, Any], number: int
    ) -> None:
        from bundlekit.local.sources import code_path, make_spec

        folder = self.service.store.folder / "runs" / str(self.run_id)
        if group.name:
            outer = self.groups[""].schedule.tasks[group.name].attempts - 1
            folder = folder / _safe(group.name) / str(outer)
        folder = folder / _safe(key) / str(number)
        spec = make_spec(self, task, key, folder, record["run_id"])
        if spec is None and not self.service.stands_in:
            raise BundlekitError(f"{code_path(task)} is not in the workspace")
        if spec is None:
            self._finish(group, key, SUCCESS, record, note="its code is not in the workspace")
            return
        record["bundlekit_log"] = str(folder / "output.log")
        attempt = self.service.pool().start(spec)
        self.running[record["run_id"]] = (group, key, attempt)
        run = record["run_id"]
        attempt.when_done(lambda _: self.events.put(("attempt", run)))

    # -- ending --------------------------------------------------------------------------------------------

    def _attempt_done(self, task_run: int) -> None:
        group, key, attempt = self.running.pop(task_run)
        result = attempt.result()
        record = group.records[key]
        if result.task_values and not group.name:
            self.task_values.setdefault(key, {}).update(result.task_values)
        self._keep_output(record, attempt, result)
        if result.table:
            rows = [
                dict(zip([c["name"] for c in result.table["schema"]], row, strict=True))
                for row in result.table["rows"]
            ]
            self.outputs[key] = {"rows": rows, "first_row": rows[0] if rows else {}}
        self._finish(group, key, _RESULTS[result.status], record, error=result.error)
        self.save()

    def _keep_output(self, record: dict[str, Any], attempt: Attempt, result: AttemptResult) -> None:
        output: dict[str, Any] = {"logs": _log_text(attempt.log_path), "logs_truncated": result.log_truncated}
        if result.exit_value is not None:
            output["notebook_output"] = {"result": result.exit_value, "truncated": False}
        if result.table:
            output["sql_output"] = {"query_output": result.table}
        if result.error:
            output["error"] = result.error
            output["error_trace"] = result.traceback
        if result.notes:
            output["info"] = "; ".join(result.notes)
        if result.stubbed:
            record["bundlekit_stubbed"] = result.stubbed
        for name in ("ipynb_path", "html_path"):
            if getattr(result, name, ""):
                record[f"bundlekit_{name.removesuffix('_path')}"] = getattr(result, name)
        self.service.store.put("run_outputs", str(record["run_id"]), output)

    def _child_done(self, child: int, last: dict[str, Any]) -> None:
        group, key = self.children.pop(child)
        result = last.get("state", {}).get("result_state", FAILED)
        message = last.get("state", {}).get("state_message", "")
        ok = result in (SUCCESS, "SUCCESS_WITH_FAILURES")
        final = SUCCESS if ok else ("CANCELED" if result == "CANCELED" else FAILED)
        error = (
            ""
            if ok
            else f"run {child} of {last.get('run_name', 'the job')} ended with {result} {message}".strip()
        )
        if self._timed_out(group, key):
            final, error = "TIMEDOUT", f"run {child} took longer than the task's timeout"
        record = group.records[key]
        output = {"run_job_output": {"run_id": child}, **({"error": error} if error else {})}
        self.service.store.put("run_outputs", str(record["run_id"]), output)
        self._finish(group, key, final, record, error=error)
        self.save()

    def _finish(self, group: Group, key: str, result: str, record: dict[str, Any], *,
                outcome: str | None = None, error: str = "", note: str = "") -> None:  # fmt: skip
        now = time.time()
        again = group.schedule.finished(key, result, now, outcome)
        if error and result != SUCCESS:
            stored = self.service.store.get("run_outputs", str(record["run_id"])) or {}
            if "error" not in stored:
                self.service.store.put("run_outputs", str(record["run_id"]), {**stored, "error": error})
        self._end_record(record, result, error or note, now)
        if again:
            record["bundlekit_retry_at"] = group.schedule.tasks[key].retry_at

    # -- task records --------------------------------------------------------------------------------------

    def _add_record(
        self, group: Group, key: str, task: dict[str, Any], into: list[Any] | None = None
    ) -> None:
        record = {
            "run_id": self.service.store.next_id(),
            "task_key": key,
            "attempt_number": 0,
            "run_if": task.get("run_if", "ALL_SUCCESS"),
            "state": {"life_cycle_state": "BLOCKED", "state_message": ""},
            "setup_duration": 0, "execution_duration": 0, "cleanup_duration": 0,
        }  # fmt: skip
        if task.get("depends_on") and not group.name:
            record["depends_on"] = task["depends_on"]
        kind = task_type(task)
        if kind and kind != "for_each_task":
            record[kind] = task[kind]
        group.records[key] = record
        (self.record["tasks"] if into is None else into).append(record)

    def _begin_record(
        self, group: Group, key: str, task: dict[str, Any], number: int, now: float
    ) -> dict[str, Any]:
        record = group.records[key]
        if number:
            # Every attempt has a run id of its own; earlier ones are kept in the history.
            history = {
                k: record[k]
                for k in ("run_id", "attempt_number", "state", "start_time", "end_time", *_OF_AN_ATTEMPT)
                if k in record
            }
            record.setdefault("bundlekit_attempts", []).append(history)
            record["run_id"] = self.service.store.next_id()
            for k in ("end_time", "bundlekit_retry_at", *_OF_AN_ATTEMPT):
                record.pop(k, None)
        record["attempt_number"] = number
        record["start_time"] = int(now * 1000)
        record["state"] = {"life_cycle_state": "RUNNING", "state_message": ""}
        return record

    @staticmethod
    def _end_record(record: dict[str, Any], result: str, message: str, now: float) -> None:
        record["end_time"] = int(now * 1000)
        record["execution_duration"] = record["end_time"] - record.get("start_time", record["end_time"])
        record["state"] = {"life_cycle_state": "TERMINATED", "result_state": result, "state_message": message}

    def _settle_records(self, group: Group) -> None:
        """Tasks that were decided without running, or instead of their next attempt."""
        changed = False
        for key, state in group.schedule.tasks.items():
            record = group.records[key]
            waited = record.get("bundlekit_retry_at") is not None
            if state.life == "DONE" and (record["state"]["life_cycle_state"] == "BLOCKED" or waited):
                record.pop("bundlekit_retry_at", None)
                life = "SKIPPED" if state.result == "EXCLUDED" else "TERMINATED"
                message = _DECIDED.get(state.result, "")
                record["state"] = {"life_cycle_state": life, "result_state": state.result,
                                   "state_message": message}  # fmt: skip
                changed = True
        if changed:
            self.save()


def _plan(task: dict[str, Any]) -> TaskPlan:
    depends = tuple((d["task_key"], d.get("outcome")) for d in task.get("depends_on") or [])
    return TaskPlan(
        task.get("task_key", ""),
        depends,
        task.get("run_if") or "ALL_SUCCESS",
        int(task.get("max_retries") or 0),
        (task.get("min_retry_interval_millis") or 0) / 1000,
        bool(task.get("retry_on_timeout")),
    )


def _result_word(result: str) -> str:
    return {"SUCCESS": "success", "FAILED": "failed", "TIMEDOUT": "timedout", "CANCELED": "canceled",
            "EXCLUDED": "excluded", "UPSTREAM_FAILED": "upstream_failed", "UPSTREAM_CANCELED": "upstream_canceled",
            }.get(result, result.lower())  # fmt: skip


def _safe(key: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in key)[:120]


def _log_text(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            size = path.stat().st_size
            stream.seek(max(0, size - 5_000_000))
            return stream.read().decode("utf-8", "replace")
    except OSError:
        return ""
