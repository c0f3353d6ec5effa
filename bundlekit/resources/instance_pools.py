"""Instance pools: /api/2.0/instance-pools (create, get, edit, delete)."""

from __future__ import annotations

from typing import Any

from bundlekit.resources.resource import Api, Resource, State, only


class InstancePools(Resource):
    kind = "instance_pools"
    id_key = "instance_pool_id"
    permission_type = "instance-pools"
    page = "compute/instance-pools/{id}"
    immutable = {
        "node_type_id": "", "preloaded_spark_versions": "", "preloaded_docker_images": "", "aws_attributes": "",
        "azure_attributes": "", "gcp_attributes": "", "disk_spec": "", "enable_elastic_disk": "",
    }  # fmt: skip
    backend_defaults = frozenset(
        {"enable_elastic_disk", "idle_instance_autotermination_minutes", "aws_attributes", "azure_attributes",
         "gcp_attributes", "disk_spec"}
    )  # fmt: skip
    output_only = frozenset({"instance_pool_id", "state", "stats", "status", "default_tags"})

    def read(self, api: Api, identity: str) -> dict[str, Any]:
        return api.do("GET", "/api/2.0/instance-pools/get", {"instance_pool_id": identity})

    def create(self, api: Api, state: State) -> str:
        return str(api.do("POST", "/api/2.0/instance-pools/create", None, state)["instance_pool_id"])

    def update(self, api: Api, identity: str, state: State, changed: set[str]) -> None:
        editable = ("instance_pool_name", "node_type_id", "min_idle_instances", "max_capacity", "custom_tags",
                    "idle_instance_autotermination_minutes")  # fmt: skip
        body = {**only(state, *editable), "instance_pool_id": identity}
        api.do("POST", "/api/2.0/instance-pools/edit", None, body)

    def delete(self, api: Api, identity: str, state: State) -> None:
        api.do("POST", "/api/2.0/instance-pools/delete", None, {"instance_pool_id": identity})
