"""Job runs: a run that a deployment starts and waits for (/api/2.2/jobs/run-now, runs/*)."""

from __future__ import annotations

import time
import uuid
from typing import Any

from bundlekit.diagnostics import BundlekitError
from bundlekit.resources.resource import Api, Resource, State, without

_ENDED = {"TERMINATED", "SKIPPED", "INTERNAL_ERROR"}


class JobRuns(Resource):
    kind = "job_runs"
    local_only = frozenset({"permissions", "grants"})
    immutable = {"*": "immutable"}

    def desired(self, config: Any) -> State:
        """`lifecycle.triggers: [{on_bundle_deploy: true}]` becomes a token that is new for every plan."""
        state = super().desired(config)
        lifecycle = state.pop("lifecycle", None)
        triggers = lifecycle.get("triggers", []) if isinstance(lifecycle, dict) else []
        if any(isinstance(t, dict) and t.get("on_bundle_deploy") for t in triggers):
            state["lifecycle"] = {"triggers": {"on_bundle_deploy": str(uuid.uuid4())}}
        state["result_state"] = "SUCCESS"
        return state

    def read(self, api: Api, identity: str) -> dict[str, Any]:
        return api.do("GET", "/api/2.2/jobs/runs/get", {"run_id": identity})

    def remote(self, got: dict[str, Any], saved: State) -> State:
        # A run does not tell the request that started it: only its outcome can differ.
        return {**without(saved, "lifecycle"), "result_state": got.get("state", {}).get("result_state", "")}

    def body(self, state: State) -> dict[str, Any]:
        return {**without(state, "lifecycle", "result_state"), "idempotency_token": str(uuid.uuid4())}

    def stored(self, state: State) -> State:
        return without(state, "result_state")

    def create(self, api: Api, state: State) -> str:
        return str(api.do("POST", "/api/2.2/jobs/run-now", None, self.body(state))["run_id"])

    def after_create(self, api: Api, identity: str, state: State) -> None:
        pause = 0.05
        while True:
            run_state = self.read(api, identity).get("state", {})
            if run_state.get("life_cycle_state") in _ENDED:
                break
            time.sleep(pause)
            pause = min(pause * 1.5, 5.0)
        result = run_state.get("result_state", run_state.get("life_cycle_state"))
        if result != "SUCCESS":
            raise BundlekitError(
                f"run {identity} ended with {result}: {run_state.get('state_message', '')}".rstrip(": "),
                "the next deploy runs it again",
            )

    def delete(self, api: Api, identity: str, state: State) -> None:
        run_state = self.read(api, identity).get("state", {})
        if run_state.get("life_cycle_state") not in _ENDED:
            api.do("POST", "/api/2.2/jobs/runs/cancel", None, {"run_id": int(identity)})
        api.do("POST", "/api/2.2/jobs/runs/delete", None, {"run_id": int(identity)})
