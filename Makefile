# Everything a contributor types. `make example` and `make test` work on a fresh machine with Python 3.11.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
TEST_STAMP := $(VENV)/.installed-dev
WORKERS ?= auto

.PHONY: example test lint format bench bench-compile bench-run bench-deploy faults fuzz clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(STAMP): pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[local]'
	touch $@

$(TEST_STAMP): $(STAMP) requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -r requirements-dev.txt
	touch $@

example: $(STAMP)
	cd example_bundle && ../$(BIN)/bundlekit run -t dev etl_pipeline

lint: $(TEST_STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

format: $(TEST_STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: bench-compile bench-run bench-deploy

bench-compile: $(TEST_STAMP)
	$(BIN)/python tests/bench/bench_compile.py

bench-run: $(TEST_STAMP)
	$(BIN)/python tests/bench/bench_run.py

bench-deploy: $(TEST_STAMP)
	$(BIN)/python tests/bench/bench_deploy.py

faults: $(TEST_STAMP)
	BUNDLEKIT_ALL_FAULTS=1 $(BIN)/python -m pytest tests/deploy -n $(WORKERS) -rP

fuzz: $(TEST_STAMP)
	BUNDLEKIT_FUZZ_EXAMPLES=20000 $(BIN)/python -m pytest tests/source -n $(WORKERS)

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache
