"""The workspace's file tree: /Workspace/Users/…, with notebooks that lose their extension.

A path is stored without the `/Workspace` prefix, as the service treats both forms alike. Contents are inline
or *linked* to a file of the user, so that a local run copies nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bundlekit.source.notebook import NOTEBOOK_SUFFIXES, looks_like_notebook
from bundlekit.workspace.local.store import Store, now
from bundlekit.workspace.port import ApiError

_LANGUAGES = {".py": "PYTHON", ".sql": "SQL", ".scala": "SCALA", ".r": "R", ".ipynb": "PYTHON"}


def canonical(path: str) -> str:
    """One spelling per path: absolute, without `/Workspace`, dots or doubled slashes."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if parts:
                parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    if parts and parts[0] == "Workspace":
        parts = parts[1:]
    return "/" + "/".join(parts)


class Files:
    """File operations over the store. Errors are ApiErrors as the service has them."""

    def __init__(self, store: Store, user: str) -> None:
        self.store = store
        with store.transaction():
            for folder in ("/", "/Users", f"/Users/{user}", "/Shared", "/Repos"):
                self._insert_folder(folder)

    def status(self, path: str) -> dict[str, Any]:
        """Raises 404 RESOURCE_DOES_NOT_EXIST."""
        row = self._row(path)
        if row is None:
            raise missing(path)
        return self._public(row, path)

    def children(self, path: str) -> list[dict[str, Any]]:
        row = self._row(path)
        if row is None:
            raise missing(path)
        if row["type"] != "DIRECTORY":
            return [self._public(row, path)]
        prefix = canonical(path).rstrip("/") + "/"
        rows = self._rows(
            "SELECT * FROM files WHERE path > ? AND path < ? ORDER BY path", prefix, prefix[:-1] + "0"
        )
        shown = path.rstrip("/")
        return [
            self._public(r, f"{shown}/{r['path'][len(prefix) :]}")
            for r in rows
            if "/" not in r["path"][len(prefix) :]
        ]

    def mkdirs(self, path: str) -> None:
        """Raises 400 when a file is in the way."""
        with self.store.transaction():
            parts = canonical(path).strip("/").split("/")
            for depth in range(1, len(parts) + 1):
                folder = "/" + "/".join(parts[:depth])
                row = self._row(folder)
                if row is None:
                    self._insert_folder(folder)
                elif row["type"] != "DIRECTORY":
                    raise ApiError(400, "RESOURCE_ALREADY_EXISTS", f"{folder} is a file, not a folder")

    def write(
        self, path: str, data: bytes, *, overwrite: bool, link: Path | None = None, notebook: str = ""
    ) -> None:
        """`notebook`: the suffix of a notebook whose path has none.

        Raises 404 without the folder, 409 RESOURCE_ALREADY_EXISTS, 400 when kinds differ.
        """
        place = canonical(path) + notebook
        name = Path(place).name
        suffix = Path(place).suffix.lower()
        kind, language = "FILE", None
        if suffix in NOTEBOOK_SUFFIXES and looks_like_notebook(suffix, data):
            kind, language = "NOTEBOOK", _LANGUAGES.get(suffix)
            place = place[: -len(suffix)]
        with self.store.transaction() as db:
            parent = place.rsplit("/", 1)[0] or "/"
            above = self._row(parent)
            if above is None or above["type"] != "DIRECTORY":
                raise ApiError(404, "NOT_FOUND", f"The parent folder ({parent}) does not exist.")
            row = self._row(place)
            if row is not None:
                if row["type"] == "DIRECTORY":
                    raise ApiError(
                        400, "INVALID_PARAMETER_VALUE", f"Cannot overwrite {place}: it is a folder"
                    )
                if not overwrite:
                    raise ApiError(409, "RESOURCE_ALREADY_EXISTS", f"{place} already exists.")
                if row["type"] != kind:
                    raise ApiError(
                        400,
                        "INVALID_PARAMETER_VALUE",
                        f"Cannot overwrite the asset at {place} due to type mismatch "
                        f"(asked: {kind}, actual: {row['type']})",
                    )
            identity = row["object_id"] if row else self.store.next_id()
            values = (place, kind, identity, name, None if link else data,
                      str(link) if link else None, len(data), now(), language)  # fmt: skip
            db.execute("INSERT OR REPLACE INTO files VALUES (?,?,?,?,?,?,?,?,?)", values)

    def place(self, path: str, kind: str) -> None:
        """Show an object of another kind (DASHBOARD, …) in its folder, which is made if it is missing."""
        place = canonical(path)
        self.mkdirs(place.rsplit("/", 1)[0] or "/")
        with self.store.transaction() as db:
            values = (place, kind, self.store.next_id(), Path(place).name, b"", None, 0, now(), None)
            db.execute("INSERT OR REPLACE INTO files VALUES (?,?,?,?,?,?,?,?,?)", values)

    def forget(self, path: str) -> None:
        """The object that `place` showed is gone."""
        with self.store.transaction() as db:
            db.execute("DELETE FROM files WHERE path = ?", (canonical(path),))

    def read(self, path: str) -> bytes:
        """A file's contents. Raises 404."""
        row = self._row(path)
        if row is None or row["type"] == "DIRECTORY":
            raise missing(path)
        if row["link"]:
            try:
                return Path(row["link"]).read_bytes()
            except OSError as error:
                raise missing(path) from error
        return bytes(row["content"])

    def delete(self, path: str, *, recursive: bool) -> None:
        """Raises 404, and 400 DIRECTORY_NOT_EMPTY."""
        place = canonical(path)
        row = self._row(place)
        if row is None:
            raise missing(path)
        with self.store.transaction() as db:
            below = (place + "/", place + "0")
            if row["type"] == "DIRECTORY":
                count = db.execute(
                    "SELECT count(*) FROM files WHERE path > ? AND path < ?", below
                ).fetchone()[0]
                if count and not recursive:
                    raise ApiError(400, "DIRECTORY_NOT_EMPTY", f"Folder ({path}) is not empty")
                db.execute("DELETE FROM files WHERE path > ? AND path < ?", below)
            db.execute("DELETE FROM files WHERE path = ?", (place,))

    def link_tree(self, prefix: str, files: dict[str, Path]) -> None:
        """Make `prefix` hold exactly these files (name -> local path) without copying them."""
        with self.store.transaction() as db:
            place = canonical(prefix)
            db.execute("DELETE FROM files WHERE path > ? AND path < ?", (place + "/", place + "0"))
            self.mkdirs(place)
            made: set[str] = set()
            for name, local in sorted(files.items()):
                folder = f"{place}/{name}".rsplit("/", 1)[0]
                if folder not in made:
                    self.mkdirs(folder)
                    made.add(folder)
                suffix = Path(name).suffix.lower()
                data = local.read_bytes() if suffix in NOTEBOOK_SUFFIXES else b""
                self.write(f"{place}/{name}", data, overwrite=True, link=local.resolve())

    def source(self, path: str) -> tuple[Path | None, str, str] | None:
        """(linked local file or None, original file name, type) of a path; None when it is not there."""
        row = self._row(path)
        if row is None:
            return None
        return Path(row["link"]) if row["link"] else None, row["name"], row["type"]

    def below(self, prefix: str) -> dict[str, str]:
        """Every file below a folder: path (without /Workspace) -> original file name."""
        place = canonical(prefix)
        rows = self._rows(
            "SELECT path, name FROM files WHERE path > ? AND path < ? AND type != 'DIRECTORY'",
            place + "/",
            place + "0",
        )
        return {row["path"]: row["name"] for row in rows}

    def _insert_folder(self, path: str) -> None:
        with self.store.transaction() as db:
            row = db.execute("SELECT 1 FROM files WHERE path = ?", (path,)).fetchone()
            if row is None:
                identity = self.store.next_id()
                name = path.rsplit("/", 1)[1]
                values = (path, "DIRECTORY", identity, name, None, None, 0, now(), None)
                db.execute("INSERT INTO files VALUES (?,?,?,?,?,?,?,?,?)", values)

    def _row(self, path: str) -> dict[str, Any] | None:
        rows = self._rows("SELECT * FROM files WHERE path = ?", canonical(path))
        return rows[0] if rows else None

    def _rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        with self.store.transaction() as db:
            cursor = db.execute(query, values)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def _public(self, row: dict[str, Any], path: str) -> dict[str, Any]:
        found = {
            "path": path,
            "object_type": row["type"],
            "object_id": row["object_id"],
            "resource_id": str(row["object_id"]),
            "modified_at": row["modified"],
            "created_at": row["modified"],
        }
        if row["type"] == "NOTEBOOK":
            found["language"] = row["language"] or "PYTHON"
        elif row["type"] == "FILE":
            found["size"] = row["size"]
        return found


def missing(path: str) -> ApiError:
    return ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Path ({path}) doesn't exist.")
