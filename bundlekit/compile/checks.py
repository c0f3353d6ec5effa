"""Checks of the declaration: what is wrong whatever the target's values are.

`check_before_target` runs before a target is chosen, `check_declarations` after the merge,
`check_workspace_paths` once the workspace's paths are known. What needs the final values is in
`bundlekit.compile.final_checks`.
"""

from __future__ import annotations

import os
import re

from bundlekit.bundle import Bundle
from bundlekit.compile.final_checks import check_compiled, check_required_and_enums
from bundlekit.diagnostics import Location
from bundlekit.source.tree import Map, get

__all__ = [
    "check_before_target", "check_compiled", "check_declarations", "check_required_and_enums",
    "check_workspace_paths",
]  # fmt: skip

ENGINES = ("direct", "terraform")
_AUTH = (
    "host", "profile", "auth_type", "client_id", "account_id", "workspace_id", "azure_workspace_resource_id",
    "azure_use_msi", "azure_client_id", "azure_tenant_id", "azure_environment", "azure_login_app_id",
    "google_service_account",
)  # fmt: skip
_CONSTRAINT = re.compile(
    r"^(>=\s*)?\d+\.\d+\.\d+\S*(\s*,\s*<=?\s*\d+\.\d+\.\d+\S*)?$|^<=?\s*\d+\.\d+\.\d+\S*$"
)
_SINGULAR = {
    "jobs": "job", "pipelines": "pipeline", "models": "model", "experiments": "experiment", "apps": "app",
    "model_serving_endpoints": "model serving endpoint", "registered_models": "registered model",
}  # fmt: skip


def check_before_target(bundle: Bundle) -> None:
    """CLI version constraint, resource keys: no references, unique over all types and scripts."""
    _check_version(bundle)
    seen: dict[str, list[tuple[str, Location | None]]] = {}
    resources = bundle.tree.get("resources")
    if isinstance(resources, Map):
        for kind, group in resources.items():
            for name in group if isinstance(group, Map) else ():
                path = f"resources.{kind}.{name}"
                seen.setdefault(name, []).append((path, _place(group, name)))
                if "${" in name or "$<" in name:
                    bundle.diagnostics.error(
                        "reference-in-key", f"the key {name} holds a reference; keys are fixed",
                        group.key_at(name), path=path, hint="write a plain key and put the reference into `name`",
                    )  # fmt: skip
    scripts = bundle.tree.get("scripts")
    if isinstance(scripts, Map):
        for name in scripts:
            seen.setdefault(name, []).append((f"scripts.{name}", _place(scripts, name)))
    for name, places in seen.items():
        if len(places) > 1:
            where = sorted(
                (at for _, at in places if at is not None), key=lambda a: (a.file, a.line, a.column)
            )
            bundle.diagnostics.error(
                "duplicate-resource-key",
                f"the key {name} is used by {' and '.join(path for path, _ in places)}",
                where, path=places[0][0], hint="keys must be unique in a bundle; rename one",
            )  # fmt: skip


def _place(group: Map, name: str) -> Location | None:
    return getattr(group.get(name), "location", None) or group.at(name)


def _check_version(bundle: Bundle) -> None:
    section = bundle.tree.get("bundle")
    constraint = section.get("databricks_cli_version") if isinstance(section, Map) else None
    if isinstance(section, Map) and isinstance(constraint, str) and not _CONSTRAINT.match(constraint.strip()):
        bundle.diagnostics.error(
            "cli-version-constraint", f"{constraint} is no version constraint",
            section.at("databricks_cli_version"), path="bundle.databricks_cli_version",
            hint='write ">= 0.218.0, <= 1.0.0"',
        )  # fmt: skip


def check_declarations(bundle: Bundle) -> None:
    """Null resources, references where none can stand, the engine, scripts, secrets."""
    diagnostics = bundle.diagnostics
    resources = bundle.tree.get("resources")
    if isinstance(resources, Map):
        for kind, group in resources.items():
            for name, resource in group.items() if isinstance(group, Map) else ():
                if resource is None:
                    what = _SINGULAR.get(kind, kind.removesuffix("s").replace("_", " "))
                    diagnostics.error(
                        "resource-empty", f"the {what} {name} is not defined",
                        group.at(name) or group.key_at(name), path=f"resources.{kind}.{name}",
                        hint="write its fields below the key, or remove the key",
                    )  # fmt: skip
    workspace = bundle.tree.get("workspace")
    if isinstance(workspace, Map):
        for key in _AUTH:
            value = workspace.get(key)
            if isinstance(value, str) and re.search(r"[$][{<]", value):
                diagnostics.warning(
                    "reference-in-auth", f"workspace.{key} is needed before references are resolved",
                    workspace.at(key), path=f"workspace.{key}",
                    hint="write the value itself, or set it by environment variable or profile",
                )  # fmt: skip
    section = bundle.tree.get("bundle")
    bundle_name = section.get("name") if isinstance(section, Map) else None
    if isinstance(section, Map) and isinstance(bundle_name, str) and re.search(r"[$][{<]", bundle_name):
        diagnostics.warning(
            "reference-in-name", "bundle.name holds a reference, which is not resolved",
            section.at("name"), path="bundle.name", hint="write the name itself",
        )  # fmt: skip
    _check_engine(bundle)
    _check_scripts(bundle)
    _check_secrets(bundle)
    _check_job_runs(bundle)


def _check_engine(bundle: Bundle) -> None:
    section = bundle.tree.get("bundle")
    engine = section.get("engine") if isinstance(section, Map) else None
    variable = os.environ.get("DATABRICKS_BUNDLE_ENGINE")
    if engine is None and variable and variable not in ENGINES:
        bundle.diagnostics.error(
            "engine-unknown", f"DATABRICKS_BUNDLE_ENGINE={variable}: there is no such engine",
            hint="set it to direct, or unset it",
        )  # fmt: skip
    if engine is not None and isinstance(section, Map) and not str(engine).startswith("${"):
        if engine not in ENGINES:
            bundle.diagnostics.error(
                "engine-unknown", f"there is no engine {engine}", section.at("engine"), path="bundle.engine",
                hint="write engine: direct",
            )  # fmt: skip
        elif engine == "terraform":
            bundle.diagnostics.warning(
                "engine-terraform", "the terraform engine is deprecated; bundlekit deploys directly",
                section.at("engine"), path="bundle.engine", hint="write engine: direct",
            )  # fmt: skip
            _check_terraform_references(bundle)


def _check_terraform_references(bundle: Bundle) -> None:
    from bundlekit.source.tree import walk

    for _, parent, key, value in walk(bundle.tree.get("resources")):
        if isinstance(value, str):
            place = parent.at(key)  # type: ignore[arg-type]
            for match in re.finditer(r"\$\{(resources\.\w+\.[\w-]+\.url)\}", value):
                bundle.diagnostics.warning(
                    "terraform-only-field", f"{match.group(1)} exists only with the terraform engine",
                    place, path=match.group(1), hint="remove the reference",
                )  # fmt: skip


def _check_scripts(bundle: Bundle) -> None:
    scripts = bundle.tree.get("scripts")
    for name, script in scripts.items() if isinstance(scripts, Map) else ():
        content = script.get("content") if isinstance(script, Map) else None
        found = re.search(r"\$\{[\w.\-\[\]]+\}", content) if isinstance(content, str) else None
        if found and isinstance(script, Map) and "." in found.group(0):
            bundle.diagnostics.error(
                "reference-in-script", f"{found.group(0)} stands in the content of script {name}",
                script.at("content"), path=f"scripts.{name}.content",
                hint=f"put it into env: {{VALUE: {found.group(0)}}} and write $VALUE in the content",
            )  # fmt: skip


def _check_secrets(bundle: Bundle) -> None:
    for name, secret in bundle.resources("secrets").items():
        value = secret.get("value") if isinstance(secret, Map) else None
        if value is None or not isinstance(secret, Map):
            continue
        match = re.fullmatch(r"[$][{<]var\.([\w-]+)[}>]", str(value))
        default = get(bundle.tree, "variables", match.group(1), "default") if match else None
        if match is None or default is not None:
            what = (
                "the variable has a default, which is in the source"
                if match
                else "the value is in the source"
            )
            bundle.diagnostics.error(
                "secret-in-source", f"secret {name}: {what}", secret.at("value"),
                path=f"resources.secrets.{name}.value",
                hint="write value: ${var.my_secret}, with a variable that has no default",
            )  # fmt: skip


def _check_job_runs(bundle: Bundle) -> None:
    for name, run in bundle.resources("job_runs").items():
        triggers = get(run, "lifecycle", "triggers")
        for index, trigger in enumerate(triggers if isinstance(triggers, list) else []):
            if isinstance(trigger, Map) and trigger.get("on_bundle_deploy") is False:
                bundle.diagnostics.error(
                    "job-run-trigger", "on_bundle_deploy can only be true", trigger.at("on_bundle_deploy"),
                    path=f"resources.job_runs.{name}.lifecycle.triggers[{index}].on_bundle_deploy",
                    hint="remove the trigger",
                )  # fmt: skip
        if isinstance(run, Map) and run.get("idempotency_token"):
            bundle.diagnostics.error(
                "field-not-allowed", "idempotency_token is set by the deployment", run.at("idempotency_token"),
                path=f"resources.job_runs.{name}.idempotency_token", hint="remove it",
            )  # fmt: skip


def check_workspace_paths(bundle: Bundle) -> None:
    """Only artifacts may go to a volume."""
    workspace = bundle.tree.get("workspace")
    if not isinstance(workspace, Map):
        return
    if get(bundle.tree, "experimental", "immutable_folder") is True and workspace.all_at("file_path"):
        bundle.diagnostics.error(
            "immutable-file-path", "workspace.file_path is made by the snapshot of an immutable folder",
            workspace.at("file_path"), path="workspace.file_path",
            hint="remove workspace.file_path, or experimental.immutable_folder",
        )  # fmt: skip
    for key in ("root_path", "file_path", "state_path", "resource_path"):
        value = workspace.get(key)
        if isinstance(value, str) and value.startswith("/Volumes") and workspace.all_at(key):
            bundle.diagnostics.error(
                "volumes-path", f"workspace.{key} cannot be a volume: {value}", workspace.at(key),
                path=f"workspace.{key}", hint="only workspace.artifact_path may begin with /Volumes",
            )  # fmt: skip
