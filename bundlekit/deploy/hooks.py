"""`experimental.scripts`: the user's commands before and after the steps of a deployment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from bundlekit.bundle import Bundle
from bundlekit.diagnostics import BundlekitError
from bundlekit.source.tree import get


def run_hook(bundle: Bundle, name: str) -> None:
    """Run a hook in the bundle root with its output on stderr. Raises BundlekitError when it fails."""
    command = get(bundle.tree, "experimental", "scripts", name)
    if not command:
        return
    if os.environ.get("DATABRICKS_BUNDLE_RESTRICTED_CODE_EXECUTION"):
        raise BundlekitError(
            f"the {name} script is not run: DATABRICKS_BUNDLE_RESTRICTED_CODE_EXECUTION is set",
            "unset it, or remove experimental.scripts",
        )
    shell = shutil.which("bash") or shutil.which("sh")
    if shell is None:
        raise BundlekitError(f"the {name} script needs bash or sh", "install one of them")
    done = subprocess.run([shell, "-c", str(command)], cwd=bundle.root, stdout=sys.stderr, check=False)
    if done.returncode:
        at = bundle.tree["experimental"]["scripts"].at(name)
        raise BundlekitError(
            f"the {name} script failed with exit code {done.returncode}", f"it is defined at {at}"
        )
