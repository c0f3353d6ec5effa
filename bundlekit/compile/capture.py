"""Literal catalog and schema names that are resources of the bundle become references to them.

So that deploy creates the schema before the volume in it, also when the user wrote only its name. Reads names
of catalogs, schemas and volumes; writes the fields that name them. `complete_volumes` adds `volume_path`.
"""

from __future__ import annotations

from typing import Any, Final

from bundlekit.bundle import Bundle
from bundlekit.source.reference import REFERENCE
from bundlekit.source.tree import Map, get

# resource type -> (field of the catalog, field of the schema)
_FIELDS: Final = {
    "schemas": ("catalog_name", None), "volumes": ("catalog_name", "schema_name"),
    "registered_models": ("catalog_name", "schema_name"), "pipelines": ("catalog", "schema"),
    "quality_monitors": (None, None),
}  # fmt: skip
_CAUSE: Final = "names a resource of this bundle"


def capture_names(bundle: Bundle) -> None:
    """Schemas first, as their catalog may become a reference that volumes are compared with."""
    catalogs = {c["name"]: k for k, c in bundle.resources("catalogs").items() if _named(c)}
    schemas = {
        (s.get("catalog_name"), s["name"]): k for k, s in bundle.resources("schemas").items() if _named(s)
    }
    for kind, (catalog_field, schema_field) in _FIELDS.items():
        for resource in bundle.resources(kind).values():
            if not isinstance(resource, Map) or catalog_field is None:
                continue
            catalog = resource.get(catalog_field)
            fields = (schema_field, "target") if kind == "pipelines" else (schema_field,)
            for field in fields:
                if field is None or resource.get(field) is None:
                    continue
                key = schemas.get((catalog, resource.get(field)))
                if key is not None:
                    resource.put(field, f"${{resources.schemas.{key}.name}}", _CAUSE)
            if isinstance(catalog, str) and catalog in catalogs:
                resource.put(catalog_field, f"${{resources.catalogs.{catalogs[catalog]}.name}}", _CAUSE)


def _named(resource: Any) -> bool:
    return isinstance(resource, Map) and isinstance(resource.get("name"), str) and bool(resource["name"])


def complete_volumes(bundle: Bundle) -> None:
    """`volume_path` of every volume, with references to the bundle's own names written out."""
    for volume in bundle.resources("volumes").values():
        if isinstance(volume, Map):
            parts = [volume.get(field) for field in ("catalog_name", "schema_name", "name")]
            if all(isinstance(part, str) and part for part in parts):
                path = "/Volumes/" + "/".join(str(part) for part in parts)
                volume.put("volume_path", _written_out(bundle, path), "made of catalog, schema and name")
    _resolve_volume_paths(bundle)


def _resolve_volume_paths(bundle: Bundle) -> None:
    from bundlekit.source.tree import walk

    if not bundle.resources("volumes"):
        return
    section = bundle.tree["resources"]
    for _, parent, key, value in list(walk(section)):
        if isinstance(value, str) and ".volume_path}" in value:
            new = REFERENCE.sub(lambda match: _volume_path(bundle, match), value)
            if new != value:
                parent.put(key, new, f"reference {value}")  # type: ignore[arg-type]


def _volume_path(bundle: Bundle, match: Any) -> str:
    parts = match.group(1).split(".")
    if len(parts) == 4 and parts[:2] == ["resources", "volumes"] and parts[3] == "volume_path":
        found = get(bundle.resources("volumes"), parts[2], "volume_path")
        if isinstance(found, str):
            return found
    return str(match.group(0))


def _written_out(bundle: Bundle, text: str, depth: int = 0) -> str:
    def name(match: Any) -> str:
        parts = match.group(1).split(".")
        if len(parts) == 4 and parts[0] == "resources":
            found = get(bundle.resources(parts[1]), parts[2], parts[3])
            if isinstance(found, str):
                return _written_out(bundle, found, depth + 1) if depth < 8 else found
        return str(match.group(0))

    return REFERENCE.sub(name, text)
