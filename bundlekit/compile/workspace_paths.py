"""The workspace folders of a deployment: root, files, artifacts, state, resources.

Reads `bundle.name`, `bundle.target`, `workspace.current_user`; writes `workspace.*_path`.
"""

from __future__ import annotations

import posixpath

from bundlekit.bundle import Bundle
from bundlekit.compile.load import start_of
from bundlekit.source.reference import is_pure
from bundlekit.source.tree import Map, child_map, get

PATHS = ("root_path", "file_path", "artifact_path", "state_path", "resource_path")


def define_workspace_paths(bundle: Bundle) -> None:
    """Default the root, expand `~`, put `/Workspace` in front, and default the folders below the root."""
    workspace = child_map(bundle.tree, "workspace")
    if not workspace.get("root_path"):
        name = get(bundle.tree, "bundle", "name")
        if not name:
            section = bundle.tree.get("bundle")
            bundle.diagnostics.error(
                "bundle-name-missing",
                "the bundle has no name",
                section.at("name") if isinstance(section, Map) else start_of(bundle),
                path="bundle.name",
                hint="write bundle: {name: my_bundle}",
            )
            return
        workspace.put("root_path", f"~/.bundle/{name}/{bundle.target}", "default")
    user = get(workspace, "current_user", "userName") or ""
    root = str(workspace["root_path"])
    if root == "~" or root.startswith("~/"):
        workspace.put(
            "root_path", posixpath.join(f"/Workspace/Users/{user}", root[2:]), "~ is the user's folder"
        )
    root = str(workspace["root_path"])
    for key, below in (("file_path", "files"), ("resource_path", "resources"),
                       ("artifact_path", "artifacts"), ("state_path", "state")):  # fmt: skip
        if not workspace.get(key):
            workspace.put(key, posixpath.join(root, below), "default")
    for key in PATHS:
        value = workspace.get(key)
        if not isinstance(value, str) or is_pure(value):
            continue
        if value.startswith("/") and not value.startswith(("/Workspace/", "/Volumes/")):
            workspace.put(key, "/Workspace" + value, "/Workspace stands in front of workspace paths")
