"""Bind an existing resource to the bundle, and unbind it: changes of the state under the lock."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from bundlekit.bundle import Bundle
from bundlekit.deploy.lock import Lock, locked
from bundlekit.deploy.session import Session, find_key, make_plan, open_session, prepare, pull_again
from bundlekit.diagnostics import BundlekitError
from bundlekit.plan.nodes import Node, substitute
from bundlekit.plan.plan import Plan
from bundlekit.plan.state import write_atomically
from bundlekit.resources.missing import is_gone
from bundlekit.source.tree import get
from bundlekit.workspace.port import Workspace


def bind_resource(
    bundle: Bundle,
    workspace: Workspace,
    key: str,
    identity: str,
    *,
    approve: Callable[[Plan], bool],
    force_lock: bool = False,
) -> str:
    """Record the resource `identity` under the key; gives `kind.name`. Raises BundlekitError.

    The state gets the configuration as it is wanted, so that the next plan shows every difference to the
    workspace as drift.
    """
    session = open_session(bundle, workspace)
    prepare(session)
    node = session.nodes[find_key(session.nodes, key)]
    try:
        node.type.read(workspace, identity)
    except BundlekitError as error:
        if not is_gone(error):
            raise
        raise BundlekitError(
            f"there is no {node.key.split('.')[1]} resource with the id {identity} in the workspace",
            "the id is in the address of its page",
        ) from error
    with _lock(session, force=force_lock):
        pull_again(session)
        taken = session.state.state.identity(node.key)
        if taken:
            raise BundlekitError(
                f"{node.key.removeprefix('resources.')} is already bound to {taken}",
                f"bundlekit deployment unbind {key} lets it go",
            )
        _record(session, node, identity)
        plan = make_plan(session)
        if not approve(plan):
            session.state.abandon()
            raise BundlekitError("not approved; nothing was bound")
        # Two writes as in the known format: the binding, and the plan that was made with it.
        session.state.state.serial += 1
        session.state.finish()
        session.push_state()
    return node.key.removeprefix("resources.")


def _record(session: Session, node: Node, identity: str) -> None:
    wanted, _ = substitute(node.desired, lambda other, _field: session.state.state.identity(other))
    entry: dict[str, Any] = {"__id__": identity, "state": node.type.stored(wanted)}
    if node.depends_on:
        entry["depends_on"] = node.depends_on
    session.state.begin()
    session.state.record(node.key, entry)


def unbind_resource(bundle: Bundle, workspace: Workspace, key: str, *, force_lock: bool = False) -> str:
    """Drop the key and its sub-resources from the state; the resource stays. Gives `kind.name`."""
    session = open_session(bundle, workspace)
    prepare(session)
    known = dict.fromkeys((*session.nodes, *session.state.state.resources))
    name = find_key(known, key)
    with _lock(session, force=force_lock):
        pull_again(session)
        session.state.begin()
        _remember_unbound(session.folder, session.state.state.identity(name))
        for node in [n for n in session.state.state.resources if n == name or n.startswith(name + ".")]:
            session.state.record(node, None)
        session.state.touch()
        session.state.finish()
        session.push_state()
    return name.removeprefix("resources.")


def read_unbound(folder: Path) -> set[str]:
    """Ids that were let go on purpose: another resource of that name is no mistake then."""
    try:
        found = json.loads((folder / "unbound.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return set()
    return {str(one) for one in found} if isinstance(found, list) else set()


def _remember_unbound(folder: Path, identity: str) -> None:
    if identity:
        known = sorted({*read_unbound(folder), identity})
        write_atomically(folder / "unbound.json", json.dumps(known).encode(), 0o644)


def _lock(session: Session, *, force: bool) -> AbstractContextManager[Lock | None]:
    enabled = get(session.bundle.tree, "bundle", "deployment", "lock", "enabled") is not False
    return locked(session.workspace, session.state_path, session.user, enabled=enabled, force=force)
