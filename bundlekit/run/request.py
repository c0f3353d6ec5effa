"""The body of `jobs/run-now` from command-line flags and positional arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bundlekit.diagnostics import BundlekitError, did_you_mean
from bundlekit.tasks.support import task_type

_TASK_PARAMETERS = {
    "notebook_params": "notebook", "python_params": "python", "python_named_params": "python-named",
    "jar_params": "jar", "sql_params": "sql", "dbt_commands": "dbt", "spark_submit_params": "spark-submit",
    "pipeline_params": "pipeline",
}  # fmt: skip


def pairs(texts: Sequence[str], flag: str) -> dict[str, str]:
    """`k=v,k2=v2` (repeatable) as a mapping. Raises BundlekitError."""
    found: dict[str, str] = {}
    for text in texts:
        for part in split_commas(text):
            key, equals, value = part.partition("=")
            if not equals or not key:
                raise BundlekitError(f"--{flag} {part}: write name=value")
            found[key.strip()] = value
    return found


def split_commas(text: str) -> list[str]:
    """Split at commas outside of double quotes."""
    import csv

    return [part for part in next(csv.reader([text], skipinitialspace=True), []) if part]


def build_request(
    settings: Mapping[str, Any],
    *,
    parameters: Mapping[str, str],
    only: Sequence[str],
    task_parameters: Mapping[str, Any],
    arguments: Sequence[str],
) -> dict[str, Any]:
    """Checked against the job's settings. Raises BundlekitError for what the job cannot take."""
    declared = [p["name"] for p in settings.get("parameters") or []]
    request: dict[str, Any] = {}
    given = {key: value for key, value in task_parameters.items() if value}
    if declared and given:
        raise BundlekitError(
            "the job to run defines job parameters; specifying task parameters is not allowed",
            f"write --params {declared[0]}=…",
        )
    job_parameters = dict(parameters)
    if arguments:
        if declared:
            job_parameters.update(_named(arguments))
        else:
            given.update(_positional(settings, arguments))
    for name in job_parameters:
        if name not in declared:
            if not declared:
                raise BundlekitError(f"the job has no parameters, so it cannot take --params {name}",
                                     "declare it: parameters: [{name: …, default: …}]")  # fmt: skip
            raise BundlekitError(f"the job has no parameter {name}", did_you_mean(name, declared))
    if job_parameters:
        request["job_parameters"] = job_parameters
    if only:
        known = [task["task_key"] for task in settings.get("tasks") or []]
        for text in only:
            if text.strip("+") not in known:
                raise BundlekitError(
                    f'task "{text.strip("+")}" not found in job "{settings.get("name")}"',
                    did_you_mean(text.strip("+"), known),
                )
        request["only"] = list(only)
    request.update(given)
    return request


def _named(arguments: Sequence[str]) -> dict[str, str]:
    """`--key=value` and `--key value`."""
    found: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            raise BundlekitError(f"{word}: job parameters are given as --name=value or --name value")
        key, equals, value = word[2:].partition("=")
        if not equals:
            if not rest:
                raise BundlekitError(f"--{key} has no value")
            value = rest.pop(0)
        found[key] = value
    return found


def _positional(settings: Mapping[str, Any], arguments: Sequence[str]) -> dict[str, Any]:
    kinds = {task_type(task) for task in settings.get("tasks") or []}
    if len(kinds) != 1:
        raise BundlekitError("the job's tasks are of several types, so it takes no positional arguments",
                             "declare job parameters and pass --name=value")  # fmt: skip
    kind = kinds.pop()
    if kind == "notebook_task":
        return {"notebook_params": _named(arguments)}
    if kind in ("spark_python_task", "python_wheel_task"):
        return {"python_params": list(arguments)}
    if kind == "spark_jar_task":
        return {"jar_params": list(arguments)}
    if kind == "spark_submit_task":
        return {"spark_submit_params": list(arguments)}
    raise BundlekitError(f"a job of {kind} takes no positional arguments")
