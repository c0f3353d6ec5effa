"""Permissions: the bundle's own list for every resource, and the deployer as owner.

Reads `permissions`, `workspace.current_user`; writes `resources.*.permissions`.
"""

from __future__ import annotations

from bundlekit.bundle import Bundle
from bundlekit.diagnostics import did_you_mean
from bundlekit.source.tree import Map, Seq, from_plain, get, show_path

LEVELS = ("CAN_MANAGE", "CAN_VIEW", "CAN_RUN")
# kind -> what CAN_VIEW and CAN_RUN of the bundle mean for it
_MAPPED: dict[str, dict[str, str]] = {
    "jobs": {"CAN_VIEW": "CAN_VIEW", "CAN_RUN": "CAN_MANAGE_RUN"},
    "pipelines": {"CAN_VIEW": "CAN_VIEW", "CAN_RUN": "CAN_RUN"},
    "model_serving_endpoints": {"CAN_VIEW": "CAN_VIEW", "CAN_RUN": "CAN_QUERY"},
    "alerts": {"CAN_VIEW": "CAN_READ", "CAN_RUN": "CAN_RUN"},
    "sql_warehouses": {"CAN_VIEW": "CAN_VIEW", "CAN_RUN": "CAN_MONITOR"},
    "clusters": {"CAN_VIEW": "CAN_ATTACH_TO", "CAN_RUN": "CAN_RESTART"},
    "experiments": {"CAN_VIEW": "CAN_READ"},
    "models": {"CAN_VIEW": "CAN_READ"},
    "dashboards": {"CAN_VIEW": "CAN_READ"},
    "genie_spaces": {"CAN_VIEW": "CAN_READ"},
    "apps": {"CAN_VIEW": "CAN_USE"},
    "database_instances": {"CAN_VIEW": "CAN_USE"},
    "postgres_projects": {"CAN_VIEW": "CAN_USE"},
    "vector_search_endpoints": {"CAN_VIEW": "CAN_USE"},
    "instance_pools": {"CAN_VIEW": "CAN_ATTACH_TO"},
    "secret_scopes": {"CAN_MANAGE": "MANAGE", "CAN_VIEW": "READ"},
}
_OWNED = ("jobs", "pipelines", "sql_warehouses")
_PRINCIPALS = ("user_name", "group_name", "service_principal_name")
_ORDER = (
    "IS_OWNER", "CAN_MANAGE", "CAN_MANAGE_PRODUCTION_VERSIONS", "CAN_MANAGE_STAGING_VERSIONS", "CAN_EDIT",
    "CAN_MANAGE_RUN", "CAN_RESTART", "CAN_RUN", "CAN_QUERY", "CAN_MONITOR", "CAN_USE", "CAN_ATTACH_TO", "CAN_VIEW",
    "CAN_READ",
)  # fmt: skip


def apply_permissions(bundle: Bundle) -> None:
    """Check the bundle's list, give it to all resources, then make the deployer owner or manager."""
    top = bundle.tree.get("permissions")
    if isinstance(top, Seq) and top:
        _check_levels(bundle, top)
        if bundle.diagnostics.has_errors:
            return
        for kind in _MAPPED:
            for name, resource in bundle.resources(kind).items():
                if isinstance(resource, Map):
                    _add_top(bundle, top, kind, name, resource)
    fix_owners(bundle)


def _check_levels(bundle: Bundle, top: Seq) -> None:
    for index, entry in enumerate(top):
        level = entry.get("level") if isinstance(entry, Map) else None
        if level not in LEVELS:
            bundle.diagnostics.error(
                "permission-level",
                f"{level or 'nothing'} is no level for the permissions of a bundle",
                entry.at("level") if isinstance(entry, Map) else top.at(index),
                path=f"permissions[{index}].level",
                hint=did_you_mean(str(level), LEVELS),
            )


def _who(entry: object) -> tuple[str, str] | None:
    if isinstance(entry, Map):
        for key in _PRINCIPALS:
            if entry.get(key):
                return key, str(entry[key])
    return None


def _add_top(bundle: Bundle, top: Seq, kind: str, name: str, resource: Map) -> None:
    mapping = {"CAN_MANAGE": "CAN_MANAGE", **_MAPPED[kind]}
    own = resource.get("permissions")
    permissions = own if isinstance(own, Seq) else Seq()
    there = {_who(entry): index for index, entry in enumerate(permissions)}
    changed = not isinstance(own, Seq)
    for entry in top:
        level = mapping.get(entry.get("level"))
        principal = _who(entry)
        if level is None or principal is None:
            continue
        if principal in there:
            index = there[principal]
            bundle.diagnostics.warning(
                "permission-overlap",
                f"{principal[1]} is in the bundle's permissions and in those of {kind}.{name}; the latter win",
                [loc for loc in (permissions[index].location, entry.location) if loc is not None],
                path=show_path(("resources", kind, name, "permissions", index)),
                hint="remove one of the two",
            )
            continue
        added = from_plain({"level": level, principal[0]: principal[1]}, entry.location)
        permissions.add(added)
        changed = True
    if changed:
        resource.put("permissions", permissions, "permissions of the bundle", bundle.tree.at("permissions"))


def fix_owners(bundle: Bundle) -> None:
    """One entry per principal with its highest level; the deployer IS_OWNER or CAN_MANAGE."""
    user = get(bundle.tree, "workspace", "current_user", "userName")
    if not user:
        return
    field = "user_name" if "@" in str(user) else "service_principal_name"
    for kind in _MAPPED:
        if kind == "secret_scopes":
            continue
        for resource in bundle.resources(kind).values():
            permissions = resource.get("permissions") if isinstance(resource, Map) else None
            if isinstance(permissions, Seq) and not permissions and not bundle.tree.get("permissions"):
                resource.drop("permissions")
            elif isinstance(permissions, Seq):
                fixed = _fixed(permissions, kind, field, str(user))
                if fixed != permissions:
                    resource.put("permissions", fixed, "the deployer keeps access")


def _fixed(permissions: Seq, kind: str, field: str, user: str) -> Seq:
    best: dict[object, int] = {}
    out = Seq(permissions.location)
    for index, entry in enumerate(permissions):
        principal = _who(entry) or index
        if principal in best:
            kept = out[best[principal]]
            if _rank(entry.get("level")) < _rank(kept.get("level")):
                kept.put("level", entry.get("level"), "highest level of this principal")
            continue
        best[principal] = len(out)
        out.add(entry, permissions.spot(index))
    mine = best.get((field, user))
    owner = any(isinstance(e, Map) and e.get("level") == "IS_OWNER" for e in out)
    wanted = "IS_OWNER" if kind in _OWNED and not owner else "CAN_MANAGE"
    if mine is None:
        out.add(from_plain({"level": wanted, field: user}))
    elif (
        out[mine].get("level") != "IS_OWNER"
        and (wanted == "IS_OWNER" or _rank(out[mine].get("level")) > _rank("CAN_MANAGE"))
        and (wanted == "IS_OWNER" or out[mine].get("level") != "CAN_MANAGE")
    ):
        out[mine].put("level", wanted, "the deployer keeps access")
    return out


def _rank(level: object) -> int:
    return _ORDER.index(str(level)) if level in _ORDER else len(_ORDER)
