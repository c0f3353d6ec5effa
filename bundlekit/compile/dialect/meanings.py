"""Everything of the dialect but names, in the order in which rules see each other's results."""

from __future__ import annotations

from bundlekit.bundle import Bundle
from bundlekit.compile.dialect.keys import jobs


def lower_meanings(bundle: Bundle) -> None:
    """Task types, clusters, SQL, job-wide settings, sizes, schedules, references, conditions, paths."""
    from bundlekit.compile.dialect import (
        compute,
        conditions,
        dependencies,
        job_wide,
        notify,
        queries,
        references,
        schedules,
        sql_text,
        task_paths,
        task_types,
    )

    marked = bool(bundle.facts.get("dialect"))
    if marked:
        queries.lower_queries(bundle)
    for name, job, path in jobs(bundle):
        if marked:
            task_types.lower_types(bundle, job, path)
            compute.lower_clusters(bundle, job, path)
            sql_text.lower_texts(bundle, name, job, path)
            job_wide.lower_job_wide(bundle, job, path)
        compute.drop_second_size(bundle, job, path)
        schedules.lower_schedule(bundle, job, path)
        references.lower_references(bundle, job, path)
        notify.lower_notifications(bundle, job, path)
        if marked:
            dependencies.check_names(bundle, job, path)
        dependencies.lower_outcomes(bundle, job, path)
        conditions.lower_conditions(bundle, job, path)
        task_paths.lower_paths(bundle, job, path)
        if bundle.facts.pop("dialect_sort", False):
            _sort(job)


def _sort(job: object) -> None:
    from bundlekit.compile.merge_keyed import sort_tasks

    sort_tasks(job)
