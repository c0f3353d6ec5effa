"""Follow a run through the port and print it: a live view on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from bundlekit.run.preflight import Planned

ENDED = ("TERMINATED", "SKIPPED", "INTERNAL_ERROR")
_MARKS = {
    "SUCCESS": "✓", "FAILED": "✗", "TIMEDOUT": "✗", "CANCELED": "⊘", "EXCLUDED": "–", "UPSTREAM_FAILED": "–",
    "UPSTREAM_CANCELED": "–",
}  # fmt: skip
_COLOURS = {"✓": "green", "✗": "red", "⊘": "yellow", "–": "bright_black", "●": "cyan"}


def support_table(tasks: Sequence[Planned], stream: TextIO) -> list[str]:
    """Print how each task will run; the labels of unsupported tasks."""
    rows = [
        (task.label, task.support.kind.removesuffix("_task") or "?", task.support.level, task.support.note)
        for task in tasks
    ]
    widths = [max(len(row[i]) for row in [("Task", "Type", "Support", ""), *rows]) for i in range(3)]
    for row in [("Task", "Type", "Support", ""), *rows]:
        padded = [f"{text:<{width}}" for text, width in zip(row, widths, strict=False)]
        stream.write("  ".join([*padded, row[3]]).rstrip() + "\n")
    stream.write("\n")
    stream.flush()
    return [row[0] for row in rows if row[2] == "unsupported"]


def flat_tasks(record: dict[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    """(depth, task record) of all tasks and iterations."""
    for task in record.get("tasks") or []:
        yield 0, task
        for iteration in (task.get("for_each_task") or {}).get("iterations") or []:
            yield 1, iteration


def state_word(task: dict[str, Any]) -> str:
    state = task["state"]
    if task.get("bundlekit_retry_at") and state.get("life_cycle_state") == "TERMINATED":
        return "RETRY"
    return str(state.get("result_state") or state.get("life_cycle_state"))


def seconds(task: dict[str, Any]) -> float:
    start = task.get("start_time")
    if not start:
        return 0.0
    return float(((task.get("end_time") or time.time() * 1000) - start) / 1000)


class PlainView:
    """One line per change, with the time since the run began."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.seen: dict[str, tuple[Any, ...]] = {}

    def show(self, record: dict[str, Any]) -> None:
        began = record["start_time"] / 1000
        for depth, task in flat_tasks(record):
            word = state_word(task)
            key = (word, task.get("attempt_number"))
            if self.seen.get(task["task_key"]) == key or word == "BLOCKED":
                continue
            self.seen[task["task_key"]] = key
            text = f"{'  ' * depth}{task['task_key']} {word}"
            attempt = task.get("attempt_number") or 0
            if attempt:
                text += f" (attempt {attempt + 1})"
            if task["state"].get("life_cycle_state") in ENDED and task.get("start_time"):
                text += f" {seconds(task):.1f} s"
            message = task["state"].get("state_message")
            if message:
                text += f"  {message.splitlines()[0][:160]}"
            self.stream.write(f"{time.time() - began:7.1f}s  {text}\n")
        self.stream.flush()

    def close(self) -> None:
        pass


class LiveView:
    """A table that is redrawn, with each running task's last line of output."""

    def __init__(self, stream: TextIO, last_lines: Callable[[], dict[int, str]]) -> None:
        from rich.console import Console
        from rich.live import Live

        self.last_lines = last_lines
        self.record: dict[str, Any] = {}
        self.console = Console(file=stream)
        self.live = Live(
            console=self.console, refresh_per_second=8, get_renderable=self._table, transient=True
        )
        self.live.start()

    def _table(self) -> Any:
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False)
        for name in ("", "Task", "State", "Time", "Try", "Last output"):
            table.add_column(
                name, no_wrap=True, overflow="ellipsis", ratio=1 if name == "Last output" else None
            )
        lines = self.last_lines()
        for depth, task in flat_tasks(self.record):
            word = state_word(task)
            mark = _MARKS.get(word, "●" if word in ("RUNNING", "RETRY") else "·")
            took = f"{seconds(task):.1f} s" if task.get("start_time") else ""
            tries = str((task.get("attempt_number") or 0) + 1) if task.get("start_time") else ""
            table.add_row(
                Text(mark, style=_COLOURS.get(mark, "")), "  " * depth + task["task_key"], word, took, tries,
                Text(lines.get(task["run_id"], "") or task["state"].get("state_message", ""), style="bright_black"),
            )  # fmt: skip
        return table

    def show(self, record: dict[str, Any]) -> None:
        self.record = record

    def close(self) -> None:
        self.live.stop()


def make_view(stream: TextIO, last_lines: Callable[[], dict[int, str]]) -> PlainView | LiveView:
    """Live on a terminal."""
    return LiveView(stream, last_lines) if stream.isatty() else PlainView(stream)


def print_summary(
    record: dict[str, Any], outputs: dict[int, dict[str, Any]], stream: TextIO, folder: Path | None
) -> None:
    """Result, time, and for failed tasks the error with the user's part of the traceback."""
    import click

    state = record["state"]
    result = str(state.get("result_state") or state["life_cycle_state"])
    for depth, task in flat_tasks(record):
        word = state_word(task)
        mark = _MARKS.get(word, "·")
        attempt = task.get("attempt_number") or 0
        line = f"{'  ' * depth}{mark} {task['task_key']}  {word}"
        if task.get("start_time"):
            line += f"  {seconds(task):.1f} s"
        if attempt:
            line += f"  ({attempt + 1} attempts)"
        click.echo(click.style(line, fg=_COLOURS.get(mark)), file=stream)
    stream.write("\n")
    for _, task in flat_tasks(record):
        if state_word(task) in ("FAILED", "TIMEDOUT"):
            output = outputs.get(task["run_id"], {})
            click.echo(
                click.style(f"{task['task_key']} failed: ", fg="red", bold=True)
                + (output.get("error") or ""),
                file=stream,
            )
            trace = output.get("error_trace")
            if trace:
                stream.write("\n".join("  " + line for line in trace.splitlines()) + "\n")
            if task.get("bundlekit_log"):
                stream.write(f"  log: {_short(task['bundlekit_log'])}\n")
            if task.get("bundlekit_html"):
                stream.write(f"  executed notebook: {_short(task['bundlekit_html'])}\n")
            stream.write("\n")
    _print_stubbed(record, stream)
    took = (record.get("end_time", record["start_time"]) - record["start_time"]) / 1000
    colour = "green" if result.startswith("SUCCESS") else "red"
    message = f": {state['state_message']}" if state.get("state_message") else ""
    click.echo(click.style(f"{result}", fg=colour, bold=True) + f" in {took:.1f} s{message}", file=stream)
    if folder is not None:
        stream.write(f"Logs and executed notebooks: {_short(folder)}\n")


def _print_stubbed(record: dict[str, Any], stream: TextIO) -> None:
    """The statements that a local run accepts without effect, by task."""
    found = [
        (task["task_key"], " ".join(entry["statement"].split()))
        for _, task in flat_tasks(record)
        for entry in task.get("bundlekit_stubbed") or []
    ]
    if not found:
        return
    stream.write("Accepted without effect (they only mean something in a workspace):\n")
    for key, statement in found[:_STUBBED_LINES]:
        stream.write(f"  {key}: {statement[:160]}\n")
    if len(found) > _STUBBED_LINES:
        stream.write(f"  … and {len(found) - _STUBBED_LINES} more, see -o json\n")
    stream.write("\n")


_STUBBED_LINES = 20


def _short(path: Any) -> str:
    found = Path(path)
    try:
        return str(found.relative_to(Path.cwd()))
    except ValueError:
        return str(found)


def print_outputs(
    record: dict[str, Any], outputs: dict[int, dict[str, Any]], stream: TextIO | None = None
) -> None:
    """What the tasks gave back, on stdout: one output as it is, several below their task's name."""
    target = stream or sys.stdout
    found: list[tuple[int, str, str]] = []
    for _, task in flat_tasks(record):
        text = output_text(outputs.get(task["run_id"], {}))
        if text:
            found.append((task.get("end_time") or 0, task["task_key"], text))
    found.sort(key=lambda item: item[0])
    if len(found) == 1:
        target.write(found[0][2].rstrip("\n") + "\n")
    elif found:
        target.write("Output:\n")
        for _, key, text in found:
            target.write(f"=======\nTask {key}:\n{text.rstrip()}\n")
    target.flush()


def output_text(output: dict[str, Any]) -> str:
    """A task's output: its exit value, its table, or what it printed."""
    if "notebook_output" in output:
        return str(output["notebook_output"].get("result") or "")
    table = (output.get("sql_output") or {}).get("query_output")
    if table:
        from bundlekit.report.table import render_table

        return render_table([column["name"] for column in table["schema"]], table["rows"])
    return ""
