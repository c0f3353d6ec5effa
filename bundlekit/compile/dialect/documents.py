"""Included files that hold a bare job, as the Jobs API prints it."""

from __future__ import annotations

import posixpath
import re

from bundlekit.bundle import Bundle
from bundlekit.diagnostics import Location
from bundlekit.source.tree import Map, Spot

_PRINTED = ("job_id", "created_time", "creator_user_name", "run_as_user_name")


def wrap_document(bundle: Bundle, tree: Map, name: str, known: object) -> Map:
    """The tree, or `resources.jobs.<name of the file>` around it when it is a job. `known`: keys of bundles."""
    settings = tree.get("settings")
    job = settings if isinstance(settings, Map) and "tasks" in settings else tree
    if "tasks" not in job or any(key in known for key in tree):  # type: ignore[operator]
        return tree
    key = re.sub(r"[^A-Za-z0-9]", "_", posixpath.basename(name).split(".", 1)[0])
    if job is tree:
        for printed in _PRINTED:
            tree.drop(printed)
    start = Location(name, 1, 1)
    spot = Spot(None, (start,))
    outer, resources, jobs = Map(start), Map(start), Map(start)
    for parent, child, label in (
        (jobs, job, key),
        (resources, jobs, "jobs"),
        (outer, resources, "resources"),
    ):
        parent[label] = child
        parent.spots[label] = spot
    bundle.diagnostics.warning(
        "dialect-bare-job", f"{name} is a bare job; read as resources.jobs.{key}", start,
        path=f"resources.jobs.{key}", hint=f"write resources: {{jobs: {{{key}: …}}}} around it",
    )  # fmt: skip
    return outer
