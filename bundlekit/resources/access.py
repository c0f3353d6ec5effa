"""Sub-resources: access lists (`.permissions`), Unity Catalog grants (`.grants`) and secret scope ACLs.

Each is a node of its own in plan and state, depending on its parent. Deleting one sends nothing: it goes
with its parent, or the parent keeps what it has.
"""

from __future__ import annotations

from typing import Any

from bundlekit.resources.resource import Api, Resource, State

_PRINCIPALS = ("user_name", "group_name", "service_principal_name")


class Permissions(Resource):
    """State: `{object_id: "/jobs/1", __embed__: [{level, user_name | group_name | …}]}`; id = object_id."""

    kind = "permissions"

    def read(self, api: Api, identity: str) -> dict[str, Any]:
        return api.do("GET", f"/api/2.0/permissions{identity}")

    def remote(self, got: dict[str, Any], saved: State) -> State:
        entries = []
        for entry in got.get("access_control_list", []):
            for permission in entry.get("all_permissions", []):
                if not permission.get("inherited"):
                    principal = {key: entry[key] for key in _PRINCIPALS if entry.get(key)}
                    entries.append({"level": permission["permission_level"], **principal})
        return {"object_id": got.get("object_id", saved.get("object_id")), "__embed__": entries}

    def body(self, state: State) -> dict[str, Any]:
        entries = [
            {("permission_level" if key == "level" else key): value for key, value in entry.items()}
            for entry in state["__embed__"]
        ]
        return {"access_control_list": entries}

    def create(self, api: Api, state: State) -> str:
        identity = str(state["object_id"])
        api.do("PUT", f"/api/2.0/permissions{identity}", None, self.body(state))
        return identity

    def update(self, api: Api, identity: str, state: State, changed: set[str]) -> None:
        self.create(api, state)

    def delete(self, api: Api, identity: str, state: State) -> None:
        pass


class Grants(Resource):
    """State: `{full_name, securable_type, __embed__: [{principal, privileges}]}`; id = type/full name."""

    kind = "grants"

    def read(self, api: Api, identity: str) -> dict[str, Any]:
        return api.do("GET", f"/api/2.1/unity-catalog/permissions/{identity}")

    def remote(self, got: dict[str, Any], saved: State) -> State:
        entries = [
            {"principal": entry["principal"], "privileges": sorted(entry.get("privileges", []))}
            for entry in got.get("privilege_assignments", [])
        ]
        return {**saved, "__embed__": entries}

    def create(self, api: Api, state: State) -> str:
        identity = f"{state['securable_type']}/{state['full_name']}"
        self._change(api, identity, state, [])
        return identity

    def update(self, api: Api, identity: str, state: State, changed: set[str]) -> None:
        """Principals that only the workspace has lose everything."""
        place = f"{state['securable_type']}/{state['full_name']}"
        there = self.read(api, place).get("privilege_assignments", [])
        self._change(api, place, state, [str(entry["principal"]) for entry in there])

    def _change(self, api: Api, place: str, state: State, there: list[str]) -> None:
        wanted = state["__embed__"]
        changes: list[dict[str, Any]] = [
            {"principal": entry["principal"], "add": entry["privileges"], "remove": ["ALL_PRIVILEGES"]}
            for entry in wanted
        ]
        named = {entry["principal"] for entry in wanted}
        changes += [{"principal": who, "remove": ["ALL_PRIVILEGES"]} for who in there if who not in named]
        if changes:
            api.do("PATCH", f"/api/2.1/unity-catalog/permissions/{place}", None, {"changes": changes})

    def delete(self, api: Api, identity: str, state: State) -> None:
        pass


class SecretAcls(Resource):
    """State: `{scope_name, acls: [{principal, permission}]}`; id = the scope's name."""

    kind = "secret_acls"
    rename_fields = frozenset({"scope_name"})

    def read(self, api: Api, identity: str) -> dict[str, Any]:
        return {"scope_name": identity, **api.do("GET", "/api/2.0/secrets/acls/list", {"scope": identity})}

    def remote(self, got: dict[str, Any], saved: State) -> State:
        acls = sorted(got.get("items", got.get("acls", [])), key=lambda acl: str(acl["principal"]))
        return {"scope_name": got["scope_name"], "acls": acls}

    def create(self, api: Api, state: State) -> str:
        scope = str(state["scope_name"])
        there = {acl["principal"]: acl["permission"] for acl in self.read(api, scope).get("items", [])}
        wanted = {acl["principal"]: acl["permission"] for acl in state["acls"]}
        for principal, permission in wanted.items():
            if there.get(principal) != permission:
                body = {"scope": scope, "principal": principal, "permission": permission}
                api.do("POST", "/api/2.0/secrets/acls/put", None, body)
        for principal in there:
            if principal not in wanted:
                api.do("POST", "/api/2.0/secrets/acls/delete", None, {"scope": scope, "principal": principal})
        return scope

    def update(self, api: Api, identity: str, state: State, changed: set[str]) -> None:
        self.create(api, state)

    def rename(self, api: Api, identity: str, state: State) -> str:
        return self.create(api, state)

    def delete(self, api: Api, identity: str, state: State) -> None:
        pass


SUB_RESOURCES: dict[str, Resource] = {"permissions": Permissions(), "grants": Grants()}
SECRET_ACLS = SecretAcls()


def node_type(node: str) -> Resource:
    """The type behind a node's key, such as `resources.jobs.etl` or `resources.jobs.etl.permissions`."""
    from bundlekit.resources.registry import resource_type

    parts = node.split(".")
    if len(parts) == 3:
        return resource_type(parts[1])
    if parts[1] == "secret_scopes":
        return SECRET_ACLS
    return SUB_RESOURCES[parts[3]]
