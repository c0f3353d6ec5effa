# Databricks notebook source
# MAGIC %md
# MAGIC # Are the week's files there?
# MAGIC Counts the files, and tells the loop over regions what to do.

# COMMAND ----------

import json
from pathlib import Path

dbutils.widgets.text("week", "2013-W05")
dbutils.widgets.text("catalog", "flights_dev")
dbutils.widgets.text("simulate", "")
week = dbutils.widgets.get("week")
landing = f"/Volumes/{dbutils.widgets.get('catalog')}/bronze/landing"

# COMMAND ----------

# `simulate=flaky` makes the first attempt fail, to show a retry.
marker = Path("/tmp") / f"flights-flaky-{dbutils.widgets.get('week')}"
if dbutils.widgets.get("simulate") == "flaky" and not marker.exists():
    marker.touch()
    raise RuntimeError("the storage account did not answer (simulated, the next attempt works)")
marker.unlink(missing_ok=True)

# COMMAND ----------

files = dbutils.fs.ls(f"{landing}/flights/week={week}")
if not files:
    raise FileNotFoundError(f"no files for {week}")
print(f"{len(files)} file(s) for {week}")

# COMMAND ----------

dbutils.jobs.taskValues.set("files", [file.name for file in files])
dbutils.jobs.taskValues.set("regions", ["Chicago", "Denver", "Los_Angeles", "New_York"])
