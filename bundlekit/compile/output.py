"""The compiled configuration as JSON: sorted keys, two spaces, byte-stable, secrets hidden."""

from __future__ import annotations

import json
import math
from typing import Any

from bundlekit.bundle import Bundle
from bundlekit.compile.normalise import text_of
from bundlekit.diagnostics import Location
from bundlekit.source.reference import is_pure
from bundlekit.source.tree import Map, Seq, get

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
    """The tree with `[redacted]` for values of secrets, wherever they stand."""
    tree: dict[str, Any] = dict(bundle.tree)
    secrets = get(tree, "resources", "secrets")
    texts = {
        str(secret["value"])
        for secret in (secrets.values() if isinstance(secrets, dict) else ())
        if isinstance(secret, dict) and secret.get("value") and not is_pure(secret["value"])
    }
    if not texts:
        return tree
    hidden: dict[str, Any] = _hidden(tree, texts)
    return hidden


def _hidden(node: Any, texts: set[str]) -> Any:
    if isinstance(node, dict):
        return {key: _hidden(value, texts) for key, value in node.items()}
    if isinstance(node, list):
        return [_hidden(value, texts) for value in node]
    if node is None or isinstance(node, bool):
        return node
    text = str(node)
    if text in texts:
        return REDACTED
    # A short secret inside of longer text could be any word: only the whole value is hidden then.
    for secret in texts:
        if len(secret) > 3 and secret in text:
            text = text.replace(secret, REDACTED)
    return text if text != str(node) else node


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
