"""Start of the fork server in the engine environment's Python: `python -I -u bootstrap.py FD` (or `-`).

Only the package folder itself becomes importable as `bundlekit`; the packages that bundlekit is installed
beside stay invisible, so that a task sees the engine's environment and nothing else.
"""

import importlib.machinery
import importlib.util
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2]


def expose_package() -> None:
    """Make `bundlekit` importable from its own folder."""
    if "bundlekit" in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(
        "bundlekit", PACKAGE / "__init__.py", submodule_search_locations=[str(PACKAGE)]
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["bundlekit"] = module
    spec.loader.exec_module(module)


if __name__ == "__main__":
    expose_package()
    if sys.argv[1] == "-":
        # One attempt in this very process, its spec on stdin: `dbutils.notebook.run` in a thread.
        import json

        from bundlekit.local.worker.attempt import run

        sys.exit(run(json.load(sys.stdin)))
    from bundlekit.local.worker.forkserver import serve

    serve(int(sys.argv[1]))
