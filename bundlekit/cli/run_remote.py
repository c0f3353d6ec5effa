"""`bundlekit run` against a workspace: start what was deployed, follow it, print its outputs."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import click

from bundlekit.bundle import Bundle
from bundlekit.cli.options import Globals
from bundlekit.diagnostics import BundlekitError
from bundlekit.plan.state import State
from bundlekit.workspace.port import Workspace


def run_remote(
    bundle: Bundle, found: Globals, name: str, arguments: tuple[str, ...], flags: dict[str, Any]
) -> None:
    """Run a job or pipeline of the state. Raises BundlekitError when it is not deployed."""
    from bundlekit.deploy.session import open_session
    from bundlekit.workspace.connect import connect

    workspace = connect(bundle, found.backend, found.profile)
    try:
        state = open_session(bundle, workspace).state.state
        if name.startswith("pipelines."):
            _run_pipeline(workspace, _identity(state, name), flags, found)
        elif name in bundle.resources("jobs"):
            _run_job(bundle, workspace, _identity(state, f"jobs.{name}"), arguments, flags, found)
        else:
            raise BundlekitError(
                f"{name}: only jobs and pipelines can be run", "open it with: bundlekit open"
            )
    finally:
        workspace.close()


def _identity(state: State, name: str) -> str:
    identity = state.identity(f"resources.{name}")
    if not identity:
        raise BundlekitError(f"{name} is not deployed", "bundlekit deploy")
    return identity


def _run_job(
    bundle: Bundle, workspace: Workspace, identity: str, arguments: tuple[str, ...], flags: dict[str, Any],
    found: Globals,
) -> None:  # fmt: skip
    from bundlekit.cli.run import task_parameters
    from bundlekit.run.follow import PlainView, flat_tasks, output_text, print_outputs, print_summary
    from bundlekit.run.request import build_request, pairs, split_commas

    settings = workspace.do("GET", "/api/2.2/jobs/get", {"job_id": identity})["settings"]
    request = build_request(
        settings,
        parameters=pairs(flags["params"], "params"),
        only=[part for text in flags["only"] for part in split_commas(text)],
        task_parameters=task_parameters(flags),
        arguments=arguments,
    )
    if flags["restart"]:
        query = {"job_id": identity, "active_only": "true"}
        for run in workspace.do("GET", "/api/2.2/jobs/runs/list", query).get("runs", []):
            workspace.do("POST", "/api/2.2/jobs/runs/cancel", None, {"run_id": run["run_id"]})
    run_id = int(
        workspace.do("POST", "/api/2.2/jobs/run-now", None, {"job_id": int(identity), **request})["run_id"]
    )
    click.echo(f"Run URL: {workspace.host}/#job/{identity}/run/{run_id}", err=True)
    if flags["no_wait"]:
        return
    view = PlainView(sys.stderr)
    record: dict[str, Any] = {}
    for record in workspace.watch(run_id):
        view.show(record)
    outputs: dict[int, dict[str, Any]] = {}
    for _, task in flat_tasks(record):
        if task.get("start_time") and any(task.get(kind) for kind in _WITH_OUTPUT):
            outputs[task["run_id"]] = workspace.do(
                "GET", "/api/2.2/jobs/runs/get-output", {"run_id": task["run_id"]}
            )
    print_summary(record, outputs, sys.stderr, None)
    state = record["state"]
    if str(state.get("result_state", "")).startswith("SUCCESS"):
        if found.output == "json":
            entries = [
                {
                    "TaskKey": task["task_key"],
                    "Output": output_text(outputs[task["run_id"]]),
                    "EndTime": task.get("end_time", 0),
                }
                for _, task in flat_tasks(record)
                if output_text(outputs.get(task["run_id"], {}))
            ]
            sys.stdout.write(json.dumps({"task_outputs": entries}, indent=2) + "\n")
        else:
            print_outputs(record, outputs)
        return
    if (
        state.get("result_state") in ("FAILED", "CANCELED", "TIMEDOUT")
        or state["life_cycle_state"] != "TERMINATED"
    ):
        raise click.exceptions.Exit(1)


_WITH_OUTPUT = (
    "notebook_task", "spark_python_task", "python_wheel_task", "sql_task", "dbt_task", "run_job_task", "spark_jar_task",
)  # fmt: skip


def _run_pipeline(workspace: Workspace, identity: str, flags: dict[str, Any], found: Globals) -> None:
    chosen = [f for f in ("refresh_all", "full_refresh_all", "validate_only") if flags.get(f)]
    if len(chosen) > 1:
        names = ", ".join("--" + name.replace("_", "-") for name in chosen)
        raise BundlekitError(f"{names} pipeline run flags are mutually exclusive")
    body: dict[str, Any] = {}
    if flags.get("full_refresh_all"):
        body["full_refresh"] = True
    if flags.get("validate_only"):
        body["validate_only"] = True
    for flag, field in (("refresh", "refresh_selection"), ("full_refresh", "full_refresh_selection")):
        if flags.get(flag):
            body[field] = [part for text in flags[flag] for part in text.split(",")]
    if flags["restart"]:
        workspace.do("POST", f"/api/2.0/pipelines/{identity}/stop", None, None)
        while workspace.do("GET", f"/api/2.0/pipelines/{identity}").get("state") not in (
            "IDLE",
            "FAILED",
            None,
        ):
            time.sleep(0.2)
    update = workspace.do("POST", f"/api/2.0/pipelines/{identity}/updates", None, body)["update_id"]
    click.echo(f"Update URL: {workspace.host}/#joblist/pipelines/{identity}/updates/{update}", err=True)
    if found.output == "json":
        sys.stdout.write(json.dumps({"update_id": update}, indent=2) + "\n")
    else:
        sys.stdout.write(f"Update ID: {update}\n")
    if flags["no_wait"]:
        return
    while True:
        state = (
            workspace.do("GET", f"/api/2.0/pipelines/{identity}/updates/{update}")
            .get("update", {})
            .get("state")
        )
        if state in ("COMPLETED", "FAILED", "CANCELED", None):
            break
        time.sleep(1.0)
    if state in ("FAILED", "CANCELED"):
        raise BundlekitError(f"the update ended with {state}")
