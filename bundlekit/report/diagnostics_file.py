"""All findings as a JSON list, written to the file that `BUNDLEKIT_DIAGNOSTICS_JSON` names."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

from bundlekit.bundle import Bundle
from bundlekit.diagnostics import BundlekitError, Diagnostic


def write_diagnostics_file(bundle: Bundle) -> None:
    """Does nothing when the variable is not set. Raises BundlekitError when the file cannot be written."""
    _write(bundle.diagnostics)


def write_world_error(error: BundlekitError) -> None:
    """An error of the world, as the only finding of a bundle that could not be opened."""
    _write([Diagnostic("error", "world", error.summary, hint=error.hint)])


def _write(findings: Iterable[Diagnostic]) -> None:
    name = os.environ.get("BUNDLEKIT_DIAGNOSTICS_JSON")
    if not name:
        return
    text = json.dumps([finding.as_json() for finding in findings], ensure_ascii=False, indent=2)
    try:
        Path(name).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        hint = "BUNDLEKIT_DIAGNOSTICS_JSON names a file in a folder that exists"
        raise BundlekitError(f"cannot write {name}: {error.strerror}", hint) from error
