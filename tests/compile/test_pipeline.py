"""Compiling small bundles end to end: values, references, targets, templates, Python, bad input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bundlekit.bundle import Bundle, Options
from bundlekit.compile.output import to_json
from bundlekit.compile.pipeline import compile_bundle
from bundlekit.diagnostics import BundlekitError
from bundlekit.report.text import render_diagnostics
from bundlekit.source.tree import get

Compile = Callable[..., Bundle]


@pytest.fixture
def compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Compile]:
    """Write files, compile, give back the bundle; every bundle must be printable."""
    for name in [name for name in os.environ if name.startswith(("DATABRICKS_", "BUNDLE_VAR_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("BUNDLEKIT_USER", "anna@example.com")

    def run(files: dict[str, str | bytes] | str, **options: Any) -> Bundle:
        for name, text in ({"databricks.yml": files} if isinstance(files, str) else files).items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        bundle = compile_bundle(Options(root=tmp_path, **options))
        json.loads(to_json(bundle))
        with (tmp_path / "findings.txt").open("w", encoding="utf-8") as stream:
            render_diagnostics(bundle, stream)
        return bundle

    yield run


def codes(bundle: Bundle) -> list[str]:
    return [d.code for d in bundle.diagnostics]


def errors(bundle: Bundle) -> list[str]:
    return [d.code for d in bundle.diagnostics.of("error")]


def test_both_spellings_of_references(compiled: Compile) -> None:
    bundle = compiled(
        "bundle: {name: b}\nvariables: {x: {default: name}, name: {default: hi}}\n"
        "resources: {jobs: {j: {name: '$<var.$<var.x>> ${bundle.target} $<resources.jobs.k.id>'}}}\n"
    )
    assert get(bundle.tree, "resources", "jobs", "j", "name") == "hi default ${resources.jobs.k.id}"


def test_order_of_the_sources_of_a_variable(compiled: Compile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUNDLE_VAR_environment", "environment")
    monkeypatch.setenv("BUNDLE_VAR_flag", "environment")
    bundle = compiled(
        {
            "databricks.yml": "bundle: {name: b}\nvariables:\n"
            + "".join(
                f"  {n}: {{default: default}}\n" for n in ("flag", "environment", "file", "target", "none")
            )
            + "targets: {dev: {variables: {target: target, file: target}}}\n",
            ".databricks/bundle/dev/variable-overrides.json": '{"file": "file", "flag": "file"}',
        },
        variables=("flag=flag",),
    )
    values = {name: variable["value"] for name, variable in bundle.tree["variables"].items()}
    assert values == {
        "flag": "flag", "environment": "environment", "file": "file", "target": "target", "none": "default",
    }  # fmt: skip


def test_cycle_names_all_places(compiled: Compile) -> None:
    bundle = compiled(
        "bundle: {name: b}\nvariables:\n  a: {default: '${var.b}'}\n  b: {default: '${var.c}'}\n"
        "  c: {default: '${var.a}'}\n"
    )
    assert "reference-cycle" in errors(bundle)
    lines = {at.line for d in bundle.diagnostics for at in d.locations}
    assert {3, 4, 5} <= lines


def test_growth_is_stopped(compiled: Compile) -> None:
    lines = ["bundle: {name: b}", "variables:", "  v0: {default: 0123456789}"]
    lines += [f"  v{n}: {{default: '${{var.v{n - 1}}}${{var.v{n - 1}}}'}}" for n in range(1, 40)]
    bundle = compiled("\n".join(lines))
    assert "reference-growth" in errors(bundle)


def test_unknown_names_come_with_the_nearest_one(compiled: Compile) -> None:
    bundle = compiled(
        "bundle: {name: b}\nvariables: {colour: {default: red}}\n"
        "resources: {jobs: {j: {name: '${var.color}'}}}\n"
    )
    (found,) = bundle.diagnostics.of("error")
    assert (found.code, found.hint) == ("undefined-reference", "did you mean ${var.colour}?")
    assert str(found.locations[0]) == "databricks.yml:3:30"
    bundle = compiled("bundle: {name: b}\ntargets: {dev: {}, prod: {}}\n", target="prd")
    (found,) = bundle.diagnostics.of("error")
    assert (found.code, found.hint) == ("target-unknown", 'did you mean "prod"?')


def test_tasks_merge_by_key_and_keep_their_origins(compiled: Compile) -> None:
    bundle = compiled(
        "bundle: {name: b}\nresources:\n  jobs:\n    j:\n      tasks:\n"
        "        - {task_key: b, max_retries: 1}\n"
        "        - {task_key: a, max_retries: 1}\ntargets:\n  dev:\n    resources:\n      jobs:\n        j:\n"
        "          tasks: [{task_key: b, max_retries: 2}]\n"
    )
    tasks = get(bundle.tree, "resources", "jobs", "j", "tasks")
    assert [(task["task_key"], task["max_retries"]) for task in tasks] == [("a", 1), ("b", 2)]
    assert [at.line for at in tasks[1].all_at("max_retries")] == [13, 6]
    assert [change.cause for change in tasks[1].notes["max_retries"]] == ["target dev"]


def test_template_points_at_its_own_lines(compiled: Compile) -> None:
    bundle = compiled(
        {
            "databricks.yml": "bundle: {name: b}\ninclude: ['*.yml.j2']\n"
            "variables: {regions: {default: [eu, us]}}\n",
            "jobs.yml.j2": "resources:\n  jobs:\n{% for r in var.regions %}\n    load_{{ r }}:\n"
            "      name: {{ r }} {{ target }}\n      nmae: x\n{% endfor %}\n",
        }
    )
    jobs = bundle.resources("jobs")
    assert {key: job["name"] for key, job in jobs.items()} == {
        "load_eu": "eu default",
        "load_us": "us default",
    }
    assert [str(d.locations[0]) for d in bundle.diagnostics.of("warning")] == ["jobs.yml.j2:6:7"] * 2


@pytest.mark.parametrize(
    ("template", "line"),
    [
        ("a: b\n{% for %}\n", 2),
        ("a: b\nb: {{ var.nothing }}\n", 2),
        ("\n\n{{ ''.__class__.__mro__ }}\n", 3),
        ("{% for a in range(99999999) %}x{% endfor %}", 1),
    ],
)
def test_bad_template_is_a_finding(compiled: Compile, template: str, line: int) -> None:
    bundle = compiled({"databricks.yml": "bundle: {name: b}\ninclude: ['*.yml.j2']\n", "t.yml.j2": template})
    (found,) = bundle.diagnostics.of("error")
    assert found.code in {"template-syntax", "template-error"}
    assert found.locations[0].line == line


PYTHON = """\
from dataclasses import replace
from databricks.bundles.core import Bundle, Resources, job_mutator
from databricks.bundles.jobs import Job

def load(bundle: Bundle) -> Resources:
    found = Resources()
    found.add_job("made", Job.from_dict({"name": "made in " + bundle.target}))
    return found

@job_mutator
def tag(bundle: Bundle, job: Job) -> Job:
    return replace(job, tags={**job.tags, "by": "python"})
"""


def test_resources_and_mutators_from_python(compiled: Compile) -> None:
    bundle = compiled(
        {
            "databricks.yml": "bundle: {name: b}\n"
            "python: {resources: ['mine:load'], mutators: ['mine:tag']}\n"
            "resources: {jobs: {j: {name: j}}}\ntargets: {dev: {mode: development}}\n",
            "mine.py": PYTHON,
        }
    )
    jobs = bundle.resources("jobs")
    assert not codes(bundle)
    assert {key: job["name"] for key, job in jobs.items()} == {
        "j": "[dev anna] j",
        "made": "[dev anna] made in dev",
    }
    assert jobs["made"]["tags"] == {"dev": "anna", "by": "python"}


def test_failing_python_points_at_its_line(compiled: Compile) -> None:
    bundle = compiled(
        {
            "databricks.yml": "bundle: {name: b}\npython: {resources: ['mine:load']}\n",
            "mine.py": "x = 1\nraise ValueError('boom')\n",
        }
    )
    (found,) = bundle.diagnostics.of("error")
    assert "boom" in found.summary
    assert str(found.locations[0]) == "mine.py:2:1"


@pytest.mark.parametrize(
    "text",
    [
        "", "bundle:", "bundle: []", "bundle: x", "resources: []", "resources: {jobs: []}", "targets: []",
        "resources: {jobs: {a: null}}", "resources: {jobs: {a: {tasks: {}}}}",
        "resources: {jobs: {a: {tasks: [1, null]}}}",
        "targets: {dev: null}", "targets: {dev: []}", "variables: []", "variables: {a: null}", "include: {}",
        "include: [null, '', '[', '..', '/']", "workspace: []", "presets: {tags: x}", "permissions: {}",
        "sync: []",
        "artifacts: {a: null, b: []}", "resources: {pipelines: {p: {clusters: [1], libraries: [null]}}}",
        "resources: {schemas: {s: {grants: [1, {}]}}, volumes: {v: []}}", "python: []",
        "scripts: {a: null, b: x}",
        "experimental: {scripts: []}", "run_as: []", "bundle: {name: [a]}",
        "variables: {x: {default: .inf, description: .nan}}", "resources: {nothing: {a: {}}}",
        "targets: {dev: {variables: []}}", "variables: {a: {lookup: []}}",
        "variables: {a: {default: '${var.a.b[0]}'}}",
        "bundle: {git: x, deployment: [], name: b}", "resources: {apps: {a: {resources: [1], config: x}}}",
        "resources: {jobs: {a: {name: '${workspace.current_user}'}}}",
        "workspace: {current_user: x, root_path: 5}",
        "resources: {dashboards: {d: {file_path: /}}, alerts: {a: {file_path: ..}}, genie_spaces: {g: 1}}",
        "resources: {jobs: {a: {job_clusters: x, environments: [x], parameters: {a: b}, git_source: []}}}",
    ],
)  # fmt: skip
@pytest.mark.parametrize("named", ["", "bundle: {name: b}\n"])
def test_no_shape_of_input_makes_it_raise(compiled: Compile, text: str, named: str) -> None:
    compiled(text if text.startswith("bundle") else named + text)


def test_odd_files_are_findings(compiled: Compile, tmp_path: Path) -> None:
    (tmp_path / "folder.yml").mkdir()
    (tmp_path / "loop.yml").symlink_to("loop.yml")
    (tmp_path / "nul.yml").write_bytes(b"a: \0")
    bundle = compiled("bundle: {name: b}\ninclude: ['*.yml']\n")
    assert {at.file for d in bundle.diagnostics.of("error") for at in d.locations} >= {
        "folder.yml",
        "nul.yml",
    }


def test_many_includes(compiled: Compile, tmp_path: Path) -> None:
    for n in range(2000):
        (tmp_path / f"job{n}.yml").write_text(f"resources: {{jobs: {{j{n}: {{name: j}}}}}}\n")
    bundle = compiled("bundle: {name: b}\ninclude: ['*.yml']\n")
    assert len(bundle.resources("jobs")) == 2000
    assert not codes(bundle)


def test_two_root_files_and_none(tmp_path: Path) -> None:
    with pytest.raises(BundlekitError, match=r"no databricks\.yml"):
        compile_bundle(Options(root=tmp_path))
    for name in ("databricks.yml", "bundle.yml"):
        (tmp_path / name).write_text("bundle: {name: b}\n")
    with pytest.raises(BundlekitError, match="both"):
        compile_bundle(Options(root=tmp_path))


def test_validate_imports_only_what_it_needs(tmp_path: Path) -> None:
    (tmp_path / "databricks.yml").write_text("bundle: {name: b}\nresources: {jobs: {j: {name: j}}}\n")
    program = (
        "import runpy, sys\nsys.argv = ['bundlekit', 'validate', '-o', 'json']\n"
        "try:\n    runpy.run_module('bundlekit', run_name='__main__')\n"
        "except SystemExit as stop:\n    assert not stop.code, stop.code\n"
        "heavy = ('databricks.sdk', 'pyspark', 'jinja2', 'rich', 'requests', 'sqlglot', 'IPython')\n"
        "print([name for name in heavy if name in sys.modules], file=sys.stderr)\n"
    )
    environment = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.splitlines()[-1] == "[]"
    assert json.loads(done.stdout)["bundle"]["name"] == "b"


def test_output_is_stable(compiled: Compile) -> None:
    text = "bundle: {name: b}\nresources: {jobs: {b: {name: '<&>'}, a: {tags: {z: 1, a: 2}}}}\n"
    assert to_json(compiled(text)) == to_json(compiled(text))
    assert "\\u003c\\u0026\\u003e" in to_json(compiled(text))


def test_secrets_are_not_printed(compiled: Compile) -> None:
    bundle = compiled(
        "bundle: {name: b}\nvariables: {token: {description: t}}\nresources:\n  secrets:\n"
        "    s: {name: s, catalog_name: c, schema_name: s, value: '${var.token}'}\n"
        "  jobs: {j: {name: 'x ${var.token}'}}\n",
        variables=("token=hunter2",),
    )
    assert "hunter2" not in to_json(bundle)
    assert to_json(bundle).count("[redacted]") == 3
