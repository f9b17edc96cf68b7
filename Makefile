# Needs Python 3.11 or later, git and make; everything else is put into .venv. Run again, a target does only what is left to do.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/python -m uv --quiet

.PHONY: demo test lint bench docs picture screenshots clean

# Nobody wants to read what an installer says when all is well.
$(VENV): $(VENV)/.installed
$(VENV)/.installed: pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed: make PYTHON=python3.11"; exit 1; }
	@test -x $(BIN)/python || { echo "Making $(VENV) and installing what is locked, once"; $(PYTHON) -m venv $(VENV); }
	@$(BIN)/python -m uv --version >/dev/null 2>&1 || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(UV) sync --frozen --inexact
	@touch $@

$(VENV)/.installed-bench: $(VENV)/.installed
	@$(UV) sync --frozen --inexact --group bench
	@touch $@

demo: $(VENV)/.installed ## The main road with counterparties that misbehave on purpose; ends with 1 when anything was lost or doubled
	@$(BIN)/crossdock demo $(DEMO)

# Two at a time, a module on one of them: tests of one module share its fixtures, some of which are running programs.
test: lint ## Everything that must hold: style, types, import contracts, documentation, all tests
	@$(BIN)/python -m pytest -n 2 --dist loadscope $(TESTS)

lint: $(VENV)/.installed ## Style, types and import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

bench: $(VENV)/.installed-bench ## The measurements, with machine and versions
	@$(BIN)/python -m bench $(BENCH)

docs: $(VENV)/.installed ## The reference, from the code
	@$(BIN)/python -m crossdock.cli.reference docs/reference

picture: $(VENV)/.installed ## The picture of the live view in the README
	@mkdir -p docs/images
	@$(BIN)/crossdock demo --picture docs/images/live-view.svg --json >/dev/null

screenshots: $(VENV)/.installed ## The pictures of the dashboard in README and docs; needs Chromium
	@$(BIN)/python docs/images/screenshots.py

clean:
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
