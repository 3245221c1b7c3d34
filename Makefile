# The two commands a newcomer needs: `make serve` and `make test`. Both make the environment first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HOST ?= 127.0.0.1
PORT ?= 4000
EXAMPLES ?= 2000
WSLOAD ?=
CREF ?=

.PHONY: help install serve test lint types layers check bench clean
.PHONY: conformance conformance-beam conformance-websocket conformance-websocket-quick conformance-phoenix

help:
	@echo "make serve        serve the lobby chat on http://$(HOST):$(PORT) (HOST=, PORT=)"
	@echo "make test         run the test suite"
	@echo "make check        lint, types and import layers"
	@echo "make conformance  compare with a real BEAM (needs erl) and run the Autobahn suite (needs python2.7) and Phoenix's clients (needs node)"
	@echo "make conformance-websocket-quick  the Autobahn cases that are not about compression"
	@echo "make bench        benchmarks (WSLOAD=path CREF=path for those over sockets)"

install: $(BIN)/.installed

$(BIN)/.installed: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Regrow needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[all]" --group dev
	@touch $@

serve: install
	$(BIN)/regrow serve --host $(HOST) --port $(PORT)

test: install
	$(BIN)/python -m pytest -q

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python

layers: install
	$(BIN)/lint-imports

check: lint types layers

bench: install
	$(BIN)/python -m tests.benchmarks --wsload "$(WSLOAD)" --cref "$(CREF)"

conformance: conformance-beam conformance-websocket conformance-phoenix

# A comparison that did not take place is no success.
conformance-beam: install
	@command -v erl >/dev/null && command -v erlc >/dev/null || { echo "needs erl and erlc: install erlang-base" >&2; exit 2; }
	BEAM_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest -q -rP tests/conformance/beam

conformance-websocket: install
	$(BIN)/python -m tests.conformance.autobahn
	$(BIN)/python -m tests.conformance.autobahn --transport tasks

conformance-phoenix: install
	$(BIN)/python -m tests.conformance.phoenix_js

# The cases that are not about compression: less than a minute.
conformance-websocket-quick: install
	$(BIN)/python -m tests.conformance.autobahn --quick

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
