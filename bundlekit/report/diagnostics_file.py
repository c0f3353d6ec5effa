"""All findings as a JSON list, written to the file that `BUNDLEKIT_DIAGNOSTICS_JSON` names."""

from __future__ import annotations

import json
import os
from pathlib import Path

from bundlekit.bundle import Bundle
from bundlekit.diagnostics import BundlekitError


def write_diagnostics_file(bundle: Bundle) -> None:
    """Does nothing when the variable is not set. Raises BundlekitError when the file cannot be written."""
    name = os.environ.get("BUNDLEKIT_DIAGNOSTICS_JSON")
    if not name:
        return
    text = json.dumps([d.as_json() for d in bundle.diagnostics], ensure_ascii=False, indent=2)
    try:
        Path(name).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise BundlekitError(f"cannot write {name}: {error.strerror}", "see BUNDLEKIT_DIAGNOSTICS_JSON") from error
