SELECT * FROM system.workflow.job_runs
