"""The body that a resource's create request gets.

The compiled resource without what is not the API's: permissions and grants (requests of their own),
`lifecycle` (the tool's), files and folders that were read or uploaded.
"""

from __future__ import annotations

from typing import Any, Final

from bundlekit.bundle import Bundle
from bundlekit.source.tree import to_plain

_OWN_REQUESTS: Final = ("permissions", "grants")
_TOOL_FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "dashboards": ("file_path", "embed_credentials", "dataset_catalog", "dataset_schema"),
    "genie_spaces": ("file_path",),
    "alerts": ("file_path",),
    "apps": ("source_code_path", "config", "git_source"),
    "volumes": ("volume_path",),
}


def resource_payload(bundle: Bundle, kind: str, key: str) -> dict[str, Any]:
    """For example what `jobs/create` gets for ("jobs", "etl"). References to resources are still in it.

    Raises KeyError for a resource that the bundle does not have.
    """
    body: dict[str, Any] = to_plain(bundle.resources(kind)[key])
    for field in ("lifecycle", *_OWN_REQUESTS, *_TOOL_FIELDS.get(kind, ())):
        body.pop(field, None)
    return body
