"""A finished run as JSON: what `jobs/runs/get` gives, and each task's output."""

from __future__ import annotations

from typing import Any

from bundlekit.run.follow import flat_tasks, output_text


def run_json(record: dict[str, Any], outputs: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """The run's record plus `task_outputs: [{TaskKey, Output, EndTime}]`, ordered by end time."""
    shown = {key: value for key, value in record.items() if key != "bundlekit_pid"}
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
        if output.get("bundlekit_stubbed"):
            entry["Stubbed"] = output["bundlekit_stubbed"]
        if text or output.get("error") or output.get("bundlekit_stubbed"):
            found.append(entry)
    shown["task_outputs"] = sorted(found, key=lambda entry: int(entry["EndTime"] or 0))
    return shown
