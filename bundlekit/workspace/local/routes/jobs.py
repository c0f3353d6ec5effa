"""Jobs: create, reset, update, get, list, delete (every 2.x version alike)."""

from __future__ import annotations

from typing import Any

from bundlekit.workspace.local.context import Context
from bundlekit.workspace.local.router import Request, route
from bundlekit.workspace.local.store import now
from bundlekit.workspace.port import ApiError

PAGE = 100
_TASK_DEFAULTS: dict[str, Any] = {"run_if": "ALL_SUCCESS", "timeout_seconds": 0, "email_notifications": {}}


def with_defaults(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings as the service gives them back."""
    filled = {
        "email_notifications": {},
        "webhook_notifications": {},
        "timeout_seconds": 0,
        "max_concurrent_runs": 1,
        **settings,
    }
    if "name" not in filled:
        filled["name"] = "Untitled"
    tasks = []
    for task in settings.get("tasks") or []:
        filled_task = {**_TASK_DEFAULTS, **task}
        for kind in ("notebook_task", "spark_python_task", "dbt_task"):
            if isinstance(task.get(kind), dict) and "source" not in task[kind] and kind == "notebook_task":
                filled_task[kind] = {
                    **task[kind],
                    "source": "GIT" if settings.get("git_source") else "WORKSPACE",
                }
        if isinstance(task.get("new_cluster"), dict):
            filled_task["new_cluster"] = cluster_defaults(task["new_cluster"])
        tasks.append(filled_task)
    if tasks:
        filled["tasks"] = tasks
    if settings.get("job_clusters"):
        filled["job_clusters"] = [
            {**entry, "new_cluster": cluster_defaults(entry.get("new_cluster") or {})}
            for entry in settings["job_clusters"]
        ]
    return filled


def cluster_defaults(cluster: dict[str, Any]) -> dict[str, Any]:
    filled = {"enable_elastic_disk": False, "data_security_mode": "SINGLE_USER", **cluster}
    aws = {"availability": "SPOT_WITH_FALLBACK", "zone_id": "us-east-1c"}
    if "azure_attributes" not in cluster and "gcp_attributes" not in cluster:
        filled["aws_attributes"] = {**aws, **cluster.get("aws_attributes", {})}
    return filled


def check(settings: dict[str, Any]) -> None:
    """What the service refuses with 400."""
    tasks = settings.get("tasks") or []
    keys = [task.get("task_key") for task in tasks]
    if not all(keys):
        raise ApiError(400, "INVALID_PARAMETER_VALUE", "Missing required field: settings.tasks.task_key.")
    if len(set(keys)) != len(keys):
        raise ApiError(400, "INVALID_PARAMETER_VALUE", "Task keys must be unique within a job.")
    for task in tasks:
        for dependency in task.get("depends_on") or []:
            if dependency.get("task_key") not in keys:
                raise ApiError(
                    400,
                    "INVALID_PARAMETER_VALUE",
                    f"Task {task['task_key']} depends on {dependency.get('task_key')}, which does not exist.",
                )


def find(context: Context, identity: Any) -> dict[str, Any]:
    """Raises 400 INVALID_PARAMETER_VALUE, the service's answer for a job that does not exist."""
    job = context.store.get("jobs", str(identity))
    if job is None:
        raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Job {identity} does not exist.")
    return job


@route("POST", "/api/2.x/jobs/create")
def create(context: Context, request: Request) -> Any:
    settings = dict(request.fields())
    access = settings.pop("access_control_list", None)
    check(settings)
    identity = context.store.next_id()
    job = {
        "job_id": identity,
        "creator_user_name": context.user,
        "run_as_user_name": _run_as(settings, context.user),
        "run_as_owner": True,
        "created_time": now(),
        "settings": settings,
    }
    context.store.put("jobs", str(identity), job)
    if access:
        context.store.put("permissions", f"/jobs/{identity}", {"access_control_list": access})
    return {"job_id": identity}


def _run_as(settings: dict[str, Any], user: str) -> str:
    run_as = settings.get("run_as") or {}
    return str(run_as.get("user_name") or run_as.get("service_principal_name") or user)


@route("GET", "/api/2.x/jobs/get")
def get(context: Context, request: Request) -> Any:
    job = find(context, request.need("job_id"))
    settings = with_defaults(job["settings"])
    answer = {**job, "settings": settings}
    start = request.number("page_token")
    longest = max(
        (len(settings.get(key) or []) for key in ("tasks", "job_clusters", "parameters")), default=0
    )
    if longest > PAGE:
        for key in ("tasks", "job_clusters", "parameters", "environments"):
            if key in settings:
                settings[key] = settings[key][start : start + PAGE]
        if start + PAGE < longest:
            answer["next_page_token"] = str(start + PAGE)
            answer["has_more"] = True
    return answer


@route("GET", "/api/2.x/jobs/list")
def list_jobs(context: Context, request: Request) -> Any:
    name = request.query.get("name")
    limit = max(1, min(request.number("limit", 20), 100))
    start = request.number("page_token", request.number("offset"))
    expand = request.query.get("expand_tasks") == "true"
    jobs = [
        job for _, job in context.store.all("jobs")
        if name is None or str(job["settings"].get("name", "")).lower() == str(name).lower()
    ]  # fmt: skip
    page = []
    for job in jobs[start : start + limit]:
        settings = with_defaults(job["settings"])
        if not expand:
            for key in ("tasks", "job_clusters", "parameters", "environments"):
                settings.pop(key, None)
        page.append({**job, "settings": settings})
    answer: dict[str, Any] = (
        {"jobs": page, "has_more": start + limit < len(jobs)} if page else {"has_more": False}
    )
    if start + limit < len(jobs):
        answer["next_page_token"] = str(start + limit)
    return answer


@route("POST", "/api/2.x/jobs/reset")
def reset(context: Context, request: Request) -> Any:
    job = find(context, request.need("job_id"))
    settings = request.need("new_settings")
    check(settings)
    run_as = _run_as(settings, job["creator_user_name"])
    context.store.put("jobs", str(job["job_id"]), {**job, "settings": settings, "run_as_user_name": run_as})
    return {}


@route("POST", "/api/2.x/jobs/update")
def update(context: Context, request: Request) -> Any:
    """Partial: top-level fields replace, lists with keys are merged by them, `fields_to_remove` go."""
    job = find(context, request.need("job_id"))
    settings = dict(job["settings"])
    for field in request.fields().get("fields_to_remove") or []:
        settings.pop(field, None)
    keyed = {"tasks": "task_key", "job_clusters": "job_cluster_key", "parameters": "name"}
    for field, value in (request.fields().get("new_settings") or {}).items():
        key = keyed.get(field)
        if key and isinstance(settings.get(field), list):
            merged = {item.get(key): item for item in settings[field]}
            merged.update({item.get(key): item for item in value})
            settings[field] = list(merged.values())
        else:
            settings[field] = value
    check(settings)
    context.store.put("jobs", str(job["job_id"]), {**job, "settings": settings})
    return {}


@route("POST", "/api/2.x/jobs/delete")
def delete(context: Context, request: Request) -> Any:
    job = find(context, request.need("job_id"))
    context.store.drop("jobs", str(job["job_id"]))
    return {}
