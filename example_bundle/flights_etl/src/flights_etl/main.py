"""The entry point of the task `bronze_flights`: a week's lines go to the bronze table as they are."""

from __future__ import annotations

import argparse

from flights_etl.reading import CircuitBreaker, read_lines


def main() -> None:
    from pyspark.sql import SparkSession

    parser = argparse.ArgumentParser()
    parser.add_argument("--week", required=True)
    parser.add_argument("--catalog", required=True)
    parser.add_argument("--landing", required=True)
    options, _ = parser.parse_known_args()

    breaker = CircuitBreaker()
    rows = []
    for kind, folder in (("flight", "flights"), ("correction", "corrections")):
        for line in read_lines(f"{options.landing}/{folder}/week={options.week}", breaker):
            rows.append((options.week, len(rows), kind, line))

    spark = SparkSession.builder.getOrCreate()
    for schema in ("bronze", "silver", "gold"):
        spark.sql(f"CREATE SCHEMA IF NOT EXISTS {options.catalog}.{schema}")
    table = f"{options.catalog}.bronze.flights_raw"
    frame = spark.createDataFrame(rows, "week STRING, number INT, kind STRING, line STRING")
    if spark.catalog.tableExists(table):
        frame.write.mode("overwrite").option("replaceWhere", f"week = '{options.week}'").saveAsTable(table)
    else:
        frame.write.partitionBy("week").saveAsTable(table)
    print(f"{len(rows)} lines of {options.week}")


if __name__ == "__main__":
    main()
