# Databricks notebook source
# MAGIC %md
# MAGIC # Airlines of a region, by delay
# MAGIC One iteration of the loop over regions: each writes a table of its own, so they never meet.

# COMMAND ----------

dbutils.widgets.text("region", "Chicago")
dbutils.widgets.text("catalog", "flights_dev")
region, catalog = dbutils.widgets.get("region"), dbutils.widgets.get("catalog")

# COMMAND ----------

spark.sql(f"""
    CREATE OR REPLACE TABLE {catalog}.gold.ranking_{region.lower()} AS
    SELECT carrier, flights, mean_delay, rank() OVER (ORDER BY mean_delay, carrier) AS place
    FROM (
        SELECT carrier, count(*) AS flights, round(avg(dep_delay), 1) AS mean_delay
        FROM {catalog}.silver.flights WHERE region = '{region}' GROUP BY carrier
    )
""")
dbutils.notebook.exit(f"{catalog}.gold.ranking_{region.lower()}")
