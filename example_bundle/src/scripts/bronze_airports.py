"""Loads the airports, with the region that their time zone stands for."""

import csv
import sys

from pyspark.sql import SparkSession

catalog, landing = sys.argv[1], sys.argv[2]
spark = SparkSession.builder.getOrCreate()

with open(f"{landing}/reference/airports.csv", encoding="utf-8") as stream:
    rows = [(a["faa"], a["name"], a["tzone"].split("/")[-1]) for a in csv.DictReader(stream)]

spark.sql(f"CREATE SCHEMA IF NOT EXISTS {catalog}.bronze")
spark.createDataFrame(rows, "faa STRING, name STRING, region STRING").write.mode("overwrite").saveAsTable(
    f"{catalog}.bronze.airports"
)
print(f"{len(rows)} airports")
