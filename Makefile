# The few things one does with Regulars. `make help` lists them; each does its set-up first and skips what is done.
PYTHON ?= python3
VENV := .venv/bin/python
.DEFAULT_GOAL := help
.PHONY: help setup run test check bench lock clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

setup: ## install what the lock files name (nothing when that is done)
	@$(PYTHON) -m saas setup

run: setup ## start everything and say where to sign in; PORT= VAR= DEMO=0 DATABASE_URL= REDIS_URL=
	@exec $(VENV) -m saas up --with-parent

test: ## the whole suite with its own servers and browser; ARGS="-k name" picks some
	@$(PYTHON) -m saas setup --dev --browser
	@exec $(VENV) -m tests $(ARGS)

check: ## style, imports and the rules of the house, without the long tests
	@$(PYTHON) -m saas setup --dev
	@$(VENV) -m ruff check .
	@$(VENV) -m ruff format --check .
	@exec $(VENV) -m pytest tests/rules

bench: ## figures side by side with their limits; ARGS= goes to the benchmarks
	@$(PYTHON) -m saas setup --dev
	@exec $(VENV) -m bench $(ARGS)

lock: ## write the lock files anew from pyproject.toml, without any address in them
	@$(PYTHON) -m saas setup --dev
	@$(VENV) -m saas lock $(ARGS)

clean: ## remove all that was made here, the demo's data too; only what is in git stays
	rm -rf .venv node_modules var tenant_admin/static/vendor .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
