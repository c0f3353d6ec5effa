"""`/Volumes/…` and `/dbfs/…` in plain Python: `open`, `os` and `pathlib` see the mapped folders.

On Databricks these are mounted folders. Here the few functions through which Python reaches the file system
get
the mapped path; a library that opens files in C by itself (pyarrow) is not reached.
"""

from __future__ import annotations

import builtins
import functools
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

_ONE = (
    "stat",
    "lstat",
    "listdir",
    "scandir",
    "mkdir",
    "rmdir",
    "remove",
    "unlink",
    "open",
    "access",
    "chmod",
    "utime",
)
_TWO = ("rename", "replace", "link")
_PREFIXES = ("/Volumes/", "/dbfs/")


def install(to_local: Callable[[str], str]) -> None:
    """Patch this process; `to_local` maps one path. A folder of the base that is missing is made for a
    mapped path.
    """

    def mapped(path: Any) -> Any:
        if isinstance(path, str):
            return to_local(path) if path.startswith(_PREFIXES) or path in ("/Volumes", "/dbfs") else path
        if isinstance(path, os.PathLike):
            text = os.fspath(path)
            return to_local(text) if isinstance(text, str) and text.startswith(_PREFIXES) else path
        return path

    def wrap(original: Any, count: int) -> Any:
        @functools.wraps(original)
        def call(*args: Any, **kwargs: Any) -> Any:
            return original(*map(mapped, args[:count]), *args[count:], **kwargs)

        return call

    # `os.makedirs` stops at the mount point, which is always there on Databricks.
    Path(to_local("/Volumes/main")).parent.mkdir(parents=True, exist_ok=True)
    for name in _ONE:
        if hasattr(os, name):
            setattr(os, name, wrap(getattr(os, name), 1))
    for name in _TWO:
        setattr(os, name, wrap(getattr(os, name), 2))
    builtins.open = io.open = wrap(builtins.open, 1)


def default_base() -> Path:
    """The folder that holds what isn't mapped: the one above the tables."""
    return Path(os.environ.get("BUNDLEKIT_TABLES") or ".").parent
