"""Unity Catalog through the SDK's typed client."""

from __future__ import annotations

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, NotFound, ResourceConflict
from databricks.sdk.service import catalog


def test_catalog_life(w: WorkspaceClient, name: str) -> None:
    made = w.catalogs.create(name, comment="one", properties={"a": "b"})
    assert (made.name, made.owner, made.full_name) == (name, "tester@databricks.com", name)
    with pytest.raises(ResourceConflict):
        w.catalogs.create(name)
    assert w.catalogs.update(name, comment="two").comment == "two"
    renamed = w.catalogs.update(name, new_name=f"{name}_new")
    assert (renamed.name, renamed.comment, renamed.properties) == (f"{name}_new", "two", {"a": "b"})
    with pytest.raises(NotFound):
        w.catalogs.get(name)
    assert f"{name}_new" in [one.name for one in w.catalogs.list()]
    w.catalogs.delete(f"{name}_new", force=True)
    with pytest.raises(NotFound):
        w.catalogs.delete(f"{name}_new")


def test_schema_life(w: WorkspaceClient, name: str) -> None:
    full = f"main.{name}"
    assert w.schemas.create(name, "main", comment="c").full_name == full
    assert w.schemas.update(full, comment="d").comment == "d"
    assert w.schemas.get(full).catalog_name == "main"
    assert full in [one.full_name for one in w.schemas.list("main")]
    assert full not in [one.full_name for one in w.schemas.list("other")]
    w.schemas.delete(full)
    with pytest.raises(NotFound):
        w.schemas.get(full)


def test_list_of_several_pages(w: WorkspaceClient, name: str) -> None:
    wanted = {w.schemas.create(f"s{number}", name).full_name for number in range(7)}
    assert {one.full_name for one in w.schemas.list(name, max_results=3)} == wanted


def test_volume_life(w: WorkspaceClient, name: str) -> None:
    made = w.volumes.create("main", "raw", name, catalog.VolumeType.MANAGED)
    full = f"main.raw.{name}"
    assert made.full_name == full and made.storage_location
    assert w.volumes.update(full, comment="c").comment == "c"
    assert w.volumes.update(full, new_name=f"{name}_new").full_name == f"{full}_new"
    assert w.volumes.read(f"{full}_new").volume_type is catalog.VolumeType.MANAGED
    assert [one.name for one in w.volumes.list("main", "raw")] == [f"{name}_new"]
    w.volumes.delete(f"{full}_new")
    with pytest.raises(NotFound):
        w.volumes.read(f"{full}_new")


def test_registered_model_life(w: WorkspaceClient, name: str) -> None:
    made = w.registered_models.create(catalog_name="main", schema_name="ml", name=name, comment="c")
    assert made.full_name == f"main.ml.{name}"
    w.registered_models.update(f"main.ml.{name}", comment="d")
    assert w.registered_models.get(f"main.ml.{name}").comment == "d"
    w.registered_models.delete(f"main.ml.{name}")
    with pytest.raises(NotFound):
        w.registered_models.get(f"main.ml.{name}")


def test_external_location_life(w: WorkspaceClient, name: str) -> None:
    w.external_locations.create(name, "s3://bucket/a", "credential", read_only=True)
    assert w.external_locations.update(name, url="s3://bucket/b").read_only is True
    assert w.external_locations.get(name).url == "s3://bucket/b"
    assert name in [one.name for one in w.external_locations.list()]
    w.external_locations.delete(name)
    with pytest.raises(NotFound):
        w.external_locations.get(name)


def test_missing_field(w: WorkspaceClient) -> None:
    with pytest.raises(BadRequest):
        w.api_client.do("POST", "/api/2.1/unity-catalog/schemas", body={"name": "x"})


def test_grants(w: WorkspaceClient, name: str) -> None:
    P = catalog.Privilege

    def change(who: str, add: list[catalog.Privilege], remove: list[catalog.Privilege]) -> None:
        one = catalog.PermissionsChange(principal=who, add=add, remove=remove)
        w.grants.update("schema", f"main.{name}", changes=[one])

    def held() -> dict[str | None, set[catalog.Privilege]]:
        found = w.grants.get("schema", f"main.{name}").privilege_assignments or []
        return {one.principal: set(one.privileges or []) for one in found}

    assert held() == {}
    change("crew", [P.SELECT, P.MODIFY], [])
    change("guests", [P.SELECT], [])
    change("crew", [P.USE_SCHEMA], [P.MODIFY])
    assert held() == {"crew": {P.SELECT, P.USE_SCHEMA}, "guests": {P.SELECT}}
    change("crew", [P.SELECT], [P.ALL_PRIVILEGES])
    change("guests", [], [P.ALL_PRIVILEGES])
    assert held() == {"crew": {P.SELECT}}


def test_monitor_life(w: WorkspaceClient, name: str) -> None:
    table = f"main.gold.{name}"
    made = w.quality_monitors.create(table, "main.gold", "/Workspace/m", snapshot=catalog.MonitorSnapshot())
    assert (made.table_name, made.status) == (table, catalog.MonitorInfoStatus.MONITOR_STATUS_ACTIVE)
    w.quality_monitors.update(table, "main.other", snapshot=catalog.MonitorSnapshot())
    assert w.quality_monitors.get(table).output_schema_name == "main.other"
    w.quality_monitors.delete(table)
    with pytest.raises(NotFound):
        w.quality_monitors.get(table)
