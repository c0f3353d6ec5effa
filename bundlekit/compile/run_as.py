"""`run_as`: exactly one identity; copied to jobs, pipelines and alerts that have none.

Reads `run_as`, `experimental.use_legacy_run_as`, `workspace.current_user`; writes `resources.*.run_as`.
"""

from __future__ import annotations

from bundlekit.bundle import Bundle
from bundlekit.diagnostics import Location
from bundlekit.source.tree import Map, Seq, copy_node, from_plain, get

_KINDS = ("jobs", "pipelines", "alerts")
_IDENTITIES = ("user_name", "service_principal_name")


def check_run_as(bundle: Bundle) -> None:
    """Both identities or none of them."""
    run_as = bundle.tree.get("run_as")
    if run_as is None or not isinstance(run_as, Map):
        if "run_as" in bundle.tree:
            bundle.tree.drop("run_as")
        return
    named = [key for key in _IDENTITIES if run_as.get(key)]
    if len(named) == 1:
        return
    if named:
        text = "run_as names both a user and a service principal"
        hint = "keep one of user_name and service_principal_name"
    else:
        text = "run_as names nobody"
        hint = "write run_as: {user_name: someone@example.com} or {service_principal_name: <application id>}"
    bundle.diagnostics.error("run-as-identity", text, bundle.tree.at("run_as"), path="run_as", hint=hint)


def apply_run_as(bundle: Bundle) -> None:
    """Copy it, or, in legacy mode, give it to jobs and make it the owner of pipelines."""
    check_run_as(bundle)
    run_as = bundle.tree.get("run_as")
    if not isinstance(run_as, Map) or bundle.diagnostics.has_errors:
        return
    if get(bundle.tree, "experimental", "use_legacy_run_as"):
        _legacy(bundle, run_as)
        return
    if not _is_deployer(bundle, run_as):
        _check_supported(bundle, run_as)
    at = bundle.tree.at("run_as")
    for kind in _KINDS:
        for resource in bundle.resources(kind).values():
            if isinstance(resource, Map) and resource.get("run_as") is None:
                resource.put("run_as", copy_node(run_as), "run_as", at)


def _is_deployer(bundle: Bundle, run_as: Map) -> bool:
    user = get(bundle.tree, "workspace", "current_user", "userName")
    return user in (run_as.get("user_name"), run_as.get("service_principal_name"))


def _check_supported(bundle: Bundle, run_as: Map) -> None:
    who = run_as.get("user_name") or run_as.get("service_principal_name")
    user = get(bundle.tree, "workspace", "current_user", "userName")
    problems: list[tuple[str, Location | None]] = []
    for kind in ("model_serving_endpoints", "quality_monitors", "apps"):
        group = bundle.resources(kind)
        if group:
            problems.append((kind, group.location))
    for name, dashboard in bundle.resources("dashboards").items():
        if get(dashboard, "embed_credentials") is True:
            problems.append((f"dashboard {name}, which embeds credentials,", dashboard.location))
    place = bundle.tree.at("run_as")
    for what, at in problems:
        bundle.diagnostics.error(
            "run-as-unsupported",
            f"{what} cannot run as {who}: only as the owner, {user}",
            [found for found in (at, place) if found is not None],
            path="run_as",
            hint=f"deploy as {who}, or move it to a bundle of its own",
        )


def _legacy(bundle: Bundle, run_as: Map) -> None:
    at = get(bundle.tree, "experimental")
    bundle.diagnostics.warning(
        "run-as-legacy",
        "the legacy mode of run_as is experimental: only jobs and the owners of pipelines are set",
        at.at("use_legacy_run_as") if isinstance(at, Map) else None,
        path="experimental.use_legacy_run_as",
        hint="remove experimental.use_legacy_run_as",
    )
    place = bundle.tree.at("run_as")
    for job in bundle.resources("jobs").values():
        if isinstance(job, Map) and job.get("run_as") is None:
            job.put("run_as", copy_node(run_as), "run_as", place)
    for pipeline in bundle.resources("pipelines").values():
        if not isinstance(pipeline, Map):
            continue
        owner = {key: run_as[key] for key in _IDENTITIES if run_as.get(key)}
        kept = Seq(place)
        permissions = pipeline.get("permissions")
        if isinstance(permissions, Seq):
            for index, entry in enumerate(permissions):
                mine = isinstance(entry, Map) and any(entry.get(k) == v for k, v in owner.items())
                if not mine and not (isinstance(entry, Map) and entry.get("level") == "IS_OWNER"):
                    kept.add(entry, permissions.spot(index))
        kept.add(from_plain({"level": "IS_OWNER", **owner}, place))
        pipeline.put("permissions", kept, "legacy run_as", place)
