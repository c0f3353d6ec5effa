"""Dashboards, Genie spaces, alerts and apps through the SDK's typed client."""

from __future__ import annotations

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound, ResourceConflict
from databricks.sdk.service import apps, dashboards, sql

HOME = "/Workspace/Users/tester@databricks.com"


def test_dashboard_life(w: WorkspaceClient, name: str) -> None:
    new = dashboards.Dashboard(display_name=name, parent_path=HOME, serialized_dashboard='{"pages": []}')
    made = w.lakeview.create(new)
    assert made.dashboard_id is not None and made.etag and made.path
    with pytest.raises(ResourceConflict):
        w.lakeview.create(new)
    assert w.workspace.get_status(made.path).path == made.path
    with pytest.raises(NotFound):
        w.lakeview.get_published(made.dashboard_id)
    w.lakeview.publish(made.dashboard_id, embed_credentials=True, warehouse_id="abc")
    assert w.lakeview.get_published(made.dashboard_id).warehouse_id == "abc"
    changed = w.lakeview.update(
        made.dashboard_id, dashboards.Dashboard(serialized_dashboard='{"pages":[{}]}')
    )
    assert changed.etag != made.etag and changed.display_name == name
    w.lakeview.unpublish(made.dashboard_id)
    with pytest.raises(NotFound):
        w.lakeview.get_published(made.dashboard_id)
    assert made.dashboard_id in [one.dashboard_id for one in w.lakeview.list()]
    w.lakeview.trash(made.dashboard_id)
    assert w.lakeview.get(made.dashboard_id).lifecycle_state is dashboards.LifecycleState.TRASHED


def test_genie_life(w: WorkspaceClient, name: str) -> None:
    made = w.genie.create_space("abc", '{"version":1}', title=name, parent_path=HOME)
    assert made.space_id
    assert w.genie.get_space(made.space_id).serialized_space is None
    assert w.genie.get_space(made.space_id, include_serialized_space=True).serialized_space
    w.genie.update_space(made.space_id, title=f"{name}2")
    assert w.genie.get_space(made.space_id).title == f"{name}2"
    w.genie.trash_space(made.space_id)
    with pytest.raises(NotFound):
        w.genie.get_space(made.space_id)


def test_alert_life(w: WorkspaceClient, name: str) -> None:
    source = sql.AlertV2OperandColumn(name="c")
    when = sql.AlertV2Evaluation(source=source, comparison_operator=sql.ComparisonOperator.GREATER_THAN)
    schedule = sql.CronSchedule(quartz_cron_schedule="0 0 * * * ?", timezone_id="UTC")
    alert = sql.AlertV2(
        display_name=name, query_text="select 1", warehouse_id="abc", evaluation=when, schedule=schedule
    )
    made = w.alerts_v2.create_alert(alert)
    assert made.id is not None and made.owner_user_name == "tester@databricks.com"
    alert.query_text, alert.warehouse_id = "select 2", "def"
    w.alerts_v2.update_alert(made.id, alert, "query_text")
    found = w.alerts_v2.get_alert(made.id)
    assert (found.query_text, found.warehouse_id) == ("select 2", "abc")
    w.alerts_v2.trash_alert(made.id)
    with pytest.raises(NotFound):
        w.alerts_v2.get_alert(made.id)


def test_app_life(w: WorkspaceClient, name: str) -> None:
    name = name.replace("_", "-")
    w.apps.create(apps.App(name=name, description="one"), no_compute=True)
    made = w.apps.get(name)
    assert made.compute_status is not None and made.service_principal_client_id and made.url
    assert made.compute_status.state is apps.ComputeState.STOPPED
    assert w.apps.start_and_wait(name).compute_status.state is apps.ComputeState.ACTIVE  # type: ignore[union-attr]
    source = apps.AppDeployment(source_code_path=f"{HOME}/app")
    deployed = w.apps.deploy_and_wait(name, source)
    assert deployed.status is not None and deployed.status.state is apps.AppDeploymentState.SUCCEEDED
    w.apps.update(name, apps.App(name=name, description="two"))
    found = w.apps.get(name)
    assert found.description == "two" and found.active_deployment is not None
    assert found.active_deployment.source_code_path == f"{HOME}/app"
    assert name in [one.name for one in w.apps.list()]
    w.apps.delete(name)
    with pytest.raises(NotFound):
        w.apps.get(name)
