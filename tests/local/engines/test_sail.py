"""The sail engine: what works, and each silent difference corrected or refused."""

from __future__ import annotations

import pytest
from engine_child import Child

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module", autouse=True)
def table(sail: Child) -> None:
    sail.sql("CREATE SCHEMA IF NOT EXISTS main.s")
    sail.sql("CREATE OR REPLACE TABLE main.s.t AS SELECT id, CAST(id AS STRING) AS name FROM range(4)")


def refused(sail: Child, code: str, why: str) -> None:
    with pytest.raises(RuntimeError, match=rf"Refused: .*{why}.*--engine spark"):
        sail.run(code)


def test_tables_merge_and_history(sail: Child) -> None:
    sail.sql("CREATE OR REPLACE TABLE main.s.m AS SELECT id FROM main.s.t")
    sail.sql("MERGE INTO main.s.m a USING (SELECT 3L AS id) b ON a.id = b.id WHEN MATCHED THEN DELETE")
    sail.sql("DELETE FROM main.s.m WHERE id IN (SELECT id FROM main.s.t WHERE id < 1)")
    assert sail.sql("SELECT id FROM main.s.m ORDER BY id") == [[1], [2]]
    assert [row[0] for row in sail.sql("DESCRIBE HISTORY main.s.m")][-1] == 0
    assert sail.sql("SELECT count(*) FROM main.s.m VERSION AS OF 0") == [[4]]
    sail.sql("OPTIMIZE main.s.m")
    sail.sql("VACUUM main.s.m")
    sail.sql("TRUNCATE TABLE main.s.m")
    assert sail.sql("SELECT count(*) FROM main.s.m") == [[0]]
    sail.sql("RESTORE TABLE main.s.m TO VERSION AS OF 0")


def test_qualify_and_group_by_all(sail: Child) -> None:
    assert sail.sql("SELECT id FROM main.s.t QUALIFY row_number() OVER (ORDER BY id DESC) = 1") == [[3]]
    assert sail.sql("SELECT id > 1 AS big, count(*) FROM main.s.t GROUP BY ALL ORDER BY big") == [
        [False, 2],
        [True, 2],
    ]


def test_1_replace_where(sail: Child) -> None:
    write = "spark.range(1).write.mode('overwrite').option('replaceWhere', 'id = 0')"
    refused(sail, f"{write}.saveAsTable('main.s.t')", "replaceWhere")
    refused(sail, f"{write}.insertInto('main.s.t')", "replaceWhere")


def test_2_dynamic_partition_overwrite(sail: Child) -> None:
    refused(
        sail,
        "spark.range(1).write.option('partitionOverwriteMode', 'dynamic').saveAsTable('main.s.t')",
        "whole table",
    )
    refused(sail, "spark.sql('SET spark.sql.sources.partitionOverwriteMode = dynamic')", "whole table")
    refused(sail, "spark.conf.set('spark.sql.sources.partitionOverwriteMode', 'dynamic')", "whole table")


def test_3_not_null_with_merge_schema(sail: Child) -> None:
    code = "from pyspark.sql.functions import lit\nspark.table('main.s.t').withColumn('n', lit(1)).write.mode('append').option('mergeSchema', 'true').saveAsTable('main.s.t')"
    refused(sail, code, "NOT NULL")


def test_4_integer_overflow(sail: Child) -> None:
    refused(sail, "spark.sql('SELECT 2147483647 + 1')", "overflow")


def test_5_undeclared_catalog_and_user(sail: Child) -> None:
    with pytest.raises(RuntimeError, match="Catalog 'other' not found"):
        sail.sql("CREATE SCHEMA other.s")
    assert sail.sql("SELECT current_user()") == [["ada@example.com"]]


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("SELECT 10.0 / 3", "decimal"),
        ("SELECT CAST(1 AS DECIMAL(38, 18)) * CAST(1 AS DECIMAL(38, 18))", "decimal"),
        ("SELECT bround(2.5D)", "bround"),
        ("SELECT timestamp_seconds(1.5)", "fraction"),
        ("SELECT DATE'2024-01-02' - DATE'2024-01-01'", "date - date"),
        ("SELECT '1' AS a UNION ALL SELECT 2", "UNION"),
        ("SELECT array_contains(array(1, null), 2)", "array_contains"),
        ("SELECT initcap('foo-bar')", "initcap"),
        ("CREATE TABLE main.s.c (c CHAR(5))", "CHAR"),
        ("CREATE TABLE main.s.c (a INT, A INT)", "case only"),
        ("CREATE TABLE main.s.c (`a b` INT)", "characters"),
    ],
)
def test_6_to_9_statements(sail: Child, statement: str, why: str) -> None:
    refused(sail, f"spark.sql({statement!r})", why)


def test_7_8_corrected(sail: Child) -> None:
    code = "result = spark.sql(\"SELECT datediff(DATE'2024-01-03', DATE'2024-01-01') AS d\").schema.simpleString()"
    assert sail.run(code) == "struct<d:int>"
    assert sail.sql("SELECT 'it''s'") == [["it's"]]


def test_7_csv_inference(sail: Child) -> None:
    refused(sail, "spark.read.option('inferSchema', True).csv('/Volumes/main/s/v')", "bigint")
    refused(sail, "spark.read.csv('/Volumes/main/s/v', inferSchema=True)", "bigint")


def test_9_types(sail: Child) -> None:
    refused(
        sail,
        "spark.sql(\"SELECT 'x' AS id, 'y' AS name\").write.mode('append').saveAsTable('main.s.t')",
        "null",
    )
    refused(sail, "spark.sql(\"INSERT INTO main.s.t SELECT 'x', 'y'\")", "null")


@pytest.mark.parametrize(
    "code",
    [
        "spark.readStream",
        "spark.range(1).writeStream",
        "spark.range(1).rdd",
        "spark.sparkContext",
        "import pyspark.ml",
        "spark.sql(\"SELECT * FROM table_changes('main.s.t', 0)\")",
        "spark.sql('CREATE TABLE main.s.x SHALLOW CLONE main.s.t')",
        "spark.sql('BEGIN SELECT 1; END')",
        "spark.sql('DECLARE VARIABLE x INT')",
        "spark.sql('WITH RECURSIVE r(n) AS (SELECT 1) SELECT * FROM r')",
    ],
)
def test_loudly_refused(sail: Child, code: str) -> None:
    refused(sail, code, "not ")
