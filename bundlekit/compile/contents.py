"""Put the contents of dashboard, genie space and alert files into their resources.

Reads `file_path` (already relative to the bundle root) and the files; writes `serialized_dashboard`,
`serialized_space` and the fields of an alert.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

from bundlekit.bundle import Bundle
from bundlekit.source.tree import Map, from_plain, to_plain

MAX_BYTES: Final = 64 * 1024 * 1024
_INLINE: Final = {"dashboards": "serialized_dashboard", "genie_spaces": "serialized_space"}
_BESIDE_ALERT_FILE: Final = frozenset(
    {"display_name", "warehouse_id", "file_path", "permissions", "lifecycle", "run_as", "parent_path"}
)
_LINES: Final = {"query_lines": "query_text", "custom_description_lines": "custom_description"}


def read_contents(bundle: Bundle) -> None:
    """Dashboards and genie spaces as text, alerts field by field."""
    for kind, field in _INLINE.items():
        for key, resource in bundle.resources(kind).items():
            if isinstance(resource, Map):
                _inline(bundle, kind, key, resource, field)
    for key, alert in bundle.resources("alerts").items():
        if isinstance(alert, Map) and alert.get("file_path"):
            _alert(bundle, key, alert)


def _inline(bundle: Bundle, kind: str, key: str, resource: Map, field: str) -> None:
    path = f"resources.{kind}.{key}"
    if resource.get("file_path"):
        if field in resource:
            bundle.diagnostics.error(
                "content-twice", f"both file_path and {field} are given",
                [at for at in (resource.key_at(field), resource.key_at("file_path")) if at], path=path,
                hint="keep file_path",
            )  # fmt: skip
            return
        text = _read(bundle, resource, path)
        if text is not None:
            resource.put(field, text, f"file {resource['file_path']}", resource.at("file_path"))
    elif kind == "genie_spaces" and isinstance(resource.get(field), (dict, list)):
        resource.put(
            field, json.dumps(to_plain(resource[field]), separators=(",", ":")), "written as JSON text"
        )


def _read(bundle: Bundle, resource: Map, path: str) -> str | None:
    name, at = str(resource["file_path"]), resource.at("file_path")
    file = Path(os.path.normpath(bundle.root / name))
    try:
        if file.stat().st_size > MAX_BYTES:
            raise OSError(f"larger than {MAX_BYTES // 2**20} MB")
        return file.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        bundle.diagnostics.error(
            "content-file", f"cannot read {name}: {reason}", at, path=f"{path}.file_path",
            hint="the path is relative to the file that gives it",
        )  # fmt: skip
    return None


def _alert(bundle: Bundle, key: str, alert: Map) -> None:
    path = f"resources.alerts.{key}"
    for field in alert:
        if field not in _BESIDE_ALERT_FILE:
            bundle.diagnostics.error(
                "alert-field-beside-file",
                f"{field} cannot be given beside file_path",
                alert.at(field),
                path=f"{path}.{field}",
                hint=f"move {field} to {alert['file_path']}",
            )
            return
    text = _read(bundle, alert, path)
    if text is None:
        return
    try:
        found: Any = json.loads(text)
        if not isinstance(found, dict):
            raise ValueError("not a JSON object")
    except (ValueError, RecursionError) as error:
        bundle.diagnostics.error(
            "content-file", f"{alert['file_path']} is not JSON: {error}", alert.at("file_path"),
            path=f"{path}.file_path",
        )  # fmt: skip
        return
    at = alert.at("file_path")
    for field, value in found.items():
        if field in _LINES and isinstance(value, list):
            alert.put(_LINES[field], "".join(f"{line}\n" for line in value), f"file {alert['file_path']}", at)
        elif field not in alert:
            alert.put(field, from_plain(value, at), f"file {alert['file_path']}", at)
