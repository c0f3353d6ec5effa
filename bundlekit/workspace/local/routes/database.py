"""Database instances, their catalogs and synced tables."""

from __future__ import annotations

from bundlekit.workspace.local.context import Context
from bundlekit.workspace.local.routes.documents import Collection, Document, rest, universal

INSTANCES = Collection("database_instance", "Database instance", key="name")
CATALOGS = Collection("database_catalog", "Database catalog", key="name")
TABLES = Collection("synced_table", "Synced table", key="name")


def _instance(context: Context, fields: Document) -> Document:
    uid = universal(context)
    return {**fields, "uid": uid, "state": "AVAILABLE", "creator": context.user, "pg_version": "PG_VERSION_16",
            "read_write_dns": f"instance-{uid}.database.local"}  # fmt: skip


def _catalog(context: Context, fields: Document) -> Document:
    return {**fields, "uid": universal(context)}


def _table(context: Context, fields: Document) -> Document:
    return {
        **fields,
        "unity_catalog_provisioning_state": "ACTIVE",
        "effective_database_instance_name": fields.get("database_instance_name", ""),
    }


rest("/api/2.0/database/instances", INSTANCES, "database_instances", created=_instance)
rest("/api/2.0/database/catalogs", CATALOGS, "database_catalogs", created=_catalog)
rest("/api/2.0/database/synced_tables", TABLES, "synced_tables", created=_table)
