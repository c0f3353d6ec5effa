"""Dependencies: names in place of mappings, and outcomes that only condition tasks have."""

from __future__ import annotations

from bundlekit.bundle import Bundle
from bundlekit.compile.dialect.keys import Told, key_of, one_line, places, tasks
from bundlekit.compile.dialect.names import was
from bundlekit.diagnostics import Location
from bundlekit.source.tree import Map, Path, Seq, Spot

_WORDS = {"SUCCESS": "S", "SUCCEEDED": "S", "FAILURE": "F", "FAILED": "F"}
_BRANCHES = ("true", "false")


def check_names(bundle: Bundle, job: Map, path: Path) -> None:
    """`depends_on: [a, b]`: reported here, lowered before the merge."""
    for task, place in tasks(job, path, inner=False):
        if "depends_on" in task:
            at = was(bundle, places(task, "depends_on"), "depends_on")
            entries = task["depends_on"]
            if at is not None and isinstance(entries, Seq):
                shown = [dict(entry.items()) for entry in entries if isinstance(entry, Map)]
                Told(bundle, "dialect-depends-on-string").warn(
                    at, (*place, "depends_on"), "depends_on takes mappings, not names",
                    f"write depends_on: {one_line(shown)}",
                )  # fmt: skip


def lower_outcomes(bundle: Bundle, job: Map, path: Path) -> None:
    """SUCCESS and FAILURE become run_if, or nothing."""
    conditions: set[str] | None = None
    for task, place in tasks(job, path, inner=False):
        entries = task.get("depends_on")
        if not isinstance(entries, Seq):
            continue
        strange = [
            entry
            for entry in entries
            if isinstance(entry, Map) and "outcome" in entry and str(entry["outcome"]) not in _BRANCHES
        ]
        if not strange:
            continue
        if conditions is None:
            conditions = {
                key_of(one)
                for one, _ in tasks(job, path, inner=False)
                if "condition_task" in one and len([k for k in one if k.endswith("_task")]) == 1
            }
        _Outcomes(bundle, task, entries, strange[0], place).lower(conditions)


class _Outcomes:
    """The outcomes of one task's dependencies."""

    def __init__(self, bundle: Bundle, task: Map, entries: Seq, first: Map, path: Path) -> None:
        self.told = Told(bundle, "dialect-depends-on-outcome")
        self.task, self.entries, self.first, self.path = task, entries, first, path
        self.at: tuple[Location, ...] = places(first, "outcome")

    def error(self, summary: str, hint: str) -> None:
        self.told.error(self.at, (*self.path, "depends_on"), summary, hint)

    def lower(self, conditions: set[str]) -> None:
        by_task: dict[str, set[str]] = {}
        for entry in self.entries:
            if not isinstance(entry, Map):
                return
            key, outcome = str(entry.get("task_key")), entry.get("outcome")
            meaning = self._meaning(key, outcome, conditions)
            if meaning is None:
                return
            by_task.setdefault(key, set()).add(meaning)
        run_if = self._run_if(by_task)
        if run_if is None or not self._agrees(run_if, len(by_task)):
            return
        said = f"run_if {run_if}" if run_if else "a plain dependency"
        self._write(by_task, run_if)
        dependencies = one_line([dict(entry.items()) for entry in self.entries])
        shown = f"depends_on: {dependencies}" + (f"\nrun_if: {run_if}" if run_if else "")
        self.told.warn(
            self.at, (*self.path, "depends_on"),
            f"outcome {self.first_word} is not for tasks of this kind; read as {said}", f"write {shown}",
        )  # fmt: skip

    @property
    def first_word(self) -> str:
        return self._first_word

    _first_word = ""

    def _meaning(self, key: str, outcome: object, conditions: set[str]) -> str | None:
        """S, F, a branch, or "" for a plain dependency; None after an error."""
        if outcome is None:
            return ""
        text = str(outcome)
        if text in _BRANCHES:
            return text
        word = _WORDS.get(text.upper())
        if word is None:
            self.error(
                f"there is no outcome {text}",
                'write "true" or "false" for a condition task; SUCCESS, SUCCEEDED, FAILURE, FAILED are understood',
            )
            return None
        if key in conditions:
            self.error('a condition task has the outcomes "true" and "false"', 'write outcome: "true"')
            return None
        self._first_word = self._first_word or text
        return word

    def _run_if(self, by_task: dict[str, set[str]]) -> str | None:
        """What the outcomes mean together: a run_if, "" for none, None after an error."""
        meanings = list(by_task.values())
        plain = [m for m in meanings if m <= {"", "S"}]
        branches = [m for m in meanings if m & set(_BRANCHES)]
        failures = [m for m in meanings if m == {"F"}]
        both = [m for m in meanings if {"S", "F"} <= m or m == {"F", ""}]
        if len(plain) + len([b for b in branches if b <= set(_BRANCHES)]) == len(meanings):
            return ""
        if len(failures) == len(meanings):
            return "AT_LEAST_ONE_FAILED" if len(meanings) == 1 else "ALL_FAILED"
        if len(both) == len(meanings):
            return "ALL_DONE"
        said = " and ".join(f"{_SAID[self._kind(m)]} {key}" for key, m in by_task.items())
        keys = ", ".join(f"{{task_key: {key}}}" for key in by_task)
        failed = next((key for key, m in by_task.items() if "F" in m), next(iter(by_task)))
        self.error(
            f'run_if cannot say "after {said}"',
            f"write a condition task with depends_on: [{keys}], run_if: ALL_DONE that compares "
            f'{{{{tasks.{failed}.result_state}}}} with "failed", and depend on it with outcome: "true"; '
            "or split this task in one per dependency",
        )
        return None

    @staticmethod
    def _kind(meaning: set[str]) -> str:
        if {"S", "F"} <= meaning:
            return "both"
        return next(iter(sorted(meaning, reverse=True)))

    def _agrees(self, run_if: str, count: int) -> bool:
        given = self.task.get("run_if")
        good = {
            "": {"ALL_SUCCESS"},
            "AT_LEAST_ONE_FAILED": {"AT_LEAST_ONE_FAILED", "ALL_FAILED"},
            "ALL_FAILED": {"AT_LEAST_ONE_FAILED"} if count == 1 else {"ALL_FAILED", "AT_LEAST_ONE_FAILED"},
            "ALL_DONE": {"ALL_DONE"},
        }[run_if]
        if given is None or given in good:
            return True
        self.error(
            f"the outcomes say {run_if or 'ALL_SUCCESS'}, but run_if says {given}", "remove outcome or run_if"
        )
        return False

    def _write(self, by_task: dict[str, set[str]], run_if: str) -> None:
        seen: set[tuple[str, str]] = set()
        for index in range(len(self.entries) - 1, -1, -1):
            entry = self.entries[index]
            if str(entry.get("outcome")) not in _BRANCHES:
                entry.drop("outcome")
        for index, entry in list(enumerate(self.entries)):
            mark = (str(entry.get("task_key")), str(entry.get("outcome")))
            if mark in seen:
                self.entries[index] = None
            seen.add(mark)
        for index in reversed(range(len(self.entries))):
            if self.entries[index] is None:
                self.entries.drop(index)
        if run_if and "run_if" not in self.task:
            self.task["run_if"] = run_if
            self.task.spots["run_if"] = Spot(None, self.at)
        del by_task


_SAID = {
    "S": "the success of", "F": "the failure of", "": "the success of", "both": "any end of",
    "true": "the true branch of", "false": "the false branch of",
}  # fmt: skip
