"""Postgres projects and what lies in them: /api/2.0/postgres/*; a create gives the id as a query.

The state is flat: the id field, the parent's resource name and the fields of `spec`. The resource's own id
is its resource name, such as `projects/p/branches/b`.
"""

from __future__ import annotations

import time
from typing import Any, ClassVar

from bundlekit.diagnostics import BundlekitError
from bundlekit.resources.resource import Api, Resource, State, without

_ROOT = "/api/2.0/postgres"


class PostgresResource(Resource):
    """What all of them share; `collection` is the last part of the route, `key` the id's field."""

    collection: ClassVar[str]
    key: ClassVar[str]
    data_bearing = True
    local_only = Resource.local_only
    output_only = frozenset({"name", "uid", "create_time", "update_time", "status", "id"})
    all_input_only: ClassVar[bool] = True
    blank: ClassVar[tuple[str, ...]] = ()
    """Fields of the specification that count as an empty text in the workspace."""

    def _parent(self, state: State) -> str:
        return str(state["parent"]) + "/" if "parent" in state else ""

    def read(self, api: Api, identity: str) -> dict[str, Any]:
        return api.do("GET", f"{_ROOT}/{identity}")

    def remote(self, got: dict[str, Any], saved: State) -> State:
        """Only `parent` and the id can differ; the specification is not given back."""
        state: State = {**dict.fromkeys(self.blank, ""), **without(got, "spec")}
        name = str(got.get("name", ""))
        state[self.key] = name.rsplit("/", 1)[-1]
        if "parent" in saved:
            state["parent"] = name.rsplit("/", 2)[0]
        return state

    def create(self, api: Api, state: State) -> str:
        body = {"spec": without(state, self.key, "parent")}
        route = f"{_ROOT}/{self._parent(state)}{self.collection}"
        operation = api.do("POST", route, {self.key: state[self.key]}, body)
        self._finish(api, operation)
        return f"{self._parent(state)}{self.collection}/{state[self.key]}"

    def update(self, api: Api, identity: str, state: State, changed: set[str]) -> None:
        mask = ",".join(f"spec.{field}" for field in sorted(changed - {self.key, "parent"}))
        body = {"name": identity, "spec": without(state, self.key, "parent")}
        self._finish(api, api.do("PATCH", f"{_ROOT}/{identity}", {"update_mask": mask}, body))

    def delete(self, api: Api, identity: str, state: State) -> None:
        self._finish(api, api.do("DELETE", f"{_ROOT}/{identity}"))

    def _finish(self, api: Api, operation: dict[str, Any]) -> None:
        pause = 0.05
        while operation.get("name") and operation.get("done") is False:
            time.sleep(pause)
            pause = min(pause * 1.5, 5.0)
            operation = api.do("GET", f"{_ROOT}/{operation['name']}")
        if operation.get("error"):
            raise BundlekitError(str(operation["error"].get("message", "the operation failed")))
