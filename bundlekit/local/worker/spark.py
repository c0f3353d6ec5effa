"""`spark` as user code finds it: nothing is imported or connected before its first use."""

from __future__ import annotations

import sys
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

    @property
    def __class__(self) -> Any:
        """`isinstance(spark, SparkSession)` is true, without connecting for it."""
        for name in ("pyspark.sql.connect.session", "pyspark.sql.session"):
            if name in sys.modules and object.__getattribute__(self, "_engine") != "none":
                return sys.modules[name].SparkSession
        return LazySpark

    @__class__.setter
    def __class__(self, value: Any) -> None:
        raise TypeError("the class of spark can't be changed")

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


def install_spark_hooks() -> None:
    """Let `SparkSession.builder….getOrCreate()` in user code give this session, whatever master it names."""
    from bundlekit.local.engines.session import install

    install()
