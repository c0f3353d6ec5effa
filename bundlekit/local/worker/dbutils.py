"""`dbutils` of a local run: widgets, notebook, jobs.taskValues, fs, secrets, library.

Documented at https://docs.databricks.com/dev-tools/databricks-utils; what has no meaning on one machine says
so when it is called.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from bundlekit.local.worker.attempt import Stage

_VALUE_LIMIT = 48 * 1024
_EXIT_LIMIT = 5 * 1024 * 1024


class NotebookExit(BaseException):
    """`dbutils.notebook.exit`: ends the notebook with a value; not an error."""

    def __init__(self, value: str) -> None:
        super().__init__(value)
        self.value = value


class DBUtils:
    """The object `dbutils`."""

    def __init__(self, stage: Stage, parameters: dict[str, Any] | None = None) -> None:
        given = stage.spec.get("parameters") if parameters is None else parameters
        self.widgets = Widgets(given if isinstance(given, dict) else {})
        self.notebook = Notebook(stage)
        self.jobs = Jobs(stage)
        self.fs = FileSystem(stage)
        self.secrets = Secrets(stage)
        self.library = Library()

    def help(self, *_: Any) -> None:
        print("dbutils (local): widgets, notebook, jobs.taskValues, fs, secrets, library")


class Widgets:
    """Parameters of the run win over a widget's default."""

    def __init__(self, parameters: dict[str, Any]) -> None:
        self._given = {str(name): str(value) for name, value in parameters.items()}
        self._defaults: dict[str, str] = {}

    def text(self, name: str, defaultValue: str = "", label: str | None = None) -> None:
        self._defaults[name] = str(defaultValue)

    def dropdown(self, name: str, defaultValue: str, choices: list[str], label: str | None = None) -> None:
        if str(defaultValue) not in [str(choice) for choice in choices]:
            raise ValueError(f"dropdown {name!r}: the default {defaultValue!r} is not among its choices")
        self._defaults[name] = str(defaultValue)

    def combobox(self, name: str, defaultValue: str, choices: list[str], label: str | None = None) -> None:
        self._defaults[name] = str(defaultValue)

    def multiselect(self, name: str, defaultValue: str, choices: list[str], label: str | None = None) -> None:
        self._defaults[name] = str(defaultValue)

    def get(self, name: str) -> str:
        if name in self._given:
            return self._given[name]
        if name in self._defaults:
            return self._defaults[name]
        known = sorted({*self._given, *self._defaults})
        raise ValueError(f"InputWidgetNotDefined: no widget or parameter named {name!r}; there are: {known}")

    def getArgument(self, name: str, default: str | None = None) -> str:
        try:
            return self.get(name)
        except ValueError:
            if default is None:
                raise
            return default

    def getAll(self) -> dict[str, str]:
        return {**self._defaults, **self._given}

    def remove(self, name: str) -> None:
        self._defaults.pop(name, None)

    def removeAll(self) -> None:
        self._defaults.clear()


class Notebook:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def exit(self, value: Any = "") -> None:
        text = str(value)
        if len(text.encode()) > _EXIT_LIMIT:
            raise ValueError(f"the exit value is larger than {_EXIT_LIMIT >> 20} MiB")
        raise NotebookExit(text)

    def run(self, path: str, timeout_seconds: int = 0, arguments: dict[str, Any] | None = None) -> str:
        """Run another notebook with a namespace of its own; its exit value."""
        from bundlekit.local.worker.notebook import run_child

        return run_child(self._stage, path, timeout_seconds, arguments or {})


class Jobs:
    def __init__(self, stage: Stage) -> None:
        self.taskValues = TaskValues(stage)


class TaskValues:
    """Values that later tasks of the same run read. JSON, at most 48 KiB each."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def set(self, key: str, value: Any) -> None:
        try:
            text = json.dumps(value)
        except (TypeError, ValueError) as error:
            raise TypeError(f"the task value {key!r} cannot be written as JSON: {error}") from error
        if len(text.encode()) > _VALUE_LIMIT:
            raise ValueError(
                f"the task value {key!r} has {len(text.encode()):,} bytes; at most 48 KiB are allowed"
            )
        self._stage.task_values[str(key)] = json.loads(text)

    def get(self, taskKey: str, key: str, default: Any = None, debugValue: Any = None) -> Any:
        values: dict[str, Any] = self._stage.context.get("task_values") or {}
        if taskKey in values and key in values[taskKey]:
            return values[taskKey][key]
        if default is not None:
            return default
        if not self._stage.context.get("run_id") and debugValue is not None:
            return debugValue
        if taskKey not in values:
            raise ValueError(f"no task {taskKey!r} has run before this one; there are: {sorted(values)}")
        raise ValueError(f"task {taskKey!r} has set no value {key!r}; it has set: {sorted(values[taskKey])}")


class FileInfo(NamedTuple):
    """An entry of `dbutils.fs.ls`; size in bytes, time in ms since 1970."""

    path: str
    name: str
    size: int
    modificationTime: int

    def isDir(self) -> bool:
        return self.name.endswith("/")

    def isFile(self) -> bool:
        return not self.isDir()


class FileSystem:
    """`/Volumes`, `dbfs:/`, `/Workspace` and `file:` paths on the local disk."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def _local(self, path: str) -> Path:
        return local_path(str(path), self._stage)

    def ls(self, path: str) -> list[FileInfo]:
        folder = self._local(path)
        if not folder.exists():
            raise FileNotFoundError(f"{path} (locally {folder}) does not exist")
        shown = str(path) if ":" in str(path) else f"dbfs:{path}"
        entries = sorted(folder.iterdir()) if folder.is_dir() else [folder]
        found = []
        for entry in entries:
            status, name = entry.stat(), entry.name + ("/" if entry.is_dir() else "")
            place = f"{shown.rstrip('/')}/{name}" if folder.is_dir() else shown
            size = 0 if entry.is_dir() else status.st_size
            found.append(FileInfo(place, name, size, int(status.st_mtime * 1000)))
        return found

    def head(self, file: str, max_bytes: int = 65536) -> str:
        with self._local(file).open("rb") as stream:
            return stream.read(max_bytes).decode("utf-8", "replace")

    def put(self, file: str, contents: str, overwrite: bool = False) -> bool:
        target = self._local(file)
        if target.exists() and not overwrite:
            raise FileExistsError(f"{file} exists already; pass overwrite=True")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(contents, encoding="utf-8")
        return True

    def mkdirs(self, path: str) -> bool:
        self._local(path).mkdir(parents=True, exist_ok=True)
        return True

    def cp(self, source: str, destination: str, recurse: bool = False) -> bool:
        origin, target = self._local(source), self._local(destination)
        if origin.is_dir():
            if not recurse:
                raise IsADirectoryError(f"{source} is a folder; pass recurse=True")
            shutil.copytree(origin, target, dirs_exist_ok=True)
        else:
            target = target / origin.name if target.is_dir() else target
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(origin, target)
        return True

    def mv(self, source: str, destination: str, recurse: bool = False) -> bool:
        origin, target = self._local(source), self._local(destination)
        if origin.is_dir() and not recurse:
            raise IsADirectoryError(f"{source} is a folder; pass recurse=True")
        target = target / origin.name if target.is_dir() and origin.is_file() else target
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(origin, target)
        return True

    def rm(self, path: str, recurse: bool = False) -> bool:
        target = self._local(path)
        if not target.exists():
            return False
        if target.is_dir():
            if not recurse and any(target.iterdir()):
                raise OSError(f"{path} is a folder that is not empty; pass recurse=True")
            shutil.rmtree(target)
        else:
            target.unlink()
        return True

    def mount(self, *_: Any, **__: Any) -> None:
        raise NotImplementedError(
            "dbutils.fs.mount has no meaning locally; map the path in bundlekit.yml: volumes"
        )


def local_path(path: str, stage: Stage) -> Path:
    """Where a Databricks path lies on this machine; local paths stay. Raises PermissionError on escapes."""
    text = re.sub(r"^dbfs:(?=/)", "", path)
    if text.startswith("file:"):
        return Path(re.sub(r"^file:(//)?", "", text))
    text = text.removeprefix("/dbfs") if text.startswith("/dbfs/") else text
    volumes: dict[str, str] = stage.context.get("volumes") or {}
    for prefix in sorted(volumes, key=len, reverse=True):
        if text == prefix or text.startswith(prefix + "/"):
            return _inside(Path(volumes[prefix]), text[len(prefix) :], path)
    base = stage.context.get("storage")
    workspace_root = stage.spec.get("workspace_root") or ""
    if workspace_root and (text == workspace_root or text.startswith(workspace_root + "/")):
        return _inside(Path(stage.spec["root"]), text[len(workspace_root) :], path)
    if base and (text.startswith(("/Volumes/", "/FileStore", "/tmp/", "/mnt/")) or path.startswith("dbfs:")):
        return _inside(Path(base), text, path)
    return Path(text)


def _inside(base: Path, rest: str, shown: str) -> Path:
    found = (base / rest.lstrip("/")).resolve()
    if not found.is_relative_to(base.resolve()):
        raise PermissionError(f"{shown} leads out of {base}")
    return found


class Secrets:
    """Values come from environment variables that bundlekit.yml names; the output shows [REDACTED]."""

    def __init__(self, stage: Stage) -> None:
        self._scopes: dict[str, dict[str, str]] = stage.context.get("secrets") or {}

    def get(self, scope: str, key: str) -> str:
        if scope not in self._scopes or key not in self._scopes[scope]:
            raise ValueError(
                f"no secret {scope}/{key}; "
                f"add to bundlekit.yml: secrets: {{{scope}: {{{key}: ENV_VARIABLE}}}}"
            )
        name = self._scopes[scope][key]
        value = os.environ.get(name)
        if value is None:
            raise ValueError(
                f"the secret {scope}/{key} is read from {name}, which is not set in the environment"
            )
        redact(value)
        return value

    def getBytes(self, scope: str, key: str) -> bytes:
        return self.get(scope, key).encode()

    def list(self, scope: str) -> list[SecretMetadata]:
        return [SecretMetadata(key) for key in sorted(self._scopes.get(scope, {}))]

    def listScopes(self) -> Any:
        return [SecretScope(name) for name in sorted(self._scopes)]


class SecretMetadata(NamedTuple):
    key: str


class SecretScope(NamedTuple):
    name: str

    def getName(self) -> str:
        return self.name


_SECRET_VALUES: set[str] = set()


def redact(value: str) -> None:
    """From now on, results and the executed notebook show `[REDACTED]` for this value (log: `Attempt`)."""
    if len(value) >= 2:
        _SECRET_VALUES.add(value)


def redacted(value: Any) -> Any:
    """A JSON-able value without secrets."""
    if not _SECRET_VALUES:
        return value
    if isinstance(value, str):
        for secret in sorted(_SECRET_VALUES, key=len, reverse=True):
            value = value.replace(secret, "[REDACTED]")
        return value
    if isinstance(value, dict):
        return {key: redacted(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [redacted(entry) for entry in value]
    return value


class PythonRestart(BaseException):
    """`dbutils.library.restartPython`: the notebook goes on with an empty namespace."""


class Library:
    def restartPython(self) -> None:
        """Ends the cell; the next one finds no variables, and imports anew what `%pip` has installed."""
        raise PythonRestart

    def installPyPI(self, *_: Any, **__: Any) -> None:
        raise NotImplementedError("dbutils.library.installPyPI is retired; use %pip install")
