"""Serving endpoints: the old `served_models` becomes `served_entities`. Reads and writes their `config`."""

from __future__ import annotations

from bundlekit.bundle import Bundle
from bundlekit.source.tree import Map, Seq

_RENAMED = {"model_name": "entity_name", "model_version": "entity_version"}


def rename_served_models(bundle: Bundle) -> None:
    endpoints = bundle.resources("model_serving_endpoints")
    for key, endpoint in endpoints.items():
        config = endpoint.get("config") if isinstance(endpoint, Map) else None
        models = config.get("served_models") if isinstance(config, Map) else None
        if not isinstance(config, Map) or not isinstance(models, Seq):
            continue
        if config.get("served_entities"):
            bundle.diagnostics.error(
                "served-models-and-entities",
                "both served_models and served_entities are given",
                [at for at in (endpoints.at(key), config.key_at("served_models")) if at],
                path=f"resources.model_serving_endpoints.{key}.config",
                hint="move everything to served_entities (entity_name, entity_version)",
            )
            continue
        for model in models:
            for old, new in _RENAMED.items():
                if isinstance(model, Map) and old in model:
                    spot = model.spot(old)
                    model.put(new, model[old], f"{old} is the old name")
                    model.spots[new] = spot
                    model.drop(old)
        spot = config.spot("served_models")
        config.put("served_entities", models, "served_models is the old name")
        config.spots["served_entities"] = spot
        config.drop("served_models")
