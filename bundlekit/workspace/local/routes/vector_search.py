"""Vector search endpoints and indexes."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from bundlekit.workspace.local.context import Context
from bundlekit.workspace.local.router import Request, route
from bundlekit.workspace.local.routes.documents import Collection, Document, rest, universal
from bundlekit.workspace.local.store import now

ENDPOINTS = Collection("vector_search_endpoint", "Vector search endpoint", key="name")
INDEXES = Collection("vector_search_index", "Vector search index", key="name")
ROOT = "/api/2.0/vector-search"


def _endpoint(context: Context, fields: Document) -> Document:
    return {
        **fields,
        "id": universal(context),
        "creator": context.user,
        "creation_timestamp": now(),
        "endpoint_status": {"state": "ONLINE"},
        "num_indexes": 0,
    }


def _index(context: Context, fields: Document) -> Document:
    made = {
        **fields,
        "creator": context.user,
        "status": {"ready": True, "index_url": f"local/{fields.get('name')}"},
    }
    spec = fields.get("direct_access_index_spec")
    if isinstance(spec, dict) and "schema_json" in spec:
        with contextlib.suppress(ValueError):  # the service formats the schema anew
            schema = json.dumps(json.loads(spec["schema_json"]))
            made["direct_access_index_spec"] = {**spec, "schema_json": schema}
    return made


rest(f"{ROOT}/endpoints", ENDPOINTS, "endpoints", created=_endpoint)
rest(f"{ROOT}/indexes", INDEXES, "vector_indexes", created=_index)


@route("PATCH", f"{ROOT}/endpoints/{{id}}/budget_policy")
def budget_policy(context: Context, request: Request) -> Any:
    there = ENDPOINTS.change(
        context, request.at["id"], {"budget_policy_id": request.need("budget_policy_id")}
    )
    return {"effective_budget_policy_id": there["budget_policy_id"]}
