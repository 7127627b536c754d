# make setup | demo | demo-reset | test | test-fast | check | bench | lock
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check install --quiet --require-hashes

LOCK := $(VENV)/bin/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --python-version 3.11

# The official SDKs of the drop-in endpoints, which tests run: one environment each, as two versions
# of a package share none.
SDKS := 1.x current

# Each worker has a stack of its own; a file's tests share what is costly to set up.
WORKERS := auto
TEST := $(PY) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: setup setup-dev demo demo-reset test test-fast check bench lock

setup: $(VENV)/.installed-requirements
setup-dev: setup $(VENV)/.installed-requirements-dev $(SDKS:%=.sdk/%/.installed)

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Kinship needs Python 3.11 or newer; this is %d.%d. Run: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed-%: %.lock | $(PY)
	$(PIP) -r $<
	@touch $@

.sdk/%/.installed: tests/sdk/%.lock | $(PY)
	$(PY) -m venv --clear .sdk/$*
	.sdk/$*/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes -r $<
	@touch $@

demo: setup
	@$(PY) manage.py demo

demo-reset: setup
	@$(PY) manage.py demo --reset-only

test: setup-dev
	@$(TEST) $(ARGS)

test-fast: setup-dev
	@$(TEST) -m "not slow" $(ARGS)

check: setup-dev
	$(VENV)/bin/ruff check --no-cache .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(PY) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run

bench: setup
	@$(PY) -m benchmarks $(ARGS)

lock: setup-dev
	$(LOCK) pyproject.toml -o requirements.lock
	$(LOCK) --extra minilm --extra video --group dev pyproject.toml -o requirements-dev.lock
	for sdk in $(SDKS); do $(LOCK) tests/sdk/$$sdk.in -o tests/sdk/$$sdk.lock || exit 1; done
