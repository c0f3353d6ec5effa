"""The compiled configuration as JSON: sorted keys, two spaces, byte-stable, secrets hidden."""

from __future__ import annotations

import json
import math
from typing import Any

from bundlekit.bundle import Bundle
from bundlekit.compile.normalise import text_of
from bundlekit.diagnostics import Location
from bundlekit.source.tree import Map, Seq, get, to_plain

REDACTED = "[redacted]"


def to_json(bundle: Bundle, *, locations: bool = False) -> str:
    """What `validate -o json` prints, ending in a newline. `locations` adds `__locations`."""
    tree = redacted(bundle)
    if locations:
        tree["__locations"] = _locations(bundle.tree)
    try:
        text = _dump(tree)
    except ValueError:
        # JSON has no infinity; the tree may have one in a variable that no number field takes.
        text = _dump(_finite(tree))
    # As Go's encoder does, so that the output may stand in HTML.
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026") + "\n"


def _dump(tree: dict[str, Any]) -> str:
    return json.dumps(tree, ensure_ascii=False, indent=2, sort_keys=True, allow_nan=False, default=str)


def _finite(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _finite(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_finite(value) for value in node]
    return text_of(node) if isinstance(node, float) and not math.isfinite(node) else node


def redacted(bundle: Bundle) -> dict[str, Any]:
    """The tree as plain data with the values of secrets hidden; shares what it does not change."""
    tree: dict[str, Any] = dict(bundle.tree)
    secrets = get(tree, "resources", "secrets")
    if not isinstance(secrets, dict) or not secrets:
        return tree
    plain: dict[str, Any] = to_plain(bundle.tree)
    for secret in plain["resources"]["secrets"].values():
        for key in ("value", "string_value"):
            if isinstance(secret, dict) and secret.get(key):
                secret[key] = REDACTED
    for name in bundle.facts.get("secret_variables", ()):
        variable = get(plain, "variables", name)
        if isinstance(variable, dict):
            for key in ("value", "default"):
                if key in variable:
                    variable[key] = REDACTED
    return plain


def _locations(tree: Map) -> dict[str, Any]:
    """path -> places, as `--include-locations` shows them: file names once, and [file, line, column] for
    each."""
    files: dict[str, int] = {}
    places: dict[str, list[list[int]]] = {}

    def add(path: str, found: tuple[Location, ...]) -> None:
        if found:
            places[path] = [[files.setdefault(at.file, len(files)), at.line, at.column] for at in found]

    def visit(node: Any, path: str) -> None:
        if isinstance(node, Map):
            for key, value in node.items():
                here = f"{path}.{key}" if path else key
                add(here, node.all_at(key))
                visit(value, here)
        elif isinstance(node, Seq):
            for index, value in enumerate(node):
                add(f"{path}[{index}]", node.all_at(index))
                visit(value, f"{path}[{index}]")

    visit(tree, "")
    return {"files": list(files), "locations": places, "version": 1}
