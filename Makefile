# make setup [EXTRAS=minilm,video] | demo | demo-reset | test | test-fast | fuzz | check | bench | chaos | soak
# make pictures | leaderboard ARGS=DIR | lock | upgrade | audit | sbom
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
# Where its Python has gone, as after an upgrade, nothing of it is installed.
$(shell test -x $(PY) || rm -f $(VENV)/.installed-*)
PIP := PYTHONUNBUFFERED=1 $(PY) -m pip --disable-pip-version-check --no-color install --require-hashes

LOCK := $(VENV)/bin/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --python-version 3.11 $(UPGRADE)

# What pyproject.toml calls optional, and what of it is asked for: separated by commas or spaces.
ALL_EXTRAS := $(filter-out dev,$(patsubst requirements-%.lock,%,$(wildcard requirements-*.lock)))
RUNTIME_LOCKS := requirements.lock $(ALL_EXTRAS:%=requirements-%.lock)
EXTRAS :=
comma := ,
extras := $(subst $(comma), ,$(EXTRAS))
ifneq ($(filter-out $(ALL_EXTRAS),$(extras)),)
$(error There is no extra "$(filter-out $(ALL_EXTRAS),$(extras))". There are: $(ALL_EXTRAS))
endif

# The extras; those of which one is named, what it asks for.
NAME_EXTRAS := import sys, tomllib; extras = tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]; print(*(extras[sys.argv[1]] if sys.argv[1:] else extras), sep="\n")

# The official SDKs of the drop-in endpoints, which tests run: one environment each, as two versions
# of a package share none.
SDKS := 1.x current
# What the leaderboard is held to, in environments of its own making.
PEERS := $(basename $(wildcard benchmarks/quality/peers/*.in))

# Each worker has a stack of its own; a file's tests share what is costly to set up.
WORKERS := auto
TEST := $(PY) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# Of pip's words, the package it is at, and its errors: its warnings fill the screen and ask for
# nothing. Where it fails without a word of error, its last words.
define INSTALL
@if [ -t 1 ]; then tty=1; fi; \
{ $(PIP) -r $< 2>&1; echo "pip ended with $$?"; } | awk -v tty="$$tty" -v all="$$(grep -c == $<)" ' \
	function say(text) { if (tty) { printf "\r\033[K  %s", text; fflush() } } \
	/^ *(WARNING|DEPRECATION|\[notice\])/ { next } \
	/^pip ended with / { status = $$4; next } \
	/^ *(ERROR|error|Traceback)/ { if (!failed) say(""); failed = 1 } \
	failed { print > "/dev/stderr"; next } \
	/^Collecting / { say("package " ++count " of up to " all ": " $$2) } \
	/^Installing / { say("installing " count " packages, which takes a while") } \
	{ last[++lines % 20] = $$0 } \
	END { \
		say(""); if (tty) printf "\r"; \
		if (status && !failed) for (i = lines > 20 ? lines - 19 : 1; i <= lines; i++) print last[i % 20] > "/dev/stderr"; \
		exit status \
	}'
endef

.PHONY: installed setup setup-dev demo demo-reset test test-fast fuzz check bench chaos soak leaderboard pictures lock upgrade audit sbom

installed: $(VENV)/.installed-requirements $(extras:%=$(VENV)/.installed-requirements-%)
setup: installed
	@echo "Kinship is set up. Next: make demo, which runs a sample store, or ./kinship help"
setup-dev: installed $(VENV)/.installed-requirements-dev $(SDKS:%=.sdk/%/.installed)

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Kinship needs Python 3.11 or newer; this is %d.%d. Run: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" % sys.version_info[:2])'
	@echo "Making the environment $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed-%: %.lock | $(PY)
	@echo "Installing the packages of $< into $(VENV)"
	$(INSTALL)
	@touch $@

.sdk/%/.installed: tests/sdk/%.lock | $(PY)
	@echo "Installing the packages of $< into .sdk/$*"
	@$(PY) -m venv --clear .sdk/$*
	$(subst $(PY),.sdk/$*/bin/python,$(INSTALL))
	@touch $@

# What looks at the packages shares none with them.
.audit/.installed: .ci/audit.lock | $(PY)
	@echo "Installing the packages of $< into .audit"
	@$(PY) -m venv --clear .audit
	$(subst $(PY),.audit/bin/python,$(INSTALL))
	@touch $@

demo: installed
	@$(PY) manage.py demo

demo-reset: installed
	@$(PY) manage.py demo --reset-only

test: setup-dev
	@$(TEST) $(ARGS)

test-fast: setup-dev
	@$(TEST) -m "not slow" $(ARGS)

# So many examples of each operation by the API's document, others each time; `make test` has ten.
EXAMPLES := 1000

fuzz: setup-dev
	@KINSHIP_FUZZ_EXAMPLES=$(EXAMPLES) $(PY) -m pytest tests/recommender/api/test_contract.py $(ARGS)

check: setup-dev
	$(VENV)/bin/ruff check --no-cache .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	cd examples/django_shop && ../../$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	PYTHONPATH=clients/python/src $(VENV)/bin/lint-imports --config clients/python/pyproject.toml
	$(PY) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run

bench: installed
	@$(PY) -m benchmarks $(ARGS)

chaos: installed
	@$(PY) -m benchmarks.chaos $(ARGS)

soak: installed
	@$(PY) -m benchmarks.soak $(ARGS)

leaderboard: installed
	@$(PY) -m benchmarks.quality $(ARGS)

# Needs Chromium; ARGS="--url http://127.0.0.1:8000" takes them of a demo that runs.
pictures: setup-dev
	@$(PY) -m tests.browser.pictures $(ARGS)

lock: setup-dev
	$(LOCK) pyproject.toml -o requirements.lock
	$(LOCK) --all-extras --group dev pyproject.toml -o requirements-dev.lock
	for extra in $$($(PY) -c '$(NAME_EXTRAS)'); do \
		$(PY) -c '$(NAME_EXTRAS)' $$extra | $(LOCK) -c requirements-dev.lock - -o requirements-$$extra.lock || exit 1; \
	done
	$(LOCK) .ci/audit.in -o .ci/audit.lock
	for sdk in $(SDKS); do $(LOCK) tests/sdk/$$sdk.in -o tests/sdk/$$sdk.lock || exit 1; done
	for peer in $(PEERS); do $(LOCK) $$peer.in -o $$peer.lock || exit 1; done

# The newest of everything that pyproject.toml allows.
upgrade:
	@$(MAKE) lock UPGRADE=--upgrade
	@echo "Look at what changed (git diff --stat '*.lock'), then: make check test audit"

# Asks pypi.org for known weaknesses; where it does not answer, that is an error and not a pass.
audit: .audit/.installed
	.audit/bin/pip-audit --strict --disable-pip --require-hashes $(RUNTIME_LOCKS:%=-r %)

sbom: .audit/.installed
	.audit/bin/cyclonedx-py requirements requirements.lock --output-reproducible -o sbom.json
