# Two commands for a newcomer: `make demo` and `make test`. `make help` lists the rest.
# The system's own Python comes first: it is built for speed, which one that was compiled on the machine (by pyenv, say)
# rarely is: a loop in that takes half as long again, the tests a tenth.
PYTHON ?= $(shell for found in /usr/bin/python3 python3; do \
  $$found -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; done; echo $$found)
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv --quiet
# Pyspark comes as a source package, and is made a wheel first: one that nobody sends anywhere needn't be compressed.
INSTALL := VIRTUAL_ENV=$(VENV) $(UV) pip install --config-settings-package pyspark:--build-option=--compression=stored
LOCK := $(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
CODE := riskcontrol ingestion spark database frontend bench jars examples
# By another name than MAKE, which `make -n` would run in earnest.
AGAIN := $(MAKE) --no-print-directory

.PHONY: help demo test tools lint format types lock clean

help:  ## Show this list.
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(BIN)/uv: requirements/bootstrap.lock
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "RiskControl needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Name another with: make demo PYTHON=python3.12 (on Debian it needs its package python3-venv)")'
	@# One that is there keeps its Python: another's would be mixed into it.
	@$(BIN)/pip --version >/dev/null 2>&1 || { \
	  echo "Making the virtual environment in $(VENV) with $(PYTHON) ..." && $(PYTHON) -m venv $(VENV); }
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.lock
	@touch $@

$(VENV)/runtime: requirements/runtime.lock pyproject.toml | $(BIN)/uv
	@echo "Installing what the product runs on (about 1 GB the first time) ..."
	@$(INSTALL) --require-hashes -r requirements/runtime.lock
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@# What the commands load is compiled here, once, and not by each process, where PYTHONDONTWRITEBYTECODE is set.
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -c 'import frontend.app' & pages=$$!; \
	  PYTHONDONTWRITEBYTECODE= $(BIN)/python -W ignore -c 'import boto3, ingestion.ingest, moto.s3.responses, moto.server, \
	pyspark.testing.utils, pyspark.worker, rich.live, rich.progress, rich.table, spark.job'; status=$$?; \
	  wait $$pages || status=$$?; exit $$status
	@touch $@

$(VENV)/dev: requirements/dev.lock $(VENV)/runtime
	@echo "Installing the tools for tests ..."
	@# Without peewee's parts in C, which none of our tests uses (uv may keep that build for others on this machine).
	@NO_SQLITE=1 $(INSTALL) --require-hashes -r requirements/dev.lock
	@touch $@

demo: $(VENV)/runtime  ## Start everything on this machine and replay a simulated day.
	@trap : INT; $(BIN)/riskcontrol demo || test $$? -eq 130  # Ctrl-C is how it ends

# What changed is compiled by one process, before those that run tests each do it.
$(VENV)/collected: export PYTHONDONTWRITEBYTECODE =
$(VENV)/collected: $(VENV)/dev $(shell find tests $(CODE) -type f -name '*.py')
	@$(BIN)/pytest --collect-only -qq >/dev/null && touch $@ || true

# The engine takes longest to compile, so all else there gives way to it.
# Where a shell forbids writing them down, each of some hundred processes would compile our modules.
test: export PYTHONDONTWRITEBYTECODE =
test: $(VENV)/dev  ## Lint, check types, run every test with the real servers.
	@echo "Linting and checking types, beside compiling the kernels where they are not yet ..."
	@{ $(BIN)/python -m riskcontrol.warm && $(BIN)/python -m tests.warm strategies; } & engine=$$!; \
	  nice sh -c "$(BIN)/python -m tests.archives && $(BIN)/python -m tests.warm tapes" & others=$$!; \
	  nice $(AGAIN) lint types $(VENV)/collected; status=$$?; \
	  wait $$engine || status=$$?; wait $$others || status=$$?; exit $$status
	$(BIN)/pytest --numprocesses 3 --dist loadgroup --no-loadscope-reorder --durations 15

tools: $(VENV)/collected  ## Install what the tests need, for `.venv/bin/pytest` and the like.
	@test -e $(VENV)/collected || echo "The tests can't be collected; what is wrong says: $(BIN)/pytest --collect-only"

lint: $(VENV)/dev  ## Check style, and look for insecure code.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/dev  ## Put the code into the project's format.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/dev  ## Check types only.
	$(BIN)/mypy

lock: $(BIN)/uv  ## Pin the dependencies anew from requirements/*.in and bench/peers/*.in.
	$(LOCK) requirements/bootstrap.in -o requirements/bootstrap.lock
	$(LOCK) requirements/runtime.in -o requirements/runtime.lock
	$(LOCK) requirements/dev.in -c requirements/runtime.lock -o requirements/dev.lock
	$(LOCK) bench/peers/backtesting.in -o bench/peers/backtesting.lock
	$(LOCK) bench/peers/vectorbt.in -o bench/peers/vectorbt.lock

clean:  ## Stop local servers and remove what the commands made (.venv stays).
	@[ ! -x $(BIN)/riskcontrol ] || $(BIN)/riskcontrol down
	rm -rf .riskcontrol
