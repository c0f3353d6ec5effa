"""pyspark's Connect classes with the dialect layer in front of every call that takes a name, a path
or SQL.
"""

from __future__ import annotations

import functools
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bundlekit.local.sql.names import split


def apply(layer: Any, session: Any) -> None:
    """Patch the classes of `pyspark.sql.connect` for this process. `layer` is the `Dialect`."""
    from pyspark.sql.connect import readwriter
    from pyspark.sql.connect.catalog import Catalog
    from pyspark.sql.connect.dataframe import DataFrame

    _patch_session(layer, type(session))
    _patch_errors(layer, type(session.client))
    _patch_reader(layer, readwriter.DataFrameReader)
    _patch_writer(layer, readwriter.DataFrameWriter)
    _patch_writer_v2(layer, DataFrame, readwriter.DataFrameWriterV2)
    _patch_catalog(layer, Catalog)
    _patch_streams(layer)
    if layer.engine.name == "sail":
        _refuse_on_sail(layer, type(session), DataFrame)
    _ship_modules()


def _wrap(cls: Any, name: str, make: Callable[[Any], Any]) -> None:
    original = getattr(cls, name)
    setattr(cls, name, functools.wraps(original)(make(original)))


def _patch_session(layer: Any, cls: Any) -> None:
    def sql(original: Any) -> Any:
        def call(self: Any, sqlQuery: str, args: Any = None, **kwargs: Any) -> Any:
            run = (lambda text: original(self, text, **kwargs)) if kwargs else None
            return layer.sql(sqlQuery, args, run)

        return call

    def attribute(original: Any) -> Any:
        def call(self: Any, name: str) -> Any:
            if name in ("sparkContext", "_jvm", "_jsc", "_jsparkSession"):
                raise layer.refusal(
                    f"spark.{name} is not available over Spark Connect",
                    "RDDs and the Java side need a classic cluster; use DataFrames",
                )
            return original(self, name)

        return call

    _wrap(cls, "sql", sql)
    _wrap(cls, "__getattr__", attribute)
    # A notebook that stops its session must not break what follows; nor does it on Databricks.
    cls.stop = lambda self: None


def _patch_errors(layer: Any, client: Any) -> None:
    """Messages name tables as the user does."""

    def handle(original: Any) -> Any:
        def call(self: Any, rpc_error: Any) -> Any:
            try:
                return original(self, rpc_error)
            except Exception as error:
                if isinstance(getattr(error, "_message", None), str):
                    error._message = layer.readable(error._message)  # type: ignore[attr-defined]
                raise

        return call

    if hasattr(client, "_handle_rpc_error"):
        _wrap(client, "_handle_rpc_error", handle)


def _patch_reader(layer: Any, cls: Any) -> None:
    def table(original: Any) -> Any:
        return lambda self, tableName: original(self, layer.table(tableName))

    def paths(original: Any) -> Any:
        def call(self: Any, path: Any = None, *args: Any, **kwargs: Any) -> Any:
            more = [layer.local_path(one) if isinstance(one, str) else one for one in args]
            return original(self, *([_local(layer, path)] if path is not None else []), *more, **kwargs)

        return call

    _wrap(cls, "table", table)
    for name in ("load", "json", "parquet", "text", "csv", "xml", "orc"):
        _wrap(cls, name, paths)


def _local(layer: Any, path: Any) -> Any:
    if isinstance(path, list | tuple):
        return [_local(layer, one) for one in path]
    return layer.local_path(path) if isinstance(path, str) else path


def _patch_writer(layer: Any, cls: Any) -> None:
    def save(original: Any) -> Any:
        def call(self: Any, path: Any = None, *args: Any, **kwargs: Any) -> Any:
            return original(self, _local(layer, path), *args, **kwargs)

        return call

    def save_as_table(original: Any) -> Any:
        def call(self: Any, name: str, format: Any = None, mode: Any = None, **options: Any) -> None:
            target = layer.table(name, create=True)
            full = layer.scope.resolve(split(name))
            location = options.get("path") or self._write.options.get("path")
            if location:
                options["path"] = layer.local_path(location)
            layer.before_write(self, full, format, mode)
            format = format or self._write.source or "delta"
            original(self, target, format=format, mode=mode, **options)
            if full is not None:
                layer.after_write(full, format, location)

        return call

    def insert_into(original: Any) -> Any:
        def call(self: Any, tableName: str, overwrite: Any = None) -> None:
            layer.before_write(self, layer.scope.resolve(split(tableName)), None, None)
            original(self, layer.table(tableName, create=True), overwrite)

        return call

    for name in ("save", "json", "parquet", "text", "csv", "xml", "orc"):
        _wrap(cls, name, save)
    _wrap(cls, "saveAsTable", save_as_table)
    _wrap(cls, "insertInto", insert_into)


def _patch_streams(layer: Any) -> None:
    from pyspark.sql.connect.streaming.readwriter import DataStreamReader, DataStreamWriter

    def source_table(original: Any) -> Any:
        return lambda self, tableName: original(self, layer.table(tableName))

    def load(original: Any) -> Any:
        return lambda self, path=None, *args, **kwargs: original(self, _local(layer, path), *args, **kwargs)

    def option(original: Any) -> Any:
        return lambda self, key, value: original(self, key, _local(layer, value))

    def to_table(original: Any) -> Any:
        def call(self: Any, tableName: str, *args: Any, **kwargs: Any) -> Any:
            return original(self, layer.table(tableName, create=True), *args, **kwargs)

        return call

    _wrap(DataStreamReader, "table", source_table)
    for name in ("load", "json", "csv", "parquet", "text"):
        _wrap(DataStreamReader, name, load)
    _wrap(DataStreamReader, "option", option)
    _wrap(DataStreamWriter, "option", option)
    _wrap(DataStreamWriter, "start", load)
    _wrap(DataStreamWriter, "toTable", to_table)


def _refuse_on_sail(layer: Any, session: Any, frame: Any) -> None:
    """What Sail lacks, refused by name before anything runs."""

    def refused(what: str) -> property:
        def get(self: Any) -> Any:
            raise layer.refusal(f"{what} is not supported by the sail engine")

        return property(get)

    from pyspark.sql.connect.conf import RuntimeConf
    from pyspark.sql.connect.readwriter import DataFrameReader

    from bundlekit.local.sql import sail_guards

    def conf_set(original: Any) -> Any:
        def call(self: Any, key: str, value: Any) -> None:
            sail_guards.check_setting(layer, key, str(value))
            original(self, key, value)

        return call

    def csv(original: Any) -> Any:
        def call(self: Any, path: Any = None, *args: Any, **kwargs: Any) -> Any:
            reader = self.options(**{k: v for k, v in kwargs.items() if k.lower() == "inferschema"})
            sail_guards.check_read(layer, reader, "csv", bool(args) or kwargs.get("schema") is not None)
            return original(self, path, *args, **kwargs)

        return call

    def load(original: Any) -> Any:
        def call(self: Any, path: Any = None, format: Any = None, schema: Any = None, **options: Any) -> Any:
            reader = self.options(**{k: v for k, v in options.items() if k.lower() == "inferschema"})
            sail_guards.check_read(layer, reader, format or self._format, schema is not None)
            return original(self, path, format, schema, **options)

        return call

    _wrap(RuntimeConf, "set", conf_set)
    _wrap(DataFrameReader, "csv", csv)
    _wrap(DataFrameReader, "load", load)
    session.readStream = refused("spark.readStream (structured streaming)")
    frame.writeStream = refused("writeStream (structured streaming)")
    frame.rdd = refused("DataFrame.rdd")
    session.sparkContext = refused("spark.sparkContext")

    class _NoMachineLearning:
        def find_spec(self, name: str, path: Any, target: Any = None) -> None:
            if name == "pyspark.ml" or name.startswith("pyspark.ml."):
                raise layer.refusal("pyspark.ml is not supported by the sail engine")

    sys.meta_path.insert(0, _NoMachineLearning())


def _patch_writer_v2(layer: Any, frame: Any, cls: Any) -> None:
    def write_to(original: Any) -> Any:
        def call(self: Any, table: str) -> Any:
            writer = original(self, layer.table(table, create=True))
            writer._bundlekit_name = layer.scope.resolve(split(table))
            writer.using("delta")
            return writer

        return call

    def done(original: Any) -> Any:
        def call(self: Any) -> None:
            original(self)
            name = getattr(self, "_bundlekit_name", None)
            if name is not None:
                layer.after_write(name, self._write.provider, None)

        return call

    _wrap(frame, "writeTo", write_to)
    for name in ("create", "replace", "createOrReplace"):
        _wrap(cls, name, done)


def _patch_catalog(layer: Any, cls: Any) -> None:
    from bundlekit.local.engines import catalog

    for name, function in catalog.methods(layer).items():
        if hasattr(cls, name):
            setattr(cls, name, functools.wraps(getattr(cls, name))(function))

    def with_name(original: Any) -> Any:
        def call(self: Any, tableName: str, *args: Any, **kwargs: Any) -> Any:
            return original(self, layer.table(tableName), *args, **kwargs)

        return call

    for name in (
        "listColumns",
        "getTable",
        "isCached",
        "cacheTable",
        "uncacheTable",
        "refreshTable",
        "truncateTable",
    ):
        if hasattr(cls, name):
            _wrap(cls, name, with_name)


def _ship_modules() -> None:
    """Send functions of the user's own modules by value: the server's Python workers can't import them."""
    from pyspark import cloudpickle
    from pyspark.serializers import CloudPickleSerializer

    installed = tuple(
        str(Path(place).resolve()) for place in {*sysconfig.get_paths().values(), sys.base_prefix, sys.prefix}
    )
    package = str(Path(__file__).resolve().parents[2])

    def dumps(original: Any) -> Any:
        def call(self: Any, value: Any) -> Any:
            for name, module in list(sys.modules.items()):
                file = getattr(module, "__file__", None)
                if (
                    not file
                    or name in ("__main__", "__mp_main__")
                    or name in cloudpickle.list_registry_pickle_by_value()
                ):
                    continue
                place = str(Path(file).resolve())
                if not place.startswith((*installed, package)):
                    cloudpickle.register_pickle_by_value(module)
            return original(self, value)

        return call

    _wrap(CloudPickleSerializer, "dumps", dumps)
