"""Makes `tables.json` from databricks-sdk: `python -m bundlekit.schema.generate`.

Request bodies are dataclasses or the keyword arguments of an API method; both give a *struct*: field name ->
type. The parts of a bundle that no API knows (bundle, workspace, presets …) are written below in the same
notation. A type is `s` text, `i` integer, `f` number, `b` boolean, `a` anything, `[T` list, `{T` mapping,
`@name` struct, `#name` enumeration; a trailing `!` marks a required field.
"""

from __future__ import annotations

import dataclasses
import enum
import inspect
import json
import typing
from importlib import import_module
from pathlib import Path
from typing import Any

TARGET = Path(__file__).with_name("tables.json")
_SERVICE = "databricks.sdk.service."

# kind -> (source, extra fields, fields left out). A source is `module.Class` or `module.Api.method`.
RESOURCES: dict[str, tuple[str, dict[str, str], set[str]]] = {
    "jobs": ("jobs.JobSettings", {"permissions": "[@permission.jobs"}, set()),
    "job_runs": (
        "jobs.JobsAPI.run_now",
        {"lifecycle": "@lifecycle.job_runs"},
        {"idempotency_token_"},
    ),
    "pipelines": ("pipelines.PipelinesAPI.create", {"permissions": "[@permission.pipelines"}, {"dry_run"}),
    "models": ("ml.ModelRegistryAPI.create_model", {"permissions": "[@permission.models"}, set()),
    "experiments": ("ml.ExperimentsAPI.create_experiment", {"permissions": "[@permission.experiments"}, set()),
    "model_serving_endpoints": (
        "serving.ServingEndpointsAPI.create",
        {"permissions": "[@permission.model_serving_endpoints"},
        set(),
    ),
    "registered_models": ("catalog.RegisteredModelsAPI.create", {"grants": "[@grant"}, set()),
    "quality_monitors": ("catalog.QualityMonitorsAPI.create", {}, set()),
    "catalogs": ("catalog.CatalogsAPI.create", {"grants": "[@grant"}, set()),
    "schemas": ("catalog.SchemasAPI.create", {"grants": "[@grant"}, set()),
    "volumes": ("catalog.VolumesAPI.create", {"grants": "[@grant", "volume_path": "s"}, set()),
    "external_locations": ("catalog.ExternalLocationsAPI.create", {"grants": "[@grant"}, set()),
    "clusters": (
        "compute.ClusterSpec",
        {"permissions": "[@permission.clusters", "lifecycle": "@lifecycle.started"},
        set(),
    ),
    "instance_pools": ("compute.InstancePoolsAPI.create", {"permissions": "[@permission.instance_pools"}, set()),
    "dashboards": (
        "dashboards.Dashboard",
        {
            "permissions": "[@permission.dashboards", "embed_credentials": "b", "file_path": "s",
            "serialized_dashboard": "a", "dataset_catalog": "s", "dataset_schema": "s",
        },
        set(),
    ),
    "genie_spaces": (
        "dashboards.GenieAPI.create_space",
        {"permissions": "[@permission.genie_spaces", "file_path": "s", "serialized_space": "a", "etag": "s"},
        set(),
    ),
    "apps": (
        "apps.App",
        {
            "permissions": "[@permission.apps", "source_code_path": "s", "config": "@app.config",
            "git_source": "@apps.GitSource", "lifecycle": "@lifecycle.started",
        },
        set(),
    ),
    "alerts": ("sql.AlertV2", {"permissions": "[@permission.alerts", "file_path": "s"}, set()),
    "secret_scopes": (
        "",
        {
            "name": "s!", "backend_type": "#workspace.ScopeBackendType",
            "keyvault_metadata": "@workspace.AzureKeyVaultSecretScopeMetadata",
            "permissions": "[@permission.secret_scopes",
        },
        set(),
    ),
    "secrets": ("catalog.Secret", {}, set()),
    "sql_warehouses": (
        "sql.WarehousesAPI.create",
        {"permissions": "[@permission.sql_warehouses", "lifecycle": "@lifecycle.started"},
        set(),
    ),
    "database_instances": (
        "database.DatabaseInstance", {"permissions": "[@permission.database_instances"}, set(),
    ),
    "database_catalogs": ("database.DatabaseCatalog", {}, set()),
    "synced_database_tables": ("database.SyncedDatabaseTable", {}, set()),
    "postgres_projects": (
        "postgres.ProjectSpec",
        {"project_id": "s!", "permissions": "[@permission.postgres_projects", "purge_on_delete": "b"},
        set(),
    ),
    "postgres_branches": (
        "postgres.BranchSpec", {"branch_id": "s!", "parent": "s!", "replace_existing": "b"}, set(),
    ),
    "postgres_endpoints": (
        "postgres.EndpointSpec", {"endpoint_id": "s!", "parent": "s!", "replace_existing": "b"}, set(),
    ),
    "postgres_catalogs": ("postgres.CatalogCatalogSpec", {"catalog_id": "s!"}, set()),
    "postgres_databases": ("postgres.DatabaseDatabaseSpec", {"database_id": "s!", "parent": "s!"}, set()),
    "postgres_roles": ("postgres.RoleRoleSpec", {"role_id": "s!", "parent": "s!"}, set()),
    "postgres_synced_tables": ("postgres.SyncedTableSyncedTableSpec", {"synced_table_id": "s!"}, set()),
    "vector_search_endpoints": (
        "vectorsearch.VectorSearchEndpointsAPI.create_endpoint",
        {"permissions": "[@permission.vector_search_endpoints"},
        set(),
    ),
    "vector_search_indexes": (
        "vectorsearch.VectorSearchIndexesAPI.create_index", {"grants": "[@grant"}, set(),
    ),
}  # fmt: skip

# Levels of the permissions API by resource type, as its documentation lists them.
LEVELS: dict[str, list[str]] = {
    "jobs": ["CAN_MANAGE", "CAN_MANAGE_RUN", "CAN_VIEW", "IS_OWNER"],
    "pipelines": ["CAN_MANAGE", "CAN_RUN", "CAN_VIEW", "IS_OWNER"],
    "models": ["CAN_EDIT", "CAN_MANAGE", "CAN_MANAGE_PRODUCTION_VERSIONS", "CAN_MANAGE_STAGING_VERSIONS",
               "CAN_READ"],
    "experiments": ["CAN_EDIT", "CAN_MANAGE", "CAN_READ"],
    "model_serving_endpoints": ["CAN_MANAGE", "CAN_QUERY", "CAN_VIEW"],
    "clusters": ["CAN_ATTACH_TO", "CAN_MANAGE", "CAN_RESTART"],
    "instance_pools": ["CAN_ATTACH_TO", "CAN_MANAGE"],
    "dashboards": ["CAN_EDIT", "CAN_MANAGE", "CAN_READ", "CAN_RUN"],
    "genie_spaces": ["CAN_EDIT", "CAN_MANAGE", "CAN_READ", "CAN_RUN", "CAN_VIEW"],
    "apps": ["CAN_MANAGE", "CAN_USE"],
    "alerts": ["CAN_EDIT", "CAN_MANAGE", "CAN_READ", "CAN_RUN"],
    "secret_scopes": ["MANAGE", "READ", "WRITE"],
    "sql_warehouses": ["CAN_MANAGE", "CAN_MONITOR", "CAN_USE", "CAN_VIEW", "IS_OWNER"],
    "database_instances": ["CAN_MANAGE", "CAN_USE"],
    "postgres_projects": ["CAN_MANAGE", "CAN_USE"],
    "vector_search_endpoints": ["CAN_MANAGE", "CAN_USE"],
}  # fmt: skip

STRUCTS: dict[str, dict[str, str]] = {
    "root": {
        "bundle": "@bundle", "include": "[s", "variables": "{@variable", "targets": "{@target",
        "environments": "{@target", "workspace": "@workspace", "artifacts": "{@artifact",
        "resources": "@resources", "sync": "@sync", "permissions": "[@permission", "run_as": "@run_as",
        "presets": "@presets", "scripts": "{@script", "python": "@python", "experimental": "@experimental",
    },
    "bundle": {
        "name": "s!", "uuid": "s", "databricks_cli_version": "s", "cluster_id": "s", "compute_id": "s",
        "engine": "#engine", "git": "@git", "deployment": "@deployment", "target": "s", "environment": "s",
    },
    "git": {
        "branch": "s", "origin_url": "s", "commit": "s", "actual_branch": "s", "bundle_root_path": "s",
        "inferred": "b",
    },
    "deployment": {"fail_on_active_runs": "b", "lock": "@lock"},
    "lock": {"enabled": "b", "force": "b"},
    "workspace": {
        "host": "s", "profile": "s", "auth_type": "s", "client_id": "s", "account_id": "s", "workspace_id": "s",
        "azure_workspace_resource_id": "s", "azure_use_msi": "b", "azure_client_id": "s",
        "azure_tenant_id": "s", "azure_environment": "s", "azure_login_app_id": "s",
        "google_service_account": "s", "experimental_is_unified_host": "b", "root_path": "s", "file_path": "s",
        "artifact_path": "s", "state_path": "s", "resource_path": "s", "current_user": "@current_user",
    },
    "current_user": {
        "id": "s", "userName": "s", "short_name": "s", "domain_friendly_name": "s", "displayName": "s",
        "active": "b",
    },
    "variable": {
        "default": "a", "value": "a", "description": "s", "lookup": "@lookup", "type": "#variable_type",
    },
    "lookup": dict.fromkeys(
        ["alert", "cluster", "cluster_policy", "dashboard", "instance_pool", "job", "metastore",
         "notification_destination", "pipeline", "query", "service_principal", "warehouse"], "s",
    ),
    "target": {
        "mode": "s", "default": "b", "bundle": "@bundle", "workspace": "@workspace", "artifacts": "{@artifact",
        "resources": "@resources", "variables": "{a", "git": "@git", "run_as": "@run_as", "sync": "@sync",
        "permissions": "[@permission", "presets": "@presets", "cluster_id": "s", "compute_id": "s",
    },
    "artifact": {
        "type": "#artifact_type", "path": "s", "build": "s", "files": "[@artifact_file",
        "executable": "#executable", "dynamic_version": "b",
    },
    "artifact_file": {"source": "s!", "patched": "s", "remote_path": "s"},
    "sync": {"paths": "[s", "include": "[s", "exclude": "[s"},
    "permission": {
        "level": "s!", "user_name": "s", "group_name": "s", "service_principal_name": "s",
    },
    "grant": {"principal": "s", "privileges": "[#catalog.Privilege"},
    "run_as": {"user_name": "s", "service_principal_name": "s", "group_name": "s"},
    "presets": {
        "name_prefix": "s", "pipelines_development": "b", "trigger_pause_status": "s",
        "jobs_max_concurrent_runs": "i", "tags": "{s", "source_linked_deployment": "b",
        "artifacts_dynamic_version": "b",
    },
    "script": {"content": "s!", "env": "{s"},
    "python": {"resources": "[s", "mutators": "[s", "venv_path": "s"},
    "experimental": {
        "scripts": "{s", "python": "@python", "pydabs": "@pydabs", "python_wheel_wrapper": "b",
        "use_legacy_run_as": "b", "skip_artifact_cleanup": "b", "skip_name_prefix_for_schema": "b",
        "immutable_folder": "b", "record_deployment_history": "b",
    },
    "pydabs": {"enabled": "b", "venv_path": "s", "import": "[s"},
    "lifecycle": {"prevent_destroy": "b"},
    "lifecycle.started": {"prevent_destroy": "b", "started": "b"},
    "lifecycle.job_runs": {"prevent_destroy": "b", "triggers": "[@trigger.job_runs"},
    "trigger.job_runs": {"on_bundle_deploy": "b"},
    "app.config": {"command": "[s", "env": "[@app.env"},
    "app.env": {"name": "s!", "value": "s", "value_from": "s"},
}  # fmt: skip

ENUMS: dict[str, list[str]] = {
    "engine": ["terraform", "direct"],
    "variable_type": ["complex"],
    "artifact_type": ["whl", "jar"],
    "executable": ["bash", "cmd", "sh"],
}


class _Tables:
    def __init__(self) -> None:
        self.structs: dict[str, dict[str, str]] = {name: dict(fields) for name, fields in STRUCTS.items()}
        self.enums: dict[str, list[str]] = dict(ENUMS)

    def struct(self, cls: type) -> str:
        """The name of a dataclass's struct, made with everything below it."""
        name = f"{cls.__module__.removeprefix(_SERVICE)}.{cls.__name__}"
        if name not in self.structs:
            self.structs[name] = {}
            hints = typing.get_type_hints(cls)
            for field in dataclasses.fields(cls):
                required = (
                    field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
                )
                self.structs[name][field.name] = self.type(hints[field.name]) + ("!" if required else "")
        return name

    def method(self, function: Any, namespace: dict[str, Any]) -> dict[str, str]:
        """The keyword arguments of an API method as fields."""
        hints = typing.get_type_hints(function, namespace)
        fields: dict[str, str] = {}
        for name, parameter in inspect.signature(function).parameters.items():
            if name in ("self", "timeout"):
                continue
            required = parameter.default is inspect.Parameter.empty
            fields[name] = self.type(hints[name]) + ("!" if required else "")
        return fields

    def type(self, hint: Any) -> str:
        origin, args = typing.get_origin(hint), typing.get_args(hint)
        if origin is typing.Union:
            return self.type(next(a for a in args if a is not type(None)))
        if origin is list:
            return "[" + self.type(args[0])
        if origin is dict:
            return "{" + self.type(args[1])
        if isinstance(hint, type) and issubclass(hint, enum.Enum):
            name = f"{hint.__module__.removeprefix(_SERVICE)}.{hint.__name__}"
            self.enums[name] = sorted(str(member.value) for member in hint)
            return "#" + name
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            if not hint.__module__.startswith(_SERVICE):
                return "s"
            return "@" + self.struct(hint)
        return {str: "s", int: "i", float: "f", bool: "b"}.get(
            hint, "a" if hint in (Any, object, dict) else "s"
        )


def build() -> dict[str, Any]:
    """All tables: {"structs": {name: {field: type}}, "enums": {name: values}, "resources": {kind: struct}}."""
    tables = _Tables()
    for kind, levels in LEVELS.items():
        tables.enums[f"level.{kind}"] = levels
        tables.structs[f"permission.{kind}"] = {**STRUCTS["permission"], "level": f"#level.{kind}!"}
    for kind, (source, extra, left_out) in RESOURCES.items():
        fields: dict[str, str] = {"lifecycle": "@lifecycle"}
        if source:
            module_name, *parts = source.split(".")
            module = import_module(_SERVICE + module_name)
            found = getattr(module, parts[0])
            if len(parts) > 1:
                method = getattr(found, parts[1])
                fields.update(tables.method(inspect.unwrap(method), vars(module)))
            else:
                fields.update(tables.structs[tables.struct(found)])
            # A request may be wrapped in one object (`dashboard: Dashboard`): then its fields count.
        fields.update(extra)
        for name in left_out:
            fields.pop(name, None)
        tables.structs[f"resource.{kind}"] = fields
    tables.struct(import_module(_SERVICE + "apps").GitSource)
    tables.type(import_module(_SERVICE + "catalog").Privilege)
    tables.type(import_module(_SERVICE + "workspace").ScopeBackendType)
    tables.struct(import_module(_SERVICE + "workspace").AzureKeyVaultSecretScopeMetadata)
    tables.structs["resources"] = {kind: "{@resource." + kind for kind in RESOURCES}
    return {"structs": tables.structs, "enums": tables.enums}


if __name__ == "__main__":
    TARGET.write_text(json.dumps(build(), separators=(",", ":"), sort_keys=True) + "\n", encoding="utf-8")
    print(f"{TARGET.name}: {TARGET.stat().st_size} bytes")
