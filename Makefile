# Every target works on a fresh machine, in any order, twice, and in a path with a space.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help

# Use your own build of upstream detectron2: make setup DETECTRON2=/path/to/detectron2
DETECTRON2 ?=
# CPU builds of torch, without the CUDA libraries, from an index that uv knows: make setup CPU=1
CPU ?=
# What a change is compared with: make report BASE=origin/main
export BASE ?= main
PYTHON ?= python3

export PATH := $(CURDIR)/.venv/bin:$(PATH)
export VIRTUAL_ENV := $(CURDIR)/.venv
# Threads that wait without spinning: half the slowdown when the machine does other work as well.
export OMP_WAIT_POLICY ?= PASSIVE
export MLFLOW_DISABLE_TELEMETRY := true
export DVC_NO_ANALYTICS := true
.PHONY: help setup demo report pictures test test-all chaos lint bench ui experiments wheel lock preset clean

help:  ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 19

setup: .venv/.ready  ## Create .venv with every dependency, pinned and checked by hash (CPU=1: without CUDA)
	@

# Your own build is installed whenever it is named, over the one of an earlier setup.
ifneq ($(DETECTRON2),)
.venv/.ready: always
.PHONY: always
endif

.venv/.ready: requirements/requirements.lock requirements/detectron2.txt requirements/uv.txt pyproject.toml
	@test -x .venv/bin/python || $(PYTHON) -m venv .venv
	python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	if [ -n "$(CPU)" ]; then
	    # The locked hashes are of the CUDA builds: torch and torchvision come by version, all else by hash.
	    awk '/^[a-z]/ {cuda = /^(torch|torchvision|triton|cuda-|nvidia-)/ && !/^nvidia-ml-py/} !cuda' \
	        requirements/requirements.lock > .venv/requirements.cpu
	    uv pip install --no-deps --require-hashes -r .venv/requirements.cpu
	    uv pip install --no-deps --torch-backend cpu \
	        $$(grep -oE '^torch(vision)?==[0-9.]+' requirements/requirements.lock)
	else
	    uv pip install --no-deps --require-hashes -r requirements/requirements.lock
	fi
	if [ -n "$(DETECTRON2)" ]; then
	    uv pip install --no-deps --no-build-isolation "$(DETECTRON2)"
	elif ! python -c 'import detectron2' 2>/dev/null; then
	    # The wheel's tag names Python 3.10 for one compiled file that nothing here uses; detectron2 copes without it.
	    uv pip install --no-deps --require-hashes --python-version 3.10 -r requirements/detectron2.txt
	fi
	# All is compiled once: where Python may write no bytecode, each of 30 stages would compile torch and MLflow again.
	uv pip install --quiet --no-deps --no-build-isolation --compile-bytecode --editable .
	touch $@

demo: setup  ## Run the whole pipeline on sample data and print the benchmark tables
	@dvc repro
	test -f reports/index.html || python -m stages.report
	sed '/^<!-- plots -->/,$$d' reports/benchmarks.md
	echo "The report: $(CURDIR)/reports/index.html"

pictures: setup  ## Regenerate the pictures of README and docs: report, MLflow, sample data (needs Chromium)
	@python -m tools.pictures.report
	python -m tools.pictures.mlflow
	python -m tools.pictures.sample

report: setup  ## Write the report's pages, and the differences to BASE (main) into reports/pull_request.md
	@python -m stages.report
	python -m tools.pull_request "$$BASE"

# A file is tested by one process, and the files that take longest come first (tests/conftest.py).
PYTEST = OMP_NUM_THREADS=1 python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

test: setup  ## Run the quick tests, and the pipeline once with a single run
	@$(PYTEST) --hypothesis-profile fast -m "not slow" $(ARGS)

test-all: setup  ## Run all tests, with more drawn examples
	@$(PYTEST) --hypothesis-profile thorough $(ARGS)

chaos: setup  ## Kill trainings of every task at random moments; they must end with the same bytes
	@python -m tests.pipeline.chaos $(ARGS)

lint: setup  ## Check style, types and who may import whom
	@ruff check .
	ruff format --check .
	mypy
	lint-imports --no-logo --no-cache
	python -m pytest -q tests/test_architecture.py

bench: setup  ## Measure the speed, compared with other tools
	@for benchmark in benchmarks/*.py; do
	    name=$$(basename "$$benchmark" .py)
	    [ "$$name" = __init__ ] || python -m "benchmarks.$$name"
	done

ui: setup  ## Compare runs in MLflow's UI, on http://127.0.0.1:5000
	@store="$${MLFLOW_TRACKING_URI:-sqlite:///mlflow.db}"
	case "$$store" in http*) echo "The server at MLFLOW_TRACKING_URI has a UI of its own: $$store"; exit;; esac
	echo "MLflow's UI takes some seconds to start: http://127.0.0.1:5000"
	# The PostgreSQL driver that is locked is psycopg2; SQLAlchemy looks for another one unless it is named.
	MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false mlflow ui --workers 1 --host 127.0.0.1 \
	    --backend-store-uri "$${store/#postgresql:/postgresql+psycopg2:}"

experiments: setup  ## List DVC's experiments: what each changed, and its results
	@dvc exp show --only-changed --drop '.*/|reports$$|results$$|.*AP75$$|.*AR$$'

wheel: setup  ## Build dist/*.whl, for `pip install` elsewhere (and dist/*.tar.gz, its sources)
	@rm -f dist/matchrcnn-*
	uv build --quiet --no-build-isolation
	ls dist/*.whl

lock: setup  ## Resolve requirements/requirements.in into the lock
	uv pip compile --quiet --generate-hashes --python-version 3.11 requirements/requirements.in \
	    -o requirements/requirements.lock

clean:  ## Remove the environment and everything that the pipeline made, DVC's cache included
	rm -rf .venv .work .dvc/cache .dvc/tmp dist data models/*/ results mlflow.db mlruns
