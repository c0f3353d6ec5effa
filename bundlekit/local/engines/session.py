"""The `spark` of a task process: a Spark Connect session behind the dialect layer.

`install()` is cheap and called before user code runs: it only watches for `import pyspark.sql`, so that
`SparkSession.builder…getOrCreate()` gives the task's session whatever master it names. `make_session()`
connects.
Runs in the engine environment's Python; imports nothing of bundlekit but the dialect layer.
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import json
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

START_SECONDS = 120.0
_BEAT_SECONDS = 20.0
_made: dict[str, Any] = {}
_lock = threading.RLock()


class EngineNotAvailable(RuntimeError):
    """`spark` is wanted but there is no server, or it did not start."""


class _Watch(importlib.abc.MetaPathFinder):
    """Patches `pyspark.sql.session` after its import and provides `delta.tables` and `databricks.connect`."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        if name in _PROVIDED and name != "databricks":
            return importlib.util.spec_from_loader(
                name, _Provided(), is_package=name in ("delta", "databricks.connect")
            )
        if name != "pyspark.sql.session":
            return None
        sys.meta_path.remove(self)
        try:
            spec = importlib.util.find_spec(name)
        finally:
            sys.meta_path.insert(0, self)
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                run(module)
                _patch_builder(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


class _Namespace(importlib.abc.MetaPathFinder):
    """The package `databricks`, last in line: only where nothing installed provides it."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        if name != "databricks":
            return None
        return importlib.util.spec_from_loader(name, _Provided(), is_package=True)


class _Provided(importlib.abc.Loader):
    def exec_module(self, module: ModuleType) -> None:
        for key, value in _PROVIDED[module.__name__]().items():
            setattr(module, key, value)


def _delta_names() -> dict[str, Any]:
    from bundlekit.local.engines import delta_table

    return {name: getattr(delta_table, name) for name in delta_table.__all__}


class _ConnectBuilder:
    """`DatabricksSession.builder`: every setting of a connection is accepted and without effect."""

    def getOrCreate(self) -> Any:
        return make_session()

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **kwargs: self


def _connect_names() -> dict[str, Any]:
    class DatabricksSession:
        builder = _ConnectBuilder()

    return {"DatabricksSession": DatabricksSession}


_PROVIDED: dict[str, Callable[[], dict[str, Any]]] = {
    "databricks": dict,
    "delta": _delta_names,
    "delta.tables": _delta_names,
    "databricks.connect": _connect_names,
}


def install() -> None:
    """Make `SparkSession.builder…getOrCreate()` give the task's session; imports nothing heavy."""
    if any(isinstance(finder, _Watch) for finder in sys.meta_path):
        return
    sys.meta_path.insert(0, _Watch())
    sys.meta_path.append(_Namespace())
    _map_paths()
    loaded = sys.modules.get("pyspark.sql.session")
    if loaded is not None:
        _patch_builder(loaded)


def _map_paths() -> None:
    from bundlekit.local.engines import plain_paths
    from bundlekit.local.sql.paths import local_path, volumes_from_environment

    volumes, base = volumes_from_environment(), plain_paths.default_base()
    if "BUNDLEKIT_TABLES" in os.environ:
        plain_paths.install(lambda path: local_path(path, volumes, base))


def _patch_builder(module: Any) -> None:
    def get_or_create(self: Any) -> Any:
        session = make_session()
        for key, value in getattr(self, "_options", {}).items():
            _set_quietly(session, key, value)
        return session

    module.SparkSession.Builder.getOrCreate = get_or_create
    module.SparkSession.Builder.create = get_or_create
    # `.master("local[*]")` and `.remote(…)` are accepted and without effect.
    module.SparkSession.Builder._validate_startup_urls = lambda self: None


_STATIC = ("spark.master", "spark.app.name", "spark.remote", "spark.jars", "spark.driver.", "spark.executor.")


def _set_quietly(session: Any, key: str, value: Any) -> None:
    """Settings of a cluster have no effect on a session that exists, as on Databricks."""
    if not key.startswith((*_STATIC, "spark.sql.extensions", "spark.sql.catalog", "spark.sql.warehouse")):
        try:
            session.conf.set(key, value)
        except Exception as error:
            print(
                f"bundlekit: spark setting {key} has no effect: {str(error).splitlines()[0]}", file=sys.stderr
            )


def preload() -> None:
    """Import in a fork server what every session needs (0.4 s), but not gRPC, nor what is patched later."""
    import pandas
    import pyarrow
    import sqlglot.dialects.databricks

    from bundlekit.local.sql import dialect  # noqa: F401

    del pandas, pyarrow, sqlglot


def make_session() -> Any:
    """The task's SparkSession, made on the first call. Raises EngineNotAvailable."""
    with _lock:
        if "session" not in _made:
            install()
            _made["session"] = _connect()
        return _made["session"]


def has_session() -> bool:
    """Whether user code has touched `spark` in this process."""
    return "session" in _made


def dialect() -> Any:
    """The session's `Dialect` (bundlekit.local.sql.dialect)."""
    make_session()
    return _made["dialect"]


def _connect() -> Any:
    engine = os.environ.get("BUNDLEKIT_ENGINE", "none")
    if engine == "none":
        raise EngineNotAvailable(
            "this task needs spark, but the engine is none; write engine: spark in bundlekit.yml"
        )
    if engine == "sail":
        from bundlekit.local.engines.sail import embed

        embed()
    elif "BUNDLEKIT_ENGINE_FOLDER" in os.environ:
        _wait_for_server(Path(os.environ["BUNDLEKIT_ENGINE_FOLDER"]))
    os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"
    from pyspark.sql.connect.client.retries import DefaultPolicy
    from pyspark.sql.connect.session import SparkSession

    session = SparkSession.builder.remote(os.environ["SPARK_REMOTE"]).create()
    # The default policy would let a task hang for ten minutes after the server died.
    session.client.set_retry_policies([DefaultPolicy(max_retries=4, initial_backoff=50, max_backoff=1000)])
    _quiet()
    _made["dialect"] = _layer(engine, session)
    _made["dialect"].use_engine(_made["dialect"].scope.catalog, _made["dialect"].scope.schema)
    return session


def _wait_for_server(folder: Path) -> None:
    """Until the warm server answers; it may have been started a moment ago. Keeps it from being idle."""
    ends = time.monotonic() + START_SECONDS
    while True:
        try:
            record = json.loads((folder / "server.json").read_text("utf-8"))
        except (OSError, ValueError):
            record = {}
        if record.get("ready"):
            break
        if not record or time.monotonic() > ends:
            raise EngineNotAvailable(f"the Spark server is not running; its log is {folder / 'server.log'}")
        time.sleep(0.03)
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", int(record["port"]))) != 0:
            raise EngineNotAvailable(f"the Spark server does not answer; its log is {folder / 'server.log'}")
    threading.Thread(target=_beat, args=(folder / "used",), daemon=True, name="bundlekit-beat").start()


def _beat(used: Path) -> None:
    while True:
        try:
            os.utime(used)
        except OSError:
            return
        time.sleep(_BEAT_SECONDS)


def _quiet() -> None:
    """pyspark logs each failed statement as one line of JSON on stderr; the exception says it better."""
    for name in ("SQLQueryContextLogger", "DataFrameQueryContextLogger", "pyspark.sql.connect.logging"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    logging.getLogger("SQLQueryContextLogger").disabled = True
    logging.getLogger("DataFrameQueryContextLogger").disabled = True


class _Session:
    """What the dialect needs of a session (see `dialect.Engine`)."""

    def __init__(self, name: str, session: Any, run: Any) -> None:
        self.name = name
        self._session = session
        self._run = run

    def sql(self, text: str) -> Any:
        return self._run(self._session, text)

    def rows(self, rows: list[tuple[Any, ...]], schema: str) -> Any:
        return self._session.createDataFrame(rows, schema)

    def set(self, key: str, value: str) -> None:
        self._session.conf.set(key, value)

    def read(self, path: str, options: Mapping[str, str]) -> Any:
        from bundlekit.local.engines.files import read_files

        return read_files(self._session, path, options)


def _layer(engine: str, session: Any) -> Any:
    from bundlekit.local.engines import patches
    from bundlekit.local.sql.dialect import Dialect
    from bundlekit.local.sql.names import Scope
    from bundlekit.local.sql.paths import volumes_from_environment

    declared: Sequence[str] = json.loads(os.environ.get("BUNDLEKIT_CATALOGS") or "[]")
    current = os.environ.get("BUNDLEKIT_CATALOG") or (declared[0] if declared else "main")
    tables = Path(os.environ.get("BUNDLEKIT_TABLES") or Path.cwd() / ".databricks" / "bundlekit" / "tables")
    scope = Scope(
        tables,
        current.lower(),
        (os.environ.get("BUNDLEKIT_SCHEMA") or "default").lower(),
        tuple(name.lower() for name in declared),
    )
    run = type(session).sql
    layer = Dialect(_Session(engine, session, run), scope, volumes_from_environment())
    patches.apply(layer, session)
    return layer
