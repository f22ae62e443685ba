# make demo    set everything up and explore pde_m1 for ten minutes; again: resume
# make test    set everything up and run the tests
# make torture inject faults for half an hour: kills, full disks, damaged ledgers
# make check   lint, types and import rules
# make lock    pin the newest versions that pyproject.toml allows

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: demo test torture check lock

demo: $(READY)
	$(BIN)/stoichloop data pde_m1
	$(BIN)/stoichloop explore pde_m1 --campaign demo --budget 10m --fidelity probe

test: $(READY)
	$(BIN)/pytest -n auto

torture: $(READY)
	$(BIN)/pytest -m torture tests/torture --durations=0

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m moves lint types
	$(BIN)/lint-imports

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(READY)

# torch is pinned without its build tag, so that pip may take the CPU or the CUDA build of that version; the line of
# stoichloop itself, whose extras dev has, names a folder of this machine.
lock: $(READY)
	$(BIN)/pip-compile --quiet --upgrade --allow-unsafe --extra dev --strip-extras --no-annotate --no-header \
		--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --output-file requirements.lock pyproject.toml
	sed -i -e 's/^\(torch==[0-9.]*\)+.*/\1/' -e '/^stoichloop /d' -e '/^pip==/d' -e '/^#/d' -e '/^$$/d' requirements.lock
