"""The deployment lock: `<state_path>/deploy.lock`, created without overwriting, then read back."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from bundlekit.deploy.remote import delete, make_folder, read_file
from bundlekit.diagnostics import BundlekitError
from bundlekit.workspace.port import ApiError, Workspace

_TAKEN = {"RESOURCE_ALREADY_EXISTS", "ALREADY_EXISTS"}
_STALE_HOURS = 3


class Lock:
    """A lock that is held; `release` deletes it if it is still ours."""

    def __init__(self, workspace: Workspace, path: str, identity: str) -> None:
        self.workspace = workspace
        self.path = path
        self.identity = identity
        self.held = True

    def release(self) -> None:
        if self.held:
            self.held = False
            delete(self.workspace, self.path)


def acquire(workspace: Workspace, state_path: str, user: str, *, force: bool = False, tries: int = 3) -> Lock:
    """Take the lock. Raises BundlekitError with the owner and the age when somebody else has it."""
    path = f"{state_path}/deploy.lock"
    identity = str(uuid.uuid4())
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    text = json.dumps({"ID": identity, "AcquisitionTime": now, "IsForced": force, "User": user})
    try:
        _write(workspace, path, text.encode(), overwrite=force)
    except ApiError as error:
        if error.status != 409 and error.error_code not in _TAKEN:
            raise
        held = read_file(workspace, path)
        if held is None and tries > 1:
            # Given back in this moment.
            return acquire(workspace, state_path, user, force=force, tries=tries - 1)
        raise _refusal(held) from error
    found = _parse(read_file(workspace, path))
    if found.get("ID") != identity:
        raise _refusal(json.dumps(found).encode())
    return Lock(workspace, path, identity)


def _write(workspace: Workspace, path: str, data: bytes, *, overwrite: bool) -> None:
    try:
        workspace.upload(path, data, overwrite=overwrite)
    except ApiError as error:
        if not error.missing:
            raise
        make_folder(workspace, path.rsplit("/", 1)[0])
        workspace.upload(path, data, overwrite=overwrite)


def _parse(data: bytes | None) -> dict[str, object]:
    try:
        found = json.loads(data or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _refusal(data: bytes | None) -> BundlekitError:
    found = _parse(data)
    owner, since = found.get("User") or "somebody", str(found.get("AcquisitionTime", ""))
    age = _age(since)
    how_long = f", {age}" if age else ""
    forced = " (forced)" if found.get("IsForced") else ""
    hint = "wait until that deployment has ended, or, if it is dead, deploy with --force-lock"
    if age.endswith("h ago") and int(age.split()[0]) >= _STALE_HOURS:
        hint = f"nothing deploys for {age.split()[0]} hours: it is probably dead; deploy with --force-lock"
    return BundlekitError(
        f"the deployment lock is held by {owner} since {since or '?'}{how_long}{forced}", hint
    )


def _age(since: str) -> str:
    try:
        seconds = (datetime.now(UTC) - datetime.fromisoformat(since.replace("Z", "+00:00"))).total_seconds()
    except (ValueError, TypeError):
        return ""
    if seconds < 90:
        return f"{int(seconds)} s ago"
    return f"{int(seconds // 60)} min ago" if seconds < 5400 else f"{int(seconds // 3600)} h ago"


@contextmanager
def locked(
    workspace: Workspace, state_path: str, user: str, *, enabled: bool, force: bool
) -> Iterator[Lock | None]:
    """The lock around a block; None when the bundle switches locking off (development mode does)."""
    lock = acquire(workspace, state_path, user, force=force) if enabled else None
    try:
        yield lock
    finally:
        if lock is not None:
            lock.release()
