"""Conditions on tasks that also work: they become a condition task in front of the task."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bundlekit.bundle import Bundle
from bundlekit.compile.dialect.keys import Told, key_of, move, one_line, places, tasks
from bundlekit.compile.dialect.names import conflict
from bundlekit.diagnostics import Location
from bundlekit.source.tree import Map, Path, Seq, Spot, to_plain

_OPS = {
    "==": "EQUAL_TO", "!=": "NOT_EQUAL", "<=": "LESS_THAN_OR_EQUAL", ">=": "GREATER_THAN_OR_EQUAL",
    "<": "LESS_THAN", ">": "GREATER_THAN",
}  # fmt: skip
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'[^']*'|\"[^\"]*\")|(?P<number>-?\d+(?:\.\d+)?)|(?P<op>==|!=|<=|>=|<|>)"
    r"|(?P<name>[A-Za-z_][\w-]*(?:\.(?:[\w-]+|`[^`]+`))*)|(?P<other>\S))"
)
_ROOTS = ("job", "task", "tasks", "workspace", "input")
_LONGEST = 100


def lower_conditions(bundle: Bundle, job: Map, path: Path) -> None:
    """`condition: …` on a task, and condition_task beside work."""
    entries = job.get("tasks")
    if not isinstance(entries, Seq):
        return
    made: list[tuple[Map, Spot]] = []
    names = {key_of(task) for task, _ in tasks(job, path, inner=False)}
    for index, task in enumerate(entries):
        if not isinstance(task, Map):
            continue
        place = (*path, "tasks", index)
        loop = task.get("for_each_task")
        inner = loop.get("task") if isinstance(loop, Map) else None
        if isinstance(inner, Map) and "condition" in inner:
            Told(bundle, "dialect-condition-expression").error(
                places(inner, "condition"), place, "the inner task of a loop has no condition",
                "filter the inputs of the loop, or let the task itself decide",
            )  # fmt: skip
        block = _condition(bundle, task, place)
        if block is not None:
            made.append((_split(task, block, names), entries.spot(index)))
    for task, spot in made:
        entries.add(task, spot)
    if made:
        bundle.facts["dialect_sort"] = True


def _condition(bundle: Bundle, task: Map, path: Path) -> Map | None:
    """The condition task's block that a task asks for; the diagnostic is said here."""
    works = [key for key in task if key.endswith("_task") and key != "condition_task"]
    if "condition" in task:
        at = places(task, "condition")
        if "condition_task" in task:
            conflict(bundle, at[0] if at else None, path, "condition", "condition_task")
            return None
        block = _parsed(bundle, task, str(task["condition"]), at, path)
        if block is not None:
            task.drop("condition")
            _say(bundle, "dialect-condition-expression", task, block, at, path,
                 "a task has no condition; read as a condition task in front of it")  # fmt: skip
        return block
    if "condition_task" in task and works and isinstance(task["condition_task"], Map):
        at = places(task, "condition_task")
        block = task["condition_task"]
        task.drop("condition_task")
        _say(bundle, "dialect-condition-with-task", task, block, at, path,
             "a task is either a condition or work; split in two")  # fmt: skip
        return block
    return None


def _say(
    bundle: Bundle, code: str, task: Map, block: Map, at: tuple[Location, ...], path: Path, summary: str
) -> None:
    key = key_of(task)
    first = {"task_key": f"{key}_condition", "condition_task": to_plain(block)}
    second = {"task_key": key, "depends_on": [{"task_key": f"{key}_condition", "outcome": "true"}]}
    numbers = any(re.fullmatch(r"-?\d+(\.\d+)?", str(block.get(side))) for side in ("left", "right"))
    text = (
        ' EQUAL_TO compares text: "12.0" == "12" is false.'
        if numbers and block.get("op") in ("EQUAL_TO", "NOT_EQUAL")
        else ""
    )
    Told(bundle, code).warn(
        at, path, summary,
        f"write {one_line(first)} and {one_line(second)}. When the condition is false, {key} is excluded, and with it "
        "every task that depends on nothing else; use run_if NONE_FAILED with a second dependency where work should "
        f"go on.{text}",
    )  # fmt: skip


def _split(task: Map, block: Map, names: set[str]) -> Map:
    """The condition task; the task keeps everything but what it waits for."""
    key = key_of(task)
    base = f"{key}_condition"
    if len(base) > _LONGEST:
        base = f"{key[: _LONGEST - len('_condition')]}_condition"
    name, number = base, 2
    while name in names:
        name, number = f"{base}_{number}", number + 1
    names.add(name)
    at = block.location or task.location
    spot = Spot(None, (at,) if at else ())
    condition = Map(at)
    condition["task_key"] = name
    condition.spots["task_key"] = spot
    for moved in ("depends_on", "run_if"):
        if moved in task:
            move(task, moved, condition, moved)
    condition["condition_task"] = block
    condition.spots["condition_task"] = spot
    entry = Map(at)
    for field, value in (("task_key", name), ("outcome", "true")):
        entry[field] = value
        entry.spots[field] = spot
    listed = Seq(at)
    listed.add(entry, spot)
    task["depends_on"] = listed
    task.spots["depends_on"] = spot
    return condition


@dataclass(frozen=True)
class _Operand:
    value: str


def _parsed(bundle: Bundle, task: Map, text: str, at: tuple[Location, ...], path: Path) -> Map | None:
    told = Told(bundle, "dialect-condition-expression")

    def fail(summary: str, hint: str) -> None:
        told.error(at, (*path, "condition"), f"{text}: {summary}", hint)

    inside = text.strip()
    if inside.startswith("{{") and inside.endswith("}}") and inside.count("{{") == 1:
        inside = inside[2:-2]
    inside = re.sub(r"\{\{\s*(.*?)\s*\}\}", r"\1", inside)
    tokens = list(_TOKEN.finditer(inside))
    kinds = [str(match.lastgroup) for match in tokens]
    words = [match.group(kind) for match, kind in zip(tokens, kinds, strict=True)]
    for word in ("and", "or", "not", "&&", "||"):
        joined = word in words or (word in ("&&", "||") and word in inside)
        if joined:
            fail(f"{word} is not understood", _joined_hint(word))
            return None
    if "other" in kinds:
        other = words[kinds.index("other")]
        what = "functions are not understood" if other == "(" else f"{other} is not understood"
        fail(
            what,
            "compare one value with another: {{job.parameters.env}} == 'prod'; compute it in a task before",
        )
        return None
    if len(words) == 1 and kinds[0] == "name":
        operand = _operand(words[0], kinds[0])
        if operand is None:
            fail(f"{words[0]} is no known value", _name_hint(words[0]))
        else:
            fail("there is nothing to compare with", f"write {{{{{words[0]}}}}} == 'true'")
        return None
    if len(words) != 3 or kinds[1] != "op":
        fail("one comparison is expected: operand operator operand", "write {{job.parameters.env}} == 'prod'")
        return None
    sides = []
    for word, kind in ((words[0], kinds[0]), (words[2], kinds[2])):
        operand = _operand(word, kind)
        if operand is None:
            fail(f"{word} is no known value", _name_hint(word))
            return None
        sides.append(operand)
    place = at[0] if at else task.location
    block, spot = Map(place), Spot(None, at)
    for key, value in (("op", _OPS[words[1]]), ("left", sides[0].value), ("right", sides[1].value)):
        block[key] = value
        block.spots[key] = spot
    return block


def _operand(word: str, kind: str) -> _Operand | None:
    if kind == "text":
        return _Operand(word[1:-1])
    if kind == "number" or word in ("true", "false"):
        return _Operand(word)
    if kind == "name" and word.split(".", 1)[0] in _ROOTS and ("." in word or word == "input"):
        return _Operand(f"{{{{{word}}}}}")
    return None


def _name_hint(name: str) -> str:
    return f"write {{{{job.parameters.{name}}}}} or {{{{tasks.<task>.values.{name}}}}}"


def _joined_hint(word: str) -> str:
    if word in ("and", "&&"):
        return 'write two condition tasks in a chain: the second depends on the first with outcome "true"'
    if word in ("or", "||"):
        return "write two condition tasks and a task that depends on both with run_if: AT_LEAST_ONE_SUCCESS"
    return "turn the comparison round: != in place of not =="
