# `make demo` and `make test` do all their own set-up; everything else stands on the `stormglass` command they install.
PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup setup-development demo compose-demo down test test-compose lint requirements clean

help: ## Say what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 20

setup:
	@$(PYTHON) platform/bootstrap.py runtime

setup-development:
	@$(PYTHON) platform/bootstrap.py development

demo: setup ## Start the platform, place one order, show its trace; leaves it running
	@$(BIN)/stormglass demo $(if $(FRESH),--fresh)

down: ## Stop everything the demo left running
	@test ! -x $(BIN)/stormglass || $(BIN)/stormglass down

test: setup-development ## Run the whole test suite on an instance of its own
	@$(BIN)/python -m pytest $(PYTEST)

compose-demo: setup ## The same tour in containers, then a failover and a cache fallback; leaves them running
	@$(BIN)/stormglass --runtime compose demo $(if $(FRESH),--fresh)
	@$(BIN)/stormglass --runtime compose demo failover
	@$(BIN)/stormglass --runtime compose demo cache-fallback

test-compose: setup-development ## The containers' own tests, in a project of their own; skipped where there is no engine
	@STORMGLASS_TEST_COMPOSE=1 $(BIN)/python -m pytest tests/compose $(PYTEST)

lint: setup-development ## ruff, mypy and the import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

UV_COMPILE := uv pip compile --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url \
	--custom-compile-command "make requirements" --quiet

requirements: ## Resolve pyproject.toml anew into requirements/*.txt (needs uv)
	$(UV_COMPILE) pyproject.toml --extra native --group build -o requirements/runtime.txt
	$(UV_COMPILE) pyproject.toml --extra native --group build --group test --group lint -c requirements/runtime.txt \
		-o requirements/development.txt
	$(UV_COMPILE) pyproject.toml -c requirements/runtime.txt -o requirements/container.txt
	$(UV_COMPILE) --group pyproject.toml:build -c requirements/runtime.txt -o requirements/build.txt

clean: ## Stop the demo, remove its data and what was installed
	@test ! -x $(BIN)/stormglass || $(BIN)/stormglass down --purge || \
		{ $(BIN)/stormglass status 2>&1 | grep -q 'there is no instance'; }
	rm -rf .venv
