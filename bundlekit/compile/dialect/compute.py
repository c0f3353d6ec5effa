"""Job clusters in the short form, and two sizes for one cluster."""

from __future__ import annotations

from bundlekit.bundle import Bundle
from bundlekit.compile.dialect.edits import edit
from bundlekit.compile.dialect.keys import Told, move, one_line, places, tasks
from bundlekit.compile.dialect.names import conflict, was
from bundlekit.source.tree import Map, Path, Seq, Spot, get, to_plain

_SAME = (
    "spark_version", "num_workers", "spark_conf", "spark_env_vars", "init_scripts", "custom_tags",
    "enable_elastic_disk",
)  # fmt: skip
_RENAMED = {"node_type": "node_type_id", "driver_node_type": "driver_node_type_id"}
_PRICES = ("availability", "first_on_demand", "spot_bid_max_price")
_BOUNDS = ("min_workers", "max_workers")


def lower_clusters(bundle: Bundle, job: Map, path: Path) -> None:
    """Entries of `job_clusters` that were written with `cluster_key`."""
    entries = job.get("job_clusters")
    for index, entry in enumerate(entries if isinstance(entries, Seq) else ()):
        if isinstance(entry, Map):
            at = was(bundle, places(entry, "job_cluster_key"), "cluster_key")
            if at is not None:
                _lower(bundle, entry, (*path, "job_clusters", index))


def _lower(bundle: Bundle, entry: Map, path: Path) -> None:
    told = Told(bundle, "dialect-cluster-shorthand")
    at = places(entry, "job_cluster_key")
    cluster = entry.get("new_cluster")
    if not isinstance(cluster, Map):
        cluster = Map(entry.location)
    for key in (*_SAME, *_RENAMED):
        if key in entry:
            name = _RENAMED.get(key, key)
            if name in cluster:
                conflict(bundle, entry.key_at(key), path, key, f"new_cluster.{name}")
                return
            move(entry, key, cluster, name)
    for key in ("custom_disk", "disk_size"):
        if key in entry:
            told.error(
                entry.key_at(key), (*path, key), f"clusters have no {key}",
                "remove it; on Azure and AWS choose a node type with the disk, or enable_elastic_disk: true",
            )  # fmt: skip
            return
    if not _size(told, entry, cluster, path) or not _prices(told, entry, cluster, path):
        return
    entry["new_cluster"] = cluster
    entry.spots.setdefault("new_cluster", Spot(None, at[:1]))
    told.warn(
        at, path, "this is the short form of a job cluster",
        f"write job_cluster_key: {entry['job_cluster_key']}, new_cluster: {one_line(to_plain(cluster))}",
    )  # fmt: skip


def _size(told: Told, entry: Map, cluster: Map, path: Path) -> bool:
    given = entry.get("autoscale")
    if isinstance(given, Map):
        move(entry, "autoscale", cluster, "autoscale")
        return True
    bounds = [key for key in _BOUNDS if key in entry]
    if given is True or (given is None and len(bounds) == 2):
        if len(bounds) < 2:
            told.error(
                entry.key_at("autoscale"), (*path, "autoscale"), "autoscale: true needs min_workers and max_workers",
                "write autoscale: {min_workers: 1, max_workers: 4}",
            )  # fmt: skip
            return False
        if "autoscale" in cluster:
            conflict(told.bundle, entry.key_at("autoscale"), path, "autoscale", "new_cluster.autoscale")
            return False
        scale = Map(entry.at(bounds[0]))
        spot = entry.spot("autoscale") if "autoscale" in entry else entry.spot(bounds[0])
        for key in _BOUNDS:
            move(entry, key, scale, key)
        cluster["autoscale"] = scale
        cluster.spots["autoscale"] = spot
        entry.drop("autoscale")
        cluster.drop("num_workers")
        return True
    if bounds:
        told.error(
            entry.key_at(bounds[0]), (*path, bounds[0]), f"{' and '.join(bounds)} without autoscale: true",
            "write autoscale: true with both bounds, or only num_workers",
        )  # fmt: skip
        return False
    entry.drop("autoscale")
    if "num_workers" not in cluster and "autoscale" not in cluster:
        told.error(
            places(entry, "job_cluster_key"), path, "the cluster has neither num_workers nor autoscale",
            "write num_workers: 2, or autoscale: {min_workers: 1, max_workers: 4}",
        )  # fmt: skip
        return False
    return True


def _prices(told: Told, entry: Map, cluster: Map, path: Path) -> bool:
    given = [key for key in _PRICES if key in entry]
    if not given:
        return True
    if "availability" not in entry:
        told.error(
            entry.key_at(given[0]), (*path, given[0]), f"{given[0]} belongs to a cloud, and availability names none",
            f"write azure_attributes: {{{given[0]}: …}}, or aws_attributes",
        )  # fmt: skip
        return False
    value = str(entry["availability"])
    cloud = "azure" if value.endswith("_AZURE") else "gcp" if value.endswith("_GCP") else "aws"
    name = f"{cloud}_attributes"
    attributes = cluster.get(name)
    if not isinstance(attributes, Map):
        attributes = Map(entry.at("availability"))
        cluster[name] = attributes
        cluster.spots[name] = entry.spot("availability")
    for key in given:
        if key in attributes:
            conflict(told.bundle, entry.key_at(key), path, key, f"new_cluster.{name}.{key}")
            return False
        move(entry, key, attributes, key)
    return True


def drop_second_size(bundle: Bundle, job: Map, path: Path) -> None:
    """`num_workers` beside `autoscale` in the clusters of a job: dropped when it lies between the bounds."""
    entries = job.get("job_clusters")
    for index, entry in enumerate(entries if isinstance(entries, Seq) else ()):
        _second_size(bundle, get(entry, "new_cluster"), (*path, "job_clusters", index, "new_cluster"))
    for task, place in tasks(job, path):
        if "new_cluster" in task:
            _second_size(bundle, task["new_cluster"], (*place, "new_cluster"))


def _second_size(bundle: Bundle, cluster: object, path: Path) -> None:
    if not isinstance(cluster, Map) or "num_workers" not in cluster or "autoscale" not in cluster:
        return
    low, high = get(cluster, "autoscale", "min_workers"), get(cluster, "autoscale", "max_workers")
    count = cluster["num_workers"]
    if not all(isinstance(value, int) for value in (low, high, count)):
        return
    told = Told(bundle, "dialect-num-workers-with-autoscale")
    at, place = places(cluster, "num_workers"), (*path, "num_workers")
    scale = f"autoscale: {{min_workers: {low}, max_workers: {high}}}"
    if low <= count <= high:
        told.warn(
            at,
            place,
            f"a cluster has one size; num_workers: {count} gives way to autoscale",
            f"write only {scale}",
        )
        edit(bundle, cluster.key_at("num_workers"), "num_workers", None)
        cluster.drop("num_workers")
    else:
        told.error(
            at, place, f"num_workers: {count} is not between min_workers {low} and max_workers {high}",
            f"write num_workers: {count} or {scale}",
        )  # fmt: skip
