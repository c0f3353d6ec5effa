"""Resources and changes from Python code (`python.resources`, `python.mutators`).

The user's functions run in a subprocess, `python -m databricks.bundles.build`, with the interpreter of
`python.venv_path` or the active environment. Its first phase may only add resources, which then go through
the passes that the others have passed; its second phase may only change resources. Reads the tree, writes
resources.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from bundlekit.bundle import Bundle
from bundlekit.compile.normalise import normalise
from bundlekit.compile.scripts import code_is_restricted
from bundlekit.diagnostics import Diagnostic, Location, Severity
from bundlekit.schema.tables import root as root_shape
from bundlekit.source.tree import Map, Seq, child_map, from_plain, get, to_plain

TIMEOUT: Final = 300


def run_python(bundle: Bundle) -> None:
    """Both phases; nothing is started without a `python` section."""
    section = _section(bundle)
    if section is None:
        return
    if code_is_restricted():
        bundle.diagnostics.error(
            "script-refused",
            "Python code of the bundle may not run: DATABRICKS_BUNDLE_RESTRICTED_CODE_EXECUTION is set",
            section.location,
            path="python",
            hint="remove the python section, or run where code may be executed",
        )
        return
    if section.get("resources"):
        _load_resources(bundle, section)
    if section.get("mutators") and not bundle.diagnostics.has_errors:
        _apply_mutators(bundle, section)


def _section(bundle: Bundle) -> Map | None:
    for section in (bundle.tree.get("python"), get(bundle.tree, "experimental", "python")):
        if isinstance(section, Map) and (section.get("resources") or section.get("mutators")):
            return section
    return None


def _load_resources(bundle: Bundle, section: Map) -> None:
    before = to_plain(bundle.tree)
    answer = _run(bundle, section, "load_resources", before)
    if answer is None:
        return
    after, places = answer
    added = Map()
    for kind, key, value in _resources(after):
        old = get(before, "resources", kind, key)
        if old is None:
            at = places.get(f"resources.{kind}.{key}") or section.at("resources")
            child_map(added, kind).put(key, from_plain(value, at), "python.resources", at)
        elif old != value:
            bundle.diagnostics.error(
                "python-changed-resource",
                f"python.resources may only add resources, but it changed resources.{kind}.{key}",
                [at for at in (places.get(f"resources.{kind}.{key}"), bundle.resources(kind).at(key)) if at],
                path=f"resources.{kind}.{key}",
                hint="give the new resource another key, or change the old one with a mutator",
            )
    if added and not bundle.diagnostics.has_errors:
        _initialise(bundle, added)


def _initialise(bundle: Bundle, added: Map) -> None:
    """Let the added resources pass what the others have already passed, then put them beside them."""
    from bundlekit.compile import pipeline

    normalise(added, root_shape().fields["resources"], bundle.diagnostics, ("resources",))
    tree = Map(bundle.tree.location)
    tree.update(bundle.tree)
    tree.spots = dict(bundle.tree.spots)
    tree["resources"] = added
    part = Bundle(
        root=bundle.root, options=bundle.options, tree=tree, diagnostics=bundle.diagnostics,
        target=bundle.target, mode=bundle.mode, sync_root=bundle.sync_root, files=bundle.files,
        facts=bundle.facts, )  # fmt: skip
    for run in _between(pipeline.passes(), "interpolate.resolve_resources", "python_mutators.run_python"):
        run(part)
        if bundle.diagnostics.has_errors:
            return
    resources = child_map(bundle.tree, "resources")
    for kind, section in added.items():
        for key in section:
            known = child_map(resources, kind)
            known[key] = section[key]
            known.spots[key] = section.spot(key)
            known.notes = {**known.notes, **section.notes}


def _between(passes: Any, first: str, end: str) -> list[Callable[[Bundle], None]]:
    found: list[Callable[[Bundle], None]] = []
    for name, run in passes:
        if name == end:
            break
        if found or name == first:
            found.append(run)
    return found


def _apply_mutators(bundle: Bundle, section: Map) -> None:
    before = to_plain(bundle.tree)
    answer = _run(bundle, section, "apply_mutators", before)
    if answer is None:
        return
    after, places = answer
    seen = set()
    for kind, key, value in _resources(after):
        seen.add((kind, key))
        path = f"resources.{kind}.{key}"
        old = bundle.resources(kind).get(key)
        at = places.get(path)
        if not isinstance(old, Map):
            bundle.diagnostics.error(
                "python-added-resource", f"python.mutators may only change resources, but they added {path}",
                at or section.at("mutators"), path=path, hint="add resources with python.resources",
            )  # fmt: skip
        elif get(before, "resources", kind, key) != value:
            _overwrite(old, value, at)
            shape = root_shape().fields["resources"].fields.get(kind)
            if shape is not None:
                normalise(old, shape.item, bundle.diagnostics, ("resources", kind, key))
    for kind, key, _ in _resources(before):
        if (kind, key) not in seen:
            bundle.diagnostics.error(
                "python-removed-resource", f"python.mutators may not remove resources.{kind}.{key}",
                section.at("mutators"), path=f"resources.{kind}.{key}", hint="return the resource",
            )  # fmt: skip


def _overwrite(old: Map, new: dict[str, Any], at: Location | None) -> None:
    """Make `old` equal to `new`, keeping the origins of what did not change."""
    for key in [key for key in old if key not in new]:
        old.drop(key)
    for key, value in new.items():
        present = old.get(key)
        if isinstance(present, Map) and isinstance(value, dict):
            _overwrite(present, value, at)
        elif key not in old or present != value or isinstance(present, Seq) != isinstance(value, list):
            old.put(key, from_plain(value, at), "python.mutators", at)


def _resources(tree: Any) -> list[tuple[str, str, Any]]:
    sections = tree.get("resources") if isinstance(tree, dict) else None
    return [
        (kind, key, value)
        for kind, section in (sections or {}).items()
        if isinstance(section, dict)
        for key, value in section.items()
    ]


def _run(
    bundle: Bundle, section: Map, phase: str, tree: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Location]] | None:
    """One phase; None, with a diagnostic, when it failed. The second value: place of definition by path."""
    python = _interpreter(bundle, section)
    with tempfile.TemporaryDirectory(prefix="bundlekit-python-") as name:
        folder = Path(name)
        files = {key: folder / f"{key}.json" for key in ("input", "output", "diagnostics", "locations")}
        files["input"].write_text(json.dumps({**tree, "python": to_plain(section)}), encoding="utf-8")
        command = [python, "-m", "databricks.bundles.build", "--phase", phase]
        for key, file in files.items():
            command += [f"--{key}", str(file)]
        path = os.pathsep.join([str(bundle.root), *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            done = subprocess.run(
                command, cwd=bundle.root, env=environment, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            _failed(bundle, section, f"Python code did not end within {TIMEOUT} s", "")
            return None
        except OSError as error:
            _failed(
                bundle, section, f"{python} cannot be started: {error.strerror}", "check python.venv_path"
            )
            return None
        said = done.stdout.decode("utf-8", "replace").strip().splitlines()
        _report(bundle, files["diagnostics"])
        if done.returncode or not files["output"].exists():
            if not bundle.diagnostics.has_errors:
                _explain_failure(bundle, section, python, said)
            return None
        return json.loads(files["output"].read_bytes()), _places(files["locations"])


def _interpreter(bundle: Bundle, section: Map) -> str:
    binary = "Scripts/python.exe" if os.name == "nt" else "bin/python3"
    given = section.get("venv_path")
    if given:
        return str(bundle.root / str(given) / binary)
    active = os.environ.get("VIRTUAL_ENV")
    return str(Path(active) / binary) if active else sys.executable


def _explain_failure(bundle: Bundle, section: Map, python: str, said: list[str]) -> None:
    last = said[-1] if said else "no message"
    if "No module named" in last and "databricks" in last:
        hint = f"{python} -m pip install databricks-bundles, or name its environment in python.venv_path"
        _failed(
            bundle, section, "the package databricks-bundles is not installed for the bundle's Python", hint
        )
    else:
        _failed(bundle, section, f"the bundle's Python code failed: {last}", "")


def _failed(bundle: Bundle, section: Map, summary: str, hint: str) -> None:
    bundle.diagnostics.error("python-failed", summary, section.location, path="python", hint=hint)


def _lines(file: Path) -> list[dict[str, Any]]:
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


def _report(bundle: Bundle, file: Path) -> None:
    for found in _lines(file):
        severity = found.get("severity")
        detail = str(found.get("detail") or "").strip()
        own = _users_frame(bundle, detail)
        places = tuple(at for at in (own, _place(found.get("location"))) if at is not None)
        summary = str(found.get("summary", ""))
        if detail:
            summary += f": {detail.splitlines()[-1]}"
        known: Severity = severity if severity in ("error", "warning", "recommendation") else "error"
        bundle.diagnostics.add(Diagnostic(known, "python-code", summary, places, str(found.get("path", ""))))


def _users_frame(bundle: Bundle, traceback: str) -> Location | None:
    """The innermost line of the bundle's own code in a traceback."""
    place = None
    for file, line in re.findall(r'File "([^"]+)", line (\d+)', traceback):
        path = Path(os.path.realpath(file))
        if path.is_relative_to(bundle.root) and "site-packages" not in path.parts:
            place = Location(path.relative_to(bundle.root).as_posix(), int(line), 1)
    return place


def _place(found: Any) -> Location | None:
    if not isinstance(found, dict) or "file" not in found:
        return None
    return Location(str(found["file"]), int(found.get("line") or 1), int(found.get("column") or 1))


def _places(file: Path) -> dict[str, Location]:
    found = ((each.get("path"), _place(each)) for each in _lines(file))
    return {str(path): at for path, at in found if at is not None}
