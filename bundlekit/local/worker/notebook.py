"""Notebooks in IPython's shell: sources `.py`, `.sql`, `.ipynb`; magics; the executed notebook is kept.

Cells are compiled under the user's file name, at the file's own line numbers, so tracebacks point there.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import json
import linecache
import re
import signal
import sys
import threading
import time
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bundlekit.local.worker.dbutils import DBUtils, NotebookExit, PythonRestart, local_path, redacted

if TYPE_CHECKING:
    from bundlekit.local.worker.attempt import Stage

_SEPARATOR = {".py": "# COMMAND ----------", ".sql": "-- COMMAND ----------"}
_COMMENT = {".py": "#", ".sql": "--"}
_SUFFIXES = (".py", ".sql", ".ipynb")
_CELL_MAGICS = {"sql", "md", "sh", "python", "fs", "scala", "r"}


@dataclass(slots=True)
class Cell:
    """Code or markdown with the line (from 1) at which its text begins in the file."""

    source: str
    line: int = 1
    markdown: bool = False
    outputs: list[dict[str, Any]] = field(default_factory=list)
    name: str = ""


def read_cells(path: Path) -> list[Cell]:
    """The cells of a notebook file. Raises ValueError for a broken one."""
    text = path.read_text(encoding="utf-8-sig")
    if path.suffix == ".ipynb":
        return _ipynb_cells(text, path)
    separator, comment = _SEPARATOR[path.suffix], _COMMENT[path.suffix]
    cells: list[Cell] = []
    lines: list[str] = []
    start = 1
    for number, line in enumerate([*text.splitlines(), separator], 1):
        if line.rstrip() == separator:
            cell = _source_cell(lines, start, comment, path.suffix)
            if cell is not None:
                cells.append(cell)
            lines, start = [], number + 1
        elif number == 1 and "Databricks notebook source" in line:
            start = 2
        else:
            lines.append(line)
    return cells


def _source_cell(lines: list[str], start: int, comment: str, suffix: str) -> Cell | None:
    while lines and not lines[0].strip():
        lines, start = lines[1:], start + 1
    while lines and lines[0].startswith(f"{comment} DBTITLE"):
        lines, start = lines[1:], start + 1
    if not any(line.strip() for line in lines):
        return None
    magic = f"{comment} MAGIC"
    if lines[0].startswith(magic):
        plain = [line[len(magic) :].removeprefix(" ") if line.startswith(magic) else line for line in lines]
        return _magic_cell(plain, start)
    source = "\n".join(lines)
    if suffix == ".sql":
        return Cell("%%sql\n" + source, start - 1)
    return Cell(source, start)


def _magic_cell(lines: list[str], start: int) -> Cell:
    match = re.match(r"%(\w+)\s*(.*)", lines[0])
    if match is None:
        return Cell("\n".join(lines), start)
    name, rest = match.groups()
    body = "\n".join(lines[1:])
    if name == "md":
        return Cell((rest + "\n" + body).strip(), start, markdown=True)
    if name == "python":
        return Cell(f"{rest}\n{body}" if rest else "\n" + body, start)
    if name == "sh" and rest.split()[:1] == ["-e"]:
        return Cell(f"%%sh -e\n{rest.split('-e', 1)[1].strip()}\n{body}", start)
    if name in _CELL_MAGICS:
        return Cell(f"%%{name}\n{rest}\n{body}" if rest else f"%%{name}\n{body}", start)
    return Cell("\n".join(lines), start)


def _ipynb_cells(text: str, path: Path) -> list[Cell]:
    try:
        raw = json.loads(text)["cells"]
        cells = []
        for index, entry in enumerate(raw, 1):
            source = entry.get("source", "")
            source = "".join(source) if isinstance(source, list) else str(source)
            if entry.get("cell_type") == "markdown":
                cells.append(Cell(source, 1, markdown=True))
            elif entry.get("cell_type") == "code" and source.strip():
                lines = source.split("\n")
                cell = (
                    _magic_cell(lines, 1)
                    if re.match(r"%(?!%)(sql|md|sh|python|fs|scala|r)\b", source)
                    else Cell(source)
                )
                cell.name = f"{path}#cell{index}"
                cells.append(cell)
        return cells
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is not a notebook: {error}") from error


def preload() -> None:
    """Import and make the shell, in the fork server, so that children find it ready."""
    _shell()


_SHELL: Any = None


def _shell() -> Any:
    """IPython's shell without history, colours and banner; made once per process."""
    global _SHELL  # noqa: PLW0603
    if _SHELL is None:
        import os

        os.environ.setdefault("IPYTHONDIR", "/nonexistent-ipython")
        from IPython.core.interactiveshell import InteractiveShell
        from traitlets.config import Config

        config = Config()
        config.HistoryManager.enabled = False
        config.HistoryAccessor.enabled = False
        config.InteractiveShell.colors = "nocolor"
        config.InteractiveShell.color_info = False
        config.InteractiveShell.xmode = "Plain"
        config.InteractiveShell.autocall = 0
        config.InteractiveShell.cache_size = 0
        with contextlib.redirect_stderr(None):
            _SHELL = InteractiveShell.instance(config=config)
        _SHELL.ast_node_interactivity = "last_expr"
    return _SHELL


def find_notebook(stage: Stage, path: str, base: Path) -> Path:
    """A notebook named relatively, or by its workspace path, without or with extension."""
    target = local_path(path, stage) if path.startswith("/") else base / path
    for candidate in [target, *(target.with_name(target.name + suffix) for suffix in _SUFFIXES)]:
        if candidate.is_file():
            return candidate.resolve()
    raise FileNotFoundError(f"no notebook {path} (looked for {target} with {', '.join(_SUFFIXES)})")


def _nothing() -> None:
    pass


class Runner:
    """Runs one notebook, and by `%run` others in the same namespace."""

    def __init__(self, stage: Stage, path: Path, dbutils: DBUtils) -> None:
        self.stage = stage
        self.path = path
        self.dbutils = dbutils
        self.cells: list[Cell] = []
        self.running: list[Path] = []
        self.after_cell: Callable[[], None] = _nothing

    def run(self, names: dict[str, Any]) -> None:
        """Run all cells. Raises what the user's code raised."""
        shell = _shell()
        outer_names, outer_module, outer_main = shell.user_ns, shell.user_module, sys.modules.get("__main__")
        self.initial = {"get_ipython": shell.get_ipython, **names}
        module = types.ModuleType("__main__")
        module.__dict__.update(self.initial)
        # One dictionary for the cells and for `__main__`, so that pickle finds what cells define.
        shell.user_module, shell.user_ns = module, module.__dict__
        sys.modules["__main__"] = module
        self._register_magics(shell)
        try:
            self.run_file(self.path, keep=True)
        finally:
            self.after_cell()
            shell.user_module, shell.user_ns = outer_module, outer_names
            if outer_main is not None:
                sys.modules["__main__"] = outer_main

    def restart(self) -> None:
        """What `restartPython` leaves: the initial names, and no modules of the user's or of `%pip`."""
        names = _shell().user_ns
        names.clear()
        names.update({**vars(types.ModuleType("__main__")), "__builtins__": __builtins__, **self.initial})
        spec = self.stage.spec
        folders = [str(self.stage.folder), spec.get("root") or "", *spec.get("search_path", ())]
        installed = self.stage.folder / "site-packages"
        fresh = {entry.name.removesuffix(".py") for entry in installed.glob("*")}
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None) or ""
            ours = any(folder and file.startswith(folder) for folder in folders)
            if name != "__main__" and (ours or name.partition(".")[0] in fresh):
                del sys.modules[name]
        importlib.invalidate_caches()

    def run_file(self, path: Path, *, keep: bool = False) -> None:
        if path in self.running:
            chain = " → ".join(p.name for p in [*self.running, path])
            raise RecursionError(f"%run goes in a circle: {chain}")
        self.running.append(path)
        cells = read_cells(path)
        if keep:
            self.cells = cells
        try:
            for cell in cells:
                if not cell.markdown:
                    self._run_cell(cell, path, keep=keep)
                    self.after_cell()
        finally:
            self.running.pop()

    def _run_cell(self, cell: Cell, path: Path, *, keep: bool) -> None:
        shell = _shell()
        offset = max(0, cell.line - 1)
        file_name = cell.name or str(path)
        shell.compile.get_code_name = lambda *_: file_name
        shell.compile.ast_parse = partial(_parse_at, type(shell.compile).ast_parse, shell.compile, offset)
        shell.showtraceback = lambda *_, **__: None
        shell.showsyntaxerror = lambda *_, **__: None
        capture = _Capture(cell) if keep else contextlib.nullcontext()
        try:
            with capture:
                result = shell.run_cell(cell.source, store_history=False, silent=False)
        finally:
            linecache.cache.pop(file_name, None)
            if cell.name:
                lines = [line + "\n" for line in cell.source.split("\n")]
                linecache.cache[file_name] = (len(cell.source), None, lines, file_name)
        error = result.error_before_exec or result.error_in_exec
        if isinstance(error, PythonRestart):
            self.restart()
            return
        if error is not None:
            if keep and not isinstance(error, NotebookExit):
                from bundlekit.local.worker.attempt import user_traceback

                trace = user_traceback(error, self.stage.sources).splitlines()
                cell.outputs.append(
                    {
                        "output_type": "error",
                        "ename": type(error).__name__,
                        "evalue": str(error),
                        "traceback": trace,
                    }
                )
            raise error

    def _register_magics(self, shell: Any) -> None:
        from bundlekit.local.worker.magics import register

        register(shell, self)


def _parse_at(parse: Any, compiler: Any, offset: int, source: str, *args: Any, **named: Any) -> Any:
    """Parse a cell as if it stood at its place in the file, so that line numbers are the file's."""
    try:
        return ast.increment_lineno(parse(compiler, source, *args, **named), offset)
    except SyntaxError as error:
        if error.lineno is not None:
            error.lineno += offset
        if error.end_lineno is not None:
            error.end_lineno += offset
        raise


class _Capture:
    """Collects what a cell shows, and lets it go to the log as well."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell

    def __enter__(self) -> None:
        shell = _shell()
        self.out, self.err = sys.stdout, sys.stderr
        sys.stdout = _Tee(self.out, self.cell, "stdout")
        sys.stderr = _Tee(self.err, self.cell, "stderr")
        self.publish = shell.display_pub.publish
        self.hook = shell.displayhook
        shell.display_pub.publish = self._publish

    def _publish(self, data: dict[str, Any], metadata: Any = None, **_: Any) -> None:
        self.cell.outputs.append(
            {"output_type": "display_data", "data": dict(data), "metadata": metadata or {}}
        )
        text = data.get("text/plain") or data.get("text/markdown") or data.get("text/html")
        if text:
            self.out.write(f"{text}\n")

    def __exit__(self, *_: object) -> None:
        sys.stdout, sys.stderr = self.out, self.err
        _shell().display_pub.publish = self.publish


class _Tee:
    def __init__(self, stream: Any, cell: Cell, name: str) -> None:
        self._stream, self._cell, self._name = stream, cell, name
        self._room = 1_000_000

    def write(self, text: str) -> int:
        outputs = self._cell.outputs
        if self._room > 0:
            self._room -= len(text)
            if outputs and outputs[-1].get("name") == self._name:
                outputs[-1]["text"] += text
            else:
                outputs.append({"output_type": "stream", "name": self._name, "text": text})
        return int(self._stream.write(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def run_notebook(stage: Stage) -> None:
    """The task's notebook; its executed form is kept in the attempt's folder after each cell."""
    from bundlekit.local.worker.attempt import namespace

    path = Path(stage.spec["path"])
    runner = Runner(stage, path, stage.dbutils)
    sys.argv = [str(path)]
    began, spent = time.monotonic(), 0.0

    def keep() -> None:
        # With many large outputs writing each time would cost more than the cells do.
        nonlocal spent
        start = time.monotonic()
        if spent < 0.3 or spent < (start - began) / 10:
            write_executed(stage.folder, path, runner.cells)
            spent += time.monotonic() - start

    runner.after_cell = keep
    try:
        runner.run({**namespace(stage), "__file__": str(path)})
    finally:
        write_executed(stage.folder, path, runner.cells)


def run_child(stage: Stage, path: str, timeout: int, arguments: dict[str, Any]) -> str:
    """`dbutils.notebook.run`: own namespace and widgets, the same process. Raises on failure and timeout."""
    from bundlekit.local.worker.attempt import namespace

    base = Path(stage.spec["path"]).parent
    found = find_notebook(stage, path, base)
    if threading.current_thread() is not threading.main_thread():
        # IPython's shell is one per process: notebooks in parallel get processes of their own.
        return _run_apart(stage, path, found, timeout, arguments)
    dbutils = DBUtils(stage, {str(k): v for k, v in arguments.items()})
    runner = Runner(stage, found, dbutils)
    shell = _shell()
    compile_name, outer_magics = shell.compile.get_code_name, shell.magics_manager.magics
    saved = {kind: dict(functions) for kind, functions in outer_magics.items()}

    def expired(*_: Any) -> None:
        raise TimeoutError(f"{path} ran longer than {timeout} s")

    previous = signal.signal(signal.SIGALRM, expired) if timeout else None
    if timeout:
        signal.alarm(int(timeout))
    try:
        runner.run({**namespace(stage), "dbutils": dbutils, "__file__": str(found)})
    except NotebookExit as stop:
        return stop.value
    except Exception as error:
        raise RuntimeError(f"the notebook {path} failed: {type(error).__name__}: {error}") from error
    finally:
        if timeout:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, previous)
        shell.compile.get_code_name = compile_name
        for kind, functions in saved.items():
            outer_magics[kind] = functions
    return ""


def _run_apart(stage: Stage, path: str, found: Path, timeout: int, arguments: dict[str, Any]) -> str:
    import subprocess
    import tempfile

    with tempfile.TemporaryDirectory(dir=stage.folder) as folder:
        parameters = {str(key): str(value) for key, value in arguments.items()}
        spec = {
            **stage.spec,
            "kind": "notebook",
            "path": str(found),
            "folder": folder,
            "parameters": parameters,
        }
        bootstrap = Path(__file__).with_name("bootstrap.py")
        try:
            subprocess.run(
                [sys.executable, "-I", "-u", str(bootstrap), "-"],
                input=json.dumps(spec), text=True, encoding="utf-8", timeout=timeout or None, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"{path} ran longer than {timeout} s") from None
        try:
            result = json.loads((Path(folder) / "result.json").read_bytes())
        except OSError:
            raise RuntimeError(f"the notebook {path} failed: its process has crashed") from None
    stage.task_values.update(result["task_values"])
    if result["status"] != "success":
        raise RuntimeError(f"the notebook {path} failed: {result['error']}")
    return result["exit_value"] or ""


def write_executed(folder: Path, path: Path, cells: list[Cell]) -> None:
    """`<name>.ipynb` with outputs, in nbformat 4."""
    entries: list[dict[str, Any]] = []
    for number, cell in enumerate(cells, 1):
        entry: dict[str, Any] = {
            "metadata": {},
            "source": cell.source.splitlines(keepends=True),
            "id": f"cell-{number}",
        }
        if cell.markdown:
            entry["cell_type"] = "markdown"
        else:
            entry.update(cell_type="code", execution_count=number, outputs=cell.outputs)
        entries.append(entry)
    notebook = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}, "source": path.name},
        "cells": entries,
    }
    with contextlib.suppress(OSError):
        temp = folder / "notebook.tmp"
        temp.write_text(json.dumps(redacted(notebook), indent=1, default=str), encoding="utf-8")
        temp.replace(folder / f"{path.stem}.ipynb")
