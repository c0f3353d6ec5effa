"""What every resource type is made of: API calls, its id, and how a difference is to be judged.

A subclass per module; `bundlekit.resources.registry.RESOURCES` lists them. A resource's *state* is the
configuration as it was sent (without keys that only bundles know); that is what `resources.json` keeps and
what plans compare. Field patterns are paths without selectors: `tasks.run_if` matches every task's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Protocol

State = dict[str, Any]
Verb = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]


class Api(Protocol):
    """The part of the Workspace port that resources need (`bundlekit.workspace.port.Workspace.do`)."""

    def do(
        self, method: Verb, path: str, query: Mapping[str, Any] | None = None, body: Any = None
    ) -> dict[str, Any]: ...


class Resource:
    """Defaults suit a REST collection: POST `route`, GET/PATCH/DELETE `route/{id}`, the id being a field."""

    kind: ClassVar[str]
    route: ClassVar[str] = ""
    id_key: ClassVar[str] = "name"
    """The field of the create answer (else of the state) that is the id."""
    update_verb: ClassVar[Verb] = "PATCH"
    update_query: ClassVar[Mapping[str, str]] = {}
    delete_query: ClassVar[Mapping[str, str]] = {}
    local_only: ClassVar[frozenset[str]] = frozenset({"permissions", "grants", "lifecycle"})

    id_fields: ClassVar[frozenset[str]] = frozenset()
    """A change makes another resource of it (recreate, reason id_field)."""
    rename_fields: ClassVar[frozenset[str]] = frozenset()
    """A change is a rename in place that changes the id (update_id)."""
    immutable: ClassVar[Mapping[str, str]] = {}
    """Other fields that force recreation, with the reason shown (may be empty)."""
    backend_defaults: ClassVar[frozenset[str]] = frozenset()
    """Filled in by the service when the configuration is silent."""
    output_only: ClassVar[frozenset[str]] = frozenset()
    """Never part of a configuration."""
    input_only: ClassVar[frozenset[str]] = frozenset()
    """Not given back by the service, so no drift can be seen."""
    managed: ClassVar[frozenset[str]] = frozenset()
    """Changed by the service at will."""
    state_only: ClassVar[frozenset[str]] = frozenset()
    """Fields that `remote` cannot know and the state need not have."""

    sensitive: ClassVar[frozenset[str]] = frozenset()
    """Top-level fields that are never shown, logged or kept."""
    data_bearing: ClassVar[bool] = False
    """Deleting or recreating it loses data: needs approval."""
    permission_type: ClassVar[str] = ""
    """The `{type}` of /api/2.0/permissions/{type}/{id}; empty without access lists."""
    permission_reference: ClassVar[str] = "id"
    """The field that names the object in the permissions API."""
    securable: ClassVar[str] = ""
    """The securable type of Unity Catalog grants."""
    page: ClassVar[str] = ""
    """Where a browser shows it, below the host: `jobs/{id}`."""

    def desired(self, config: Mapping[str, Any]) -> State:
        """The state that the compiled configuration asks for."""
        return {key: value for key, value in config.items() if key not in self.local_only}

    def remote(self, got: dict[str, Any], saved: State) -> State:
        """The answer of `read` in the shape of the state."""
        return got

    def body(self, state: State) -> dict[str, Any]:
        """The request body for a state."""
        return state

    def read(self, api: Api, identity: str) -> dict[str, Any]:
        """GET; raises ApiError (404) when it is gone."""
        return api.do("GET", f"{self.route}/{identity}")

    def create(self, api: Api, state: State) -> str:
        """Make it and give its id."""
        answer = api.do("POST", self.route, None, self.body(state))
        return str(answer.get(self.id_key) or state[self.id_key])

    def after_create(self, api: Api, identity: str, state: State) -> None:
        """What must follow a create; the state is already saved when this runs."""

    def update(self, api: Api, identity: str, state: State, changed: set[str]) -> None:
        """Change it in place; `changed` are the top-level fields that differ."""
        api.do(self.update_verb, f"{self.route}/{identity}", self.update_query or None, self.body(state))

    def rename(self, api: Api, identity: str, state: State) -> str:
        """Change it in place so that it gets another id, which is returned."""
        raise NotImplementedError(self.kind)

    def resize(self, api: Api, identity: str, state: State) -> None:
        """Change only its size."""
        raise NotImplementedError(self.kind)

    def delete(self, api: Api, identity: str, state: State) -> None:
        api.do("DELETE", f"{self.route}/{identity}", self.delete_query or None)

    def stored(self, state: State) -> State:
        """The state as it is written to disk (sensitive values emptied)."""
        return state

    def can_resize(self, paths: set[str], remote: State) -> bool:
        return False

    def url(self, host: str, identity: str) -> str:
        """The page of the resource in the workspace's user interface; empty when there is none."""
        from urllib.parse import quote

        return f"{host}/{self.page.format(id=quote(identity, safe='/.-_~'))}" if self.page else ""


def only(state: State, *keys: str) -> State:
    """The given keys of a state, as far as they are there."""
    return {key: state[key] for key in keys if key in state}


def without(state: State, *keys: str) -> State:
    return {key: value for key, value in state.items() if key not in keys}
