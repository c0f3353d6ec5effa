"""Which workspace a command talks to.

`--local`/`--backend` > `BUNDLEKIT_BACKEND` > a host or profile is configured (Databricks) > local. A configured
host without credentials is an error, never a silent local run.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from bundlekit.bundle import Bundle
from bundlekit.source.tree import get

if TYPE_CHECKING:
    from bundlekit.workspace.port import Workspace


def backend(bundle: Bundle | None, chosen: str | None, profile: str | None = None) -> str:
    """`local` or `databricks`."""
    if chosen:
        return chosen
    configured = profile or os.environ.get("DATABRICKS_HOST") or os.environ.get("DATABRICKS_CONFIG_PROFILE")
    if bundle is not None:
        section = bundle.tree.get("workspace")
        configured = configured or get(section, "host") or get(section, "profile")
    return "databricks" if configured else "local"


def connect(bundle: Bundle | None, chosen: str | None, profile: str | None = None) -> Workspace:
    """Open the workspace. Raises BundlekitError when credentials are missing."""
    if backend(bundle, chosen, profile) == "databricks":
        from bundlekit.workspace.databricks import connect_databricks

        section = bundle.tree.get("workspace") if bundle is not None else None
        return connect_databricks(get(section, "host"), profile or get(section, "profile"))
    from bundlekit.workspace.local import open_workspace

    user = "local"
    folder = Path.cwd() / ".databricks" / "bundlekit" / "workspace"
    if bundle is not None:
        user = str(get(bundle.tree, "workspace", "current_user", "userName") or user)
        folder = local_folder(bundle)
    return open_workspace(folder, user)


def local_folder(bundle: Bundle) -> Path:
    """`.databricks/bundlekit/<target>`: everything that local runs of a target keep."""
    return bundle.root / ".databricks" / "bundlekit" / (bundle.target or "default")
