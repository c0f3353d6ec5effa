"""`<catalog>.information_schema`: schemata, tables, views, columns and volumes, made from the folders
when asked.
"""

from __future__ import annotations

from typing import Any

from bundlekit.local.sql.binding import literal
from bundlekit.local.sql.names import Name, database, quote

_COLUMNS = {
    "schemata": ("catalog_name", "schema_name"),
    "tables": ("table_catalog", "table_schema", "table_name", "table_type", "data_source_format"),
    "views": ("table_catalog", "table_schema", "table_name"),
    "columns": (
        "table_catalog",
        "table_schema",
        "table_name",
        "column_name",
        "ordinal_position",
        "full_data_type",
    ),
}


def define(layer: Any, name: Name) -> None:
    """Make the view `name` anew. Raises Refused for one that isn't there."""
    if name.table not in _COLUMNS:
        raise layer.refusal(
            f"information_schema.{name.table} is not available in a local run", ", ".join(_COLUMNS)
        )
    place = quote(database(name.catalog, name.schema))
    layer.engine.sql(f"CREATE DATABASE IF NOT EXISTS {place}")
    columns = ", ".join(_COLUMNS[name.table])
    rows = [f"({', '.join(literal(value) for value in row)})" for row in _rows(layer, name)]
    nothing = f"({', '.join('0' if c == 'ordinal_position' else repr('') for c in _COLUMNS[name.table])})"
    where = "" if rows else " WHERE false"
    layer.engine.sql(
        f"CREATE OR REPLACE VIEW {place}.{quote(name.table)} AS"
        f" SELECT * FROM VALUES {', '.join(rows or [nothing])} AS t({columns}){where}"
    )


def _rows(layer: Any, name: Name) -> list[tuple[Any, ...]]:
    catalog = name.catalog
    schemas = layer.scope.schemas(catalog)
    if name.table == "schemata":
        return [(catalog, schema) for schema in [*schemas, "information_schema"]]
    found: list[tuple[Any, ...]] = []
    for schema in schemas:
        views = set(layer.tables_of(catalog, schema, views_only=True))
        for table in layer.tables_of(catalog, schema):
            if name.table == "tables":
                found.append(
                    (
                        catalog,
                        schema,
                        table,
                        *(("VIEW", "UNKNOWN") if table in views else ("MANAGED", "DELTA")),
                    )
                )
            elif name.table == "views" and table in views:
                found.append((catalog, schema, table))
            elif name.table == "columns":
                full = Name(catalog, schema, table)
                layer.ensure(full)
                fields = layer.engine.sql(f"SELECT * FROM {layer.scope.engine_name(full)}").schema.fields
                found += [(*full, one.name, at, one.dataType.simpleString()) for at, one in enumerate(fields)]
    return found
