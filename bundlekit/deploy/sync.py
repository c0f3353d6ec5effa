"""Upload what changed, delete what is gone: content hashes decide, not modification times.

The snapshot `.databricks/bundle/<target>/sync-snapshots/<md5(host + remote path)[:16]>.json` has the known
version 1 fields plus `content_hashes`. Without a usable snapshot (a fresh checkout, another tool, a newer
deployment by somebody else) the files in the workspace are read and compared, so nothing is uploaded twice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bundlekit.bundle import Bundle
from bundlekit.deploy.remote import delete, make_folder
from bundlekit.diagnostics import BundlekitError
from bundlekit.plan.state import write_atomically
from bundlekit.source.selection import LocalFile, select_files
from bundlekit.source.tree import to_plain
from bundlekit.workspace.port import ApiError, Workspace

WORKERS = 20


def bundle_files(bundle: Bundle) -> list[LocalFile]:
    """What a deployment uploads: the files that `sync` selects, and SQL texts that became files.

    The latter are written below `.databricks/bundle/<target>/generated`, never among the user's files.
    """
    sync = to_plain(bundle.tree.get("sync")) or {}
    files = select_files(
        bundle.sync_root, sync.get("paths") or ["."], sync.get("include") or [], sync.get("exclude") or []
    )
    folder = bundle.root / ".databricks" / "bundle" / bundle.target / "generated"
    for name, text in sorted((bundle.facts.get("generated_files") or {}).items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            write_atomically(path, text.encode("utf-8"), 0o644)
        files = [*(file for file in files if file.name != name), LocalFile(name, path, notebook=False)]
    return files


@dataclass(slots=True)
class Snapshot:
    """What lies in the workspace, as far as this machine knows."""

    path: Path
    host: str
    remote_path: str
    hashes: dict[str, str] = field(default_factory=dict)
    """Local name -> SHA-256 of what was uploaded."""
    names: dict[str, str] = field(default_factory=dict)
    """Local name -> name in the workspace."""
    times: dict[str, str] = field(default_factory=dict)
    known: bool = False

    def save(self) -> None:
        text = {
            "version": "v1",
            "host": self.host,
            "remote_path": self.remote_path,
            "last_modified_times": self.times,
            "local_to_remote_names": self.names,
            "remote_to_local_names": {remote: local for local, remote in self.names.items()},
            "content_hashes": self.hashes,
        }
        write_atomically(self.path, json.dumps(text, indent=1, sort_keys=True).encode(), 0o644)


def open_snapshot(folder: Path, host: str, remote_path: str) -> Snapshot:
    """The snapshot for a host and remote path; an empty one when it is missing or damaged."""
    digest = hashlib.md5((host + remote_path).encode(), usedforsecurity=False).hexdigest()[:16]
    snapshot = Snapshot(folder / "sync-snapshots" / f"{digest}.json", host, remote_path)
    try:
        data = json.loads(snapshot.path.read_bytes())
        names, hashes = data["local_to_remote_names"], data.get("content_hashes") or {}
        if isinstance(names, dict) and isinstance(hashes, dict):
            snapshot.names, snapshot.hashes = names, hashes
            snapshot.times = data.get("last_modified_times") or {}
            snapshot.known = True
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    return snapshot


@dataclass(slots=True)
class Work:
    """What a synchronisation does: local files to upload, workspace names to delete."""

    upload: list[LocalFile] = field(default_factory=list)
    delete: list[str] = field(default_factory=list)
    hashes: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.upload or self.delete)


def compare(
    files: list[LocalFile],
    snapshot: Snapshot,
    workspace: Workspace,
    *,
    full: bool = False,
    deployed: Iterable[str] = (),
) -> Work:
    """`deployed` are names (in the workspace) that a newer deployment by somebody else has left there."""
    work = Work()
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="sync") as pool:
        digests = list(pool.map(_digest, files))
        work.hashes = {file.name: digest for file, digest in zip(files, digests, strict=True)}
        unsure: list[LocalFile] = []
        remote_names = set(deployed) | set(snapshot.names.values())
        for file in files:
            known = snapshot.hashes.get(file.name)
            moved = snapshot.names.get(file.name, file.remote) != file.remote
            if full or moved or (known is not None and known != work.hashes[file.name]):
                work.upload.append(file)
            elif known is None:
                unsure.append(file)
        if unsure and (deployed or snapshot.names):
            there = pool.map(
                lambda f: _same_there(workspace, snapshot.remote_path, f, work.hashes[f.name]), unsure
            )
            unsure = [file for file, same in zip(unsure, there, strict=True) if not same]
        work.upload += unsure
    wanted = {file.remote for file in files}
    work.delete = sorted(remote_names - wanted)
    return work


def _digest(file: LocalFile) -> str:
    try:
        return hashlib.sha256(file.path.read_bytes()).hexdigest()
    except OSError as error:
        raise BundlekitError(f"cannot read {file.name}: {error.strerror}") from error


def _same_there(workspace: Workspace, root: str, file: LocalFile, digest: str) -> bool:
    try:
        return hashlib.sha256(workspace.download(f"{root}/{file.remote}")).hexdigest() == digest
    except ApiError as error:
        if error.missing or error.status == 400:
            return False
        raise


def synchronise(
    work: Work,
    files: list[LocalFile],
    snapshot: Snapshot,
    workspace: Workspace,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Deletions first (a script may become a notebook of the same name), then uploads in parallel."""
    root = snapshot.remote_path
    total, done = len(work.upload) + len(work.delete), 0
    for name in work.delete:
        delete(workspace, f"{root}/{name}")
        done += 1
        progress(done, total)
    _drop_empty_folders(work.delete, files, workspace, root)
    folders = sorted({f"{root}/{file.name}".rsplit("/", 1)[0] for file in work.upload})
    fresh = set() if snapshot.known and snapshot.names else set(folders)
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="sync") as pool:
        list(pool.map(lambda folder: make_folder(workspace, folder), sorted(fresh)))
        for _ in pool.map(lambda file: _upload(workspace, root, file), work.upload):
            done += 1
            progress(done, total)
    snapshot.names = {file.name: file.remote for file in files}
    snapshot.hashes = dict(work.hashes)
    snapshot.times = {file.name: _modified(file.path) for file in files}
    snapshot.save()


def _upload(workspace: Workspace, root: str, file: LocalFile) -> None:
    data = file.path.read_bytes()
    path = f"{root}/{file.name}"
    try:
        workspace.upload(path, data, overwrite=True)
    except ApiError as error:
        if error.missing:
            make_folder(workspace, path.rsplit("/", 1)[0])
        elif error.status == 400 and "type" in error.message.lower():
            # A plain file cannot be overwritten by a notebook of the same name, nor the other way round.
            delete(workspace, f"{root}/{file.remote}")
        else:
            raise
        workspace.upload(path, data, overwrite=True)


def _drop_empty_folders(deleted: list[str], files: list[LocalFile], workspace: Workspace, root: str) -> None:
    """Folders that held only deleted files, the deepest first."""
    kept = {parent for file in files for parent in _parents(file.remote)}
    gone = {parent for name in deleted for parent in _parents(name)} - kept
    for folder in sorted(gone, key=lambda f: -f.count("/")):
        try:
            delete(workspace, f"{root}/{folder}")
        except ApiError as error:
            # Somebody else's file is in it: it stays.
            if error.status != 400:
                raise


def _parents(name: str) -> list[str]:
    parts = name.split("/")[:-1]
    return ["/".join(parts[: i + 1]) for i in range(len(parts))]


def _modified(path: Path) -> str:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat().replace("+00:00", "Z")


def manifest(files: list[LocalFile], seq: int, identity: str, version: str) -> dict[str, Any]:
    """`deployment.json`, version 1: the list of files that this deployment put into the workspace."""
    return {
        "version": 1,
        "seq": seq,
        "cli_version": version,
        "timestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        "files": [{"local_path": file.name, "is_notebook": file.notebook} for file in files],
        "id": identity,
    }
