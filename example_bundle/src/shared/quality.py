# Databricks notebook source
# MAGIC %md
# MAGIC # Rules
# MAGIC A row that breaks a rule goes to the dead letters, with the name of the first rule that it breaks.
# MAGIC This notebook is used with `%run`, and imported by the tests.

# COMMAND ----------

COLUMNS = ["flight_id", "scheduled", "dep_delay", "carrier", "tailnum", "origin", "dest", "distance"]


def parse(line):
    """A line of the landing files as a dictionary; None when it has been cut short."""
    parts = line.split(",")
    return dict(zip(COLUMNS, parts)) if len(parts) == len(COLUMNS) else None


def is_number(text):
    return text.lstrip("-").isdigit()


RULES = [
    ("empty origin", lambda row, airports: bool(row["origin"])),
    ("unknown airport", lambda row, airports: row["dest"] in airports),
    ("negative distance", lambda row, airports: is_number(row["distance"]) and int(row["distance"]) >= 0),
    ("delay is no number", lambda row, airports: row["dep_delay"] == "" or is_number(row["dep_delay"])),
]


def reason(line, airports, seen):
    """Why a line is rejected, or None. `seen` collects the ids of a week."""
    row = parse(line)
    if row is None:
        return "line cut short"
    for name, holds in RULES:
        if not holds(row, airports):
            return name
    if row["flight_id"] in seen:
        return "doubled"
    seen.add(row["flight_id"])
    return None
