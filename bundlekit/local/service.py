"""Runs of jobs on this machine: what is behind jobs/run-now, runs/get, runs/cancel … of the local workspace.

A run is a record in the store (`objects`, kind `runs`), written whenever something changes, and a thread that
connects the scheduler with attempts (`bundlekit.local.driver`). A record whose process has died is marked
INTERNAL_ERROR when the next service starts.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bundlekit.diagnostics import BundlekitError
from bundlekit.local.attempts import AttemptPool
from bundlekit.local.settings import LocalSettings

if TYPE_CHECKING:
    from bundlekit.local.driver import Driver
    from bundlekit.workspace.local.files import Files
    from bundlekit.workspace.local.store import Store

ENDED = ("TERMINATED", "SKIPPED", "INTERNAL_ERROR")


class RunService:
    """All runs of one local workspace."""

    def __init__(self, store: Store, files: Files, user: str, settings: LocalSettings | None = None) -> None:
        self.store = store
        self.files = files
        self.user = user
        self.settings = settings or LocalSettings(engine="none", folder=store.folder)
        self.stands_in = settings is None
        """A workspace that only answers requests: code that it does not have counts as run."""
        self.changed = threading.Condition()
        self.say: Any = lambda _text: None
        self._version = 0
        self._drivers: dict[int, Driver] = {}
        self._unwritten: dict[int, dict[str, Any]] = {}
        self._pool: AttemptPool | None = None
        self._engine: Any = None
        self._lock = threading.RLock()
        self._bury_the_dead()

    def run_now(self, job: dict[str, Any], request: dict[str, Any]) -> int:
        """Start a run of a job record; its id. Queued or skipped when too many runs of it are active."""
        from bundlekit.local.driver import Driver

        settings = job["settings"]
        limit = settings.get("max_concurrent_runs") or 1
        with self.store.transaction():
            # In one transaction: of two processes that start runs at once the later one sees the other's.
            run_id = self.store.next_id()
            driver = Driver(self, run_id, job, request, time.time())
            self.store.put("runs", str(run_id), driver.record)
            active = self._active_before(driver)
        if len(active) >= limit and not (settings.get("queue") or {}).get("enabled"):
            driver.skip(f"{len(active)} runs are active, and max_concurrent_runs is {limit}")
            return run_id
        with self._lock:
            self._drivers[run_id] = driver
        threading.Thread(target=self._drive, args=(driver, limit), name=f"run-{run_id}", daemon=True).start()
        return run_id

    def _drive(self, driver: Driver, limit: int) -> None:
        message = details = ""
        try:
            self._wait_for_room(driver, limit)
            driver.drive()
        except BundlekitError as error:
            message = error.summary + (f" ({error.hint})" if error.hint else "")
        except OSError as error:
            message = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        except Exception as error:
            import traceback

            message = f"internal error: {type(error).__name__}: {error}"
            details = traceback.format_exc()
        try:
            if message:
                driver.fail(message, details)
        except (BundlekitError, OSError):
            # Not even the end can be written (a full disk): whoever watches gets it from memory.
            self._unwritten[driver.run_id] = driver.record
        finally:
            with self._lock:
                self._drivers.pop(driver.run_id, None)
            self._notify()

    def _wait_for_room(self, driver: Driver, limit: int) -> None:
        """Runs of a job go first come, first served, also those of other processes."""
        waited = False
        while not driver.cancelled and len(self._active_before(driver)) >= limit:
            if not waited:
                driver.queued()
                waited = True
            with self.changed:
                self.changed.wait(0.5)
            self._bury_the_dead()
            driver.take_cancel_of_others()

    def _active_before(self, driver: Driver) -> list[int]:
        """Ids of older runs of the same job that have not ended."""
        job = driver.job["job_id"]
        return [
            record["run_id"]
            for record in self.all_runs()
            if record.get("job_id") == job and record["run_id"] < driver.run_id and not ended(record)
        ]

    def cancel(self, run_id: int) -> None:
        """Ask a run to end; returns at once. A run of another process finds the request in the store."""
        driver = self._drivers.get(run_id)
        if driver is not None:
            driver.cancel()
        elif not ended(self.record(run_id)):
            self.store.put("run_cancels", str(run_id), {})

    def cancel_wanted(self, run_id: int) -> bool:
        """Whether another process has asked for a run's end."""
        return self.store.get("run_cancels", str(run_id)) is not None

    def kill(self, run_id: int) -> None:
        """End a run's processes now."""
        driver = self._drivers.get(run_id)
        if driver is not None:
            driver.kill()

    def record(self, run_id: int) -> dict[str, Any]:
        """The stored record (runs/get shape). Raises KeyError."""
        found = self._unwritten.get(run_id) or self.store.get("runs", str(run_id))
        if found is None:
            raise KeyError(run_id)
        return found

    def all_runs(self) -> list[dict[str, Any]]:
        """The records of all runs, the newest first."""
        return [record for _, record in reversed(self.store.all("runs"))]

    def save(self, record: dict[str, Any]) -> None:
        """Write a record and wake those who watch."""
        self.store.put("runs", str(record["run_id"]), record)
        if ended(record):
            self.store.drop("run_cancels", str(record["run_id"]))
        self._notify()

    def _notify(self) -> None:
        with self.changed:
            self._version += 1
            self.changed.notify_all()

    def watch(self, run_id: int) -> Iterator[dict[str, Any]]:
        """The record each time that it changed, the last one when the run has ended."""
        last = None
        while True:
            seen = self._version
            record = self.record(run_id)
            if record != last:
                last = record
                yield record
            if ended(record):
                return
            with self.changed:
                # Other processes' runs are only in the store.
                self.changed.wait_for(lambda seen=seen: self._version != seen, 0.5)  # type: ignore[misc]

    def last_lines(self, run_id: int) -> dict[int, str]:
        """Task run id -> the last line that its attempt has printed, for live views."""
        driver = self._drivers.get(run_id)
        return driver.last_lines() if driver is not None else {}

    def pool(self) -> AttemptPool:
        """The fork server in the engine's Python, started on first use."""
        with self._lock:
            if self._pool is not None and not self._pool.alive:
                self._pool.close()
                self._pool = None
            if self._pool is None:
                self._pool = AttemptPool(self.python())
            return self._pool

    def python(self) -> Path:
        """The interpreter of task processes."""
        import sys

        from bundlekit.local.engines import ensure_environment

        if self.settings.engine == "none":
            return Path(sys.executable)
        return ensure_environment(self.settings.engine, self.say)

    def engine_variables(self, *, start: bool) -> dict[str, str]:
        """Environment variables by which task processes find the engine; `start`: it will be used."""
        if self.settings.engine == "none" or not start:
            return {}
        with self._lock:
            if self._engine is None:
                from bundlekit.local.engines import start_server

                self._engine = start_server(
                    self.settings.engine,
                    self.settings.folder,
                    self.say,
                    catalogs=self.settings.catalogs,
                    volumes=self.settings.volumes,
                )
            found: dict[str, str] = self._engine.environment()
            return found

    def close(self) -> None:
        """Cancel what runs and end the fork server; the warm engine stays."""
        for driver in list(self._drivers.values()):
            driver.cancel()
        deadline = time.monotonic() + 10
        while self._drivers and time.monotonic() < deadline:
            time.sleep(0.02)
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    def _bury_the_dead(self) -> None:
        for record in self.all_runs():
            if not ended(record) and not _alive(record.get("bundlekit_pid", 0)):
                message = "the process that ran it has died"
                end_tasks(record, message)
                record["state"] = {
                    "life_cycle_state": "INTERNAL_ERROR", "result_state": "FAILED", "state_message": message,
                }  # fmt: skip
                record["end_time"] = int(time.time() * 1000)
                self.store.put("runs", str(record["run_id"]), record)


def ended(record: dict[str, Any]) -> bool:
    return record.get("state", {}).get("life_cycle_state") in ENDED


def end_tasks(record: dict[str, Any], message: str) -> None:
    """Tasks and iterations of a broken run that have not ended get INTERNAL_ERROR."""
    for task in record.get("tasks") or []:
        for entry in (task, *((task.get("for_each_task") or {}).get("iterations") or [])):
            if entry["state"].get("life_cycle_state") not in ENDED:
                entry["state"] = {"life_cycle_state": "INTERNAL_ERROR", "state_message": message}


def _alive(pid: int) -> bool:
    if not pid:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
