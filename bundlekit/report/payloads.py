"""The final JSON of every resource as files: what a deployment would send."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bundlekit.bundle import Bundle
from bundlekit.plan.nodes import without_empties
from bundlekit.plan.state import write_atomically
from bundlekit.resources.registry import KINDS, resource_type
from bundlekit.source.tree import to_plain


def payloads(bundle: Bundle) -> dict[str, dict[str, Any]]:
    """`jobs/etl.json` -> body of the create request; references to other resources are still text."""
    found: dict[str, dict[str, Any]] = {}
    for kind in KINDS:
        type_ = resource_type(kind)
        for name, config in bundle.resources(kind).items():
            found[f"{kind}/{name}.json"] = type_.body(without_empties(type_.desired(to_plain(config))))
    return found


def write_payloads(bundle: Bundle, folder: Path) -> list[Path]:
    """Write them below `folder`, and the SQL texts that became files of the bundle; the files written."""
    written = []
    for name, body in payloads(bundle).items():
        text = json.dumps(body, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        written.append(_write(folder / name, text))
    for name, text in sorted((bundle.facts.get("generated_files") or {}).items()):
        written.append(_write(folder / "files" / name, text))
    return written


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, text.encode("utf-8"), 0o644)
    return path
