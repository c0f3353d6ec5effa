"""The short form of a task (`type: notebook` with flat keys), `foreach_task` and `python_script_task`."""

from __future__ import annotations

from dataclasses import dataclass

from bundlekit.bundle import Bundle
from bundlekit.compile.dialect.keys import Told, key_of, move, places, tasks
from bundlekit.compile.dialect.names import conflict, was
from bundlekit.source.tree import Map, Path, Seq, Spot


@dataclass(frozen=True)
class _Form:
    """One meaning of a type: the official block, and short key -> key in the block."""

    block: str
    keys: dict[str, str]
    needs: tuple[str, ...]


_FORMS = {
    "notebook": _Form(
        "notebook_task",
        {"notebook_path": "notebook_path", "parameters": "base_parameters", "source": "source"},
        ("notebook_path",),
    ),
    "wheel": _Form(
        "python_wheel_task",
        {"package_name": "package_name", "entry_point": "entry_point", "parameters": "parameters"},
        ("package_name", "entry_point"),
    ),
    "file": _Form(
        "spark_python_task", {"python_file": "python_file", "parameters": "parameters"}, ("python_file",)
    ),
    "jar": _Form(
        "spark_jar_task",
        {"main_class_name": "main_class_name", "parameters": "parameters"},
        ("main_class_name",),
    ),
    "sql": _Form(
        "sql_task",
        {"query": "query", "warehouse_id": "warehouse_id", "parameters": "parameters"},
        ("warehouse_id",),
    ),
    "dlt": _Form(
        "pipeline_task", {"pipeline_id": "pipeline_id", "full_refresh": "full_refresh"}, ("pipeline_id",)
    ),
}
TYPES = ("notebook", "python", "jar", "sql", "dlt")


def lower_types(bundle: Bundle, job: Map, path: Path) -> None:
    """All three forms, for every task and the tasks of loops."""
    for task, place in tasks(job, path):
        loop = task.get("for_each_task")
        at = was(bundle, places(task, "for_each_task"), "foreach_task")
        if at is not None:
            Told(bundle, "dialect-foreach-task").warn(
                at, place, "foreach_task is for_each_task", "write for_each_task: {inputs: …, task: {…}}"
            )
            if isinstance(loop, Map) and isinstance(loop.get("task"), Map) and "task_key" not in loop["task"]:
                loop["task"]["task_key"] = f"{key_of(task)}_iteration"
                loop["task"].spots["task_key"] = Spot(None, (at,))
        at = was(bundle, places(task, "spark_python_task"), "python_script_task")
        if at is not None:
            Told(bundle, "dialect-python-script-task").warn(
                at,
                place,
                "python_script_task is spark_python_task",
                "write spark_python_task: {python_file: …}",
            )
        if "type" in task:
            _lower(bundle, task, place)


def _lower(bundle: Bundle, task: Map, path: Path) -> None:
    told = Told(bundle, "dialect-task-type")
    kind, at = task["type"], places(task, "type")
    form = _form(task, kind)
    if isinstance(form, str):
        told.error(at, (*path, "type"), form, _way_out(kind))
        return
    block = task.get(form.block)
    if block is None:
        block = Map(at[0] if at else None)
    elif not isinstance(block, Map):
        return
    for key, name in form.keys.items():
        if key not in task:
            continue
        if key == "parameters" and form.block == "python_wheel_task" and isinstance(task[key], Map):
            name = "named_parameters"  # noqa: PLW2901
        if name in block and not _merged(block, name, task, key):
            conflict(bundle, task.key_at(key), path, key, f"{form.block}.{name}")
            return
        if key in task:
            move(task, key, block, name)
    if kind == "sql" and "query_id" in task:
        if "query" in block:
            conflict(bundle, block.key_at("query"), path, "query", "query_id")
            return
        query = Map(task.key_at("query_id"))
        move(task, "query_id", query, "query_id")
        block["query"] = query
        block.spots["query"] = query.spot("query_id")
    absent = [key for key in form.needs if block.get(form.keys.get(key, key)) in (None, "")]
    if absent and not (kind == "sql" and absent == ["warehouse_id"]):
        told.error(at, (*path, "type"), f"type: {kind} needs {' and '.join(absent)}", _way_out(kind))
        return
    if form.block not in task:
        task[form.block] = block
        task.spots[form.block] = task.spot("type")
    task.drop("type")
    told.warn(
        at,
        path,
        f"type: {kind} is the short form of {form.block}",
        f"write {form.block}: {_shown(form, block)}",
    )


def _merged(block: Map, name: str, task: Map, key: str) -> bool:
    """Two mappings of parameters complete each other; where they share a key they conflict."""
    there, here = block[name], task[key]
    if not (isinstance(there, Map) and isinstance(here, Map)) or set(there) & set(here):
        return False
    for child in list(here):
        move(here, child, there, child)
    task.drop(key)
    return True


def _form(task: Map, kind: object) -> _Form | str:
    """What a type means here, or what is wrong."""
    if kind not in TYPES:
        return f"there is no task type {kind}; the short form has {', '.join(TYPES)}"
    if kind != "python":
        wanted = task.get("parameters")
        if kind == "notebook" and isinstance(wanted, Seq):
            return "the parameters of a notebook are a mapping"
        if kind == "jar" and isinstance(wanted, Map):
            return "the parameters of a JAR are a list"
        return _FORMS[str(kind)]
    package = "package_name" in task or "python_wheel_task" in task
    file = "python_file" in task or "spark_python_task" in task
    if package == file:
        both = "both a package and a file" if package else "neither package_name nor python_file"
        return f"type: python has {both}"
    if file and isinstance(task.get("parameters"), Map):
        return "the parameters of a Python file are a list"
    return _FORMS["file" if file else "wheel"]


def _way_out(kind: object) -> str:
    ways = {
        "notebook": "write notebook_task: {notebook_path: …}",
        "python": "write python_wheel_task: {package_name: …, entry_point: …} or spark_python_task: {python_file: …}",
        "jar": "write spark_jar_task: {main_class_name: …}",
        "sql": "write sql_task: {file: {path: …}, warehouse_id: …}",
        "dlt": "write pipeline_task: {pipeline_id: …}",
    }
    from bundlekit.diagnostics import did_you_mean

    return ways.get(str(kind)) or did_you_mean(str(kind), TYPES)


def _shown(form: _Form, block: Map) -> str:
    from bundlekit.compile.dialect.keys import one_line
    from bundlekit.source.tree import to_plain

    return one_line(to_plain(block))
