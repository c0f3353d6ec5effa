"""Who asks, and what this workspace is."""

from __future__ import annotations

from typing import Any

from bundlekit.workspace.local.context import Context
from bundlekit.workspace.local.router import Request, Response, route


@route("GET", "/api/2.0/preview/scim/v2/Me")
def me(context: Context, request: Request) -> Any:
    body = {
        "id": "1000000000001",
        "userName": context.user,
        "displayName": context.user.split("@", 1)[0],
        "active": True,
        "emails": [{"value": context.user, "primary": True}],
        "groups": [{"display": "users", "value": "100"}, {"display": "admins", "value": "101"}],
    }
    return Response(body=body, headers={"X-Databricks-Org-Id": str(context.workspace_id)})


@route("GET", "/.well-known/databricks-config")
def configuration(context: Context, request: Request) -> Any:
    return {
        "workspace_id": str(context.workspace_id),
        "account_id": "",
        "oidc_endpoint": f"{context.host}/oidc",
    }


@route("POST", "/telemetry-ext")
def telemetry(context: Context, request: Request) -> Any:
    return {"errors": None, "numProtoSuccess": 0}
