"""Database catalogs: /api/2.0/database/catalogs."""

from __future__ import annotations

from bundlekit.resources.resource import Resource


class DatabaseCatalogs(Resource):
    kind = "database_catalogs"
    route = "/api/2.0/database/catalogs"
    data_bearing = True
    page = "explore/data/{id}"
    id_fields = frozenset({"name"})
    immutable = {"database_instance_name": "immutable", "database_name": "immutable"}
    input_only = frozenset({"create_database_if_not_exists"})
    output_only = frozenset({"uid"})
