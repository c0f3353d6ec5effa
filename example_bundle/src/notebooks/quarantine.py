# Databricks notebook source
# MAGIC %md
# MAGIC # The week is not good enough
# MAGIC Takes it out of the silver table, and says what was wrong with it.

# COMMAND ----------

import json

dbutils.widgets.text("week", "2013-W07")
dbutils.widgets.text("catalog", "flights_dev")
dbutils.widgets.text("reject_rate", "1")
week, catalog = dbutils.widgets.get("week"), dbutils.widgets.get("catalog")

# COMMAND ----------

reasons = spark.sql(
    f"SELECT reason, count(*) AS n FROM {catalog}.silver.flights_dead_letter WHERE week = '{week}' GROUP BY reason"
).collect()
spark.sql(f"DELETE FROM {catalog}.silver.flights WHERE week = '{week}'")

# COMMAND ----------

report = {"week": week, "reject_rate": float(dbutils.widgets.get("reject_rate")), "reasons": {r["reason"]: r["n"] for r in reasons}}
dbutils.notebook.exit(json.dumps(report, sort_keys=True))
