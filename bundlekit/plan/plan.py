"""Desired nodes + saved state + remote answers -> a Plan: what would be done to each node, and why.

`judge` is the ladder that turns a difference into an action; everything else is bookkeeping. The JSON form
(`as_json`, `parse_plan`) is version 2 of the plan format.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from bundlekit import __version__
from bundlekit.diagnostics import BundlekitError
from bundlekit.plan.diff import MISSING, differences, is_empty, value_at
from bundlekit.plan.nodes import Node
from bundlekit.resources.access import node_type
from bundlekit.resources.resource import Resource, State

PLAN_VERSION = 2
REDACTED = "[redacted]"
SEVERITY = ("skip", "resize", "update", "update_id", "create", "recreate", "delete")
Change = dict[str, Any]
"""{action, reason?, old?, new?, remote?}"""


@dataclass(slots=True)
class Step:
    """What is planned for one node."""

    key: str
    action: str
    depends_on: list[dict[str, str]] = field(default_factory=list)
    new_state: State | None = None
    unknown: dict[str, str] = field(default_factory=dict)
    """Path -> text of references that are only known after another step."""
    remote_state: State | None = None
    changes: dict[str, Change] = field(default_factory=dict)
    gone: bool = False
    """To be deleted, but already gone in the workspace: only the state is cleaned."""

    def real_changes(self) -> dict[str, Change]:
        return {path: change for path, change in self.changes.items() if change["action"] != "skip"}

    def _shown(self, state: State) -> State:
        """A state without its secrets."""
        secret = node_type(self.key).sensitive
        return {key: REDACTED if key in secret and value else value for key, value in state.items()}

    def shown_changes(self) -> dict[str, Change]:
        """The changes without secrets."""
        secret = node_type(self.key).sensitive
        return {
            path: {k: REDACTED if k in ("old", "new", "remote") and v else v for k, v in change.items()}
            if path.split(".", 1)[0] in secret
            else change
            for path, change in self.changes.items()
        }

    def as_json(self) -> dict[str, Any]:
        out: dict[str, Any] = {}
        if self.depends_on:
            out["depends_on"] = self.depends_on
        out["action"] = self.action
        if self.gone:
            out["gone"] = True
        if self.new_state is not None and self.action not in ("skip", "delete"):
            out["new_state"] = {
                "value": self._shown(self.new_state),
                **({"vars": self.unknown} if self.unknown else {}),
            }
        if self.remote_state is not None:
            out["remote_state"] = self._shown(self.remote_state)
        if self.changes:
            out["changes"] = self.shown_changes()
        return out


@dataclass(slots=True)
class Plan:
    """Steps by node key; `serial` and `lineage` are those of the state it was made from."""

    steps: dict[str, Step] = field(default_factory=dict)
    lineage: str = ""
    serial: int = 0
    not_selected: int = 0

    def count(self, *actions: str) -> int:
        return sum(step.action in actions for step in self.steps.values())

    @property
    def has_changes(self) -> bool:
        return any(step.action != "skip" for step in self.steps.values())

    def as_json(self) -> dict[str, Any]:
        out: dict[str, Any] = {"plan_version": PLAN_VERSION, "cli_version": __version__}
        if self.lineage:
            out["lineage"] = self.lineage
            out["serial"] = self.serial
        out["plan"] = {key: self.steps[key].as_json() for key in sorted(self.steps)}
        if self.not_selected:
            out["not_selected"] = self.not_selected
        return out

    def counts(self) -> str:
        """`1 created, 2 updated, 0 deleted, 3 unchanged`, as a deployment tells it afterwards."""
        made, changed = self.count("create", "recreate"), self.count("update", "update_id", "resize")
        gone = self.count("delete", "recreate")
        return f"{made} created, {changed} changed, {gone} deleted, {self.count('skip')} unchanged"

    def summary(self) -> str:
        """`Plan: 1 to add, 0 to change, 0 to delete, 3 unchanged`; a recreation counts twice."""
        add = self.count("create", "recreate")
        change = self.count("update", "update_id", "resize")
        delete = self.count("delete", "recreate")
        text = f"Plan: {add} to add, {change} to change, {delete} to delete, {self.count('skip')} unchanged"
        return text + (f", {self.not_selected} not selected" if self.not_selected else "")


def plan_node(
    node: Node,
    wanted: State,
    unknown: dict[str, str],
    entry: dict[str, Any] | None,
    got: dict[str, Any] | None,
) -> Step:
    """The step of a configured node: `entry` is its state entry, `got` the remote answer (None: gone)."""
    step = Step(node.key, "create", node.depends_on, wanted, unknown)
    if entry is None or got is None:
        return step
    saved: State = entry.get("state") or {}
    remote = node.type.remote(got, saved)
    step.remote_state = remote
    step.changes = compare(node.type, saved, wanted, remote, set(unknown))
    real = step.real_changes()
    step.action = max((change["action"] for change in real.values()), key=SEVERITY.index, default="skip")
    if step.action == "update" and node.type.can_resize(set(real), got):
        step.action = "resize"
        for change in real.values():
            change.update(action="resize", reason="custom")
    return step


def compare(
    type_: Resource, saved: State, wanted: State, remote: State, unknown: set[str]
) -> dict[str, Change]:
    """Path -> change for everything that differs between saved and wanted, or remote and wanted."""
    opaque = getattr(type_, "etag_content", None)
    local = differences(saved, wanted, opaque)
    drift = differences(remote, wanted, opaque)
    found: dict[str, Change] = {}
    for path in sorted({*local, *drift}):
        here, there = local.get(path), drift.get(path)
        some = here or there
        assert some is not None
        new = some.right
        old, far = value_at(saved, path), value_at(remote, path)
        action, reason = judge(type_, some.pattern, old, new, far, path in unknown)
        if not action:
            continue
        change: Change = {"action": action}
        if reason:
            change["reason"] = reason
        for name, value in (("old", old), ("new", new), ("remote", far)):
            if value is not MISSING:
                change[name] = value
        found[path] = change
    return found


def judge(type_: Resource, pattern: str, old: Any, new: Any, remote: Any, unknown: bool) -> tuple[str, str]:
    """(action, reason) for one difference: the ladder of rules, first match wins."""
    top = pattern.split(".", 1)[0]
    local_change = not _same(old, new)
    if local_change and new is not MISSING and _same(remote, new) and not unknown:
        return "skip", "remote_already_set"
    if is_empty(old) and is_empty(new) and is_empty(remote):
        return "skip", "empty"
    if pattern == getattr(type_, "etag_content", None) and not local_change:
        return "skip", "etag_based"
    if pattern == "etag" and hasattr(type_, "etag_content"):
        return ("skip", "custom") if _same(old, remote) else ("update", "custom")
    if top in type_.id_fields:
        return ("recreate", "id_field") if local_change or unknown else ("skip", "id_field")
    if top in type_.rename_fields:
        return ("update_id", "id_changes") if local_change or unknown else ("skip", "id_changes")
    if old is MISSING and new is MISSING and _listed(pattern, type_.output_only):
        return "skip", "spec:output_only"
    if _listed(pattern, type_.state_only) and not (local_change and new is not MISSING):
        return "skip", "state-only field"
    if old is MISSING and new is MISSING and _listed(pattern, type_.backend_defaults):
        return "skip", "backend_default"
    if not local_change and _listed(pattern, type_.managed):
        return "skip", "managed"
    if not local_change and (_listed(pattern, type_.input_only) or getattr(type_, "all_input_only", False)):
        return "skip", "spec:input_only"
    reason = next(
        (r for field_, r in type_.immutable.items() if field_ == "*" or _listed(pattern, (field_,))), None
    )
    if reason is not None:
        return "recreate", reason
    return "update", ""


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, bool) != isinstance(other, bool):
        return False
    return bool(one == other)


def _listed(pattern: str, fields: Iterable[str]) -> bool:
    return any(pattern == field_ or pattern.startswith(field_ + ".") for field_ in fields)


def parse_plan(text: str) -> Plan:
    """A plan from its JSON text. Raises BundlekitError for anything that is not a plan of version 2."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise BundlekitError(
            f"parsing plan JSON: {error}", "make it anew: bundlekit plan -o json > plan.json"
        ) from error
    if not isinstance(data, dict):
        raise BundlekitError("parsing plan JSON: it is no mapping")
    _refuse_unknown(data, {"plan_version", "cli_version", "lineage", "serial", "plan", "not_selected"})
    if data.get("plan_version") != PLAN_VERSION:
        raise BundlekitError(
            f"plan version mismatch: plan has version {data.get('plan_version')} (generated with CLI "
            f'"{data.get("cli_version", "")}"), but current version is {PLAN_VERSION}'
        )
    not_selected = data.get("not_selected", 0)
    plan = Plan(
        {},
        data.get("lineage", ""),
        data.get("serial", 0),
        not_selected if isinstance(not_selected, int) else 0,
    )
    allowed = {"depends_on", "action", "gone", "new_state", "remote_state", "changes"}
    for key, raw in (data.get("plan") or {}).items():
        if not isinstance(raw, dict) or raw.get("action") not in SEVERITY:
            raise BundlekitError(f"parsing plan JSON: {key} has no known action")
        _refuse_unknown(raw, allowed)
        new_state = raw.get("new_state") or {}
        plan.steps[key] = Step(
            key,
            raw["action"],
            raw.get("depends_on") or [],
            new_state.get("value"),
            new_state.get("vars") or {},
            raw.get("remote_state"),
            raw.get("changes") or {},
            bool(raw.get("gone")),
        )
    return plan


def _refuse_unknown(data: dict[str, Any], allowed: set[str]) -> None:
    for key in data:
        if key not in allowed:
            raise BundlekitError(f'parsing plan JSON: unknown field "{key}"')
