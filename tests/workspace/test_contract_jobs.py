"""Jobs, runs and pipelines through the SDK's typed client."""

from __future__ import annotations

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import InvalidParameterValue, NotFound
from databricks.sdk.service import jobs, pipelines


def _condition(key: str) -> jobs.Task:
    test = jobs.ConditionTask(op=jobs.ConditionTaskOp.EQUAL_TO, left="1", right="1")
    return jobs.Task(task_key=key, condition_task=test)


def test_job_life(w: WorkspaceClient, name: str) -> None:
    job_id = w.jobs.create(name=name, tasks=[_condition("a")], tags={"team": "data"}).job_id
    assert job_id is not None and job_id >= 100_000
    found = w.jobs.get(job_id).settings
    assert found is not None and found.tasks is not None
    assert (found.name, found.max_concurrent_runs, found.timeout_seconds) == (name, 1, 0)
    assert found.tasks[0].run_if is jobs.RunIf.ALL_SUCCESS
    assert [one.job_id for one in w.jobs.list(name=name)] == [job_id]

    w.jobs.update(job_id, new_settings=jobs.JobSettings(tasks=[_condition("b")]), fields_to_remove=["tags"])
    found = w.jobs.get(job_id).settings
    assert found is not None and found.tasks is not None
    assert ({task.task_key for task in found.tasks}, found.tags) == ({"a", "b"}, None)

    w.jobs.reset(job_id, jobs.JobSettings(name=f"{name} again"))
    found = w.jobs.get(job_id).settings
    assert found is not None and (found.name, found.tasks) == (f"{name} again", [])

    w.jobs.delete(job_id)
    with pytest.raises(NotFound):
        w.jobs.get(job_id)


def test_job_of_several_pages(w: WorkspaceClient, name: str) -> None:
    keys = [f"t{number:03}" for number in range(230)]
    job_id = w.jobs.create(name=name, tasks=[_condition(key) for key in keys]).job_id
    assert job_id is not None
    found = w.jobs.get(job_id).settings
    assert found is not None and found.tasks is not None
    assert [task.task_key for task in found.tasks] == keys
    raw = w.api_client.do("GET", "/api/2.2/jobs/get", query={"job_id": job_id})
    assert isinstance(raw, dict)
    assert (len(raw["settings"]["tasks"]), bool(raw["next_page_token"])) == (100, True)
    w.jobs.delete(job_id)


def test_list_of_several_pages(w: WorkspaceClient, name: str) -> None:
    made = {w.jobs.create(name=name).job_id for _ in range(7)}
    assert {one.job_id for one in w.jobs.list(name=name, limit=3)} == made


def test_bad_jobs(w: WorkspaceClient, name: str) -> None:
    with pytest.raises(InvalidParameterValue):
        w.jobs.create(name=name, tasks=[_condition("a"), _condition("a")])
    lost = jobs.Task(task_key="a", depends_on=[jobs.TaskDependency(task_key="nowhere")])
    with pytest.raises(InvalidParameterValue):
        w.jobs.create(name=name, tasks=[lost])
    with pytest.raises(NotFound):
        w.jobs.delete(999_999_999)


def test_run_to_its_end(w: WorkspaceClient, name: str) -> None:
    job_id = w.jobs.create(name=name, tasks=[_condition("a")]).job_id
    assert job_id is not None
    run = w.jobs.run_now_and_wait(job_id)
    assert run.state is not None and run.tasks is not None
    assert run.state.result_state is jobs.RunResultState.SUCCESS
    assert run.run_id in [one.run_id for one in w.jobs.list_runs(job_id=job_id)]
    assert run.run_id is not None and run.tasks[0].run_id is not None
    assert w.jobs.get_run_output(run.tasks[0].run_id).metadata is not None
    w.jobs.delete_run(run.run_id)
    with pytest.raises(NotFound):
        w.jobs.get_run(run.run_id)


def test_idempotency_token(w: WorkspaceClient, name: str) -> None:
    job_id = w.jobs.create(name=name, tasks=[_condition("a")]).job_id
    assert job_id is not None
    body = {"job_id": job_id, "idempotency_token": name}
    runs = [w.api_client.do("POST", "/api/2.2/jobs/run-now", body=body) for _ in range(2)]
    assert runs[0] == runs[1]


def test_run_of_no_job(w: WorkspaceClient) -> None:
    with pytest.raises(NotFound):
        w.jobs.run_now(999_999_999)
    with pytest.raises(NotFound):
        w.jobs.get_run(999_999_999)


def test_pipeline_life(w: WorkspaceClient, name: str) -> None:
    library = pipelines.PipelineLibrary(notebook=pipelines.NotebookLibrary(path="/Users/n"))
    made = w.pipelines.create(name=name, catalog="main", libraries=[library]).pipeline_id
    assert made is not None
    found = w.pipelines.get(made)
    assert found.spec is not None and (found.name, found.spec.catalog) == (name, "main")
    w.pipelines.update(made, name=f"{name} again", catalog="main", development=True)
    spec = w.pipelines.get(made).spec
    assert spec is not None
    assert (spec.name, spec.development, spec.libraries) == (f"{name} again", True, [])
    assert made in [one.pipeline_id for one in w.pipelines.list_pipelines()]
    update = w.pipelines.start_update(made, full_refresh=True).update_id
    assert update is not None
    assert w.pipelines.get_update(made, update).update is not None
    list(w.pipelines.list_pipeline_events(made))
    w.pipelines.stop(made)
    w.pipelines.delete(made)
    with pytest.raises(NotFound):
        w.pipelines.get(made)
