"""Paths of a workspace as paths of this machine: `/Volumes/c/s/v/…` and `dbfs:/…`.

The mapping comes from the settings, as JSON in `BUNDLEKIT_VOLUMES`; a volume that is not mentioned there lies
beside the tables, in `<tables>/../volumes/<catalog>/<schema>/<volume>`, so that what a task writes stays
inside
the bundle's folder.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

_SCHEME = re.compile(r"^(?:dbfs:(?=/+Volumes/)|file:(?=/+Volumes/))")


def volumes_from_environment() -> dict[str, str]:
    """The mapping that the caller of the task gave; longest prefix first."""
    found = json.loads(os.environ.get("BUNDLEKIT_VOLUMES") or "{}")
    return {key.rstrip("/"): found[key] for key in sorted(found, key=len, reverse=True)}


def is_workspace_path(path: str) -> bool:
    """Whether `path` means something only on Databricks."""
    plain = _SCHEME.sub("", path)
    return plain.startswith(("/Volumes/", "dbfs:/", "/dbfs/"))


def local_path(path: str, volumes: Mapping[str, str], base: Path) -> str:
    """`path` on this machine; unchanged when it is no path of a workspace. `base` holds what isn't mapped."""
    plain = re.sub(r"^/{2,}", "/", _SCHEME.sub("", path))
    if plain.startswith("/dbfs/"):
        plain = "dbfs:/" + plain[6:]
    if not is_workspace_path(plain):
        return path
    for prefix, folder in volumes.items():
        if plain == prefix or plain.startswith(f"{prefix}/"):
            return str(Path(folder) / plain[len(prefix) :].lstrip("/"))
    parts = PurePosixPath(plain.removeprefix("dbfs:")).parts[1:]
    if any(part == ".." for part in parts):
        return path
    if plain.startswith("/Volumes/"):
        return str(base.joinpath("volumes", *(part.lower() for part in parts[1:4]), *parts[4:]))
    return str(base.joinpath("dbfs", *parts))
