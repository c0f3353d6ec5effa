"""Secret scopes: /api/2.0/secrets/scopes/*; their access lists are ACLs of their own."""

from __future__ import annotations

from typing import Any

from bundlekit.resources.resource import Api, Resource, State


class SecretScopes(Resource):
    kind = "secret_scopes"
    id_key = "scope"
    id_fields = frozenset({"scope", "scope_backend_type", "keyvault_metadata", "backend_azure_keyvault"})
    backend_defaults = frozenset({"scope_backend_type"})

    def desired(self, config: Any) -> State:
        state = super().desired(config)
        renamed: State = {}
        for key, value in state.items():
            renamed[{"name": "scope", "backend_type": "scope_backend_type",
                     "keyvault_metadata": "backend_azure_keyvault"}.get(key, key)] = value  # fmt: skip
        return renamed

    def read(self, api: Api, identity: str) -> dict[str, Any]:
        """There is no GET for a scope: it is looked for in the list."""
        from bundlekit.resources.missing import gone

        for scope in api.do("GET", "/api/2.0/secrets/scopes/list").get("scopes", []):
            if scope.get("name") == identity:
                found: dict[str, Any] = scope
                return found
        raise gone(f"Secret scope {identity} does not exist")

    def remote(self, got: dict[str, Any], saved: State) -> State:
        return {"scope": got.get("name"), "scope_backend_type": got.get("backend_type"),
                **({"backend_azure_keyvault": got["keyvault_metadata"]} if "keyvault_metadata" in got else {})}  # fmt: skip

    def create(self, api: Api, state: State) -> str:
        api.do("POST", "/api/2.0/secrets/scopes/create", None, state)
        return str(state["scope"])

    def delete(self, api: Api, identity: str, state: State) -> None:
        api.do("POST", "/api/2.0/secrets/scopes/delete", None, {"scope": identity})
