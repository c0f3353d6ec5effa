"""The spark engine end to end: a warm server, task processes, tables that persist."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_child import Child

pytestmark = pytest.mark.spark


def test_three_level_names_in_sql_and_python(spark: Child) -> None:
    spark.sql("CREATE SCHEMA IF NOT EXISTS main.names")
    spark.run("spark.range(5).write.mode('overwrite').saveAsTable('main.names.t')")
    assert spark.sql(
        "SELECT main.names.t.id FROM main.names.t WHERE id > :low ORDER BY id", args={"low": 2}
    ) == [[3], [4]]
    spark.run("spark.range(5, 6).write.insertInto('main.names.t')")
    spark.run("spark.range(6, 7).writeTo('main.names.t').append()")
    assert spark.run(
        "result = [spark.table('main.names.t').count(), spark.read.table('main.names.t').count()]"
    ) == [7, 7]
    assert spark.run("result = spark.catalog.tableExists('main.names.t')") is True
    assert spark.run("result = spark.catalog.tableExists('main.names.u')") is False


def test_a_table_lies_as_delta_in_its_folder(spark: Child, spark_folder: Path) -> None:
    spark.sql("CREATE SCHEMA IF NOT EXISTS main.folders")
    spark.sql("CREATE OR REPLACE TABLE main.folders.t AS SELECT 1 AS a")
    assert (spark_folder / "tables" / "main" / "folders" / "t" / "_delta_log").is_dir()
    spark.sql("DROP TABLE main.folders.t")
    assert not (spark_folder / "tables" / "main" / "folders" / "t").exists()


def test_current_catalog_and_schema(another: Child) -> None:
    another.sql("CREATE SCHEMA IF NOT EXISTS dev.current")
    another.sql("USE CATALOG dev")
    another.sql("USE SCHEMA current")
    assert another.sql("SELECT current_catalog(), current_schema()") == [["dev", "current"]]
    another.sql("CREATE OR REPLACE TABLE one AS SELECT 1 AS a")
    assert another.sql("SELECT * FROM dev.current.one") == another.sql("SELECT * FROM current.one") == [[1]]
    assert another.run("result = [spark.catalog.currentCatalog(), spark.catalog.currentDatabase()]") == [
        "dev",
        "current",
    ]
    with pytest.raises(RuntimeError, match="known: dev, main"):
        another.sql("USE CATALOG nowhere")


def test_merge_update_delete_history_restore(spark: Child) -> None:
    spark.sql("CREATE SCHEMA IF NOT EXISTS main.delta")
    spark.sql("CREATE OR REPLACE TABLE main.delta.t AS SELECT id, 'old' AS s FROM range(4)")
    spark.sql(
        "CREATE OR REPLACE TABLE main.delta.u AS SELECT 3L AS id, 'new' AS s UNION ALL SELECT 9L, 'new'"
    )
    counts = spark.sql(
        "MERGE INTO main.delta.t t USING main.delta.u u ON t.id = u.id"
        " WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
    )
    assert counts == [[2, 1, 0, 1]]
    spark.sql("UPDATE main.delta.t SET s = 'zero' WHERE main.delta.t.id = 0")
    spark.sql("DELETE FROM main.delta.t WHERE id IN (SELECT id FROM main.delta.u)")
    assert spark.sql("SELECT id, s FROM main.delta.t ORDER BY id") == [[0, "zero"], [1, "old"], [2, "old"]]
    history = spark.sql("DESCRIBE HISTORY main.delta.t")
    assert [row[4] for row in history][-1].startswith("CREATE")
    assert spark.sql("SELECT count(*) FROM main.delta.t@v0") == [[4]]
    assert spark.sql("SELECT count(*) FROM main.delta.t VERSION AS OF 1") == [[5]]
    spark.sql("RESTORE TABLE main.delta.t TO VERSION AS OF 0")
    assert spark.sql("SELECT count(*) FROM main.delta.t") == [[4]]
    assert spark.sql("DESCRIBE DETAIL main.delta.t")[0][0] == "delta"
    spark.sql("OPTIMIZE main.delta.t")


def test_delta_table_api(spark: Child) -> None:
    spark.sql("CREATE SCHEMA IF NOT EXISTS main.api")
    result = spark.run(
        """
from delta.tables import DeltaTable
from pyspark.sql import functions as F
spark.range(4).withColumn('s', F.lit('old')).write.mode('overwrite').saveAsTable('main.api.t')
table = DeltaTable.forName(spark, 'main.api.t')
source = spark.range(3, 6).withColumn('s', F.lit('new')).alias('b')
(table.alias('a').merge(source, F.col('a.id') == F.col('b.id'))
    .whenMatchedUpdate(set={'s': F.concat(F.col('b.s'), F.lit("'"))})
    .whenNotMatchedInsert(F.col('b.id') < 5, values={'id': 'b.id', 's': 'b.s'}).execute())
table.delete(F.col('id').isin(0, 1) & F.col('s').isNotNull())
table.update(F.col('id') == 2, {'s': F.when(F.col('id') > 1, F.lit('two')).otherwise('?')})
result = [[r.id, r.s] for r in table.toDF().orderBy('id').collect()], table.history(1).collect()[0].operation
"""
    )
    assert result == [[[2, "two"], [3, "new'"], [4, "new"]], "UPDATE"]


def test_views_and_functions_persist_and_other_tasks_see_them(spark: Child, another: Child) -> None:
    spark.sql("CREATE SCHEMA IF NOT EXISTS main.kept")
    spark.sql("CREATE OR REPLACE TABLE main.kept.t AS SELECT 20 AS a")
    spark.sql("CREATE OR REPLACE VIEW main.kept.v AS SELECT a * 2 AS b FROM main.kept.t")
    spark.sql("CREATE OR REPLACE FUNCTION main.kept.inc(x INT) RETURNS INT RETURN x + 1")
    assert another.sql("SELECT main.kept.inc(b) FROM main.kept.v") == [[41]]
    assert another.sql("SHOW TABLES IN main.kept") == [["kept", "t", False], ["kept", "v", False]]
    assert another.sql(
        "SELECT table_name, table_type FROM main.information_schema.tables WHERE table_schema = 'kept' ORDER BY 1"
    ) == [["t", "MANAGED"], ["v", "VIEW"]]


def test_volumes_read_files_and_copy_into(spark: Child, spark_folder: Path) -> None:
    landing = spark_folder / "volumes" / "main" / "raw" / "in"
    landing.mkdir(parents=True, exist_ok=True)
    (landing / "a.csv").write_text("id,name\n1,ann\n2,bob\n")
    assert spark.run("result = spark.read.option('header', True).csv('/Volumes/main/raw/in').count()") == 2
    assert spark.sql("SELECT sum(id) FROM read_files('/Volumes/main/raw/in/*.csv', format => 'csv')") == [[3]]
    spark.sql("CREATE SCHEMA IF NOT EXISTS main.raw")
    spark.sql("CREATE OR REPLACE TABLE main.raw.t (id BIGINT, name STRING)")
    copy = (
        "COPY INTO main.raw.t FROM '/Volumes/main/raw/in' FILEFORMAT = CSV FORMAT_OPTIONS ('header' = 'true')"
    )
    assert [spark.sql(copy), spark.sql(copy)] == [[[2, 2, 0]], [[0, 0, 0]]]
    assert spark.sql("SELECT * FROM main.raw.t ORDER BY id") == [[1, "ann"], [2, "bob"]]


def test_builder_gives_the_same_session_whatever_master(spark: Child) -> None:
    code = "from pyspark.sql import SparkSession\nresult = SparkSession.builder.master('local[*]').appName('x').getOrCreate() is spark"
    assert spark.run(code) is True
    code = "from databricks.connect import DatabricksSession\nresult = DatabricksSession.builder.serverless().getOrCreate() is spark"
    assert spark.run(code) is True


def test_functions_of_own_modules_reach_the_workers(spark: Child) -> None:
    (spark.folder / "own_rules.py").write_text("def add(x):\n    return x + 100\n")
    code = """
import sys
sys.path.insert(0, %r)
import own_rules
from pyspark.sql.functions import udf
result = [r[0] for r in spark.range(2).select(udf(lambda x: own_rules.add(x), 'long')('id')).collect()]
"""
    assert spark.run(code % str(spark.folder)) == [100, 101]


def test_stubbed_is_said_and_refused_has_a_reason(spark: Child) -> None:
    assert spark.sql("GRANT SELECT ON TABLE main.x.t TO `someone`") == []
    assert "GRANT has no effect in a local run" in spark.talk
    with pytest.raises(RuntimeError, match="Refused: UNDROP is not supported by the spark engine"):
        spark.sql("UNDROP TABLE main.x.t")
    with pytest.raises(RuntimeError, match=r"Refused: spark\.sparkContext is not available"):
        spark.run("spark.sparkContext")


def test_a_server_is_reused_refuses_strangers_and_stops(spark_folder: Path, tmp_path: Path) -> None:
    from bundlekit.local.engines import server_status, start_server, stop_server

    first = start_server("spark", spark_folder, lambda _: None)
    assert start_server("spark", spark_folder, lambda _: None).port == first.port
    assert (spark_folder / "engine" / "server.json").stat().st_mode & 0o077 == 0
    # A server of its own that idles out by itself: nobody touches `used`.
    start_server("spark", tmp_path, lambda _: None, idle_seconds=0.5)
    ends = __import__("time").monotonic() + 30
    while server_status(tmp_path)["state"] != "stopped" and __import__("time").monotonic() < ends:
        __import__("time").sleep(0.1)
    assert server_status(tmp_path) == {"state": "stopped"}
    assert stop_server(tmp_path) is False


def test_messages_use_the_names_that_were_written(spark: Child) -> None:
    with pytest.raises(RuntimeError, match=r"`main`\.`names`\.`nothing` cannot be found"):
        spark.sql("SELECT * FROM main.names.nothing")


def test_plain_python_sees_volumes(spark: Child, spark_folder: Path) -> None:
    code = """
import os, pathlib
os.makedirs('/Volumes/main/plain/v/sub', exist_ok=True)
with open('/Volumes/main/plain/v/sub/a.txt', 'w') as file:
    file.write('hello')
result = [pathlib.Path('/Volumes/main/plain/v/sub/a.txt').read_text(), os.listdir('/Volumes/main/plain/v')]
"""
    assert spark.run(code) == ["hello", ["sub"]]
    assert (spark_folder / "volumes" / "main" / "plain" / "v" / "sub" / "a.txt").read_text() == "hello"
