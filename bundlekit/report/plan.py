"""How a plan looks: text (terse, or field by field), JSON (plan format 2), markdown for a pull request."""

from __future__ import annotations

import json
from typing import Any

from bundlekit.plan.plan import Plan, Step

_SIGNS = {"create": "+", "delete": "-", "recreate": "±", "update": "~", "update_id": "~", "resize": "~"}
_LONGEST = 60
_REASONS = {
    "id_field": "identifies the resource: it is made anew",
    "id_changes": "a rename in place",
    "immutable": "cannot be changed: it is made anew",
    "custom": "",
}


def plan_json(plan: Plan) -> str:
    return json.dumps(plan.as_json(), indent=2, ensure_ascii=False) + "\n"


Causes = dict[str, dict[str, str]]
"""Node -> path -> the place in the user's files and what set the value."""


def plan_text(plan: Plan, details: bool = False, causes: Causes | None = None) -> str:
    """One line per change and the counts; with `details` also each field, old → new and why."""
    lines = []
    for key, step in sorted(plan.steps.items()):
        if step.action == "skip":
            continue
        lines.append(f"{step.action} {key.removeprefix('resources.')}")
        if details:
            lines += [f"  {line}" for line in _fields(step, (causes or {}).get(key, {}))]
    return "\n".join([*lines, "", plan.summary()] if lines else [plan.summary()]) + "\n"


def _fields(step: Step, causes: dict[str, str]) -> list[str]:
    if step.gone:
        return ["already gone from the workspace"]
    lines = []
    for path, change in step.shown_changes().items():
        if change["action"] != "skip":
            place = causes.get(path)
            lines.append(f"{path}: {_change(change)}" + (f"  [{place}]" if place else ""))
    return lines


def _change(change: dict[str, Any]) -> str:
    old, new, remote = change.get("old"), change.get("new"), change.get("remote")
    drifted = old == new and remote != new
    before = remote if drifted else old if "old" in change else remote
    text = f"{_short(before)} → {_short(new)}"
    why = [_REASONS.get(change.get("reason", ""), change.get("reason", ""))]
    if drifted:
        why.append("changed in the workspace since the last deployment")
    said = "; ".join(part for part in why if part)
    return f"{text}  ({said})" if said else text


def _short(value: Any) -> str:
    if value is None:
        return "unset"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def plan_markdown(plan: Plan, title: str, causes: Causes | None = None) -> str:
    """A comment for a pull request: a table of the changes, the fields folded below it."""
    changed = [
        (key.removeprefix("resources."), step)
        for key, step in sorted(plan.steps.items())
        if step.action != "skip"
    ]
    lines = [f"### {title}", "", plan.summary(), ""]
    if not changed:
        return "\n".join(lines)
    lines += ["| | Resource | Action | Fields |", "|---|---|---|---|"]
    for name, step in changed:
        fields = ", ".join(f"`{path}`" for path in list(step.real_changes())[:6])
        more = len(step.real_changes()) - 6
        lines.append(
            f"| {_SIGNS[step.action]} | `{name}` | {step.action} | {fields}{f' and {more} more' if more > 0 else ''} |"
        )
    for name, step in changed:
        fields_of = _fields(step, (causes or {}).get(f"resources.{name}", {}))
        if fields_of:
            body = "\n".join(fields_of).replace("```", "'''")
            lines += ["", f"<details><summary>{name}</summary>", "", "```", body, "```", "", "</details>"]
    return "\n".join(lines) + "\n"
