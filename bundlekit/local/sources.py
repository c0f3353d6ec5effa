"""From a task of a run to an AttemptSpec: where its code lies on this machine, and its parameters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bundlekit.diagnostics import BundlekitError
from bundlekit.local.attempts import AttemptSpec
from bundlekit.tasks.support import task_type

if TYPE_CHECKING:
    from bundlekit.local.driver import Driver

_WORDS = (b"spark", b"%sql", b"pyspark", b"dbutils.fs")


def mentions_spark(driver: Driver) -> bool:
    """SQL tasks need the engine; other code does when it, or a file beside it, says so."""
    tasks = [
        t
        for task in driver.settings.get("tasks") or []
        for t in (task, (task.get("for_each_task") or {}).get("task"))
    ]
    if any(task and task_type(task) == "sql_task" for task in tasks):
        return True
    seen: set[Path] = set()
    for prefix, folder in _links(driver).items():
        for path, name in driver.service.files.below(prefix).items():
            local = driver.service.files.source(path)
            if local and local[0] and name.endswith((".py", ".sql", ".ipynb")) and local[0] not in seen:
                seen.add(local[0])
                try:
                    text = local[0].read_bytes()
                except OSError:
                    continue
                if any(word in text for word in _WORDS):
                    return True
        del folder
    return False


def _links(driver: Driver) -> dict[str, str]:
    """Workspace folder -> local folder."""
    return {prefix: data["folder"] for prefix, data in driver.service.store.all("links")}


def code_path(task: dict[str, Any]) -> str:
    """The workspace path of a task's code; empty for a task without any (a condition, a wheel, a query)."""
    block = task.get(task_type(task)) or {}
    return str(
        block.get("notebook_path") or block.get("python_file") or (block.get("file") or {}).get("path") or ""
    )


def make_spec(
    driver: Driver, task: dict[str, Any], key: str, folder: Path, task_run: int
) -> AttemptSpec | None:
    """The attempt of a task; None when its code is not in the workspace. Raises BundlekitError."""
    kind = task_type(task)
    settings = driver.service.settings
    root, workspace_root = _root(driver)
    common: dict[str, Any] = {
        "folder": str(folder),
        "task_key": key,
        "root": root,
        "workspace_root": workspace_root,
        "engine": settings.engine,
        "environment": {
            **driver.service.engine_variables(start=driver.needs_engine()),
            **_cluster_environment(driver, task),
            **settings.environment,
        },
        "timeout_seconds": float(task.get("timeout_seconds") or 0),
        "context": {
            "job_id": driver.job["job_id"],
            "run_id": driver.run_id,
            "task_run_id": task_run,
            "user": driver.service.user,
            "task_values": driver.task_values,
            "secrets": settings.secrets,
            "volumes": settings.volumes,
            "storage": str(settings.folder / "dbfs"),
        },
    }
    search = _libraries(driver, task)
    if kind == "notebook_task":
        block = task[kind]
        path = _local_file(driver, block["notebook_path"])
        overrides = driver.request.get("notebook_params") or {}
        parameters: Any = {**(block.get("base_parameters") or {}), **overrides, **driver.parameters}
        return _spec("notebook", path, common, search, parameters={k: str(v) for k, v in parameters.items()})
    if kind == "spark_python_task":
        block = task[kind]
        path = _local_file(driver, block["python_file"])
        parameters = driver.request.get("python_params") or block.get("parameters") or []
        return _spec("python_file", path, common, search, parameters=[str(p) for p in parameters])
    if kind == "python_wheel_task":
        block = task[kind]
        named = block.get("named_parameters")
        if named is not None:
            parameters = {**named, **(driver.request.get("python_named_params") or {}), **driver.parameters}
        else:
            parameters = [
                str(p) for p in driver.request.get("python_params") or block.get("parameters") or []
            ]
        return AttemptSpec(
            kind="python_wheel", package_name=block["package_name"], entry_point=block["entry_point"],
            parameters=parameters, search_path=search, **common,
        )  # fmt: skip
    if kind == "sql_task":
        block = task[kind]
        parameters = {
            **(block.get("parameters") or {}),
            **(driver.request.get("sql_params") or {}),
            **driver.parameters,
        }
        text = (block.get("query") or {}).get("query")
        if text:
            return AttemptSpec(
                kind="sql_text", text=text, parameters=parameters, search_path=search, **common
            )
        path = _local_file(driver, (block.get("file") or {}).get("path", ""))
        return _spec("sql_file", path, common, search, parameters=parameters)
    raise BundlekitError(f"{kind or 'a task without a type'} does not run locally")


def _spec(
    kind: str, path: Path | None, common: dict[str, Any], search: tuple[str, ...], *, parameters: Any
) -> AttemptSpec | None:
    if path is None:
        return None
    return AttemptSpec(kind=kind, path=str(path), parameters=parameters, search_path=search, **common)


def _root(driver: Driver) -> tuple[str, str]:
    links = _links(driver)
    for prefix, folder in links.items():
        return folder, prefix
    return "", ""


def _local_file(driver: Driver, workspace_path: str) -> Path | None:
    """The user's own file if it is linked, else a copy of what was uploaded, with its siblings."""
    files = driver.service.files
    found = files.source(workspace_path)
    if found is None or found[2] == "DIRECTORY":
        return None
    link, name, _ = found
    if link is not None:
        return link
    base = (
        workspace_path.rsplit("/files/", 1)[0] + "/files"
        if "/files/" in workspace_path
        else workspace_path.rsplit("/", 1)[0]
    )
    target = driver.service.store.folder / "materialised" / str(driver.run_id)
    for path, original in files.below(base).items():
        relative = path[len(_plain(base)) :].lstrip("/")
        place = target / Path(relative).with_name(original)
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(files.read(path))
    inside = _plain(workspace_path)[len(_plain(base)) :].lstrip("/")
    return target / Path(inside).with_name(name)


def _plain(path: str) -> str:
    return path.removeprefix("/Workspace")


def _cluster_environment(driver: Driver, task: dict[str, Any]) -> dict[str, str]:
    """`spark_env_vars` of the task's or the shared cluster."""
    cluster = task.get("new_cluster")
    if cluster is None:
        shared = {
            c.get("job_cluster_key"): c.get("new_cluster") for c in driver.settings.get("job_clusters") or []
        }
        cluster = shared.get(task.get("job_cluster_key"))
    variables = (cluster or {}).get("spark_env_vars") or {}
    return {str(k): str(v) for k, v in variables.items() if "{{" not in str(v)}


def _libraries(driver: Driver, task: dict[str, Any]) -> tuple[str, ...]:
    """Wheels and requirements of a task, installed into cached folders that go on sys.path."""
    wanted: list[str] = []
    for library in task.get("libraries") or []:
        if library.get("whl"):
            wanted.append(_library_path(driver, library["whl"]))
        elif library.get("pypi"):
            wanted.append(library["pypi"]["package"])
        elif library.get("requirements"):
            wanted.append("-r " + _library_path(driver, library["requirements"]))
        else:
            raise BundlekitError(f"a library of kind {next(iter(library), '?')} cannot be installed locally")
    environments = {
        e.get("environment_key"): e.get("spec") or {} for e in driver.settings.get("environments") or []
    }
    for entry in (environments.get(task.get("environment_key")) or {}).get("dependencies") or []:
        words = str(entry).split(maxsplit=1)
        if words[0] in ("-r", "--requirement") and len(words) > 1:
            wanted.append("-r " + _library_path(driver, words[1]))
        elif entry.startswith("/"):
            wanted.append(_library_path(driver, entry))
        else:
            wanted.append(str(entry))
    if not wanted:
        return ()
    from bundlekit.local.engines.environment import cache_folder
    from bundlekit.local.wheels import install

    wheels = [Path(entry) for entry in wanted if entry.endswith(".whl") and "/" in entry]
    others = [entry for entry in wanted if Path(entry) not in wheels]
    folder = install(driver.service.python(), wheels, others, cache_folder() / "libraries")
    return (str(folder),) if folder is not None else ()


def _library_path(driver: Driver, path: str) -> str:
    if not path.startswith("/"):
        return path
    found = _local_file(driver, path)
    if found is None:
        raise BundlekitError(f"{path} is not in the workspace", "build it: artifacts in databricks.yml")
    return str(found)
