"""Apps: /api/2.0/apps (create, update, start, stop, deployments)."""

from __future__ import annotations

import time
from typing import Any

from bundlekit.diagnostics import BundlekitError
from bundlekit.resources.resource import Api, Resource, State, only, without

_MASK = (
    "description,budget_policy_id,usage_policy_id,resources,user_api_scopes,forward_user_access_token,"
    "compute_size,compute_min_instances,compute_max_instances,git_repository,telemetry_export_destinations"
)
_CODE = ("source_code_path", "config", "git_source", "lifecycle")


class Apps(Resource):
    kind = "apps"
    route = "/api/2.0/apps"
    local_only = frozenset({"permissions", "grants"})
    permission_type = "apps"
    page = "apps/{id}"
    id_fields = frozenset({"name"})
    backend_defaults = frozenset(
        {"compute_size", "forward_user_access_token", "lifecycle", "config", "git_source"}
    )
    output_only = frozenset(
        {
            "active_deployment", "app_status", "compute_status", "default_source_code_path", "id",
            "service_principal_client_id", "service_principal_id", "service_principal_name", "url", "creator",
            "create_time", "update_time", "updater", "pending_deployment", "effective_user_api_scopes",
            "effective_budget_policy_id", "effective_usage_policy_id", "oauth2_app_client_id",
            "oauth2_app_integration_id", "space", "thumbnail_url",
        }
    )  # fmt: skip

    def desired(self, config: Any) -> State:
        state = super().desired(config)
        lifecycle = state.pop("lifecycle", None)
        if isinstance(lifecycle, dict) and "started" in lifecycle:
            state["lifecycle"] = {"started": lifecycle["started"]}
        return state

    def remote(self, got: dict[str, Any], saved: State) -> State:
        """Code and configuration live in the active deployment; without one nothing can have drifted."""
        state = dict(got)
        active = got.get("active_deployment")
        state["lifecycle"] = {"started": got.get("compute_status", {}).get("state") in {"ACTIVE", "STARTING"}}
        if active:
            state["source_code_path"] = active.get("source_code_path")
            config = only(active, "command")
            if active.get("env_vars"):
                config["env"] = active["env_vars"]
            if config:
                state["config"] = config
        else:
            state.update(only(saved, "config", "source_code_path", "git_source"))
        return state

    def body(self, state: State) -> dict[str, Any]:
        return without(state, *_CODE)

    def create(self, api: Api, state: State) -> str:
        started = state.get("lifecycle", {}).get("started")
        query = None if started else {"no_compute": "true"}
        answer = api.do("POST", self.route, query, self.body(state))
        return str(answer.get("name") or state["name"])

    def after_create(self, api: Api, identity: str, state: State) -> None:
        if state.get("lifecycle", {}).get("started"):
            self._await(api, identity, "compute_status", {"ACTIVE"})
            self._deploy(api, identity, state)

    def update(self, api: Api, identity: str, state: State, changed: set[str]) -> None:
        started = state.get("lifecycle", {}).get("started")
        if changed - {"lifecycle"}:
            api.do(
                "POST",
                f"{self.route}/{identity}/update",
                None,
                {"app": self.body(state), "update_mask": _MASK},
            )
            pause = 0.05
            while (
                api.do("GET", f"{self.route}/{identity}/update").get("status", {}).get("state")
                == "IN_PROGRESS"
            ):
                time.sleep(pause)
                pause = min(pause * 1.5, 5.0)
        if "lifecycle" in changed and started is not None:
            verb = "start" if started else "stop"
            api.do("POST", f"{self.route}/{identity}/{verb}", None, {})
            self._await(api, identity, "compute_status", {"ACTIVE"} if started else {"STOPPED"})
        if started:
            self._deploy(api, identity, state)

    def _await(self, api: Api, identity: str, field: str, wanted: set[str]) -> None:
        pause = 0.05
        while True:
            status = self.read(api, identity).get(field, {})
            if status.get("state") in wanted or not status:
                return
            if status.get("state") == "ERROR":
                raise BundlekitError(f"app {identity}: {status.get('message', 'failed')}")
            time.sleep(pause)
            pause = min(pause * 1.5, 5.0)

    def _deploy(self, api: Api, identity: str, state: State) -> None:
        body: dict[str, Any] = {"mode": "SNAPSHOT", **only(state, "source_code_path", "git_source")}
        config = state.get("config", {})
        if config.get("command"):
            body["command"] = config["command"]
        if config.get("env"):
            body["env_vars"] = config["env"]
        made = api.do("POST", f"{self.route}/{identity}/deployments", None, body)
        pause = 0.05
        while made.get("status", {}).get("state") == "IN_PROGRESS" or "status" not in made:
            made = api.do("GET", f"{self.route}/{identity}/deployments/{made['deployment_id']}")
            if made.get("status", {}).get("state") != "IN_PROGRESS":
                break
            time.sleep(pause)
            pause = min(pause * 1.5, 5.0)
        status = made.get("status", {})
        if status.get("state") not in {"SUCCEEDED", None}:
            raise BundlekitError(f"deployment of app {identity} failed: {status.get('message', '')}")

    def delete(self, api: Api, identity: str, state: State) -> None:
        api.do("DELETE", f"{self.route}/{identity}")
