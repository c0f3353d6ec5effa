"""Database instances and Postgres projects through the SDK's typed client."""

from __future__ import annotations

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import InvalidParameterValue, NotFound, ResourceConflict
from databricks.sdk.service import database
from databricks.sdk.service import postgres as pg


def test_database_life(w: WorkspaceClient, name: str) -> None:
    new = database.DatabaseInstance(name=name, capacity="CU_1")
    made = w.database.create_database_instance_and_wait(new)
    assert (made.state, made.capacity) == (database.DatabaseInstanceState.AVAILABLE, "CU_1") and made.uid
    new.capacity = "CU_2"
    w.database.update_database_instance(name, new, "capacity")
    assert w.database.get_database_instance(name).capacity == "CU_2"

    w.database.create_database_catalog(
        database.DatabaseCatalog(name=name, database_instance_name=name, database_name="db")
    )
    assert w.database.get_database_catalog(name).database_instance_name == name
    table = f"{name}.public.t"
    w.database.create_synced_database_table(
        database.SyncedDatabaseTable(name=table, database_instance_name=name)
    )
    assert w.database.get_synced_database_table(table).effective_database_instance_name == name
    w.database.delete_synced_database_table(table)
    w.database.delete_database_catalog(name)
    w.database.delete_database_instance(name)
    with pytest.raises(NotFound):
        w.database.get_database_instance(name)


def test_postgres_life(w: WorkspaceClient, name: str) -> None:
    spec = pg.ProjectSpec(display_name=name)
    project = f"projects/{name}"
    assert w.postgres.create_project(pg.Project(spec=spec), name).wait().name == project
    with pytest.raises(ResourceConflict):
        w.postgres.create_project(pg.Project(spec=spec), name)
    branch = f"{project}/branches/dev"
    w.postgres.create_branch(project, pg.Branch(spec=pg.BranchSpec(no_expiry=True)), "dev").wait()
    kind = pg.EndpointType.ENDPOINT_TYPE_READ_WRITE
    endpoint = pg.Endpoint(spec=pg.EndpointSpec(endpoint_type=kind))
    w.postgres.create_endpoint(branch, endpoint, "main").wait()
    w.postgres.create_role(branch, pg.Role(spec=pg.RoleRoleSpec()), role_id="crew").wait()
    assert w.postgres.get_endpoint(f"{branch}/endpoints/main").parent == branch
    assert [one.name for one in w.postgres.list_branches(project)] == [branch]
    assert [one.name for one in w.postgres.list_roles(branch)] == [f"{branch}/roles/crew"]
    w.postgres.delete_endpoint(f"{branch}/endpoints/main").wait()
    w.postgres.delete_project(project).wait()
    with pytest.raises(NotFound):
        w.postgres.get_branch(branch)


def test_postgres_errors(w: WorkspaceClient, name: str) -> None:
    with pytest.raises(NotFound):
        w.postgres.create_branch(f"projects/{name}", pg.Branch(), "dev")
    with pytest.raises(InvalidParameterValue):
        w.api_client.do("POST", "/api/2.0/postgres/projects", body={})
