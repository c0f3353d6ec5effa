"""Clusters, instance pools, warehouses through the SDK's typed client."""

from __future__ import annotations

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, NotFound
from databricks.sdk.service import compute, sql

SPARK = "16.4.x-scala2.12"


def test_cluster_life(w: WorkspaceClient, name: str) -> None:
    made = w.clusters.create(SPARK, cluster_name=name, node_type_id="i3.xlarge", num_workers=1).cluster_id
    assert made is not None
    assert w.clusters.get(made).state is compute.State.RUNNING
    w.clusters.resize(made, num_workers=3)
    assert w.clusters.get(made).num_workers == 3
    scale = compute.AutoScale(min_workers=1, max_workers=4)
    w.clusters.resize(made, autoscale=scale)
    found = w.clusters.get(made)
    assert (found.num_workers, found.autoscale) == (None, scale)
    w.clusters.edit(made, SPARK, cluster_name=f"{name}2", node_type_id="i3.xlarge", num_workers=2)
    found = w.clusters.get(made)
    assert (found.cluster_name, found.num_workers, found.autoscale) == (f"{name}2", 2, None)
    w.clusters.delete(made)
    assert w.clusters.get(made).state is compute.State.TERMINATED
    with pytest.raises(BadRequest):
        w.clusters.resize(made, num_workers=5)
    w.clusters.start(made)
    assert w.clusters.get(made).state is compute.State.RUNNING
    assert made in [one.cluster_id for one in w.clusters.list()]
    w.clusters.permanent_delete(made)
    with pytest.raises((NotFound, BadRequest)):
        w.clusters.get(made)


def test_pool_life(w: WorkspaceClient, name: str) -> None:
    made = w.instance_pools.create(name, "i3.xlarge", max_capacity=5).instance_pool_id
    assert made is not None
    w.instance_pools.edit(made, name, "i3.xlarge", max_capacity=7)
    found = w.instance_pools.get(made)
    assert (found.max_capacity, found.instance_pool_name) == (7, name)
    assert made in [one.instance_pool_id for one in w.instance_pools.list()]
    w.instance_pools.delete(made)
    with pytest.raises(NotFound):
        w.instance_pools.get(made)


def test_warehouse_life(w: WorkspaceClient, name: str) -> None:
    made = w.warehouses.create(name=name, cluster_size="Small").id
    assert made is not None
    found = w.warehouses.get(made)
    assert (found.auto_stop_mins, found.max_num_clusters, found.state) == (120, 1, sql.State.RUNNING)
    w.warehouses.edit(made, name=name, cluster_size="Medium", auto_stop_mins=10)
    w.warehouses.stop(made)
    found = w.warehouses.get(made)
    assert (found.cluster_size, found.auto_stop_mins, found.state) == ("Medium", 10, sql.State.STOPPED)
    w.warehouses.start(made)
    assert made in [one.id for one in w.warehouses.list()]
    w.warehouses.delete(made)
    with pytest.raises(NotFound):
        w.warehouses.get(made)
