"""Clusters, instance pools and SQL warehouses. Nothing is started: states only."""

from __future__ import annotations

from typing import Any

from bundlekit.workspace.local.context import Context
from bundlekit.workspace.local.router import Request, route
from bundlekit.workspace.local.routes.documents import Collection, Document, hexadecimal, number, page
from bundlekit.workspace.local.routes.jobs import cluster_defaults
from bundlekit.workspace.port import ApiError


def _cluster_id(context: Context) -> str:
    digits = context.store.next_id()
    return f"{digits % 10000:04d}-{digits:06d}-local{digits % 1000:03d}"


CLUSTERS = Collection("cluster", "Cluster", _cluster_id, "cluster_id", missing_code="INVALID_PARAMETER_VALUE")
POOLS = Collection("instance_pool", "Instance pool", number, "instance_pool_id")
WAREHOUSES = Collection("warehouse", "Warehouse", hexadecimal, "id")


def _cluster(context: Context, request: Request) -> Document:
    identity = str(request.need("cluster_id"))
    document = context.store.get("cluster", identity)
    if document is None:
        raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Cluster {identity} does not exist")
    return document


def _set(context: Context, document: Document, **changed: Any) -> Document:
    return CLUSTERS.save(context, document["cluster_id"], {**document, **changed})


@route("POST", "/api/2.x/clusters/create")
def create_cluster(context: Context, request: Request) -> Any:
    fields = request.fields()
    if "spark_version" not in fields:
        raise ApiError(400, "INVALID_PARAMETER_VALUE", "Missing required field: spark_version")
    made = CLUSTERS.create(context, {**fields, "state": "RUNNING", "creator_user_name": context.user})
    return {"cluster_id": made["cluster_id"]}


@route("GET", "/api/2.x/clusters/get")
def get_cluster(context: Context, request: Request) -> Any:
    document = _cluster(context, request)
    return {"autotermination_minutes": 60, "driver_node_type_id": document.get("node_type_id"),
            **cluster_defaults(document)}  # fmt: skip


@route("GET", "/api/2.x/clusters/list")
def list_clusters(context: Context, request: Request) -> Any:
    return page(request, "clusters", CLUSTERS.every(context))


@route("POST", "/api/2.x/clusters/edit")
def edit_cluster(context: Context, request: Request) -> Any:
    document = _cluster(context, request)
    kept = {key: document[key] for key in ("cluster_id", "state", "creator_user_name")}
    CLUSTERS.save(context, document["cluster_id"], {**request.fields(), **kept})
    return {}


@route("POST", "/api/2.x/clusters/resize")
def resize_cluster(context: Context, request: Request) -> Any:
    document = dict(_cluster(context, request))
    if document["state"] != "RUNNING":
        raise ApiError(400, "INVALID_STATE", f"Cluster {document['cluster_id']} is not running")
    for key in ("num_workers", "autoscale"):
        document.pop(key, None)
    size = {key: value for key, value in request.fields().items() if key in ("num_workers", "autoscale")}
    _set(context, document, **size)
    return {}


def _state_route(verb: str, state: str) -> None:
    @route("POST", f"/api/2.x/clusters/{verb}")
    def change(context: Context, request: Request) -> Any:
        _set(context, _cluster(context, request), state=state)
        return {}


_state_route("start", "RUNNING")
_state_route("restart", "RUNNING")
_state_route("delete", "TERMINATED")


@route("POST", "/api/2.x/clusters/permanent-delete")
def delete_cluster(context: Context, request: Request) -> Any:
    CLUSTERS.remove(context, _cluster(context, request)["cluster_id"])
    return {}


@route("POST", "/api/2.0/instance-pools/create")
def create_pool(context: Context, request: Request) -> Any:
    made = POOLS.create(context, {"state": "ACTIVE", **request.fields()})
    return {"instance_pool_id": made["instance_pool_id"]}


@route("GET", "/api/2.0/instance-pools/get")
def get_pool(context: Context, request: Request) -> Any:
    return POOLS.find(context, request.need("instance_pool_id"))


@route("GET", "/api/2.0/instance-pools/list")
def list_pools(context: Context, request: Request) -> Any:
    return {"instance_pools": POOLS.every(context)}


@route("POST", "/api/2.0/instance-pools/edit")
def edit_pool(context: Context, request: Request) -> Any:
    identity = request.need("instance_pool_id")
    POOLS.find(context, identity)
    POOLS.save(context, identity, {"state": "ACTIVE", **request.fields()})
    return {}


@route("POST", "/api/2.0/instance-pools/delete")
def delete_pool(context: Context, request: Request) -> Any:
    POOLS.remove(context, request.need("instance_pool_id"))
    return {}


_WAREHOUSE_DEFAULTS: Document = {
    "auto_stop_mins": 120,
    "min_num_clusters": 1,
    "max_num_clusters": 1,
    "enable_photon": True,
    "spot_instance_policy": "COST_OPTIMIZED",
    "warehouse_type": "CLASSIC",
}


@route("POST", "/api/2.0/sql/warehouses")
def create_warehouse(context: Context, request: Request) -> Any:
    made = WAREHOUSES.create(
        context, {**_WAREHOUSE_DEFAULTS, **request.fields(), "state": "RUNNING", "creator_name": context.user}
    )
    return {"id": made["id"]}


@route("GET", "/api/2.0/sql/warehouses")
def list_warehouses(context: Context, request: Request) -> Any:
    return page(request, "warehouses", WAREHOUSES.every(context))


@route("GET", "/api/2.0/sql/warehouses/{id}")
def get_warehouse(context: Context, request: Request) -> Any:
    return WAREHOUSES.find(context, request.at["id"])


@route("POST", "/api/2.0/sql/warehouses/{id}/edit")
def edit_warehouse(context: Context, request: Request) -> Any:
    there = WAREHOUSES.find(context, request.at["id"])
    kept = {key: there[key] for key in ("id", "state", "creator_name")}
    WAREHOUSES.save(context, there["id"], {**_WAREHOUSE_DEFAULTS, **request.fields(), **kept})
    return {}


def _warehouse_state(verb: str, state: str) -> None:
    @route("POST", f"/api/2.0/sql/warehouses/{{id}}/{verb}")
    def change(context: Context, request: Request) -> Any:
        WAREHOUSES.change(context, request.at["id"], {"state": state})
        return {}


_warehouse_state("start", "RUNNING")
_warehouse_state("stop", "STOPPED")


@route("DELETE", "/api/2.0/sql/warehouses/{id}")
def delete_warehouse(context: Context, request: Request) -> Any:
    WAREHOUSES.remove(context, request.at["id"])
    return {}
