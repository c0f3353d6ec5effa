"""Experiments, models, serving endpoints, vector search through the SDK's typed client."""

from __future__ import annotations

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound, ResourceAlreadyExists
from databricks.sdk.service import ml, serving, vectorsearch


def test_experiment_life(w: WorkspaceClient, name: str) -> None:
    path = f"/Users/tester@databricks.com/{name}"
    made = w.experiments.create_experiment(f"/Workspace{path}").experiment_id
    assert made is not None
    with pytest.raises(ResourceAlreadyExists):
        w.experiments.create_experiment(path)
    found = w.experiments.get_experiment(made).experiment
    assert found is not None and (found.name, found.lifecycle_stage) == (path, "active")
    by_name = w.experiments.get_by_name(path).experiment
    assert by_name is not None and by_name.experiment_id == made
    w.experiments.update_experiment(made, new_name=f"{path}2")
    found = w.experiments.get_experiment(made).experiment
    assert found is not None and found.name == f"{path}2"
    assert made in [one.experiment_id for one in w.experiments.list_experiments()]
    w.experiments.delete_experiment(made)
    with pytest.raises(NotFound):
        w.experiments.get_by_name(f"{path}2")


def test_model_life(w: WorkspaceClient, name: str) -> None:
    tags = [ml.ModelTag(key="a", value="b")]
    w.model_registry.create_model(name, description="one", tags=tags)
    with pytest.raises(ResourceAlreadyExists):
        w.model_registry.create_model(name)
    w.model_registry.update_model(name, description="two")
    found = w.model_registry.get_model(name).registered_model_databricks
    assert found is not None and (found.description, found.tags) == ("two", tags) and found.id
    assert name in [one.name for one in w.model_registry.list_models()]
    w.model_registry.delete_model(name)
    with pytest.raises(NotFound):
        w.model_registry.get_model(name)


def test_serving_endpoint_life(w: WorkspaceClient, name: str) -> None:
    def entity(version: str) -> serving.ServedEntityInput:
        return serving.ServedEntityInput(
            entity_name="main.ml.m", entity_version=version, workload_size="Small"
        )

    config = serving.EndpointCoreConfigInput(name=name, served_entities=[entity("1")])
    tags = [serving.EndpointTag(key="a", value="1")]
    assert w.serving_endpoints.create(name, config=config, tags=tags).response.id  # type: ignore[attr-defined]
    w.serving_endpoints.update_config(name, served_entities=[entity("2")])
    found = w.serving_endpoints.get(name)
    assert found.config is not None and found.config.served_entities is not None
    assert (found.config.config_version, found.config.served_entities[0].name) == (2, "m-2")
    w.serving_endpoints.patch(name, add_tags=[serving.EndpointTag(key="b")], delete_tags=["a"])
    assert [one.key for one in w.serving_endpoints.get(name).tags or []] == ["b"]
    tracking = serving.AiGatewayUsageTrackingConfig(enabled=True)
    w.serving_endpoints.put_ai_gateway(name, usage_tracking_config=tracking)
    gateway = w.serving_endpoints.get(name).ai_gateway
    assert gateway is not None and gateway.usage_tracking_config == tracking
    assert name in [one.name for one in w.serving_endpoints.list()]
    w.serving_endpoints.delete(name)
    with pytest.raises(NotFound):
        w.serving_endpoints.get(name)


def test_vector_search_life(w: WorkspaceClient, name: str) -> None:
    kind = vectorsearch.EndpointType.STANDARD
    w.vector_search_endpoints.create_endpoint_and_wait(name, kind)
    found = w.vector_search_endpoints.get_endpoint(name)
    assert (found.name, found.endpoint_type) == (name, kind) and found.id
    index = f"main.ml.{name}"
    spec = vectorsearch.DirectAccessVectorIndexSpec(schema_json='{"id":"int"}')
    w.vector_search_indexes.create_index(
        index, name, "id", vectorsearch.VectorIndexType.DIRECT_ACCESS, direct_access_index_spec=spec
    )
    shown = w.vector_search_indexes.get_index(index)
    assert (shown.endpoint_name, shown.primary_key) == (name, "id")
    assert index in [one.name for one in w.vector_search_indexes.list_indexes(name)]
    w.vector_search_indexes.delete_index(index)
    w.vector_search_endpoints.delete_endpoint(name)
    with pytest.raises(NotFound):
        w.vector_search_endpoints.get_endpoint(name)
