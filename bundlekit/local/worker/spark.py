"""`spark` as user code finds it: nothing is imported or connected before its first use."""

from __future__ import annotations

import sys
from importlib.abc import Loader, MetaPathFinder
from typing import Any


class LazySpark:
    """Stands for the SparkSession until it is touched, then forwards to the real one."""

    def __init__(self, engine: str) -> None:
        object.__setattr__(self, "_engine", engine)
        object.__setattr__(self, "_session", None)

    def _real(self) -> Any:
        session = object.__getattribute__(self, "_session")
        if session is None:
            engine = object.__getattribute__(self, "_engine")
            if engine == "none":
                raise RuntimeError(
                    "this run has no engine, so there is no `spark`; run it with --engine spark (or sail)"
                )
            from bundlekit.local.engines.session import make_session

            session = make_session()
            object.__setattr__(self, "_session", session)
        return session

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._real(), name, value)

    def __repr__(self) -> str:
        session = object.__getattribute__(self, "_session")
        return "<SparkSession, not started yet>" if session is None else repr(session)

    def context_proxy(self) -> Any:
        return _LazyContext(self)


class _LazyContext:
    """`sc`: the session's sparkContext, asked for when it is used."""

    def __init__(self, spark: LazySpark) -> None:
        self._spark = spark

    def __getattr__(self, name: str) -> Any:
        return getattr(self._spark.sparkContext, name)


def install_spark_hooks(spark: LazySpark) -> None:
    """Let `SparkSession.builder….getOrCreate()` in user code give this session, whatever master it names."""
    from bundlekit.local.engines.session import install

    install()  # `delta.tables` and `databricks.connect` can be imported before spark is touched
    sys.meta_path.insert(0, _SparkFinder(spark))


class _SparkFinder(MetaPathFinder):
    def __init__(self, spark: LazySpark) -> None:
        self._spark = spark

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name != "pyspark.sql":
            return None
        sys.meta_path.remove(self)
        from importlib.util import find_spec

        spec = find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader = _PatchingLoader(spec.loader, self._spark)  # type: ignore[assignment]
        return spec


class _PatchingLoader(Loader):
    def __init__(self, loader: Any, spark: LazySpark) -> None:
        self._loader = loader
        self._spark = spark

    def create_module(self, spec: Any) -> Any:
        return self._loader.create_module(spec)

    def exec_module(self, module: Any) -> None:
        self._loader.exec_module(module)
        patch_builder(module, self._spark)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)


def patch_builder(module: Any, spark: LazySpark) -> None:
    """Replace `getOrCreate` of the module's SparkSession builder for code outside of bundlekit."""
    builder = module.SparkSession.Builder
    original = builder.getOrCreate

    def get_or_create(self: Any) -> Any:
        caller = sys._getframe(1).f_globals.get("__name__", "")
        if caller.startswith(("bundlekit.", "pyspark.")):
            return original(self)
        return spark._real()

    builder.getOrCreate = get_or_create
