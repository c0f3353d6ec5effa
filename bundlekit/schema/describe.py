"""Makes `descriptions.json` from databricks-sdk's docstrings: `python -m bundlekit.schema.describe`.

Struct -> field -> first sentences of its documentation. Only the editor schema reads the file; the tables that
`validate` needs stay small without it.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

from bundlekit.schema.generate import RESOURCES, build

TARGET = Path(__file__).with_name("descriptions.json")
LONGEST = 260
_SERVICE = "databricks.sdk.service."
_PARAMETER = re.compile(r":param (\w+): [^\n]*\n(.*?)(?=\n\s*:(?:param|returns?)|\Z)", re.DOTALL)

# The bundle's own sections, which no API documents.
OWN: dict[str, dict[str, str]] = {
    "root": {
        "bundle": "Name of the bundle and settings of its deployment.",
        "include": "Further files of the bundle: paths and patterns relative to this file.",
        "variables": "Values that targets, --var or the environment can set; used as ${var.name}.",
        "targets": "Where the bundle can be deployed to, each with its overrides.",
        "environments": "Deprecated: write targets.",
        "workspace": "The workspace, and the folders in it that the bundle uses.",
        "artifacts": "What is built before a deployment, such as Python wheels.",
        "resources": "What is deployed: jobs, pipelines, schemas and so on, by type and key.",
        "sync": "Which local files are uploaded.",
        "permissions": "Who may see, run or manage all resources of the bundle.",
        "run_as": "The identity that jobs, pipelines and alerts run as.",
        "presets": "Settings applied to all resources, such as a prefix of their names.",
        "scripts": "Commands for `bundlekit run`.",
        "python": "Python functions that add or change resources.",
        "experimental": "Features that may change.",
    },
    "bundle": {
        "name": "Name of the bundle: part of the path that it is deployed to.",
        "uuid": "A fixed id of the bundle.",
        "databricks_cli_version": 'Versions that may deploy it, such as ">= 0.218.0, <= 1.0.0".',
        "cluster_id": "Cluster that all tasks run on in development.",
        "compute_id": "Deprecated: write cluster_id.",
        "engine": "How the bundle is deployed.",
        "git": "Where the source comes from; checked before a deployment.",
        "deployment": "How a deployment guards itself.",
    },
    "target": {
        "mode": "development (own copy, prefixed and paused) or production (checked strictly).",
        "default": "Whether the target is chosen when none is named.",
        "variables": "Values of variables in this target.",
        "cluster_id": "Cluster that all tasks run on in this target.",
        "compute_id": "Deprecated: write cluster_id.",
    },
    "variable": {
        "default": "Value when nothing else sets it.",
        "description": "What the variable is for.",
        "lookup": "Find the id of a named object in the workspace.",
        "type": "`complex` for maps and lists.",
    },
    "workspace": {
        "host": "Address of the workspace, such as https://example.cloud.databricks.com.",
        "profile": "Profile in ~/.databrickscfg.",
        "root_path": "Folder of the deployment; ~/.bundle/<name>/<target> if it is not given.",
        "file_path": "Folder of the uploaded files.",
        "artifact_path": "Folder of built libraries; may lie in /Volumes.",
        "state_path": "Folder of the deployment's state.",
        "resource_path": "Folder of dashboards and other objects.",
    },
    "artifact": {
        "type": "Kind of artifact.",
        "path": "Folder that the build runs in.",
        "build": "Command that builds it.",
        "files": "What the build makes.",
        "executable": "Shell of the build command.",
        "dynamic_version": "Give each build of a wheel a version of its own.",
    },
    "sync": {
        "paths": "Folders that are uploaded.",
        "include": "Patterns of ignored files that are uploaded all the same.",
        "exclude": "Patterns of files that are not uploaded.",
    },
    "presets": {
        "name_prefix": "Put in front of the names of resources.",
        "pipelines_development": "Whether pipelines are in development mode.",
        "trigger_pause_status": "PAUSED or UNPAUSED, for all triggers and schedules.",
        "jobs_max_concurrent_runs": "Concurrent runs of jobs that do not say it.",
        "tags": "Tags of all resources.",
        "source_linked_deployment": "Let resources use the source files in the workspace directly.",
        "artifacts_dynamic_version": "Give each build of a wheel a version of its own.",
    },
    "run_as": {
        "user_name": "E-mail address of a user.",
        "service_principal_name": "Application id of a service principal.",
    },
    "permission": {
        "level": "What may be done.",
        "user_name": "E-mail address of a user.",
        "group_name": "Name of a group.",
        "service_principal_name": "Application id of a service principal.",
    },
    "grant": {"principal": "User, group or service principal.", "privileges": "What may be done."},
    "lifecycle": {"prevent_destroy": "Refuse a deployment that would delete or replace the resource."},
    "script": {"content": "Shell commands.", "env": "Environment variables; references are allowed here."},
}


def build_descriptions() -> dict[str, dict[str, str]]:
    """struct -> field -> text, for every struct of the tables that has documentation."""
    found: dict[str, dict[str, str]] = {}
    for name in build()["structs"]:
        module, _, cls = name.partition(".")
        if module != "resource" and cls and cls[0].isupper():
            found[name] = _of_class(getattr(import_module(_SERVICE + module), cls))
    for kind, (source, _, _) in RESOURCES.items():
        if source:
            module, *parts = source.split(".")
            owner = getattr(import_module(_SERVICE + module), parts[0])
            found[f"resource.{kind}"] = (
                _of_method(getattr(owner, parts[1])) if len(parts) > 1 else _of_class(owner)
            )
    found.update(OWN)
    return {name: fields for name, fields in sorted(found.items()) if fields}


def _of_class(cls: type) -> dict[str, str]:
    # An attribute's documentation is the text that follows it in the source.
    body = ast.parse(inspect.cleandoc(inspect.getsource(cls))).body[0]
    assert isinstance(body, ast.ClassDef)
    texts: dict[str, str] = {}
    for field, after in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            value = getattr(after, "value", None)
            if isinstance(after, ast.Expr) and isinstance(value, ast.Constant):
                texts[field.target.id] = shorten(str(value.value))
    return texts


def _of_method(method: Any) -> dict[str, str]:
    text = inspect.getdoc(method) or ""
    found = {match[1]: shorten(match[2]) for match in _PARAMETER.finditer(text)}
    return {name: each for name, each in found.items() if each}


def shorten(text: str) -> str:
    """As many whole sentences of the first paragraph as fit into LONGEST characters, at least one."""
    paragraph = " ".join(text.strip().split("\n\n")[0].split())
    if len(paragraph) <= LONGEST:
        return paragraph
    sentences = re.split(r"(?<=[.!?]) ", paragraph)
    short = sentences[0]
    for sentence in sentences[1:]:
        if len(short) + len(sentence) >= LONGEST:
            break
        short += " " + sentence
    return short if len(short) <= 2 * LONGEST else short[:LONGEST].rsplit(" ", 1)[0] + " …"


if __name__ == "__main__":
    text = json.dumps(build_descriptions(), separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    TARGET.write_text(text + "\n", encoding="utf-8")
    print(f"{TARGET.name}: {TARGET.stat().st_size} bytes")
