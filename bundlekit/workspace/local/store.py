"""The local workspace's memory: one SQLite database (WAL mode) in its folder.

Tables: `objects` (any resource as JSON, by kind and id), `files` (the workspace's file tree; small contents
inline, linked ones on disk where the user has them), `counters` (ids that are never used twice). The run
service adds its own tables through `connect`. All access is thread-safe; writes are transactions.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bundlekit.diagnostics import BundlekitError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (kind TEXT, id TEXT, data TEXT NOT NULL, PRIMARY KEY (kind, id));
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS files (
  path TEXT PRIMARY KEY, type TEXT NOT NULL, object_id INTEGER NOT NULL, name TEXT NOT NULL,
  content BLOB, link TEXT, size INTEGER NOT NULL DEFAULT 0, modified INTEGER NOT NULL, language TEXT
);
"""
_FIRST_ID = 100_001


class Store:
    """One workspace's database. `folder` holds it and whatever the workspace writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                folder / "workspace.db", timeout=30, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self._connection.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise BundlekitError(
                f"cannot open the local workspace in {folder}: {error}",
                "the folder must be writable and the disk not full; another folder: --root or BUNDLEKIT_WORKSPACE_DIR",
            ) from error
        self._lock = threading.RLock()

    def connect(self) -> sqlite3.Connection:
        """The shared connection; use it only inside of `transaction`."""
        return self._connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A write transaction; nested ones join the outer one. Raises BundlekitError on a full disk."""
        with self._lock:
            if self._connection.in_transaction:
                yield self._connection
                return
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except sqlite3.OperationalError as error:
                self._rollback()
                raise BundlekitError(
                    f"cannot write the local workspace in {self.folder}: {error}",
                    "free some space, or wait for the other process that uses it",
                ) from error
            except BaseException:
                self._rollback()
                raise

    def _rollback(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def next_id(self) -> int:
        """A number that was never given before to anything, at least six digits long."""
        with self.transaction() as db:
            row = db.execute(
                "INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + 1 "
                "RETURNING value",
                ("id", _FIRST_ID),
            ).fetchone()
        return int(row[0])

    def put(self, kind: str, identity: str, data: dict[str, Any]) -> None:
        with self.transaction() as db:
            db.execute("INSERT OR REPLACE INTO objects VALUES (?, ?, ?)", (kind, identity, json.dumps(data)))

    def get(self, kind: str, identity: str) -> dict[str, Any] | None:
        with self._lock:
            row = self._connection.execute(
                "SELECT data FROM objects WHERE kind = ? AND id = ?", (kind, identity)
            ).fetchone()
        found: dict[str, Any] | None = json.loads(row[0]) if row else None
        return found

    def all(self, kind: str) -> list[tuple[str, dict[str, Any]]]:
        """(id, object) of a kind in the order in which they were made."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT id, data FROM objects WHERE kind = ? ORDER BY rowid", (kind,)
            ).fetchall()
        return [(row[0], json.loads(row[1])) for row in rows]

    def drop(self, kind: str, identity: str) -> bool:
        with self.transaction() as db:
            return db.execute("DELETE FROM objects WHERE kind = ? AND id = ?", (kind, identity)).rowcount > 0

    def close(self) -> None:
        with self._lock:
            self._connection.close()


def now() -> int:
    """Milliseconds since 1970, as the API has them."""
    return int(time.time() * 1000)
