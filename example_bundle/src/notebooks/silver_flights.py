# Databricks notebook source
# MAGIC %md
# MAGIC # Checked flights
# MAGIC Valid rows by MERGE, corrections of earlier weeks with them; the others to the dead letters, with a reason.

# COMMAND ----------

# MAGIC %run ../shared/quality

# COMMAND ----------

dbutils.widgets.text("week", "2013-W05")
dbutils.widgets.text("catalog", "flights_dev")
week, catalog = dbutils.widgets.get("week"), dbutils.widgets.get("catalog")

# COMMAND ----------

raw = spark.sql(f"SELECT kind, line FROM {catalog}.bronze.flights_raw WHERE week = '{week}' ORDER BY number").collect()
airports = {row["faa"]: row["region"] for row in spark.table(f"{catalog}.bronze.airports").collect()}

good, dead, seen = [], [], set()
for row in raw:
    if row["kind"] != "flight":
        continue
    why = reason(row["line"], airports, seen)
    if why:
        dead.append((week, row["line"], why))
    else:
        flight = parse(row["line"])
        delay = int(flight["dep_delay"]) if flight["dep_delay"] else None
        good.append((flight["flight_id"], week, flight["scheduled"], delay, flight["carrier"], flight["origin"],
                     flight["dest"], airports[flight["dest"]], int(flight["distance"])))
changes = [(i, int(d), op) for i, d, op in (r["line"].split(",") for r in raw if r["kind"] == "correction")]
print(f"{week}: {len(good)} good, {len(dead)} rejected, {len(changes)} corrections")

# COMMAND ----------

# Corrections concern flights of the week before, so a flight comes at most once from both sources.
FLIGHT = "flight_id STRING, week STRING, scheduled STRING, dep_delay INT, carrier STRING, origin STRING, dest STRING, region STRING, distance INT"
source = [(*row, "I") for row in good] + [(i, None, None, delay, *[None] * 5, op) for i, delay, op in changes]
spark.sql(f"CREATE TABLE IF NOT EXISTS {catalog}.silver.flights ({FLIGHT}) USING delta")
spark.createDataFrame(source, f"{FLIGHT}, op STRING").createOrReplaceTempView("source")
spark.sql(f"""
    MERGE INTO {catalog}.silver.flights AS target USING source ON target.flight_id = source.flight_id
    WHEN MATCHED AND source.op = 'D' THEN DELETE
    WHEN MATCHED AND source.op = 'U' THEN UPDATE SET target.dep_delay = source.dep_delay
    WHEN MATCHED THEN UPDATE SET *
    WHEN NOT MATCHED AND source.op = 'I' THEN INSERT *
""")

# COMMAND ----------

letters = spark.createDataFrame(dead, "week STRING, line STRING, reason STRING")
table = f"{catalog}.silver.flights_dead_letter"
if spark.catalog.tableExists(table):
    letters.write.mode("overwrite").option("replaceWhere", f"week = '{week}'").saveAsTable(table)
else:
    letters.write.partitionBy("week").saveAsTable(table)

# COMMAND ----------

dbutils.jobs.taskValues.set("rows", len(good))
dbutils.jobs.taskValues.set("rejected", len(dead))
dbutils.jobs.taskValues.set("reject_rate", round(len(dead) / max(1, len(good) + len(dead)), 4))
