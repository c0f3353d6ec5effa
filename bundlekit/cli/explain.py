"""`bundlekit explain CODE` documents a diagnostic; `bundlekit explain PATH` tells how a value came about."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

import click

from bundlekit.cli.options import Globals, global_options, pass_globals
from bundlekit.diagnostics import BundlekitError, did_you_mean

_PART = re.compile(r"\[(?P<index>\d+)\]|\[(?P<field>\w+)=(?P<value>[^\]]+)\]|\.?(?P<name>[^.\[\]]+)")


@click.command(
    help="Document a diagnostic code, or tell how a value of the configuration came about.",
    epilog="Examples:\n\n  bundlekit explain unknown-field\n\n  bundlekit explain resources.jobs.etl.name -t prod\n\n"
    "  bundlekit explain 'resources.jobs.etl.tasks[task_key=load].max_retries'",
)
@click.argument("what")
@global_options
@pass_globals
def command(found: Globals, what: str) -> None:
    from bundlekit.rules.codes import codes

    known = codes()
    if what in known:
        _explain_code(what, found.output)
    elif "." in what or "[" in what:
        _explain_path(found, what)
    else:
        raise BundlekitError(
            f"{what} is neither a diagnostic code nor a path such as resources.jobs.x.name",
            did_you_mean(what, known),
        )


def _explain_code(name: str, output: str) -> None:
    from bundlekit.rules.codes import codes

    code = codes()[name]
    if output == "json":
        data = {"code": code.code, "severity": code.severity, "title": code.title, "why": code.why}
        for key, example in (("failing", code.failing), ("corrected", code.corrected)):
            if example is not None:
                data[key] = example.files  # type: ignore[assignment]
        click.echo(json.dumps(data, indent=2, ensure_ascii=False))
        return
    click.echo(f"{code.code} ({code.severity})\n\n{code.title}\n{code.why}")
    for title, example in (("Reported for", code.failing), ("Not for", code.corrected)):
        if example is None:
            continue
        arguments = " ".join(["bundlekit validate", *example.args])
        variables = "".join(f"{key}={value} " for key, value in example.env.items())
        click.echo(f"\n{title}:  ({variables}{arguments})")
        for file, text in example.files.items():
            click.echo(f"\n  # {file}")
            click.echo("\n".join(f"  {line}" for line in text.rstrip("\n").split("\n")))
    if code.no_example:
        click.echo(f"\nNo example: {code.no_example}.")


def _explain_path(found: Globals, text: str) -> None:
    from bundlekit.compile.pipeline import compile_bundle
    from bundlekit.report.text import render_diagnostics

    bundle = compile_bundle(found.compile_options())
    if bundle.diagnostics.has_errors:
        render_diagnostics(bundle, sys.stderr)
    parent, key, value = _find(bundle.tree, text)
    spot = parent.spot(key)
    chain: list[dict[str, Any]] = []
    for location in reversed(spot.values):
        chain.append({"cause": "written", "at": str(location)})
    for change in parent.notes.get(key, ()):
        step: dict[str, Any] = {"cause": change.cause}
        if change.at is not None:
            step["at"] = str(change.at)
        if change.before is not None:
            step["before"] = change.before
        chain.append(step)
    if not chain:
        chain.append({"cause": "made by the compiler"})
    if found.output == "json":
        click.echo(json.dumps({"path": text, "value": value, "chain": chain}, indent=2, ensure_ascii=False))
        return
    shown = json.dumps(value, ensure_ascii=False)
    click.echo(f"{text} = {shown if len(shown) < 500 else shown[:500] + ' …'}\n")
    for step in chain:
        before = f"  (before: {json.dumps(step['before'], ensure_ascii=False)})" if "before" in step else ""
        click.echo(f"  {step['cause']:<32} {step.get('at', '')}{before}".rstrip())
        line = _source_line(bundle, step.get("at", ""))
        if line:
            click.echo(f"      {line}")


def _source_line(bundle: Any, at: str) -> str:
    match = re.fullmatch(r"(.+):(\d+):(\d+)", at)
    if match is None:
        return ""
    path = bundle.files.get(match.group(1)) or bundle.root / match.group(1)
    try:
        return str(path.read_text(encoding="utf-8-sig").splitlines()[int(match.group(2)) - 1].strip()[:160])
    except (OSError, IndexError, UnicodeDecodeError):
        return ""


def _find(tree: Any, text: str) -> tuple[Any, Any, Any]:
    """(parent, key, value). Raises BundlekitError with what exists there."""
    parent: Any = None
    key: Any = None
    value: Any = tree
    done = ""
    for part in _PART.finditer(text):
        parent = value
        if part["index"] is not None:
            key = int(part["index"])
            inside = isinstance(parent, list) and key < len(parent)
        elif part["field"] is not None:
            items = parent if isinstance(parent, list) else []
            wanted = part["value"].strip("'\"")
            key = next(
                (
                    i
                    for i, v in enumerate(items)
                    if isinstance(v, dict) and str(v.get(part["field"])) == wanted
                ),
                -1,
            )
            inside = key >= 0
        else:
            key = part["name"]
            inside = isinstance(parent, dict) and key in parent
        if not inside:
            if isinstance(parent, dict):
                hint = did_you_mean(str(key), parent)
            elif isinstance(parent, list):
                hint = f"{done} has {len(parent)} entries"
            else:
                hint = f"{done} is a single value"
            raise BundlekitError(f"there is no {text}" + (f": {done} ends before it" if done else ""), hint)
        value = parent[key]
        done += part.group(0)
    return parent, key, value
