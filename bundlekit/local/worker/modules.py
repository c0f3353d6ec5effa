"""Modules that Databricks' runtime has: `pyspark.dbutils` and `databricks.sdk.runtime`.

Both give this attempt's objects. They are made when user code imports them, and cost nothing before.
"""

from __future__ import annotations

import importlib.util
import sys
from functools import partial
from importlib.abc import Loader, MetaPathFinder
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bundlekit.local.worker.attempt import Stage

_RUNTIME = "databricks.sdk.runtime"
_PARENTS = ("databricks", "databricks.sdk")


def install_modules(stage: Stage) -> None:
    """Make the modules importable in this process."""
    sys.meta_path.insert(0, _Finder(stage, ("pyspark.dbutils", _RUNTIME)))
    # The packages above them only where the environment has none.
    sys.meta_path.append(_Finder(stage, _PARENTS))


class _Finder(MetaPathFinder):
    def __init__(self, stage: Stage, names: tuple[str, ...]) -> None:
        self._stage = stage
        self._names = names

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name not in self._names:
            return None
        return importlib.util.spec_from_loader(name, _Maker(self._stage), is_package=name in _PARENTS)


def _sql(stage: Stage, text: str, **named: Any) -> Any:
    return stage.spark.sql(text, **named)


class _Maker(Loader):
    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def create_module(self, spec: Any) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        from bundlekit.local.worker.attempt import namespace

        if module.__name__ == "pyspark.dbutils":
            module.__dict__["DBUtils"] = lambda spark=None: self._stage.dbutils
        elif module.__name__ == _RUNTIME:
            names = namespace(self._stage)
            names["sql"] = partial(_sql, self._stage)
            names["getArgument"] = self._stage.dbutils.widgets.getArgument
            module.__dict__.update(names, __all__=list(names))
