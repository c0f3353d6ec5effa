"""A finished run as JSON: what `jobs/runs/get` gives, and each task's output."""

from __future__ import annotations

from typing import Any

from bundlekit.run.follow import flat_tasks, output_text
from bundlekit.workspace.port import Workspace


def read_run(workspace: Workspace, run_id: int) -> dict[str, Any]:
    """A run as `jobs/runs/get` gives it, the pages of its tasks joined."""
    record = workspace.do("GET", "/api/2.2/jobs/runs/get", {"run_id": run_id})
    token = record.pop("next_page_token", None)
    while token:
        page = workspace.do("GET", "/api/2.2/jobs/runs/get", {"run_id": run_id, "page_token": token})
        record["tasks"] += page.get("tasks") or []
        token = page.get("next_page_token")
    return record


def run_json(record: dict[str, Any], outputs: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """The run's record plus `task_outputs: [{TaskKey, Output, EndTime}]`, ordered by end time.

    Failed ones also have Error and ErrorTrace; `Stubbed` lists the statements that were accepted without effect.
    """
    shown = dict(record)
    found = []
    for _, task in flat_tasks(record):
        output = outputs.get(task["run_id"], {})
        text = output_text(output)
        entry: dict[str, Any] = {
            "TaskKey": task["task_key"],
            "Output": text,
            "EndTime": task.get("end_time", 0),
        }
        if output.get("error"):
            entry["Error"] = output["error"]
            entry["ErrorTrace"] = output.get("error_trace", "")
        if task.get("bundlekit_stubbed"):
            entry["Stubbed"] = task["bundlekit_stubbed"]
        if text or output.get("error") or task.get("bundlekit_stubbed"):
            found.append(entry)
    shown["task_outputs"] = sorted(found, key=lambda entry: int(entry["EndTime"] or 0))
    return shown
