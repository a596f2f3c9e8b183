# Everything a person or CI runs. A fresh machine needs Python 3.11 or later, make and git.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
NODE_TESTS := tests/journeys/node
NODE_READY := $(NODE_TESTS)/node_modules/.ready
MAP_TESTS := tests/sourcemaps
BUNDLERS_READY := $(MAP_TESTS)/node_modules/.ready
CORPUS_READY := $(MAP_TESTS)/corpus/.ready
NPM_INSTALL := npm install --silent --no-audit --no-fund --no-package-lock --ignore-scripts
# More than a small machine has cores: tests wait for processes, disks and limits of time.
TEST_PROCESSES ?= 3
PACKAGES := core/provenance_core storage/provenance_storage server/provenance_server http_api/provenance_http cli/provenance_cli

.DEFAULT_GOAL := help
.PHONY: help install demo clients test check format lint types layers serve docs mcpb lock clean

help: ## Say what there is
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "Python cannot make a virtual environment; on Debian: apt-get install python3-venv"; exit 1; }
	@echo "Installing into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@$(BIN)/python -m compileall -q $(VENV)/lib $(PACKAGES) >/dev/null || true
	@touch $@

# The clients that the journeys drive, from npm; without a network they are skipped and say so (with CI=true they fail).
$(NODE_READY): $(NODE_TESTS)/package.json $(READY)
	@cd $(NODE_TESTS) && PATH="$(CURDIR)/$(BIN):$$PATH" $(NPM_INSTALL) && touch node_modules/.ready || echo "npm could not install the clients in $(NODE_TESTS); the tests that need them are skipped."

$(BUNDLERS_READY): $(MAP_TESTS)/package.json | $(READY)
	@cd $(MAP_TESTS) && PATH="$(CURDIR)/$(BIN):$$PATH" $(NPM_INSTALL) && touch node_modules/.ready || echo "npm could not install the bundlers in $(MAP_TESTS); the tests that need them are skipped."

# Source maps of published packages, and of a build with Turbopack: nothing of it is in the repository.
$(CORPUS_READY): $(MAP_TESTS)/fetch.py $(MAP_TESTS)/turbopack/package.json | $(READY)
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python $(MAP_TESTS)/fetch.py $(MAP_TESTS)/corpus || echo "npm could not fetch source maps into $(MAP_TESTS)/corpus; the tests that need them are skipped."

install: $(READY) ## Install into .venv

demo: $(READY) ## Show the main job on real events
	@$(BIN)/provenance demo

clients: $(NODE_READY) $(BUNDLERS_READY) $(CORPUS_READY)

test: $(READY) clients ## Run the whole test suite
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest -q --numprocesses $(TEST_PROCESSES) --dist worksteal

check: format lint types layers test ## Everything CI checks: format, lint, types, layers, tests

format: $(READY) ## Check the format (ruff format writes it)
	@$(BIN)/ruff format --check .

lint: $(READY) ## Check the code
	@$(BIN)/ruff check .

types: $(READY) ## Check the types, strictly
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pyright

layers: $(READY) ## Check that layers import downward only
	@$(BIN)/lint-imports --no-cache

serve: $(READY) ## Start the server on http://127.0.0.1:4000
	@$(BIN)/provenance serve

docs: $(READY) ## Write docs/reference from the tools, routes and commands
	@$(BIN)/python docs/generate.py

mcpb: $(READY) ## Write dist/provenance.mcpb, which desktop hosts install with one click
	@$(BIN)/python mcpb/build.py

lock: ## Rewrite constraints.txt from what an install resolves to today
	@rm -rf .lock && $(PYTHON) -m venv .lock
	@.lock/bin/python -m pip install --quiet --disable-pip-version-check '.[dev]'
	@.lock/bin/python -m pip freeze --exclude provenance-errors --exclude pip --exclude setuptools | grep -v ' @ ' > constraints.txt
	@rm -rf .lock && echo "constraints.txt holds $$(wc -l < constraints.txt) pins."

clean: ## Remove what was installed and built
	@rm -rf $(VENV) .lock $(NODE_TESTS)/node_modules $(MAP_TESTS)/node_modules $(MAP_TESTS)/corpus dist build .pytest_cache .ruff_cache .hypothesis
