# Two commands: `make run` and `make test`. Everything they need is set up by `make install`.
PYTHON ?= python3
SECONDS ?= 600
VENV := .venv
BIN := $(VENV)/bin
EXPLORER := app/pages/static/explorer/index.html
EXPLORER_SOURCES := $(wildcard app/pages/frontend/*.* app/pages/frontend/src/*.* app/pages/frontend/src/examples/*) app/pages/frontend/.npmrc

.PHONY: help install install-dev run test check lint format schema lock examples bench bench-quick bench-import
.PHONY: bench-readiness fuzz wheel explorer clean

help: ## what there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

$(VENV)/.installed: requirements.txt requirements-build.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes -r requirements.txt -r requirements-build.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/.tested: $(VENV)/.installed requirements-dev.txt
	$(PIP) --require-hashes -r requirements-dev.txt
	touch $@

# The explorer is a convenience: without Node or a registry the page says how to build it, and all else works.
$(EXPLORER): $(VENV)/.installed $(EXPLORER_SOURCES)
	$(BIN)/python -m app.pages.frontend.build || echo "explorer not built; /graphql will say how" >&2

install: $(VENV)/.installed explorer ## set up what running takes, in .venv

install-dev: install $(VENV)/.tested ## set up what testing and checking take as well

explorer: $(EXPLORER) ## build the GraphQL explorer

run: install ## serve the gateway over an embedded PostgreSQL (or DATABASE_URL) on PORT (8000)
	exec $(BIN)/evidence run

test: install-dev ## run the tests
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile

check: lint test ## all that CI checks: format, lint, types, arrows, drift, tests

lint: install-dev ## format, lint, types, arrows, schema drift
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/evidence schema --check

format: install-dev ## rewrite sources in the house style
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

schema: install-dev ## write schema.graphql again from the types
	$(BIN)/evidence schema --write

LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url

lock: install-dev ## pin the requirements again, with hashes and without addresses
	$(LOCK) --output-file requirements.txt pyproject.toml
	$(LOCK) --constraint requirements.txt --group build --output-file requirements-build.txt
	$(LOCK) --constraint requirements.txt --group dev --output-file requirements-dev.txt
	$(LOCK) --group fuzz --output-file tests/fuzz/requirements.txt

examples: install-dev ## make one set of example artifacts again: make examples SET=0.1.0/run-1
	$(BIN)/python examples/make.py $(SET)

bench: install ## compare the read path with peers and limits (about an hour); writes bench/RESULTS.md
	$(BIN)/python -m bench full

bench-quick: install ## the same in three minutes: this gateway, plain Strawberry, limits 1 and 3
	$(BIN)/python -m bench quick

bench-import: install ## import 1,000 mixed files into a fresh database; bench/IMPORT.md holds the figures
	$(BIN)/python -m bench.importing

bench-readiness: install ## readiness and history over 10 million snapshots (about 15 minutes); writes bench/READINESS.md
	$(BIN)/python -m bench.readiness

fuzz: $(VENV)/.fuzzed ## fuzz the importers for SECONDS (600) by coverage; findings go to .fuzz/
	for kind in json xml text; do $(BIN)/python -m tests.fuzz.fuzz_$$kind -max_total_time=$(SECONDS) || exit 1; done

$(VENV)/.fuzzed: $(VENV)/.tested tests/fuzz/requirements.txt
	$(PIP) --require-hashes -r tests/fuzz/requirements.txt
	touch $@

wheel: install ## build a wheel that stands alone
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist .

clean: ## remove what was built, not the data
	rm -rf $(VENV) dist app/pages/static/explorer app/pages/frontend/node_modules
