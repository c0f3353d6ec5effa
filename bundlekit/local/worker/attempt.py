"""One attempt in its own process: set the stage, run the user's code, write `result.json`.

Kinds: notebook, python_file, python_wheel, sql_file, sql_text. Tracebacks show the user's frames only.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import sys
import sysconfig
import threading
import traceback
from pathlib import Path
from typing import Any

from bundlekit.local.worker import NO_RESULT
from bundlekit.local.worker.dbutils import DBUtils, NotebookExit, redacted
from bundlekit.local.worker.modules import install_modules
from bundlekit.local.worker.spark import LazySpark, install_spark_hooks

_OURS = str(Path(__file__).resolve().parents[2])


class Stage:
    """What user code finds: `spark`, `dbutils`, paths, parameters, and where results are collected."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec = spec
        self.context: dict[str, Any] = spec.get("context") or {}
        self.folder = Path(spec["folder"])
        self.task_values: dict[str, Any] = {}
        self.notes: list[str] = []
        self.sources: dict[str, str] = spec.get("source_map") or {}
        self.exit_value: str | None = None
        self.table: dict[str, Any] | None = None
        self.spark = LazySpark(spec.get("engine", "none"))
        self.dbutils = DBUtils(self)


def run(spec: dict[str, Any]) -> int:
    """Run the attempt that a spec (see `AttemptSpec`) describes; the process's exit code."""
    stage = Stage(spec)
    _set_stage(spec)
    if spec.get("engine", "none") != "none":
        install_spark_hooks()
    install_modules(stage)
    result: dict[str, Any] = {"status": "success"}
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        _KINDS[spec["kind"]](stage)
    except NotebookExit as stop:
        stage.exit_value = stop.value
    except SystemExit as stop:
        if stop.code not in (None, 0):
            text = f"exit code {stop.code}" if isinstance(stop.code, int) else str(stop.code)
            trace = user_traceback(stop, stage.sources)
            result = {"status": "failed", "error": f"SystemExit: {text}", "traceback": trace}
    except BaseException as error:
        result = failure(error, stage.sources)
        # The task may have closed its streams.
        with contextlib.suppress(Exception):
            print(result["traceback"] or result["error"], file=sys.stderr)
    # As at a normal exit, threads that are no daemons are waited for.
    with contextlib.suppress(Exception):
        threading._shutdown()  # type: ignore[attr-defined]
    result.update(exit_value=stage.exit_value, table=stage.table)
    result = redacted(result)
    # Task values are data for other tasks, as in the service: they stay what they are.
    result.update(task_values=stage.task_values, notes=stage.notes)
    try:
        _write(stage.folder / "result.json", result)
    except OSError as error:
        with contextlib.suppress(Exception):
            print(f"bundlekit: the result of the task cannot be written: {error}", file=sys.stderr)
        return NO_RESULT
    with contextlib.suppress(BaseException):
        atexit._run_exitfuncs()
    return 0 if result["status"] == "success" else 1


def _write(path: Path, result: dict[str, Any]) -> None:
    temp = path.with_suffix(".tmp")
    temp.write_text(json.dumps(result), encoding="utf-8")
    temp.replace(path)


def failure(error: BaseException, sources: dict[str, str]) -> dict[str, Any]:
    """`status`, a one-line `error` and the user's part of the traceback."""
    try:
        last = traceback.format_exception_only(error)[-1].strip()
    except Exception:
        last = type(error).__name__
    return {"status": "failed", "error": last[:2000], "traceback": user_traceback(error, sources)}


def user_traceback(error: BaseException, sources: dict[str, str], depth: int = 0) -> str:
    """The traceback with the user's frames only, named by the user's own files (`sources`: source_map)."""
    parts: list[str] = []
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None and not isinstance(cause, NotebookExit) and depth < 20:
        parts.append(user_traceback(cause, sources, depth + 1))
        link = "direct cause of" if error.__cause__ else "reason for handling, which raised,"
        parts.append(f"The above exception was the {link} the following one:\n")
    if isinstance(error, SyntaxError) and error.filename:
        error.filename = user_file(error.filename, sources)
    frames = [
        traceback.FrameSummary(user_file(f.filename, sources), f.lineno, f.name, line=f.line)
        for f in _shown(traceback.extract_tb(error.__traceback__))
    ]
    text = "Traceback (most recent call last):\n" if frames else ""
    # StackSummary folds repeated frames of a deep recursion.
    text += "".join(traceback.StackSummary.from_list(frames).format())
    text += "".join(traceback.format_exception_only(error))
    return "\n".join([*parts, text]).rstrip()


def _shown(frames: traceback.StackSummary) -> list[traceback.FrameSummary]:
    """The user's frames; those of libraries only where there are no others."""
    outer = [frame for frame in frames if not _is_hidden(frame.filename)]
    paths = sysconfig.get_paths()
    libraries = tuple(paths[name] + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib"))
    return [frame for frame in outer if not frame.filename.startswith(libraries)] or outer


def user_file(name: str, sources: dict[str, str]) -> str:
    """The user's own file for a materialised one."""
    for prefix in sorted(sources, key=len, reverse=True):
        if name.startswith(prefix.rstrip("/") + "/"):
            return sources[prefix].rstrip("/") + name[len(prefix.rstrip("/")) :]
    return name


def _is_hidden(filename: str) -> bool:
    inner = f"{os.sep}IPython{os.sep}" in filename or filename.endswith(f"{os.sep}runpy.py")
    return inner or filename.startswith((_OURS, "<frozen"))


def _set_stage(spec: dict[str, Any]) -> None:
    os.environ.update(spec.get("environment") or {})
    os.environ.setdefault("DATABRICKS_RUNTIME_VERSION", "bundlekit-local")
    root = spec.get("root") or ""
    path = spec.get("path") or ""
    folders = [*spec.get("search_path", ()), str(Path(path).parent) if path else "", root]
    sys.path[:0] = [folder for folder in folders if folder]
    place = str(Path(path).parent) if path else root
    if place and Path(place).is_dir():
        os.chdir(place)


def namespace(stage: Stage) -> dict[str, Any]:
    """The names that Databricks puts into every notebook and Python task."""
    from bundlekit.local.worker.display import display, display_html

    return {
        "spark": stage.spark,
        "dbutils": stage.dbutils,
        "display": display,
        "displayHTML": display_html,
        "sc": stage.spark.context_proxy(),
    }


def _python_file(stage: Stage) -> None:
    import runpy

    path = stage.spec["path"]
    sys.argv = [path, *map(str, stage.spec.get("parameters") or [])]
    runpy.run_path(path, init_globals=namespace(stage), run_name="__main__")


def _python_wheel(stage: Stage) -> None:
    """The entry point of the package's metadata, else the function `entry_point` of the package itself."""
    import builtins
    from importlib import import_module, metadata

    spec = stage.spec
    package, name = spec["package_name"], spec["entry_point"]
    parameters = spec.get("parameters") or []
    if isinstance(parameters, dict):
        parameters = [f"--{key}={value}" for key, value in parameters.items()]
    sys.argv = [package, *map(str, parameters)]
    for key, value in namespace(stage).items():
        setattr(builtins, key, value)
    try:
        distribution = metadata.distribution(package)
    except metadata.PackageNotFoundError:
        distribution = None
    found = next((e for e in (distribution.entry_points if distribution else ()) if e.name == name), None)
    if found is not None:
        function = found.load()
    else:
        module = import_module(package.replace("-", "_"))
        function = getattr(module, name, None)
        if function is None:
            known = [e.name for e in (distribution.entry_points if distribution else ())]
            raise RuntimeError(f"{package} has no entry point or function {name!r}; entry points: {known}")
    value = function()
    if isinstance(value, int) and value:
        raise SystemExit(value)


def _sql(stage: Stage) -> None:
    from bundlekit.local.worker.sql_task import run_statements

    spec = stage.spec
    text = spec.get("text") or Path(spec["path"]).read_text(encoding="utf-8")
    stage.table = run_statements(stage.spark, text, spec.get("parameters") or {})


def _notebook(stage: Stage) -> None:
    from bundlekit.local.worker.notebook import run_notebook

    run_notebook(stage)


_KINDS = {
    "python_file": _python_file,
    "python_wheel": _python_wheel,
    "sql_file": _sql,
    "sql_text": _sql,
    "notebook": _notebook,
}
