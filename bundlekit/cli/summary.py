"""`bundlekit summary`: what the bundle is called, where it goes, and which resources are deployed."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from bundlekit.bundle import Bundle
from bundlekit.cli.options import Globals, global_options, pass_globals

_TITLES = {
    "apps": "Apps", "sql_warehouses": "SQL Warehouses", "genie_spaces": "Genie Spaces", "job_runs": "Job Runs",
}  # fmt: skip
_NAME_FIELDS = ("name", "display_name", "cluster_name", "instance_pool_name", "title", "table_name")


@click.command(
    help="Print the bundle's name, target, workspace and resources, with their ids and pages where deployed.",
    epilog="Examples:\n\n  bundlekit summary -t prod\n\n  bundlekit summary -t prod -o json",
)
@global_options
@click.option("--force-pull", is_flag=True, help="Ask the workspace even if there is a local state.")
@pass_globals
def command(found: Globals, force_pull: bool) -> None:
    from bundlekit.compile.pipeline import compile_bundle
    from bundlekit.report.text import render_diagnostics

    bundle = compile_bundle(found.compile_options())
    if bundle.diagnostics.has_errors:
        render_diagnostics(bundle, sys.stderr)
        raise click.exceptions.Exit(1)
    state, host, workspace_id = _state(bundle, found)
    if found.output == "json":
        sys.stdout.write(_json(bundle, state, host, workspace_id))
    else:
        sys.stdout.write(_text(bundle, state, host, workspace_id))


def _state(bundle: Bundle, found: Globals) -> tuple[Any, str, str]:
    """The deployed state, the host and the workspace's id."""
    from bundlekit.plan.state import State, StateFile
    from bundlekit.workspace.connect import backend, connect

    if backend(bundle, found.backend, found.profile) == "local":
        path = bundle.root / ".databricks" / "bundle" / bundle.target / "resources.json"
        return (StateFile(path).load() if path.exists() else State()), "", ""
    from bundlekit.deploy.session import open_session

    workspace = connect(bundle, found.backend, found.profile)
    try:
        state = open_session(bundle, workspace).state.state
        identity = getattr(workspace, "workspace_id", lambda: "")()
        return state, workspace.host, str(identity or "")
    finally:
        workspace.close()


def _entries(bundle: Bundle, state: Any) -> dict[str, dict[str, tuple[dict[str, Any] | None, str]]]:
    """kind -> name -> (configuration or None, id)."""
    from bundlekit.source.tree import to_plain

    found: dict[str, dict[str, tuple[dict[str, Any] | None, str]]] = {}
    resources = bundle.tree.get("resources") or {}
    for kind, group in resources.items():
        for name, config in (group or {}).items():
            found.setdefault(kind, {})[name] = (to_plain(config), state.identity(f"resources.{kind}.{name}"))
    for key in state.resources:
        parts = key.split(".")
        if len(parts) == 3:
            found.setdefault(parts[1], {}).setdefault(parts[2], (None, state.identity(key)))
    return found


def _url(kind: str, host: str, identity: str, workspace_id: str) -> str:
    from bundlekit.resources.registry import resource_type

    page = resource_type(kind).url(host, identity) if host and identity else ""
    in_host = workspace_id and workspace_id in host
    return f"{page}?w={workspace_id}" if page and workspace_id and not in_host else page


def _json(bundle: Bundle, state: Any, host: str, workspace_id: str) -> str:
    from bundlekit.compile.output import to_json

    data = json.loads(to_json(bundle))
    for kind, group in _entries(bundle, state).items():
        for name, (config, identity) in group.items():
            entry = data.setdefault("resources", {}).setdefault(kind, {}).setdefault(name, {})
            if identity:
                entry["id"] = identity
                page = _url(kind, host, identity, workspace_id)
                if page:
                    entry["url"] = page
            if config is None:
                entry["modified_status"] = "deleted"
            elif not identity:
                entry["modified_status"] = "created"
    return json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _text(bundle: Bundle, state: Any, host: str, workspace_id: str) -> str:
    from bundlekit.source.tree import get

    lines = [f"Name: {bundle.name}", f"Target: {bundle.target}", "Workspace:"]
    if get(bundle.tree, "workspace", "host"):
        lines.append(f"  Host: {get(bundle.tree, 'workspace', 'host')}")
    lines.append(f"  User: {get(bundle.tree, 'workspace', 'current_user', 'userName')}")
    lines.append(f"  Path: {get(bundle.tree, 'workspace', 'root_path')}")
    entries = _entries(bundle, state)
    if entries:
        lines.append("Resources:")
    for kind in sorted(entries):
        lines.append(f"  {_TITLES.get(kind, kind.replace('_', ' ').title())}:")
        for name in sorted(entries[kind]):
            config, identity = entries[kind][name]
            title = next((str(config[f]) for f in _NAME_FIELDS if config and config.get(f)), name)
            lines += [f"    {name}:", f"      Name: {title}"]
            lines.append(
                f"      URL:  {_url(kind, host, identity, workspace_id) or identity or '(not deployed)'}"
            )
    return "\n".join(lines) + "\n"
