"""`spark.catalog` with three-level names, answered from the folders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bundlekit.local.sql.names import quote, split


def methods(layer: Any) -> dict[str, Callable[..., Any]]:
    """The methods of `pyspark.sql.connect.catalog.Catalog` that names concern."""
    from pyspark.sql.catalog import CatalogMetadata, Database, Table

    scope = layer.scope

    def schema_of(text: str | None) -> tuple[str, str]:
        found: tuple[str, str] = scope.resolve_schema(split(text) if text else ())
        return found

    def database_entry(catalog: str, schema: str) -> Any:
        return Database(
            name=schema,
            catalog=catalog,
            description=None,
            locationUri=str(scope.schema_folder(catalog, schema)),
        )

    def set_current_database(self: Any, dbName: str) -> None:
        layer.use(*schema_of(dbName))

    def set_current_catalog(self: Any, catalogName: str) -> None:
        layer.use(catalogName.lower(), "default")

    def list_catalogs(self: Any, pattern: str | None = None) -> list[Any]:
        return [CatalogMetadata(name=name, description=None) for name in scope.catalogs()]

    def list_databases(self: Any, pattern: str | None = None) -> list[Any]:
        return [database_entry(scope.catalog, schema) for schema in scope.schemas(scope.catalog)]

    def database_exists(self: Any, dbName: str) -> bool:
        catalog, schema = schema_of(dbName)
        return bool(scope.schema_folder(catalog, schema).is_dir())

    def get_database(self: Any, dbName: str) -> Any:
        return database_entry(*schema_of(dbName))

    def table_exists(self: Any, tableName: str, dbName: str | None = None) -> bool:
        text = f"{dbName}.{quote(tableName)}" if dbName else tableName
        name = scope.resolve(split(text))
        if name is not None and name in scope.objects(name.catalog, name.schema):
            return True
        return len(split(text)) == 1 and any(
            row.isTemporary and row.tableName == tableName.lower()
            for row in layer.engine.sql("SHOW TABLES").collect()
        )

    def list_tables(self: Any, dbName: str | None = None, pattern: str | None = None) -> list[Any]:
        catalog, schema = schema_of(dbName)
        views = set(layer.tables_of(catalog, schema, views_only=True))
        return [
            Table(
                name=name,
                catalog=catalog,
                namespace=[schema],
                description=None,
                tableType="VIEW" if name in views else "MANAGED",
                isTemporary=False,
            )
            for name in layer.tables_of(catalog, schema)
        ]

    return {
        "currentCatalog": lambda self: scope.catalog,
        "currentDatabase": lambda self: scope.schema,
        "setCurrentCatalog": set_current_catalog,
        "setCurrentDatabase": set_current_database,
        "listCatalogs": list_catalogs,
        "listDatabases": list_databases,
        "databaseExists": database_exists,
        "getDatabase": get_database,
        "tableExists": table_exists,
        "listTables": list_tables,
    }
