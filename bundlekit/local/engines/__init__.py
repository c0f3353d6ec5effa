"""What stands behind `spark` in a local run: environments, the warm server, and what task processes need.

`spark` is Apache Spark with Delta Lake behind Spark Connect, `sail` the quick, approximate engine, `none`
plain
Python without `spark`. This module is imported in task processes too, so it imports only the standard library
until a function is called.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from bundlekit.local.engines.spark import Endpoint

Say = Callable[[str], None]


class EngineSpec(NamedTuple):
    """One engine: its name, a line for people, and how far its results can be trusted."""

    name: str
    summary: str
    label: str


ENGINES: dict[str, EngineSpec] = {
    "spark": EngineSpec(
        "spark", "Apache Spark 4.2 with Delta Lake 4.4, one warm server for all tasks", "real"
    ),
    "sail": EngineSpec("sail", "Sail 0.7.2: starts in half a second, approximate", "emulated"),
    "none": EngineSpec("none", "plain Python only, without spark", "real"),
}


def ensure_environment(name: str, say: Say) -> Path:
    """The Python of the engine's environment, made now if need be. Raises BundlekitError."""
    from bundlekit.local.engines import environment

    return environment.ensure_environment(name, say)


def engine_folder(folder: Path) -> Path:
    """Where the server of the bundle+target folder (`.databricks/bundlekit/<target>`) keeps its files."""
    return folder.resolve() / "engine"


def start_server(
    name: str,
    folder: Path,
    say: Say,
    *,
    catalogs: Sequence[str] = (),
    tables: Path | None = None,
    volumes: Mapping[str, str] | None = None,
    idle_seconds: float | None = None,
) -> Endpoint:
    """Make the engine available to task processes and return at once; `Endpoint.wait()` blocks until it
    answers.

    `folder` is `.databricks/bundlekit/<target>`, `tables` the folder of the tables (default `folder/tables`),
    `catalogs` the catalogs to declare, the first one current; `volumes` maps `/Volumes/c/s/v` (and
    `dbfs:/x`) to
    folders. `sail` has no server of its own: every task process embeds one. Raises BundlekitError.
    """
    from bundlekit.local.engines.spark import IDLE_SECONDS, Endpoint, start_spark

    place = (tables or folder / "tables").resolve()
    variables = {
        "BUNDLEKIT_TABLES": str(place),
        "BUNDLEKIT_CATALOGS": json.dumps(list(catalogs)),
    }
    if volumes is not None:
        variables["BUNDLEKIT_VOLUMES"] = json.dumps(dict(volumes))
    if name != "spark":
        return Endpoint(name, engine_folder(folder), 0, "", variables)
    ensure_environment(name, say)
    idle = IDLE_SECONDS if idle_seconds is None else idle_seconds
    return start_spark(engine_folder(folder), place, variables, say, idle)


def stop_server(folder: Path) -> bool:
    """Stop the server of the bundle+target folder `folder`; whether there was one."""
    from bundlekit.local.engines.spark import stop_spark

    return stop_spark(engine_folder(folder))


def server_status(folder: Path) -> dict[str, Any]:
    """{state: stopped|starting|running, …}; see `spark.spark_status`."""
    from bundlekit.local.engines.spark import spark_status

    return spark_status(engine_folder(folder))
