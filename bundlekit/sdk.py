"""The part of databricks-sdk that bundlekit needs: configuration, authentication, HTTP with retries, errors.

The package's `__init__` imports forty services, 1.4 s; its core takes 0.2 s. So the package stands in
`sys.modules` unexecuted while the core is imported, and is taken out again: whoever wants the whole SDK later
gets it. Nothing here is imported before a network call is made.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from typing import Any

from bundlekit.diagnostics import BundlekitError

_NAME = "databricks.sdk"


def load(*names: str) -> list[Any]:
    """The named submodules (`core`, `errors.platform`). Raises BundlekitError when the SDK is missing."""
    if _NAME in sys.modules:
        return [import_module(f"{_NAME}.{name}") for name in names]
    spec = find_spec(_NAME)
    if spec is None:
        raise BundlekitError("databricks-sdk is not installed", "pip install databricks-sdk")
    sys.modules[_NAME] = module_from_spec(spec)
    try:
        return [import_module(f"{_NAME}.{name}") for name in names]
    finally:
        del sys.modules[_NAME]


def api_client(host: str | None = None, profile: str | None = None, **settings: Any) -> Any:
    """An `ApiClient` with the SDK's own credential sources. Raises ValueError without credentials."""
    (core,) = load("core")
    config = core.Config(host=host or None, profile=profile or None, **settings)
    config.authenticate()
    return core.ApiClient(config)
