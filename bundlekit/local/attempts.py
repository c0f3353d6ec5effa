"""Task attempts as processes: the parent's side of the fork server.

`AttemptPool` owns one fork server (a Python of the engine's environment); `start` forks an attempt in a
process group of its own. Its output goes through a pipe into a log that keeps the first and the last 5 MB;
the values of configured secrets become `[REDACTED]` on the way.
The child writes its result to `result.json` in the attempt's folder; what is missing there is told from the
exit status. Cancelling is SIGINT, then SIGTERM, then SIGKILL to the whole group.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bundlekit.diagnostics import BundlekitError
from bundlekit.local.worker import NO_RESULT
from bundlekit.local.worker.forkserver import receive, send
from bundlekit.local.worker.html import write_html

STUBBED_FILE = "stubbed.jsonl"
_STUBBED_SHOWN = 200
LOG_HEAD = 5 * 1024 * 1024
LOG_TAIL = 5 * 1024 * 1024
GRACE = (5.0, 3.0)
"""Seconds between SIGINT and SIGTERM, and between SIGTERM and SIGKILL."""


@dataclass(frozen=True, slots=True)
class AttemptSpec:
    """What one attempt runs. Paths are local; everything is JSON-able.

    `kind`: notebook, python_file, python_wheel, sql_file or sql_text. `path` is the file to run, with its
    suffix. Parameters are a mapping for notebooks, SQL and named wheel parameters, a list otherwise.
    """

    kind: str
    folder: str
    """Folder of the attempt: spec, log, result and executed notebook go there."""
    task_key: str
    path: str = ""
    parameters: Any = None
    package_name: str = ""
    entry_point: str = ""
    text: str = ""
    """For sql_text: the statements."""
    root: str = ""
    """Local folder that stands for the bundle's files in the workspace."""
    workspace_root: str = ""
    """The workspace path of `root`."""
    search_path: tuple[str, ...] = ()
    """Folders before everything else on sys.path (installed wheels and libraries)."""
    environment: dict[str, str] = field(default_factory=dict)
    engine: str = "none"
    context: dict[str, Any] = field(default_factory=dict)
    """Ids and user (`job_id`, `run_id`, `task_run_id`, `user`), `task_values` {task: {key: value}}, `secrets`
    {scope: {key: environment variable}}, `volumes` {prefix: folder}, `storage` (folder of DBFS)."""
    source_map: dict[str, str] = field(default_factory=dict)
    """Materialised folder -> the user's folder, for the file names in tracebacks."""
    timeout_seconds: float = 0
    """0: none. Afterwards the attempt is cancelled and its status is timedout."""


@dataclass(slots=True)
class AttemptResult:
    """How an attempt ended. `status`: success, failed, canceled, timedout or crashed."""

    status: str
    error: str = ""
    traceback: str = ""
    exit_value: str | None = None
    task_values: dict[str, Any] = field(default_factory=dict)
    table: dict[str, Any] | None = None
    notes: list[str] = field(default_factory=list)
    stubbed: list[dict[str, str]] = field(default_factory=list)
    """`{kind, statement}` of SQL statements that were accepted without effect."""
    log_path: str = ""
    log_truncated: bool = False
    ipynb_path: str = ""
    """The executed notebook, of notebook attempts (also of killed ones: up to the cell that ran)."""
    html_path: str = ""
    seconds: float = 0.0

    @property
    def notebook_exit_value(self) -> str | None:
        """What `dbutils.notebook.exit` was given."""
        return self.exit_value


class Attempt:
    """A running attempt."""

    def __init__(self, spec: AttemptSpec, pool: AttemptPool) -> None:
        self.spec = spec
        self.folder = Path(spec.folder)
        self.log_path = self.folder / "output.log"
        self.last_line = ""
        self.pid = 0
        self._pool = pool
        self._started = threading.Event()
        self._done = threading.Event()
        self._status: int | None = None
        self._left = False
        self._ended_by = ""
        self._truncated = False
        self._pump: threading.Thread | None = None
        self._began = time.monotonic()
        self._seconds = 0.0
        self._callbacks: list[Callable[[Attempt], None]] = []
        self._timer: threading.Timer | None = None
        self._secrets = _secret_values(spec)
        self._lock = threading.Lock()

    def when_done(self, callback: Callable[[Attempt], None]) -> None:
        """Call back (from the pool's thread) when the process is gone; at once if it is already."""
        with self._lock:
            if not self._done.is_set():
                self._callbacks.append(callback)
                return
        callback(self)

    def wait(self, timeout: float | None = None) -> AttemptResult | None:
        """The result, or None when it is still running after `timeout` seconds."""
        if not self._done.wait(timeout):
            return None
        return self.result()

    def cancel(self, reason: str = "canceled") -> None:
        """End it politely, then by force; `reason` is its status afterwards (canceled or timedout)."""
        if self._ended_by or self._done.is_set():
            return
        self._ended_by = reason
        threading.Thread(target=self._end, daemon=True, name="cancel").start()

    def kill(self) -> None:
        """End it now."""
        self._ended_by = self._ended_by or "canceled"
        self._signal(signal.SIGKILL)

    def _end(self) -> None:
        self._started.wait(10)
        for number, pause in ((signal.SIGINT, GRACE[0]), (signal.SIGTERM, GRACE[1])):
            self._signal(number)
            if self._done.wait(pause):
                return
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if self.pid and not self._done.is_set():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                try:
                    os.killpg(self.pid, number)
                except ProcessLookupError:
                    # Just forked, and not yet the leader of a group of its own.
                    os.kill(self.pid, number)

    def result(self) -> AttemptResult:
        """Only after the end."""
        found = self._found()
        if self._left:
            found.notes.append("processes that the task had left behind were killed")
        found.stubbed = _stubbed(self.folder / STUBBED_FILE)
        found.log_path = str(self.log_path)
        found.log_truncated = self._truncated
        found.seconds = self._seconds
        notebook = next(iter(self.folder.glob("*.ipynb")), None) if self.spec.kind == "notebook" else None
        if notebook is not None:
            found.ipynb_path = str(notebook)
            found.html_path = str(write_html(notebook) or "")
        return found

    def _found(self) -> AttemptResult:
        try:
            data = _well_formed(json.loads((self.folder / "result.json").read_bytes()))
        except (OSError, ValueError):
            data = None
        status = self._status or 0
        if self._ended_by:
            text = (
                "the run was cancelled"
                if self._ended_by == "canceled"
                else "the task ran longer than its timeout"
            )
            found = AttemptResult(self._ended_by, text)
            if isinstance(data, dict):
                found.task_values = data.get("task_values") or {}
        elif isinstance(data, dict):
            known = {key: value for key, value in data.items() if key in AttemptResult.__dataclass_fields__}
            found = AttemptResult(**known)
        elif os.WIFSIGNALED(status):
            name = signal.Signals(os.WTERMSIG(status)).name
            hint = " (out of memory?)" if name == "SIGKILL" else ""
            found = AttemptResult("crashed", f"the task's process was killed by {name}{hint}")
        elif (code := os.waitstatus_to_exitcode(status)) == NO_RESULT:
            found = AttemptResult("crashed", f"{self.folder} cannot be written: is the disk full?")
        else:
            found = AttemptResult(
                "crashed", f"the task's process ended with exit code {code} without a result"
            )
        return found

    def _read_output(self, descriptor: int) -> None:
        """Pump the output into the log: head and tail are kept, the middle is counted."""
        head, tail, tail_size, dropped = 0, deque[bytes](), 0, 0
        try:
            with open(descriptor, "rb", buffering=0) as source, self.log_path.open("wb") as log:
                kept = b""
                while True:
                    read = source.read(65536)
                    data, kept = self._redact(kept + read, last=not read)
                    if not read and not data:
                        break
                    line = data.rstrip().rsplit(b"\n", 1)[-1][-400:]
                    if line:
                        self.last_line = line.decode("utf-8", "replace")
                    if not tail and head + len(data) <= LOG_HEAD:
                        log.write(data)
                        log.flush()
                        head += len(data)
                        continue
                    tail.append(data)
                    tail_size += len(data)
                    while tail_size - len(tail[0]) >= LOG_TAIL:
                        tail_size -= len(tail[0])
                        dropped += len(tail.popleft())
                if dropped:
                    self._truncated = True
                    log.write(f"\n… {dropped:,} bytes left out by bundlekit …\n".encode())
                for data in tail:
                    log.write(data)
        except OSError as error:
            self._truncated = True
            self.last_line = f"the log could not be written: {error.strerror}"
            # Keep reading, so that the task is not blocked by a full disk.
            with contextlib.suppress(OSError), open(descriptor, "rb", buffering=0) as source:
                while source.read(65536):
                    pass

    def _redact(self, data: bytes, *, last: bool) -> tuple[bytes, bytes]:
        """(what can be written, a possible beginning of a secret that is kept for the next read)."""
        for secret in self._secrets:
            data = data.replace(secret, b"[REDACTED]")
        if last or not self._secrets:
            return data, b""
        size = max(
            (n for s in self._secrets for n in range(1, min(len(s), len(data) + 1)) if data.endswith(s[:n])),
            default=0,
        )
        return data[: len(data) - size], data[len(data) - size :]

    def _exited(self, status: int, left: bool) -> None:
        self._status, self._left = status, left
        self._seconds = time.monotonic() - self._began
        if self._timer is not None:
            self._timer.cancel()
        if self._pump is not None:
            self._pump.join(5)
        with self._lock:
            self._done.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback(self)


def _well_formed(value: Any) -> Any:
    """Texts without lone surrogates, which Python has and UTF-8 has not."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_well_formed(key): _well_formed(child) for key, child in value.items()}
    return [_well_formed(child) for child in value] if isinstance(value, list) else value


def _stubbed(path: Path) -> list[dict[str, str]]:
    """What the dialect layer has noted, each statement once; without a file there was nothing."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    found: dict[str, dict[str, str]] = {}
    for line in lines:
        with contextlib.suppress(ValueError, KeyError, TypeError):
            entry = json.loads(line)
            found[line] = {"kind": str(entry["kind"]), "statement": str(entry["statement"])}
    return list(found.values())[:_STUBBED_SHOWN]


def _secret_values(spec: AttemptSpec) -> list[bytes]:
    """Values of the run's secrets, longest first; shorter than 4 characters would black out anything."""
    names = {name for scope in (spec.context.get("secrets") or {}).values() for name in scope.values()}
    values = {spec.environment.get(name) or os.environ.get(name) or "" for name in names}
    return sorted((value.encode() for value in values if len(value) >= 4), key=len, reverse=True)


def _uv() -> str:
    """bundlekit's own uv, for `%pip` in environments that have no pip; empty when there is none."""
    try:
        from uv import find_uv_bin

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError):
        return shutil.which("uv") or ""


class AttemptPool:
    """One fork server and its attempts. Close it, or leave the `with` block: nothing stays behind."""

    def __init__(self, python: Path, environment: dict[str, str] | None = None) -> None:
        bootstrap = Path(__file__).with_name("worker") / "bootstrap.py"
        ours, theirs = socket.socketpair()
        self._attempts: dict[int, Attempt] = {}
        self._number = 0
        self._lock = threading.Lock()
        self._channel = ours
        try:
            self._process = subprocess.Popen(
                [str(python), "-I", "-u", str(bootstrap), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env={**os.environ, "BUNDLEKIT_UV": _uv(), **(environment or {})},
                start_new_session=True,
            )
        except OSError as error:
            raise BundlekitError(
                f"cannot start {python}: {error.strerror}", "bundlekit engine prepare"
            ) from error
        finally:
            theirs.close()
        self._reader = threading.Thread(target=self._read, daemon=True, name="fork-server")
        self._reader.start()

    @property
    def alive(self) -> bool:
        """Whether the fork server runs."""
        return self._process.poll() is None

    def preload(self, *what: str) -> None:
        """Let the server import what coming attempts need (`notebook`)."""
        with self._lock, contextlib.suppress(OSError):
            send(self._channel, {"preload": list(what)})

    def start(self, spec: AttemptSpec) -> Attempt:
        """Fork an attempt. Raises BundlekitError when the attempt's folder cannot be written."""
        attempt = Attempt(spec, self)
        try:
            attempt.folder.mkdir(parents=True, exist_ok=True)
            for old in ("result.json", "output.log", STUBBED_FILE):
                (attempt.folder / old).unlink(missing_ok=True)
        except OSError as error:
            raise BundlekitError(
                f"cannot write {attempt.folder}: {error.strerror}", "is the disk full?"
            ) from error
        read_end, write_end = os.pipe()
        attempt._pump = threading.Thread(
            target=attempt._read_output, args=(read_end,), daemon=True, name="log"
        )
        attempt._pump.start()
        with self._lock:
            self._number += 1
            number = self._number
            self._attempts[number] = attempt
            try:
                sent = asdict(spec)
                sent["environment"]["BUNDLEKIT_STUBBED_FILE"] = str(attempt.folder / STUBBED_FILE)
                send(self._channel, {"start": number, "spec": sent}, [write_end])
            except OSError as error:
                raise BundlekitError("the task server has died", "see the log of the run") from error
            finally:
                os.close(write_end)
        if spec.timeout_seconds:
            attempt._timer = threading.Timer(spec.timeout_seconds, attempt.cancel, ["timedout"])
            attempt._timer.daemon = True
            attempt._timer.start()
        return attempt

    def _read(self) -> None:
        while True:
            message, _ = receive(self._channel)
            if message is None:
                break
            attempt = self._attempts.get(message.get("started") or message.get("exited") or 0)
            if attempt is None:
                continue
            if "pid" in message:
                attempt.pid = message["pid"]
                attempt._started.set()
            else:
                with self._lock:
                    self._attempts.pop(message["exited"], None)
                attempt._exited(message["status"], bool(message.get("left")))
        for attempt in list(self._attempts.values()):
            attempt._signal(signal.SIGKILL)
            attempt._exited(signal.SIGKILL, False)

    def close(self) -> None:
        """Kill what still runs and end the server."""
        for attempt in list(self._attempts.values()):
            attempt.kill()
        with contextlib.suppress(OSError):
            self._channel.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(3)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._channel.close()

    def __enter__(self) -> AttemptPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
