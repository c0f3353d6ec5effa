"""Collections of JSON documents: the behaviour that most resource types share.

A `Collection` keeps each object as one document under its id and gives it the usual routes: POST, GET, list,
PATCH or PUT, DELETE. What a type does differently is given as a function.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from bundlekit.workspace.local.context import Context
from bundlekit.workspace.local.router import Request, route
from bundlekit.workspace.local.store import now
from bundlekit.workspace.port import ApiError

Document = dict[str, Any]
PAGE = 100


def number(context: Context) -> str:
    """A fresh id of digits."""
    return str(context.store.next_id())


def hexadecimal(context: Context) -> str:
    """A fresh id of 32 hexadecimal digits."""
    return secrets.token_hex(16)


def universal(context: Context) -> str:
    """A fresh UUID."""
    return str(uuid.uuid4())


@dataclass(frozen=True)
class Collection:
    """How documents of a kind are made, found, shown, changed and removed."""

    kind: str
    noun: str
    """For messages: `Catalog 'main' does not exist.`"""
    mint: Callable[[Context], str] | None = None
    """Makes an id; None where the client names the object."""
    key: str = "name"
    """The field that holds the id."""
    missing_code: str = "RESOURCE_DOES_NOT_EXIST"
    exists_code: str = "RESOURCE_ALREADY_EXISTS"

    def create(self, context: Context, fields: Document, identity: str | None = None) -> Document:
        """Store a new document. Raises 400 without an id, 409 when it exists."""
        if identity is None:
            identity = self.mint(context) if self.mint else str(fields.get(self.key) or "")
        if not identity:
            raise ApiError(400, "INVALID_PARAMETER_VALUE", f"Missing required field: {self.key}")
        document = {**fields, self.key: identity}
        with context.store.transaction():
            if context.store.get(self.kind, identity) is not None:
                raise ApiError(409, self.exists_code, f"{self.noun} '{identity}' already exists")
            context.store.put(self.kind, identity, document)
        return document

    def find(self, context: Context, identity: str) -> Document:
        """Raises 404."""
        document = context.store.get(self.kind, identity)
        if document is None:
            raise ApiError(404, self.missing_code, f"{self.noun} '{identity}' does not exist.")
        return document

    def save(self, context: Context, identity: str, document: Document) -> Document:
        context.store.put(self.kind, identity, document)
        return document

    def change(
        self, context: Context, identity: str, fields: Document, *, mask: str | None = None
    ) -> Document:
        """Merge top-level fields (only those of the update mask where one is given)."""
        document = self.find(context, identity)
        return self.save(context, identity, {**document, **masked(fields, document, mask)})

    def rename(self, context: Context, old: str, new: str, document: Document) -> Document:
        """Raises 409 when the new name is taken."""
        with context.store.transaction():
            if new != old:
                if context.store.get(self.kind, new) is not None:
                    raise ApiError(409, self.exists_code, f"{self.noun} '{new}' already exists")
                context.store.drop(self.kind, old)
            return self.save(context, new, document)

    def remove(self, context: Context, identity: str) -> None:
        """Raises 404."""
        if not context.store.drop(self.kind, identity):
            raise ApiError(404, self.missing_code, f"{self.noun} '{identity}' does not exist.")

    def every(self, context: Context) -> list[Document]:
        return [document for _, document in context.store.all(self.kind)]


def masked(fields: Document, document: Document, mask: str | None) -> Document:
    """The fields that an update mask (`a,b.c`, `*`) lets through; a masked field that is absent is unset."""
    if not mask or mask == "*":
        return fields
    result: Document = {}
    for path in mask.split(","):
        top = path.strip().split(".", 1)[0]
        result[top] = fields.get(top)
    return {key: value for key, value in result.items() if key in fields or document.get(key) is not None}


def page(request: Request, name: str, items: Iterable[Document], size: int = PAGE) -> Document:
    """One page of a list: `{name: […], next_page_token}`; sizes by max_results, page_size or limit."""
    every = list(items)
    asked = next(
        (request.query[key] for key in ("max_results", "page_size", "limit") if request.query.get(key)), size
    )
    try:
        start, count = int(request.query.get("page_token") or 0), max(1, min(int(asked) or size, 1000))
    except ValueError:
        raise ApiError(400, "INVALID_PARAMETER_VALUE", "page_token and page size are numbers") from None
    answer: Document = {name: every[start : start + count]}
    if start + count < len(every):
        answer["next_page_token"] = str(start + count)
    return answer


def rest(
    path: str,
    collection: Collection,
    plural: str,
    *,
    created: Callable[[Context, Document], Document] | None = None,
    shown: Callable[[Context, Document], Document] | None = None,
    verb: str = "PATCH",
    tail: str = "",
) -> None:
    """Register POST path, GET path, and GET, `verb`, DELETE path/{id} for a collection.

    `created` completes a new document, `shown` what is answered, `tail` follows the id in the path.
    """
    show = shown or (lambda _context, document: document)
    one = f"{path}/{{id}}{tail}"

    @route("POST", path)
    def create(context: Context, request: Request) -> Any:
        fields = request.fields()
        return show(context, collection.create(context, created(context, fields) if created else fields))

    @route("GET", path)
    def every(context: Context, request: Request) -> Any:
        return page(request, plural, (show(context, document) for document in collection.every(context)))

    @route("GET", one)
    def get(context: Context, request: Request) -> Any:
        return show(context, collection.find(context, request.at["id"]))

    @route(verb, one)
    def update(context: Context, request: Request) -> Any:
        mask = request.query.get("update_mask")
        fields = {
            key: value
            for key, value in request.fields().items()
            if key not in (collection.key, "update_mask")
        }
        return show(context, collection.change(context, request.at["id"], fields, mask=mask))

    @route("DELETE", one)
    def delete(context: Context, request: Request) -> Any:
        collection.remove(context, request.at["id"])
        return {}


def stamped(context: Context, document: Document) -> Document:
    """Who made it and when, as Unity Catalog objects have it."""
    return {
        **document,
        "owner": document.get("owner") or context.user,
        "created_at": now(),
        "created_by": context.user,
        "updated_at": now(),
        "updated_by": context.user,
    }
