"""Options that every command takes, before or after its name: `bundlekit -t dev validate` too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from bundlekit.bundle import Options

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(slots=True)
class Globals:
    """The global options of one invocation; a command's own occurrence wins over the group's."""

    target: str | None = None
    profile: str | None = None
    variables: tuple[str, ...] = ()
    output: str = "text"
    root: Path | None = None
    backend: str | None = None
    """`local`, `databricks` or None (decide by configuration)."""
    offline: bool = False
    debug: bool = False

    def compile_options(self, cluster_id: str | None = None) -> Options:
        return Options(
            root=self.root,
            target=self.target,
            variables=self.variables,
            profile=self.profile,
            cluster_id=cluster_id,
            offline=self.offline,
        )


def _store(name: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def callback(ctx: click.Context, _param: click.Parameter, value: Any) -> None:
        found = ctx.ensure_object(Globals)
        if name == "variables":
            found.variables = (*found.variables, *value)
        elif name == "local":
            if value:
                found.backend = "local"
        elif value not in (None, False):
            setattr(found, name, value)

    return callback


def global_options(function: F) -> F:
    """Adds the options and keeps their values in `ctx.obj` (a `Globals`), not in the function's arguments."""
    for option in reversed(
        [
            click.option("-t", "--target", metavar="NAME", expose_value=False, callback=_store("target"),
                         is_eager=True, help="Target to compile for."),
            click.option("-e", "--environment", hidden=True, expose_value=False, callback=_store("target")),
            click.option("-p", "--profile", metavar="NAME", expose_value=False, callback=_store("profile"),
                         help="Profile in ~/.databrickscfg."),
            click.option("--var", "variables", metavar="KEY=VALUE", multiple=True, expose_value=False,
                         callback=_store("variables"), help="Value of a variable; repeatable."),
            click.option("-o", "--output", type=click.Choice(["text", "json"]), expose_value=False,
                         callback=_store("output"), help="Form of the result on stdout.",
                         envvar="DATABRICKS_OUTPUT_FORMAT"),
            click.option("--root", metavar="DIR", expose_value=False, callback=_store("root"),
                         type=click.Path(path_type=Path), help="Folder of the bundle."),
            click.option("--backend", type=click.Choice(["local", "databricks"]), expose_value=False,
                         callback=_store("backend"), envvar="BUNDLEKIT_BACKEND",
                         help="Which workspace to talk to."),
            click.option("--local", is_flag=True, expose_value=False, callback=_store("local"),
                         help="Same as --backend local."),
            click.option("--offline", is_flag=True, expose_value=False, callback=_store("offline"),
                         help="Never ask a workspace while compiling."),
            click.option("--debug", is_flag=True, expose_value=False, callback=_store("debug"),
                         help="Say on stderr what is done."),
        ]
    ):  # fmt: skip
        function = option(function)
    return function


pass_globals = click.make_pass_decorator(Globals, ensure=True)
