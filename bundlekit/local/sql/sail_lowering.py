"""Queries that Sail doesn't parse, as equal ones that it does: QUALIFY and GROUP BY ALL."""

from __future__ import annotations

from typing import Any

from bundlekit.local.sql.rewrite import parse


def needs_lowering(tree: Any) -> bool:
    """Whether the statement has a form that `lower` replaces."""
    from sqlglot import exp

    return any(True for _ in tree.find_all(exp.Qualify)) or any(
        group.args.get("all") for group in tree.find_all(exp.Group)
    )


def lower(text: str) -> str:
    """The statement without these forms; only such statements are generated anew from their tree."""
    from sqlglot import exp
    from sqlglot.transforms import eliminate_qualify

    tree = parse(text)
    if tree is None or not needs_lowering(tree):
        return text
    for select in list(tree.find_all(exp.Select)):
        group = select.args.get("group")
        if group is not None and group.args.get("all"):
            keys = [one.unalias().copy() for one in select.expressions if one.find(exp.AggFunc) is None]
            select.set("group", exp.Group(expressions=keys) if keys else None)
    tree = tree.transform(lambda node: eliminate_qualify(node) if isinstance(node, exp.Select) else node)
    return str(tree.sql(dialect="spark"))
