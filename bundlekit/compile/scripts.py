"""Hooks of `experimental.scripts`: commands that the user wants run at a stage of the pipeline.

`run_preinit` runs before anything else is known, so it sees only the root file. Restricted environments
(`DATABRICKS_BUNDLE_RESTRICTED_CODE_EXECUTION`) refuse every hook.
"""

from __future__ import annotations

import os

from bundlekit.bundle import Bundle
from bundlekit.source.tree import Map, get

_VARIABLE = "DATABRICKS_BUNDLE_RESTRICTED_CODE_EXECUTION"


def code_is_restricted() -> bool:
    return os.environ.get(_VARIABLE, "").lower() in {"1", "true", "yes", "on"}


def run_preinit(bundle: Bundle) -> None:
    """The hook `preinit`."""
    _run(bundle, "preinit")


def run_postinit(bundle: Bundle) -> None:
    """The hook `postinit`."""
    _run(bundle, "postinit")


def _run(bundle: Bundle, name: str) -> None:
    scripts = get(bundle.tree, "experimental", "scripts")
    command = scripts.get(name) if isinstance(scripts, Map) else None
    if not command or not isinstance(scripts, Map):
        return
    path = f"experimental.scripts.{name}"
    if code_is_restricted():
        bundle.diagnostics.error(
            "script-refused",
            f"the script {name} may not run: {_VARIABLE} is set",
            scripts.at(name),
            path=path,
            hint="remove the script, or run where code may be executed",
        )
        return
    import subprocess
    import sys

    shell = ["bash", "-c"] if os.name != "nt" else ["cmd", "/C"]
    try:
        # Its output is talk: stdout belongs to the command's own result.
        done = subprocess.run(
            [*shell, str(command)], cwd=bundle.root, stdout=sys.stderr.fileno(), check=False
        )
    except OSError as error:
        bundle.diagnostics.error(
            "script-failed", f"the script {name} cannot start: {error}", scripts.at(name), path=path
        )
        return
    if done.returncode:
        bundle.diagnostics.error(
            "script-failed",
            f"the script {name} ended with exit code {done.returncode}",
            scripts.at(name),
            path=path,
            hint="run the command by hand in the bundle's folder",
        )
