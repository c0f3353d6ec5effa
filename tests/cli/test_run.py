"""`bundlekit run` on this machine, end to end: what runs, in which order, with which values and outputs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.conftest import RunBundle, Task

PRINT = "import sys\nprint('got', *sys.argv[1:])\n"


def states(record: dict[str, Any]) -> dict[str, str]:
    """Task -> its result, iterations included."""
    found = {}
    for task in record["tasks"]:
        found[task["task_key"]] = task["state"].get("result_state", task["state"]["life_cycle_state"])
        for iteration in task.get("for_each_task", {}).get("iterations", []):
            found[iteration["task_key"]] = iteration["state"].get("result_state", "")
    return found


def test_success(bundle: RunBundle, task: Task) -> None:
    bundle.jobs(
        j=[
            task("a", bundle.script("a.py", PRINT, "x")),
            task("b", bundle.notebook("n.py", "dbutils.notebook.exit('done')"), "a"),
        ]
    )
    done = bundle.run("j")
    assert done.code == 0 and done.out == "done\n", "the output is stdout, and nothing else is"
    for line in ("a     spark_python  real", "b     notebook      real", "✓ a  SUCCESS", "SUCCESS in "):
        assert line in done.err
    assert bundle.log("a/0") == "got x\n"
    assert "Logs and executed notebooks: .databricks/bundlekit/default/runs/" in done.err
    assert sorted(p.name for p in bundle.root.iterdir()) == [
        ".databricks",
        "a.py",
        "bundlekit.yml",
        "databricks.yml",
        "n.py",
    ]


def test_json_is_the_run_of_the_api_and_its_outputs(bundle: RunBundle, task: Task) -> None:
    bundle.jobs(
        j=[
            task("n", bundle.notebook("n.py", "dbutils.notebook.exit('first')")),
            task("bad", bundle.script("bad.py", "raise ValueError('wrong')"), "n"),
            task("never", bundle.script("a.py", PRINT), "bad"),
        ]
    )
    done = bundle.run("j", "-o", "json")
    record = done.json
    assert done.code == 1 and record["state"]["result_state"] == "FAILED"
    assert record["status"] == {"state": "TERMINATED"} and record["run_name"] == "J"
    assert states(record) == {"n": "SUCCESS", "bad": "FAILED", "never": "UPSTREAM_FAILED"}
    first, second = record["task_outputs"]
    assert (first["TaskKey"], first["Output"]) == ("n", "first")
    assert second["TaskKey"] == "bad" and second["Error"] == "ValueError: wrong"
    assert "bad.py" in second["ErrorTrace"]
    for key in ("job_id", "run_id", "start_time", "end_time", "run_duration", "creator_user_name"):
        assert record[key]
    assert not [key for key in record if key in ("bundlekit_pid", "bundlekit_details")]


def test_a_job_of_more_than_one_page_of_tasks(bundle: RunBundle, task: Task) -> None:
    bundle.jobs(
        j=[
            task(f"t{i}", {"condition_task": {"op": "EQUAL_TO", "left": str(i), "right": "7"}})
            for i in range(130)
        ]
    )
    done = bundle.run("j", "-o", "json", "--only", "t7,t129")
    assert states(done.json) == {"t7": "SUCCESS", "t129": "SUCCESS"}
    assert len(bundle.run("j", "-o", "json").json["tasks"]) == 130


def test_parameters(bundle: RunBundle, task: Task) -> None:
    bundle.jobs(
        j={
            "parameters": [{"name": "day", "default": "mon"}, {"name": "n", "default": "1"}],
            "tasks": [
                task("s", bundle.script("s.py", PRINT, "{{job.parameters.day}}", "{{task.name}}")),
                task(
                    "n",
                    bundle.notebook(
                        "n.py",
                        "import json\ndbutils.notebook.exit(json.dumps([dbutils.widgets.get('day'), dbutils.widgets.get('n')]))",
                    ),
                ),
            ],
        }
    )
    done = bundle.run("j", "--params", 'day="a,b=c",n=2')
    assert done.code == 1 and ("write name=value" in done.err or "no parameter b" in done.err)
    done = bundle.run("j", "--params", '"day=a,b=c",n=2')
    assert done.out == '["a,b=c", "2"]\n' and bundle.log("s/0") == "got a,b=c s\n"
    assert bundle.run("j", "--", "--day", "tue", "--n=5").out == '["tue", "5"]\n'


def test_task_parameters_without_job_parameters(bundle: RunBundle, task: Task) -> None:
    bundle.jobs(j=[task("s", bundle.script("s.py", PRINT, "old"))])
    assert bundle.run("j", "--python-params", "a,b").code == 0
    assert bundle.log("s/0") == "got a b\n"


def test_only(bundle: RunBundle, task: Task) -> None:
    kind = bundle.script("a.py", PRINT)
    unsupported = {"pipeline_task": {"pipeline_id": "p"}}
    bundle.jobs(
        j=[
            task("a", kind),
            task("b", kind, "a"),
            task("c", kind, "b"),
            task("d", kind, "c"),
            task("x", unsupported, "d"),
        ]
    )
    assert list(states(bundle.run("j", "-o", "json", "--only", "b,c").json)) == ["b", "c"]
    done = bundle.run("j", "-o", "json", "--only", "+c")
    assert list(states(done.json)) == ["a", "b", "c"]
    assert "unsupported" not in done.err, "the table shows what runs"
    assert bundle.run("j", "--only", "c+").code == 1, "x is unsupported"


def test_condition_loop_values_and_child_job(bundle: RunBundle, task: Task) -> None:
    set_value = (
        "dbutils.jobs.taskValues.set('items', [1, {'k': 'z'}])\ndbutils.jobs.taskValues.set('ok', 'yes')"
    )
    bundle.jobs(
        j=[
            task("set", bundle.notebook("set.py", set_value)),
            task("if", {"condition_task": {"op": "EQUAL_TO", "left": "{{tasks.set.values.ok}}", "right": "yes"}}, "set"),
            task("no", bundle.script("p.py", PRINT), "if=false"),
            task(
                "loop",
                {"for_each_task": {
                    "inputs": "{{tasks.set.values.items}}",
                    "concurrency": 2,
                    "task": task("it", bundle.script("p.py", PRINT, "{{input}}", "{{task.name}}")),
                }},
                "if=true",
            ),
            task("child", {"run_job_task": {"job_id": "${resources.jobs.other.id}", "job_parameters": {"p": "{{tasks.set.values.ok}}"}}}, "loop"),
            task("end", bundle.script("p.py", PRINT, "{{tasks.loop.result_state}}", "{{tasks.no.result_state}}"), "child", "no", run_if="NONE_FAILED"),
        ],
        other={
            "parameters": [{"name": "p", "default": "-"}],
            "tasks": [task("inner", bundle.script("q.py", PRINT, "{{job.parameters.p}}"))],
        },
    )  # fmt: skip
    done = bundle.run("j", "-o", "json")
    assert done.code == 0, done.err
    assert "child > inner" in done.err, "the tasks of the other job are in the table"
    assert states(done.json) == {
        "set": "SUCCESS", "if": "SUCCESS", "no": "EXCLUDED", "loop": "SUCCESS", "it[0]": "SUCCESS",
        "it[1]": "SUCCESS", "child": "SUCCESS", "end": "SUCCESS",
    }  # fmt: skip
    assert bundle.log("loop/0/it_0_/0") == "got 1 it[0]\n"
    assert bundle.log("loop/0/it_1_/0") == 'got {"k": "z"} it[1]\n'
    assert bundle.log("inner/0") == "got yes\n"
    assert bundle.log("end/0") == "got success excluded\n"


def test_loop_with_a_failing_iteration(bundle: RunBundle, task: Task) -> None:
    inner = task("it", bundle.script("p.py", "import sys\nassert sys.argv[1] != '2', 'two'", "{{input}}"))
    loop = {"for_each_task": {"inputs": "[1, 2, 3]", "task": inner}}
    bundle.jobs(j=[task("loop", loop)])
    done = bundle.run("j", "-o", "json")
    assert done.code == 1
    assert states(done.json) == {"loop": "FAILED", "it[0]": "SUCCESS", "it[1]": "FAILED", "it[2]": "SUCCESS"}
    assert "1 of 3 iterations failed: it[1]" in done.err and "AssertionError: two" in done.err
    stats = done.json["tasks"][0]["for_each_task"]["stats"]["task_run_stats"]
    assert (stats["failed_iterations"], stats["succeeded_iterations"]) == (1, 2)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ("[]", ""),
        ("{}", "must be a JSON list"),
        ("[1,", "is not a JSON list"),
        ("{{tasks.none.values.x}}", "no task none has run"),
    ],
)
def test_inputs_of_a_loop(bundle: RunBundle, task: Task, inputs: str, message: str) -> None:
    bundle.jobs(
        j=[
            task(
                "loop",
                {"for_each_task": {"inputs": inputs, "task": task("it", bundle.script("p.py", PRINT))}},
            )
        ]
    )
    done = bundle.run("j")
    assert done.code == (1 if message else 0) and message in done.err


def test_failing_child_job(bundle: RunBundle, task: Task) -> None:
    child = {"run_job_task": {"job_id": "${resources.jobs.other.id}"}}
    bundle.jobs(j=[task("c", child)], other=[task("x", bundle.script("x.py", "raise OSError('inner')"))])
    done = bundle.run("j")
    assert done.code == 1 and "of OTHER ended with FAILED failed: x" in done.err


def test_retry_that_succeeds(bundle: RunBundle, task: Task) -> None:
    text = "from pathlib import Path\nmark = Path('mark')\nif not mark.exists():\n    mark.touch()\n    raise OSError('flaky')\nprint('second')"
    bundle.jobs(
        j=[
            task("a", bundle.script("a.py", text), max_retries=1),
            task("b", bundle.script("b.py", PRINT), "a"),
        ]
    )
    done = bundle.run("j", "-o", "json")
    assert done.code == 0, done.err
    record = done.json["tasks"][0]
    (first,) = record["bundlekit_attempts"]
    assert record["attempt_number"] == 1 and first["state"]["result_state"] == "FAILED"
    assert record["run_id"] != first["run_id"] and first["bundlekit_log"].endswith("a/0/output.log")
    assert "a RETRY" in done.err and "(2 attempts)" in done.err
    assert bundle.log("a/1") == "second\n" and "flaky" in bundle.log("a/0")


def test_retry_of_a_whole_loop_keeps_the_logs_of_both(bundle: RunBundle, task: Task) -> None:
    text = "import sys\nfrom pathlib import Path\nmark = Path('mark')\nprint('one' if not mark.exists() else 'two')\nif not mark.exists():\n    mark.touch()\n    sys.exit(3)"
    loop = {"for_each_task": {"inputs": "[1]", "task": task("it", bundle.script("a.py", text))}}
    bundle.jobs(j=[task("loop", loop, max_retries=1)])
    done = bundle.run("j")
    assert done.code == 0, done.err
    assert bundle.log("loop/0/it_0_/0").startswith("one") and bundle.log("loop/1/it_0_/0") == "two\n"


def test_failure_that_is_handled(bundle: RunBundle, task: Task) -> None:
    bundle.jobs(
        j=[
            task("a", bundle.script("a.py", "1 / 0")),
            task("clean", bundle.script("p.py", PRINT), "a", run_if="AT_LEAST_ONE_FAILED"),
        ]
    )
    done = bundle.run("j")
    assert done.code == 0 and "SUCCESS_WITH_FAILURES" in done.err and "ZeroDivisionError" in done.err


def test_max_parallel_tasks(bundle: RunBundle, task: Task) -> None:
    bundle.file("bundlekit.yml", "engine: none\nmax_parallel_tasks: 2\n")
    text = (
        "import os, sys, time\nfrom pathlib import Path\n"
        "mark = Path(f'run-{sys.argv[1]}'); mark.touch()\n"
        "time.sleep(0.1)\nprint(len(list(Path('.').glob('run-*'))))\nmark.unlink()"
    )
    bundle.jobs(j=[task(f"t{i}", bundle.script("a.py", text, str(i))) for i in range(7)])
    assert bundle.run("j").code == 0
    assert {int(bundle.log(f"t{i}/0")) for i in range(7)} <= {1, 2}


def test_environment_of_bundlekit_yml_and_cluster(bundle: RunBundle, task: Task) -> None:
    bundle.file("bundlekit.yml", "engine: none\nenvironment: {FROM_FILE: f, BOTH: file}\n")
    kind = bundle.script(
        "a.py", "import os\nprint(os.environ['FROM_FILE'], os.environ['CL'], os.environ['BOTH'])"
    )
    cluster = {"spark_version": "x", "num_workers": 0, "spark_env_vars": {"CL": "c", "BOTH": "cluster"}}
    del kind["existing_cluster_id"]
    bundle.jobs(
        j={
            "job_clusters": [{"job_cluster_key": "k", "new_cluster": cluster}],
            "tasks": [task("a", kind, job_cluster_key="k")],
        }
    )
    done = bundle.run("j")
    assert done.code == 0, done.err
    assert bundle.log("a/0") == "f c file\n"


def test_secrets_are_nowhere(bundle: RunBundle, task: Task) -> None:
    bundle.file("bundlekit.yml", "engine: none\nsecrets: {s: {k: MY_SECRET}}\n")
    text = "value = dbutils.secrets.get('s', 'k')\nprint('it is', value)\nraise ValueError(value)"
    bundle.jobs(j=[task("n", bundle.notebook("n.py", text))])
    done = bundle.run("j", "-o", "json", environment={"MY_SECRET": "hunter2-hunter2"})
    assert done.code == 1 and "REDACTED" in done.out
    assert "hunter2" not in done.out + done.err
    for path in bundle.root.rglob("*"):
        assert not path.is_file() or b"hunter2" not in path.read_bytes(), path


def test_serverless_task(bundle: RunBundle, task: Task) -> None:
    kind = bundle.script("a.py", PRINT)
    del kind["existing_cluster_id"]
    environments = [{"environment_key": "e", "spec": {"client": "2", "dependencies": ["click>=8"]}}]
    bundle.jobs(j={"tasks": [task("a", kind, environment_key="e")], "environments": environments})
    done = bundle.run("j")
    assert done.code == 0, done.err


def test_statements_without_effect_are_reported(bundle: RunBundle, task: Task) -> None:
    """As the dialect layer writes them down; what it does with a real engine is in tests/local/engines."""
    text = (
        "import json, os\n"
        "with open(os.environ['BUNDLEKIT_STUBBED_FILE'], 'a') as file:\n"
        "    file.write(json.dumps({'kind': 'grant', 'statement': 'GRANT SELECT\\n  ON t TO `a`'}) + '\\n')\n"
    )
    loop = {"for_each_task": {"inputs": "[1]", "task": task("it", bundle.script("a.py", text))}}
    bundle.jobs(
        j=[
            task("a", bundle.script("a.py", text)),
            task("loop", loop),
            task("b", bundle.script("b.py", PRINT)),
        ]
    )
    done = bundle.run("j", "-o", "json")
    assert done.code == 0
    said = done.err.partition("Accepted without effect")[2]
    assert "  a: GRANT SELECT ON t TO `a`\n  it[0]: GRANT SELECT" in said
    outputs = {entry["TaskKey"]: entry["Stubbed"] for entry in done.json["task_outputs"]}
    entry = {"kind": "grant", "statement": "GRANT SELECT\n  ON t TO `a`"}
    assert outputs == {"a": [entry], "it[0]": [entry]}
    assert "Accepted" not in bundle.run("j", "--only", "b").err
