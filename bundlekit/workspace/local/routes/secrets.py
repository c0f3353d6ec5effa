"""Secret scopes, their ACLs and secrets. Values are kept, never given in a list."""

from __future__ import annotations

import base64
from typing import Any

from bundlekit.workspace.local.context import Context
from bundlekit.workspace.local.router import Request, route
from bundlekit.workspace.local.routes.documents import Collection, Document
from bundlekit.workspace.local.store import now
from bundlekit.workspace.port import ApiError

ROOT = "/api/2.0/secrets"
SCOPES = Collection("secret_scope", "Scope", key="name")


@route("POST", f"{ROOT}/scopes/create")
def create_scope(context: Context, request: Request) -> Any:
    fields = request.fields()
    made: Document = {"backend_type": fields.get("scope_backend_type") or "DATABRICKS"}
    if "backend_azure_keyvault" in fields:
        made["keyvault_metadata"] = fields["backend_azure_keyvault"]
    name = str(request.need("scope"))
    SCOPES.create(context, made, name)
    principal = fields.get("initial_manage_principal") or context.user
    context.store.put("secret_acls", name, {"items": [{"principal": principal, "permission": "MANAGE"}]})
    return {}


@route("GET", f"{ROOT}/scopes/list")
def list_scopes(context: Context, request: Request) -> Any:
    return {"scopes": SCOPES.every(context)}


@route("POST", f"{ROOT}/scopes/delete")
def delete_scope(context: Context, request: Request) -> Any:
    name = str(request.need("scope"))
    SCOPES.remove(context, name)
    context.store.drop("secret_acls", name)
    for identity, _ in context.store.all("secret"):
        if identity.startswith(f"{name}/"):
            context.store.drop("secret", identity)
    return {}


def _acls(context: Context, scope: str) -> dict[str, str]:
    SCOPES.find(context, scope)
    items = (context.store.get("secret_acls", scope) or {}).get("items", [])
    return {item["principal"]: item["permission"] for item in items}


def _keep(context: Context, scope: str, acls: dict[str, str]) -> None:
    items = [{"principal": principal, "permission": permission} for principal, permission in acls.items()]
    context.store.put("secret_acls", scope, {"items": items})


@route("GET", f"{ROOT}/acls/list")
def list_acls(context: Context, request: Request) -> Any:
    acls = _acls(context, str(request.need("scope")))
    return {"items": [{"principal": who, "permission": permission} for who, permission in acls.items()]}


@route("GET", f"{ROOT}/acls/get")
def get_acl(context: Context, request: Request) -> Any:
    acls, who = _acls(context, str(request.need("scope"))), str(request.need("principal"))
    if who not in acls:
        raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"No ACL for {who}")
    return {"principal": who, "permission": acls[who]}


@route("POST", f"{ROOT}/acls/put")
def put_acl(context: Context, request: Request) -> Any:
    scope = str(request.need("scope"))
    _keep(context, scope, {**_acls(context, scope), request.need("principal"): request.need("permission")})
    return {}


@route("POST", f"{ROOT}/acls/delete")
def delete_acl(context: Context, request: Request) -> Any:
    scope, who = str(request.need("scope")), request.need("principal")
    acls = _acls(context, scope)
    if acls.pop(who, None) is None:
        raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"No ACL for {who}")
    _keep(context, scope, acls)
    return {}


@route("POST", f"{ROOT}/put")
def put_secret(context: Context, request: Request) -> Any:
    scope, key, fields = str(request.need("scope")), str(request.need("key")), request.fields()
    SCOPES.find(context, scope)
    value = (
        fields.get("bytes_value") or base64.b64encode(str(fields.get("string_value", "")).encode()).decode()
    )
    context.store.put("secret", f"{scope}/{key}", {"value": value, "last_updated_timestamp": now()})
    return {}


@route("GET", f"{ROOT}/get")
def get_secret(context: Context, request: Request) -> Any:
    scope, key = str(request.need("scope")), str(request.need("key"))
    found = context.store.get("secret", f"{scope}/{key}")
    if found is None:
        raise ApiError(
            404, "RESOURCE_DOES_NOT_EXIST", f"Secret does not exist with scope: {scope} and key: {key}"
        )
    return {"key": key, "value": found["value"]}


@route("GET", f"{ROOT}/list")
def list_secrets(context: Context, request: Request) -> Any:
    scope = str(request.need("scope"))
    SCOPES.find(context, scope)
    return {"secrets": [
        {"key": identity.split("/", 1)[1], "last_updated_timestamp": data["last_updated_timestamp"]}
        for identity, data in context.store.all("secret") if identity.startswith(f"{scope}/")
    ]}  # fmt: skip


@route("POST", f"{ROOT}/delete")
def delete_secret(context: Context, request: Request) -> Any:
    scope, key = str(request.need("scope")), str(request.need("key"))
    if not context.store.drop("secret", f"{scope}/{key}"):
        raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Secret {key} does not exist in scope {scope}")
    return {}
