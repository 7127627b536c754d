# make setup | demo | demo-reset | test | check | bench | lock
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check install --quiet --require-hashes

.PHONY: setup setup-dev demo demo-reset test check bench lock

setup: $(VENV)/.installed-requirements
setup-dev: setup $(VENV)/.installed-requirements-dev

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Kinship needs Python 3.11 or newer; this is %d.%d. Run: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed-%: %.lock | $(PY)
	$(PIP) -r $<
	@touch $@

demo: setup
	@$(PY) manage.py demo

demo-reset: setup
	@$(PY) manage.py demo --reset-only

test: setup-dev
	@$(PY) -m pytest

check: setup-dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(PY) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run

bench: setup
	@$(PY) -m benchmarks $(ARGS)

lock: setup-dev
	$(VENV)/bin/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --python-version 3.11 pyproject.toml -o requirements.lock
	$(VENV)/bin/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --python-version 3.11 --extra minilm --group dev pyproject.toml -o requirements-dev.lock
