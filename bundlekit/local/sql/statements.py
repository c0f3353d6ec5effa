"""The table of statement kinds: what becomes of each on each engine. Data, so that it is printed and tested.

`real`: the engine runs it, with names mapped. `rewritten`: something equal is run instead. `stubbed`: accepted
without effect, and said so in the run's report. `refused`: an error with a hint, before anything is run.
The first kind whose pattern matches the beginning of the statement is its kind.
"""

# fmt: off
from __future__ import annotations

import re
from typing import Literal, NamedTuple

Support = Literal["real", "rewritten", "stubbed", "refused"]


class Kind(NamedTuple):
    """One kind of statement: pattern over its first words (or anywhere, with `.*`), example, support, why."""

    name: str
    pattern: str
    example: str
    spark: Support
    sail: Support
    note: str = ""

    def on(self, engine: str) -> Support:
        """The support on `spark` or `sail`."""
        return self.sail if engine == "sail" else self.spark


_NAME = r"(?:`[^`]+`|[\w-]+)(?:\s*\.\s*(?:`[^`]+`|[\w-]+))*"
_SAIL = "Sail lacks it"

KINDS: tuple[Kind, ...] = (
    # where names are looked up
    Kind("use catalog", r"(USE|SET) CATALOG ", "USE CATALOG main", "rewritten", "rewritten"),
    Kind("use schema", r"USE ", "USE SCHEMA bronze", "rewritten", "rewritten"),
    Kind("create catalog", r"CREATE CATALOG ", "CREATE CATALOG c2", "rewritten", "rewritten", "a folder"),
    Kind("drop catalog", r"DROP CATALOG ", "DROP CATALOG c2 CASCADE", "rewritten", "rewritten", "a folder"),
    Kind("create schema", r"CREATE (SCHEMA|DATABASE) ", "CREATE SCHEMA main.s2", "rewritten", "rewritten", "a folder"),
    Kind("drop schema", r"DROP (SCHEMA|DATABASE) ", "DROP SCHEMA main.s2 CASCADE", "rewritten", "rewritten"),
    Kind("create volume", r"CREATE (EXTERNAL )?VOLUME ", "CREATE VOLUME main.s.v", "rewritten", "rewritten", "a folder"),
    Kind("drop volume", r"DROP VOLUME ", "DROP VOLUME main.s.v", "rewritten", "rewritten", "the folder stays"),
    # no effect on one machine
    Kind("grant", r"GRANT ", "GRANT SELECT ON TABLE main.s.t TO `a`", "stubbed", "stubbed", "no permissions here"),
    Kind("revoke", r"REVOKE ", "REVOKE SELECT ON TABLE main.s.t FROM `a`", "stubbed", "stubbed", "no permissions here"),
    Kind("comment on", r"COMMENT ON ", "COMMENT ON TABLE main.s.t IS 'x'", "stubbed", "stubbed", "no catalog to keep it"),
    Kind("alter object", r"ALTER (CATALOG|SCHEMA|DATABASE|VOLUME) ", "ALTER SCHEMA main.s OWNER TO `a`", "stubbed", "stubbed"),
    Kind(
        "alter governance",
        rf"ALTER (TABLE|VIEW) {_NAME} (((SET|UNSET) (TAGS|ROW FILTER)|(SET )?OWNER TO|DROP ROW FILTER)"
        r"|ALTER COLUMN .*(SET|UNSET) (TAGS|MASK)|(ENABLE|DISABLE) PREDICTIVE)",
        "ALTER TABLE main.s.t SET TAGS ('a' = 'b')",
        "stubbed",
        "stubbed",
        "tags, owners, filters and masks need Unity Catalog",
    ),
    Kind("analyze", r"ANALYZE ", "ANALYZE TABLE main.s.t COMPUTE STATISTICS", "stubbed", "stubbed", "only makes plans better"),
    Kind("cache", r"(CACHE|UNCACHE|CLEAR CACHE)\b", "CACHE TABLE main.s.t", "stubbed", "stubbed", "only makes it faster"),
    Kind("refresh", r"REFRESH (TABLE )?", "REFRESH TABLE main.s.t", "stubbed", "stubbed", "tables are always fresh"),
    # views and functions
    Kind("create materialized view", r"CREATE (OR (REPLACE|REFRESH) )?MATERIALIZED VIEW ", "CREATE MATERIALIZED VIEW main.s.m AS SELECT 1", "refused", "refused", "belongs to pipelines"),
    Kind("create streaming table", r"CREATE (OR (REPLACE|REFRESH) )?STREAMING ", "CREATE STREAMING TABLE main.s.m AS SELECT 1", "refused", "refused", "belongs to pipelines"),
    Kind("create temporary view", r"CREATE (OR REPLACE )?(GLOBAL )?(TEMP|TEMPORARY) VIEW ", "CREATE TEMP VIEW v AS SELECT 1", "real", "real"),
    Kind("create view", r"CREATE (OR REPLACE )?VIEW ", "CREATE VIEW main.s.v AS SELECT 1 AS a", "rewritten", "rewritten", "kept as a statement beside the tables"),
    Kind("drop view", r"DROP VIEW ", "DROP VIEW main.s.v", "rewritten", "rewritten"),
    Kind("create temporary function", r"CREATE (OR REPLACE )?TEMP(ORARY)? FUNCTION ", "CREATE TEMPORARY FUNCTION f(x INT) RETURNS INT RETURN x + 1", "real", "refused", _SAIL),
    Kind("create python function", r"CREATE (OR REPLACE )?FUNCTION .*LANGUAGE PYTHON", "CREATE FUNCTION main.s.p() RETURNS INT LANGUAGE PYTHON AS $$ return 1 $$", "refused", "refused", "register it with spark.udf"),
    Kind("create function", r"CREATE (OR REPLACE )?FUNCTION ", "CREATE FUNCTION main.s.f(x INT) RETURNS INT RETURN x + 1", "rewritten", "refused", _SAIL),
    Kind("drop function", r"DROP (TEMPORARY )?FUNCTION ", "DROP FUNCTION main.s.f", "rewritten", "refused", _SAIL),
    # tables
    Kind("clone", r"CREATE (OR REPLACE )?TABLE .* (SHALLOW |DEEP )?CLONE ", "CREATE TABLE main.s.t2 SHALLOW CLONE main.s.t", "real", "refused", "Spark makes shallow clones only"),
    Kind("create table", r"(CREATE (OR REPLACE )?|REPLACE )(EXTERNAL )?TABLE ", "CREATE TABLE main.s.t (id INT)", "real", "rewritten"),
    Kind("undrop", r"UNDROP ", "UNDROP TABLE main.s.t", "refused", "refused", "a dropped table's folder is gone"),
    Kind("drop table", r"DROP TABLE ", "DROP TABLE main.s.t", "rewritten", "rewritten", "also removes its folder"),
    Kind("rename table", rf"ALTER TABLE {_NAME} RENAME TO ", "ALTER TABLE main.s.t RENAME TO main.s.t2", "rewritten", "rewritten", "moves the folder"),
    Kind("alter table", r"ALTER (TABLE|VIEW) ", "ALTER TABLE main.s.t SET TBLPROPERTIES ('a' = 'b')", "real", "refused", _SAIL),
    Kind("truncate", r"TRUNCATE ", "TRUNCATE TABLE main.s.t", "real", "rewritten", "DELETE on Sail"),
    # rows
    Kind("copy into", r"COPY INTO ", "COPY INTO main.s.t FROM '/Volumes/main/s/v' FILEFORMAT = CSV", "rewritten", "rewritten", "files are remembered beside the table"),
    Kind("insert replace", r"INSERT INTO .* REPLACE (WHERE|USING|ON)\b", "INSERT INTO main.s.t REPLACE WHERE id = 1 SELECT 1", "real", "real"),
    Kind("insert", r"(WITH .* )?INSERT ", "INSERT INTO main.s.t VALUES (1)", "real", "real"),
    Kind("merge", r"(WITH .* )?MERGE ", "MERGE INTO main.s.t a USING main.s.u b ON a.id = b.id WHEN MATCHED THEN DELETE", "real", "real"),
    Kind("update", r"UPDATE ", "UPDATE main.s.t SET id = 2", "real", "real"),
    Kind("delete", r"DELETE ", "DELETE FROM main.s.t WHERE id IN (SELECT id FROM main.s.u)", "rewritten", "rewritten", "IN (subquery) becomes MERGE"),
    # Delta
    Kind("describe history", r"DESC(RIBE)? HISTORY ", "DESCRIBE HISTORY main.s.t", "real", "rewritten", "delta-rs on Sail"),
    Kind("describe detail", r"DESC(RIBE)? DETAIL ", "DESCRIBE DETAIL main.s.t", "real", "rewritten", "delta-rs on Sail"),
    Kind("describe volume", r"DESC(RIBE)? (VOLUME|CATALOG|EXTERNAL|SHARE|CREDENTIAL)\b", "DESCRIBE VOLUME main.s.v", "refused", "refused", "no Unity Catalog here"),
    Kind("describe", r"DESC(RIBE)? ", "DESCRIBE TABLE main.s.t", "real", "real"),
    Kind("optimize", r"OPTIMIZE ", "OPTIMIZE main.s.t", "real", "rewritten", "delta-rs on Sail"),
    Kind("vacuum", r"VACUUM ", "VACUUM main.s.t", "real", "rewritten", "delta-rs on Sail"),
    Kind("restore", r"RESTORE ", "RESTORE TABLE main.s.t TO VERSION AS OF 0", "real", "rewritten", "delta-rs on Sail"),
    Kind("reorg", r"REORG ", "REORG TABLE main.s.t APPLY (PURGE)", "real", "refused", _SAIL),
    Kind("convert", r"CONVERT TO ", "CONVERT TO DELTA parquet.`/x`", "real", "refused", _SAIL),
    Kind("fsck", r"(FSCK|MSCK|GENERATE|SYNC) ", "FSCK REPAIR TABLE main.s.t", "refused", "refused", "not needed or not possible here"),
    # looking around
    Kind("show catalogs", r"SHOW CATALOGS\b", "SHOW CATALOGS", "rewritten", "rewritten"),
    Kind("show schemas", r"SHOW (SCHEMAS|DATABASES)\b", "SHOW SCHEMAS IN main", "rewritten", "rewritten"),
    Kind("show tables", r"SHOW (TABLES|VIEWS)\b", "SHOW TABLES IN main.s", "rewritten", "rewritten"),
    Kind("show volumes", r"SHOW VOLUMES\b", "SHOW VOLUMES IN main.s", "rewritten", "rewritten"),
    Kind("show create table", r"SHOW CREATE TABLE ", "SHOW CREATE TABLE main.s.t", "refused", "refused", "Delta outside of Databricks lacks it"),
    Kind("show grants", r"SHOW (GRANTS|GROUPS|USERS|SHARES|RECIPIENTS|CREDENTIALS|LOCATIONS|CONNECTIONS)\b", "SHOW GRANTS ON TABLE main.s.t", "refused", "refused", "no Unity Catalog here"),
    Kind("show", r"SHOW ", "SHOW COLUMNS IN main.s.t", "real", "real"),
    # scripts, variables
    Kind("script", r"BEGIN\b", "BEGIN SELECT 1; END", "real", "refused", _SAIL),
    Kind("variable", r"DECLARE |SET VAR(IABLE)? |DROP TEMPORARY VARIABLE ", "DECLARE VARIABLE x INT DEFAULT 1", "real", "refused", _SAIL),
    Kind("execute immediate", r"EXECUTE IMMEDIATE ", "EXECUTE IMMEDIATE 'SELECT 1'", "refused", "refused", "its text can't be mapped; use spark.sql"),
    Kind("call", r"CALL ", "CALL main.s.p()", "refused", "refused", "no stored procedures here"),
    Kind("files", r"(LIST|PUT|GET|REMOVE) '", "LIST '/Volumes/main/s/v'", "refused", "refused", "use dbutils.fs"),
    Kind("set", r"(SET|RESET)\b", "SET spark.sql.ansi.enabled = true", "real", "real"),
    # queries
    Kind("recursive", r".*\bWITH RECURSIVE\b", "WITH RECURSIVE r(n) AS (SELECT 1) SELECT * FROM r", "real", "refused", _SAIL),
    Kind("change data feed", r".*\bTABLE_CHANGES\s*\(", "SELECT * FROM table_changes('main.s.t', 0)", "real", "refused", _SAIL),
    Kind("ai function", r".*\bAI_(QUERY|GEN|CLASSIFY|EXTRACT|SUMMARIZE|TRANSLATE|PARSE_DOCUMENT|MASK|FORECAST)\s*\(", "SELECT ai_query('m', 'x')", "refused", "refused", "needs a model served by Databricks"),
    Kind("read files", r".*\bREAD_FILES\s*\(", "SELECT * FROM read_files('/Volumes/main/s/v')", "rewritten", "rewritten"),
    Kind("explain", r"EXPLAIN ", "EXPLAIN SELECT * FROM main.s.t", "real", "real"),
    Kind("query", r"(SELECT|WITH|FROM|VALUES|TABLE|\()", "SELECT * FROM main.s.t", "real", "real"),
)
# fmt: on

_COMMENTS = re.compile(r"^(?:\s+|--[^\n]*(?:\n|$)|/\*.*?\*/)+", re.S)
_COMPILED = tuple((re.compile(kind.pattern.replace(" ", r"\s+"), re.I | re.S), kind) for kind in KINDS)
_TEXT = re.compile(r"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.)*\"|--[^\n]*|/\*.*?\*/", re.S)
UNKNOWN = Kind("unknown", "", "", "real", "refused", "not a statement that this layer knows")


def strip_comments(text: str) -> str:
    """`text` without the comments and blanks in front of it."""
    return _COMMENTS.sub("", text, count=1)


def classify(text: str) -> Kind:
    """The kind of a statement; `UNKNOWN` when no pattern matches."""
    start = strip_comments(text)
    # What stands in strings and comments must not decide; a quote stays, because some patterns look for one.
    plain = _TEXT.sub(lambda found: "''" if found.group()[0] in "'\"" else " ", start)
    for pattern, kind in _COMPILED:
        if pattern.match(plain):
            return kind
    return UNKNOWN
