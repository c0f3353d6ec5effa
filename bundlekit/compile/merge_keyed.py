"""Merge list items that stand for the same thing: tasks by key, job clusters, parameters, grants, …

Reads and writes lists below `resources`. Runs after interpolation, because keys may be references. The lists
were concatenated when files and targets were merged, so later items win. Job environments are not keyed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bundlekit.bundle import Bundle
from bundlekit.source.merge import MergeError, merge_map
from bundlekit.source.tree import Map, Seq, Spot, show_path

KeyOf = Callable[[Map], str]


def merge_keyed_lists(bundle: Bundle) -> None:
    """All keyed lists of all resources."""
    cause = f"target {bundle.target}"
    for key, job in bundle.resources("jobs").items():
        for field, name in (("job_clusters", "job_cluster_key"), ("parameters", "name")):
            _merge(bundle, job, field, _by(name), cause, f"resources.jobs.{key}.{field}")
        _merge(bundle, job, "tasks", _by("task_key"), cause, f"resources.jobs.{key}.tasks")
        sort_tasks(job)
    for key, pipeline in bundle.resources("pipelines").items():
        _merge(bundle, pipeline, "clusters", _label, cause, f"resources.pipelines.{key}.clusters")
        _default_labels(pipeline)
    for app in bundle.resources("apps").values():
        _replace_by_name(app)
    section = bundle.tree.get("resources")
    for kind, resources in section.items() if isinstance(section, Map) else ():
        for key, resource in resources.items() if isinstance(resources, Map) else ():
            if isinstance(resource, Map) and "grants" in resource:
                where = f"resources.{kind}.{key}.grants"
                _merge(bundle, resource, "grants", _by("principal"), cause, where)
                _unique_privileges(resource)


def _by(field: str) -> KeyOf:
    def key(item: Map) -> str:
        value = item.get(field)
        return str(value) if value is not None else ""

    return key


def _label(cluster: Map) -> str:
    return str(cluster.get("label") or "default").lower()


def _merge(bundle: Bundle, parent: Any, field: str, key_of: KeyOf, cause: str, where: str) -> None:
    """Items without a key (or that are no maps) are left alone; the first place in the list is kept."""
    items = parent.get(field) if isinstance(parent, Map) else None
    if not isinstance(items, Seq) or len(items) < 2:
        return
    keys = [key_of(item) if isinstance(item, Map) else "" for item in items]
    if len(set(keys)) == len(keys):
        return
    first: dict[str, int] = {}
    out = Seq(items.location)
    for index, item in enumerate(items):
        key = keys[index]
        if not key or key not in first:
            if key:
                first[key] = len(out)
            out.add(item, items.spot(index))
            continue
        position = first[key]
        spot, later = out.spot(position), items.spot(index)
        try:
            merge_map(out[position], item, cause)
        except MergeError as error:
            bundle.diagnostics.error(
                "merge-conflict",
                f"two entries {key} of {where} have different kinds at {show_path(error.path)}",
                error.places,
                path=where,
                hint="give it the same kind in both",
            )
        joined = spot.values + tuple(at for at in later.values if at not in spot.values)
        out.spots[position] = Spot(None, joined)
    out.notes = items.notes
    parent[field] = out


def _default_labels(pipeline: Any) -> None:
    clusters = pipeline.get("clusters") if isinstance(pipeline, Map) else None
    for cluster in clusters if isinstance(clusters, Seq) else ():
        if isinstance(cluster, Map) and cluster.get("label") != _label(cluster):
            cluster.put("label", _label(cluster), "default")


def sort_tasks(job: Any) -> None:
    """Order the tasks of a job by their keys."""
    tasks = job.get("tasks") if isinstance(job, Map) else None
    if not isinstance(tasks, Seq) or len(tasks) < 2:
        return
    keys = [str(task.get("task_key") or "") if isinstance(task, Map) else "" for task in tasks]
    order = sorted(range(len(tasks)), key=keys.__getitem__)
    if order == list(range(len(tasks))):
        return
    out = Seq(tasks.location)
    for index in order:
        out.add(tasks[index], tasks.spot(index))
    job["tasks"] = out


def _replace_by_name(app: Any) -> None:
    """Resources of an app: a later one of the same name replaces the earlier one as a whole."""
    items = app.get("resources") if isinstance(app, Map) else None
    if not isinstance(items, Seq):
        return
    first: dict[str, int] = {}
    out = Seq(items.location)
    for index, item in enumerate(items):
        name = str(item.get("name") or "") if isinstance(item, Map) else ""
        if name and name in first:
            out[first[name]] = item
            out.spots[first[name]] = items.spot(index)
        else:
            first[name] = len(out)
            out.add(item, items.spot(index))
    app["resources"] = out


def _unique_privileges(resource: Map) -> None:
    grants = resource["grants"]
    for grant in grants if isinstance(grants, Seq) else ():
        privileges = grant.get("privileges") if isinstance(grant, Map) else None
        if isinstance(privileges, Seq) and len(set(map(str, privileges))) < len(privileges):
            out = Seq(privileges.location)
            for index, privilege in enumerate(privileges):
                if privilege not in out:
                    out.add(privilege, privileges.spot(index))
            grant["privileges"] = out
