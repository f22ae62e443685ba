# The targets: `make help`. Everything is installed into .venv, at the versions that the lock files pin.

PYTHON ?= python3
BIN    := .venv/bin
PIP    := $(BIN)/pip --disable-pip-version-check
UV     := uv==0.13.9
EXTRAS := networks kinetics petab benchmarks llm hpc mlflow wandb mcp notebook docs

# Tests wait for processes of their own a good part of their time: more of them at once than there are cores.
WORKERS := $(shell echo $$(( $$(nproc) * 2 )))

# Most containers forbid Python to keep what it compiles; then each of thousands of processes compiles the project anew.
unexport PYTHONDONTWRITEBYTECODE

# Stamps. Running needs requirements.lock alone; testing and developing need requirements-dev.lock on top.
RUN := .venv/.run
DEV := .venv/.dev

# Measured with torch's CPU build: `pip download -d DIR -r FILE`, then `du -cm DIR`.
RUN_MB := 290
DEV_MB := 180

.DEFAULT_GOAL := help
.PHONY: help demo dev extra named test long torture coverage check lint types moves site format lock oldest

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

demo: $(RUN)  ## install what running needs, then explore pde_m1 for ten minutes; again: resume
	$(BIN)/stoichloop data pde_m1
	$(BIN)/stoichloop explore pde_m1 --campaign demo --budget 10m --fidelity probe
	@echo "before these commands, once in each terminal: source .venv/bin/activate"

dev: $(DEV)  ## install everything: all extras, and the tools that test, check and lock

extra: named $(RUN)  ## install an optional part, as in: make extra NAME=llm (networks, kinetics, petab, benchmarks, llm, hpc, mlflow, wandb, mcp, notebook, docs)
	@$(call install,--constraint requirements-dev.lock --no-build-isolation --editable '.[$(NAME)]')

test: $(DEV)  ## run the tests, but for long ones and torture
	$(BIN)/pytest -n $(WORKERS)

long: $(DEV)  ## run the tests that train for long, lead whole campaigns or try very many cases
	$(BIN)/pytest -n $(WORKERS) -m long

torture: $(DEV)  ## inject faults for half an hour: kills, full disks, damaged ledgers
	$(BIN)/pytest -m torture tests/torture --durations=0

coverage: $(DEV)  ## run the tests and fail if they execute fewer lines than pyproject.toml demands
	$(BIN)/pytest -n $(WORKERS) -m 'not torture' --cov

check: $(DEV)  ## run lint, types and moves, two at a time
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target types moves lint

lint: $(DEV)  ## run ruff and the import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(DEV)  ## run mypy
	$(BIN)/mypy

moves: $(DEV)  ## run ruff and mypy on the code of each move as applied
	$(BIN)/python -m moves lint types

site: $(DEV)  ## build the documentation as a site in site/; its search needs a server: python -m http.server -d site
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

format: $(DEV)  ## format the code, and mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(DEV)  ## pin the newest versions that pyproject.toml allows
	$(call compile,requirements-dev.lock,--upgrade --extra dev)
	$(call compile,requirements.lock,--constraint requirements-dev.lock)

oldest: $(RUN)  ## replace the locks by the oldest versions that pyproject.toml allows, keeping the tools; for CI
	$(PIP) install --quiet $(UV)
	$(call resolve,.venv/oldest,--resolution lowest-direct $(addprefix --extra ,$(EXTRAS)))
	$(call resolve,requirements-dev.lock,--constraint .venv/oldest --extra dev)
	$(call resolve,requirements.lock,--constraint requirements-dev.lock)

named:
	@$(if $(filter $(NAME),$(EXTRAS)),,$(error give NAME, one of: $(EXTRAS)))

# pip's warnings are of use only where it fails.
install = $(PIP) install --progress-bar on $(1) 2> .venv/pip.log || { cat .venv/pip.log; exit 1; }

resolve = $(BIN)/uv pip compile --quiet --torch-backend cpu --no-annotate --no-header $(2) --output-file $(1) \
	pyproject.toml && $(strip_lock) $(1)

# The lock names torch without its build, so that either fits. The line of stoichloop itself names a local folder.
compile = $(BIN)/pip-compile --quiet --allow-unsafe --strip-extras --no-annotate --no-header --no-emit-index-url \
	--no-emit-find-links --no-emit-trusted-host $(2) --output-file $(1) pyproject.toml && $(strip_lock) $(1)
strip_lock = sed -i -e 's/^\(torch==[0-9.]*\)+.*/\1/' -e '/^stoichloop /d' -e '/^pip==/d' -e '/^\#/d' -e '/^$$/d'

# On Linux, the default build of torch brings gigabytes of CUDA. Without an NVIDIA GPU, uv fetches the CPU build from
# PyTorch's own index. Where that cannot be reached, pip takes the build that its own index has.
$(RUN): requirements.lock pyproject.toml
	@echo "Fetching $$(wc -l < requirements.lock) packages, about $(RUN_MB) MB, into .venv; with an NVIDIA GPU, also" \
		"torch's CUDA libraries."
	$(PYTHON) -m venv .venv
	@if [ "$$(uname)" = Linux ] && ! nvidia-smi > /dev/null 2>&1; then $(torch_for_cpu); fi
	@$(call install,--requirement requirements.lock)
	@$(call install,--quiet --no-deps --no-build-isolation --editable .)
	@touch $@

torch_for_cpu = $(PIP) install --quiet $(UV) 2> .venv/pip.log && \
	UV_HTTP_TIMEOUT=15 UV_HTTP_RETRIES=1 $(BIN)/uv pip install --python $(BIN)/python --no-deps --torch-backend cpu \
	$$(grep '^torch==' requirements.lock) 2> .venv/uv.log || \
	echo "PyTorch's index of CPU builds cannot be reached; taking pip's build of torch."

# The packages of requirements.lock stand in requirements-dev.lock too, at the same versions. Python compiles a module
# at its first import; pip would compile all, most of which no test imports.
$(DEV): $(RUN) requirements-dev.lock
	@grep -vxFf requirements.lock requirements-dev.lock > .venv/development
	@echo "Fetching $$(wc -l < .venv/development) more packages, about $(DEV_MB) MB, for development."
	@$(call install,--no-compile --no-deps --requirement .venv/development)
	@touch $@
