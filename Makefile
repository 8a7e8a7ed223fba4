# `make demo` and `make test` do all their own set-up; everything else stands on the `stormglass` command they install.
PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup setup-development demo down test lint requirements clean

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

lint: setup-development ## ruff, mypy and the import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

requirements: ## Resolve pyproject.toml anew into requirements/*.txt (needs uv)
	uv pip compile pyproject.toml --group build --universal --python-version 3.11 --generate-hashes --no-strip-extras \
		--no-emit-index-url --custom-compile-command "make requirements" --quiet -o requirements/runtime.txt
	uv pip compile pyproject.toml --group build --group test --group lint --universal --python-version 3.11 --generate-hashes --no-strip-extras \
		--no-emit-index-url --custom-compile-command "make requirements" --quiet -c requirements/runtime.txt \
		-o requirements/development.txt

clean: down ## Stop everything and remove what was installed and all data
	@test ! -x $(BIN)/stormglass || $(BIN)/stormglass down --purge
	rm -rf .venv
