"""The passes that compile a bundle, in order. Reading `PASSES` is enough to know how it is done.

A pass is a function `(bundle) -> None` that changes the tree and adds diagnostics. After a pass that reported
an error the rest is not run; what the tree holds then is still printed.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module

from bundlekit.bundle import Bundle, Options
from bundlekit.compile.load import find_root

# (module.function, what it does); modules are imported when their pass runs.
PASSES: tuple[tuple[str, str], ...] = (
    ("load.load_root", "read databricks.yml and check it against the field tables"),
    ("scripts.run_preinit", "refuse or run experimental.scripts.preinit"),
    ("include.load_includes", "expand include, read and merge each file"),
    ("target.rename_old_sections", "environments -> targets, compute_id -> cluster_id"),
    ("checks.check_before_target", "CLI version, resource keys: unique and without references"),
    ("target.select_target", "choose the target"),
    ("dialect.lower_names", "dialect: keys that have an official name"),
    ("target.merge_target", "merge the target's overrides"),
    ("variables.assign_from_command_line", "--var"),
    ("checks.check_declarations", "null resources, references where none may stand, engine, scripts"),
    ("sync.resolve_sync", "sync paths relative to the bundle root; the sync root"),
    ("identity.resolve_identity", "workspace.current_user"),
    ("git.read_git", "bundle.git"),
    ("presets.check_source_linked", "source-linked deployment only inside the workspace"),
    ("workspace_paths.define_workspace_paths", "workspace.*_path"),
    ("variables.assign_variables", "variables.*.value from the other sources"),
    ("lookup.resolve_lookups", "ids of named workspace objects, if a workspace may be asked"),
    ("interpolate.resolve_outside", "references in all sections but resources"),
    ("checks.check_workspace_paths", "/Volumes in workspace paths, immutable folder"),
    ("mode.apply_mode", "presets and lock of development mode"),
    ("interpolate.resolve_resources", "references in resources"),
    ("merge_keyed.merge_keyed_lists", "tasks, job clusters, parameters, pipeline clusters, grants by key"),
    ("dialect.lower_meanings", "dialect: everything else"),
    ("load.drop_unknown", "fields that only the dialect knows"),
    ("dialect.sql_files.check_sql_files", "statements in SQL files that Databricks does not know"),
    ("paths.normalise_paths", "paths relative to the file of definition -> relative to the bundle root"),
    ("capture.capture_names", "literal catalog and schema names -> references to the bundle's resources"),
    ("contents.read_contents", "dashboard, genie and alert files"),
    ("serving.rename_served_models", "served_models -> served_entities"),
    ("final_checks.check_single_nodes", "clusters without workers"),
    ("initialise.fix_job_clusters", "num_workers of fixed-size job clusters"),
    ("run_as.apply_run_as", "run_as of jobs, pipelines, alerts"),
    ("initialise.override_compute", "--cluster-id and bundle.cluster_id"),
    ("presets.apply_presets", "name prefix, tags, pausing, …"),
    ("initialise.apply_defaults", "defaults of absent fields"),
    ("permissions.apply_permissions", "top-level permissions, the deployer as owner"),
    ("python_mutators.run_python", "PyDABs: python.resources and python.mutators"),
    ("capture.complete_volumes", "volume_path"),
    ("initialise.drop_empty", "empty text of optional fields"),
    ("checks.check_required_and_enums", "required fields and enumerations"),
    ("paths.translate_paths", "local paths -> workspace paths"),
    ("artifacts.prepare_artifacts", "artifacts' defaults, implicit wheel"),
    ("mode.check_mode", "what the mode demands"),
    ("job_checks.check_jobs", "types, dependencies and parameters of tasks"),
    ("checks.check_compiled", "clusters, compute, apps, shared root, files to sync"),
    ("initialise.annotate_deployments", "deployment, edit_mode, format"),
    ("scripts.run_postinit", "run experimental.scripts.postinit"),
)


def compile_bundle(options: Options, until: str | None = None) -> Bundle:
    """Compile for the command line's target. Never raises for what is in the user's files; look at
    `bundle.diagnostics`. Raises BundlekitError where there is no bundle. `until`: stop after this pass."""
    bundle, planned = start_bundle(options)
    with _no_collection():
        for name, run in planned:
            run(bundle)
            if bundle.diagnostics.has_errors or name == until:
                break
    return bundle


def start_bundle(options: Options) -> tuple[Bundle, Iterator[tuple[str, Callable[[Bundle], None]]]]:
    """An empty bundle at the right folder and the passes that will fill it."""
    root = find_root(options)
    return Bundle(root=root, options=options, sync_root=root), passes()


def passes() -> Iterator[tuple[str, Callable[[Bundle], None]]]:
    """(name, function) of every pass, imported one by one."""
    for name, _ in PASSES:
        module, _, function = name.rpartition(".")
        try:
            found = getattr(import_module(f"bundlekit.compile.{module}"), function, None)
        except ModuleNotFoundError as error:
            if error.name != f"bundlekit.compile.{module}":
                raise
            found = None
        if found is not None:
            yield name, found


@contextmanager
def _no_collection() -> Iterator[None]:
    # A tree has no cycles: collecting while it grows would only walk it again and again.
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
