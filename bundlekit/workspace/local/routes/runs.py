"""Runs: run-now, runs/get, get-output, list, cancel, delete, export."""

from __future__ import annotations

from typing import Any

from bundlekit.workspace.local.context import Context
from bundlekit.workspace.local.router import Request, route
from bundlekit.workspace.local.routes.jobs import PAGE, find
from bundlekit.workspace.port import ApiError


def _record(context: Context, identity: Any) -> dict[str, Any]:
    try:
        return context.runs.record(int(identity))
    except (KeyError, ValueError, TypeError):
        raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Run {identity} does not exist.") from None


def _public(record: dict[str, Any]) -> dict[str, Any]:
    """Without the fields that only bundlekit's own views need."""
    shown = {key: value for key, value in record.items() if key not in ("bundlekit_pid", "bundlekit_details")}
    state = record["state"]
    life = (
        "TERMINATED"
        if state["life_cycle_state"] in ("TERMINATED", "SKIPPED", "INTERNAL_ERROR")
        else state["life_cycle_state"]
    )
    shown["status"] = {"state": life}
    return shown


@route("POST", "/api/2.x/jobs/run-now")
def run_now(context: Context, request: Request) -> Any:
    job = find(context, request.need("job_id"))
    token = request.fields().get("idempotency_token")
    if token:
        known = context.store.get("run_tokens", str(token))
        if known is not None:
            return known
    run_id = context.runs.run_now(job, request.fields())
    answer = {"run_id": run_id, "number_in_job": run_id}
    if token:
        context.store.put("run_tokens", str(token), answer)
    return answer


@route("GET", "/api/2.x/jobs/runs/get")
def get(context: Context, request: Request) -> Any:
    record = _public(_record(context, request.need("run_id")))
    start = request.number("page_token")
    tasks = record.get("tasks") or []
    if len(tasks) > PAGE:
        record["tasks"] = tasks[start : start + PAGE]
        if start + PAGE < len(tasks):
            record["next_page_token"] = str(start + PAGE)
    return record


@route("GET", "/api/2.x/jobs/runs/get-output")
def get_output(context: Context, request: Request) -> Any:
    request.need("run_id")
    identity = request.number("run_id")
    output = context.store.get("run_outputs", str(identity))
    for record in context.runs.all_runs():
        for task in _all_tasks(record):
            if task["run_id"] == identity:
                return {"metadata": {**task, "job_id": record["job_id"]}, **(output or {})}
        if record["run_id"] == identity:
            if len(record.get("tasks") or []) == 1:
                only = record["tasks"][0]["run_id"]
                return {"metadata": _public(record), **(context.store.get("run_outputs", str(only)) or {})}
            raise ApiError(
                400, "INVALID_PARAMETER_VALUE",
                "Retrieving the output of runs with multiple tasks is not supported; use the run id of a task.",
            )  # fmt: skip
    if output is not None:
        return {"metadata": {"run_id": identity}, **output}
    raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Run {identity} does not exist.")


def _all_tasks(record: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for task in record.get("tasks") or []:
        found.append(task)
        found += (task.get("for_each_task") or {}).get("iterations") or []
    return found


@route("GET", "/api/2.x/jobs/runs/list")
def list_runs(context: Context, request: Request) -> Any:
    query = request.query
    runs = context.runs.all_runs()
    if query.get("job_id"):
        runs = [run for run in runs if str(run["job_id"]) == str(query["job_id"])]
    ended = ("TERMINATED", "SKIPPED", "INTERNAL_ERROR")
    if query.get("active_only") == "true":
        runs = [run for run in runs if run["state"]["life_cycle_state"] not in ended]
    if query.get("completed_only") == "true":
        runs = [run for run in runs if run["state"]["life_cycle_state"] in ended]
    limit = max(1, min(request.number("limit", 20), 25))
    start = request.number("page_token", request.number("offset"))
    page = [_public(run) for run in runs[start : start + limit]]
    if query.get("expand_tasks") != "true":
        for run in page:
            run.pop("tasks", None)
    answer: dict[str, Any] = {"has_more": start + limit < len(runs)}
    if page:
        answer["runs"] = page
    if answer["has_more"]:
        answer["next_page_token"] = str(start + limit)
    return answer


@route("POST", "/api/2.x/jobs/runs/cancel")
def cancel(context: Context, request: Request) -> Any:
    context.runs.cancel(_record(context, request.need("run_id"))["run_id"])
    return {}


@route("POST", "/api/2.x/jobs/runs/cancel-all")
def cancel_all(context: Context, request: Request) -> Any:
    job = request.fields().get("job_id")
    for run in context.runs.all_runs():
        if job is None or run["job_id"] == job:
            context.runs.cancel(run["run_id"])
    return {}


@route("POST", "/api/2.x/jobs/runs/delete")
def delete(context: Context, request: Request) -> Any:
    record = _record(context, request.need("run_id"))
    if record["state"]["life_cycle_state"] not in ("TERMINATED", "SKIPPED", "INTERNAL_ERROR"):
        raise ApiError(400, "INVALID_STATE", f"Run {record['run_id']} is still active; cancel it first.")
    context.store.drop("runs", str(record["run_id"]))
    return {}
