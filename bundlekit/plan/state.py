"""The state file `resources.json` (version 2) and its write-ahead log.

Shape: `{state_version, cli_version, lineage, serial, state: {node: {__id__, state, depends_on?}}}`, indented
by one space, mode 0600, written by temp file + fsync + rename. While a deployment runs, every operation is
appended to `resources.json.wal` first: a header line `{lineage, serial, …}` whose serial is one higher, then
`{k, v}` per operation (without `v`: deleted). `finish` writes the state and removes the log; `load` replays a
log that a killed process left.

Beside them `resources.json.intents` holds one line per create that was about to be sent, so that the next
deployment can look for what a killed one made and could not record.
"""

from __future__ import annotations

import json
import os
import threading
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bundlekit import __version__
from bundlekit.diagnostics import BundlekitError

STATE_VERSION = 2
Entry = dict[str, Any]


@dataclass(slots=True)
class State:
    """What is deployed: `resources` maps a node's key to `{__id__, state, depends_on?}`."""

    lineage: str = ""
    serial: int = 0
    resources: dict[str, Entry] = field(default_factory=dict)

    def identity(self, node: str) -> str:
        entry = self.resources.get(node)
        return str(entry.get("__id__", "")) if entry else ""

    def as_json(self) -> dict[str, Any]:
        return {
            "state_version": STATE_VERSION,
            "cli_version": __version__,
            "lineage": self.lineage,
            "serial": self.serial,
            "state": dict(sorted(self.resources.items())),
        }


def parse_state(text: str | bytes, where: str) -> State:
    """A state from its JSON text. Raises BundlekitError for a broken file or a version from the future."""
    hint = f"{where} is not a state file that can be read; restore it from the workspace or a backup"
    try:
        data = json.loads(text)
    except ValueError as error:
        raise BundlekitError(f"state file {where} is damaged: {error}", hint) from error
    if not isinstance(data, dict):
        raise BundlekitError(f"state file {where} is damaged: it holds no mapping", hint)
    version = data.get("state_version", 0)
    if not isinstance(version, int) or version > STATE_VERSION + 1 or (version == 3 and data.get("features")):
        raise BundlekitError(
            f"state file {where} has version {version}, this bundlekit reads up to {STATE_VERSION}",
            "use a newer bundlekit: pip install -U bundlekit",
        )
    resources = data.get("state") or {}
    bad = not isinstance(resources, dict) or any(
        not isinstance(entry, dict) or "__id__" not in entry for entry in resources.values()
    )
    if bad or not isinstance(data.get("serial", 0), int):
        raise BundlekitError(f"state file {where} is damaged: entries without __id__", hint)
    return State(str(data.get("lineage", "")), data.get("serial", 0), resources)


def write_atomically(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Temp file in the same folder + fsync + rename: readers see the old or the new file, never a half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temp = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    descriptor = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temp.replace(path)
    except BaseException:
        temp.unlink(missing_ok=True)
        raise


class StateFile:
    """The local state of one target: load, record operations, finish. Thread-safe."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.state = State()
        self.changed = False
        self._wal = path.with_name(path.name + ".wal")
        self._intents = path.with_name(path.name + ".intents")
        self._lock = threading.Lock()
        self._stream: Any = None

    def load(self) -> State:
        """The state on disk with a left-over log replayed onto it (nothing is written)."""
        if self.path.exists():
            self.state = parse_state(self.path.read_bytes(), str(self.path))
        if self._wal.exists():
            self._replay()
        return self.state

    def adopt(self, state: State) -> None:
        """Take a newer state (the remote one) in place of the local one."""
        self.state = state
        self._write()

    def _replay(self) -> None:
        lines = self._wal.read_text(encoding="utf-8", errors="replace").splitlines()
        header = _json_line(lines[0]) if lines else None
        if header is None or not isinstance(header.get("serial"), int):
            self._set_aside()
            return
        if header["serial"] <= self.state.serial:
            self._wal.unlink(missing_ok=True)
            return
        if self.state.lineage and header.get("lineage") != self.state.lineage:
            raise BundlekitError(
                f"{self._wal} belongs to another deployment (lineage {header.get('lineage')})",
                f"if it is left over from another workspace, delete it: rm {self._wal}",
            )
        if header["serial"] > self.state.serial + 1:
            raise BundlekitError(
                f"{self._wal} (serial {header['serial']}) is newer than {self.path} ({self.state.serial})",
                "the state file was replaced by an older one; restore it before deploying",
            )
        self.state.lineage = str(header.get("lineage") or self.state.lineage)
        damaged = False
        for line in lines[1:]:
            entry = _json_line(line)
            if entry is None or not isinstance(entry.get("k"), str):
                damaged = True
            elif isinstance(entry.get("v"), dict):
                self.state.resources[entry["k"]] = entry["v"]
            else:
                self.state.resources.pop(entry["k"], None)
            self.changed = True
        if damaged:
            self._wal.with_name(self._wal.name + ".corrupted").write_text("\n".join(lines), encoding="utf-8")

    def _set_aside(self) -> None:
        self._wal.replace(self._wal.with_name(self._wal.name + ".corrupted"))

    def begin(self) -> None:
        """Open the log of a deployment; a replayed one is rewritten so that it holds all operations."""
        if not self.state.lineage:
            self.state.lineage = str(uuid.uuid4())
        replayed = self._wal.read_bytes() if self.changed and self._wal.exists() else b""
        if self.changed and replayed:
            self._stream = self._wal.open("ab")
            if not replayed.endswith(b"\n"):
                self._stream.write(b"\n")
            return
        header = {"lineage": self.state.lineage, "serial": self.state.serial + 1, "cli_version": __version__}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._wal, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._stream = os.fdopen(descriptor, "wb")
        self._append(self._stream, header)

    def record(self, node: str, entry: Entry | None) -> None:
        """An operation happened: the node's new entry, or None when it is gone. Durable when it returns."""
        with self._lock:
            line: dict[str, Any] = {"k": node} if entry is None else {"k": node, "v": entry}
            if self._stream is not None:
                self._append(self._stream, line)
            if entry is None:
                self.state.resources.pop(node, None)
            else:
                self.state.resources[node] = entry
            self.changed = True

    def intend(self, node: str, desired: Any) -> None:
        """A create is about to be sent. Durable when it returns."""
        with self._lock:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._intents, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "ab") as stream:
                self._append(stream, {"k": node, "v": desired})

    def open_intents(self) -> dict[str, Any]:
        """Creates of a killed deployment that may have happened without being recorded: node -> state."""
        if not self._intents.exists():
            return {}
        found: dict[str, Any] = {}
        for line in self._intents.read_text(encoding="utf-8", errors="replace").splitlines():
            entry = _json_line(line)
            if entry is not None and isinstance(entry.get("k"), str):
                found[entry["k"]] = entry.get("v")
        return {node: desired for node, desired in found.items() if node not in self.state.resources}

    def finish(self, *, keep_intents: bool = False) -> bool:
        """Write the state (serial + 1 if anything happened) and drop the log; whether it was written.

        The intents stay where a create failed: it may have happened all the same.
        """
        with self._lock:
            if self._stream is not None:
                self._stream.close()
                self._stream = None
            written = self.changed
            if written:
                self.state.serial += 1
                self._write()
            self._wal.unlink(missing_ok=True)
            if not keep_intents:
                self._intents.unlink(missing_ok=True)
            self.changed = False
            return written

    def abandon(self) -> None:
        """Close the log without finishing, as a killed process would leave it."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def touch(self) -> None:
        """Make `finish` write although no operation happened (first deploy, destroy, bind)."""
        self.changed = True

    def data(self) -> bytes:
        return (json.dumps(self.state.as_json(), indent=1, ensure_ascii=False) + "\n").encode()

    def _write(self) -> None:
        write_atomically(self.path, self.data())

    @staticmethod
    def _append(stream: Any, value: Any) -> None:
        stream.write(json.dumps(value, ensure_ascii=False).encode() + b"\n")
        stream.flush()
        os.fsync(stream.fileno())


def _json_line(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
