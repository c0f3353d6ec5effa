"""Jobs: /api/2.2/jobs (create, reset, delete, get with 100 tasks per page)."""

from __future__ import annotations

from typing import Any

from bundlekit.resources.resource import Api, Resource, State

_PAGED = ("tasks", "job_clusters", "parameters", "environments")


class Jobs(Resource):
    kind = "jobs"
    id_key = "job_id"
    permission_type = "jobs"
    page = "jobs/{id}"
    backend_defaults = frozenset(
        {
            "format", "run_as", "tasks.run_if", "tasks.notebook_task.source", "tasks.spark_python_task.source",
            "tasks.sql_task.file.source", "tasks.dbt_task.source", "tasks.new_cluster.data_security_mode",
            "tasks.new_cluster.driver_node_type_id", "tasks.new_cluster.node_type_id",
            "job_clusters.new_cluster.data_security_mode", "job_clusters.new_cluster.driver_node_type_id",
            "job_clusters.new_cluster.node_type_id", "tasks.for_each_task.task.run_if",
            "tasks.for_each_task.task.notebook_task.source", "tasks.for_each_task.task.spark_python_task.source",
            "performance_target", "tasks.new_cluster.enable_elastic_disk",
            "job_clusters.new_cluster.enable_elastic_disk",
        }
    )  # fmt: skip
    managed = frozenset(
        f"{place}.new_cluster.{cloud}_attributes"
        for place in ("tasks", "job_clusters", "tasks.for_each_task.task")
        for cloud in ("aws", "azure", "gcp")
    )

    def read(self, api: Api, identity: str) -> dict[str, Any]:
        """All pages of the job, its paged lists joined."""
        job = api.do("GET", "/api/2.2/jobs/get", {"job_id": identity})
        token = job.get("next_page_token")
        while token:
            page = api.do("GET", "/api/2.2/jobs/get", {"job_id": identity, "page_token": token})
            for key in _PAGED:
                more = page.get("settings", {}).get(key)
                if more:
                    job["settings"].setdefault(key, []).extend(more)
            token = page.get("next_page_token")
        return job

    def remote(self, got: dict[str, Any], saved: State) -> State:
        settings: State = dict(got.get("settings", {}))
        if "run_as" not in settings and "run_as" in saved and got.get("run_as_user_name"):
            name = got["run_as_user_name"]
            # The service gives one name for both kinds of principal: take the kind that the state knows.
            kind = (
                next(iter(saved["run_as"]), "user_name") if isinstance(saved["run_as"], dict) else "user_name"
            )
            settings["run_as"] = {kind: name}
        return settings

    def create(self, api: Api, state: State) -> str:
        return str(api.do("POST", "/api/2.2/jobs/create", None, state)["job_id"])

    def update(self, api: Api, identity: str, state: State, changed: set[str]) -> None:
        api.do("POST", "/api/2.2/jobs/reset", None, {"job_id": int(identity), "new_settings": state})

    def delete(self, api: Api, identity: str, state: State) -> None:
        api.do("POST", "/api/2.2/jobs/delete", None, {"job_id": int(identity)})
