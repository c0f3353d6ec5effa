"""Permissions of every object type, secret scopes and secrets through the SDK's typed client."""

from __future__ import annotations

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound, ResourceAlreadyExists
from databricks.sdk.service import iam, workspace

TYPES = [
    *(
        "jobs",
        "pipelines",
        "clusters",
        "instance-pools",
        "experiments",
        "registered-models",
        "serving-endpoints",
    ),
    *("sql/warehouses", "dashboards", "alertsv2", "genie", "apps", "database-projects", "directories"),
    *("database-instances", "vector-search-endpoints"),
]
LEVEL = iam.PermissionLevel


def _direct(found: iam.ObjectPermissions) -> dict[str | None, set[iam.PermissionLevel | None]]:
    return {
        one.user_name or one.group_name: {
            p.permission_level for p in one.all_permissions or [] if not p.inherited
        }
        for one in found.access_control_list or []
    }


@pytest.mark.parametrize("kind", TYPES)
def test_permissions(w: WorkspaceClient, name: str, kind: str) -> None:
    entry = iam.AccessControlRequest(group_name="crew", permission_level=LEVEL.CAN_VIEW)
    path = f"/api/2.0/permissions/{kind}/{name}"

    def ask(method: str, *entries: iam.AccessControlRequest) -> iam.ObjectPermissions:
        body = {"access_control_list": [one.as_dict() for one in entries]} if entries else None
        answer = w.api_client.do(method, path, body=body)
        assert isinstance(answer, dict)
        return iam.ObjectPermissions.from_dict(answer)

    assert ask("GET").object_id == f"/{kind}/{name}"
    assert _direct(ask("PUT", entry))["crew"] == {LEVEL.CAN_VIEW}
    more = iam.AccessControlRequest(user_name="a@b.c", permission_level=LEVEL.CAN_MANAGE)
    found = _direct(ask("PATCH", more))
    assert (found["crew"], found["a@b.c"]) == ({LEVEL.CAN_VIEW}, {LEVEL.CAN_MANAGE})
    found = _direct(ask("PUT", more))
    assert "crew" not in found
    assert found["admins"] == set()  # inherited only
    assert _direct(ask("GET")) == found


def test_typed_permissions(w: WorkspaceClient, name: str) -> None:
    entry = iam.AccessControlRequest(group_name="crew", permission_level=LEVEL.CAN_VIEW)
    w.permissions.set("jobs", name, access_control_list=[entry])
    assert _direct(w.permissions.get("jobs", name))["crew"] == {LEVEL.CAN_VIEW}
    owners = [
        who for who, levels in _direct(w.permissions.get("jobs", name)).items() if LEVEL.IS_OWNER in levels
    ]
    assert owners == ["tester@databricks.com"]


def test_scope_life(w: WorkspaceClient, name: str) -> None:
    w.secrets.create_scope(name)
    with pytest.raises(ResourceAlreadyExists):
        w.secrets.create_scope(name)
    assert name in [one.name for one in w.secrets.list_scopes()]
    manage, read = workspace.AclPermission.MANAGE, workspace.AclPermission.READ
    w.secrets.put_acl(name, "crew", read)
    w.secrets.put_acl(name, "crew", workspace.AclPermission.WRITE)
    found = {one.principal: one.permission for one in w.secrets.list_acls(name)}
    assert found == {"tester@databricks.com": manage, "crew": workspace.AclPermission.WRITE}
    w.secrets.delete_acl(name, "crew")
    with pytest.raises(NotFound):
        w.secrets.get_acl(name, "crew")
    w.secrets.put_secret(name, "k", string_value="hidden")
    assert [one.key for one in w.secrets.list_secrets(name)] == ["k"]
    assert w.secrets.get_secret(name, "k").value == "aGlkZGVu"
    assert w.dbutils.secrets.get(name, "k") == "hidden"
    w.secrets.delete_secret(name, "k")
    with pytest.raises(NotFound):
        w.secrets.get_secret(name, "k")
    w.secrets.delete_scope(name)
    with pytest.raises(NotFound):
        w.secrets.list_secrets(name)
