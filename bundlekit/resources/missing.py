"""How a resource type says that something is gone, where its API has no 404 of its own."""

from __future__ import annotations

from bundlekit.diagnostics import BundlekitError


class Gone(BundlekitError):
    """The resource does not exist (any more)."""

    missing = True
    status = 404
    error_code = "RESOURCE_DOES_NOT_EXIST"


def gone(summary: str) -> Gone:
    return Gone(summary)


def is_gone(error: BaseException) -> bool:
    """Whether an error of a read or delete means that the thing does not exist."""
    return bool(getattr(error, "missing", False))
