# Firn's commands. `make` or `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/sh
BIN := .venv/bin
.NOTPARALLEL:
.PHONY: help run env env-dev test check format services services-down cluster cluster-down bench bench-micro docs lock clean

help:  ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: env  ## start Firn in one process, nothing else needed (first start sets it up)
	@exec $(BIN)/firn serve

test: check services  ## all checks and tests; says at the end what it skipped and why
	@deploy/js-packages.sh || true
	@exec $(BIN)/python -m pytest --numprocesses 2

check: env-dev  ## format, lint, types, layers, dependencies
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@cd clients/python && $(CURDIR)/$(BIN)/lint-imports --no-cache
	@$(BIN)/python -m tests.support.check_dependencies

format: env-dev  ## write the code in the one format
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

services: env  ## start private real services for tests (no root: what is installed)
	@deploy/rocketmq-library.sh || true
	@exec $(BIN)/python -m deploy.services up

services-down:  ## stop the services that `make services` started
	@exec python3 -m deploy.services down

cluster: env  ## start three workers (WORKERS=n) with services and a gateway; see .services/cluster.env
	@deploy/rocketmq-library.sh || true
	@exec $(BIN)/python -m deploy.cluster up $(WORKERS)

cluster-down:  ## stop what `make cluster` started
	@exec python3 -m deploy.cluster down

bench: env-dev services  ## load tests over the whole path, on each store, and of a cluster
	@$(BIN)/firn bench load
	@exec $(BIN)/firn bench cluster

bench-micro: env-dev  ## micro-benchmarks of the hot path
	@exec $(BIN)/firn bench micro

docs: env-dev  ## generate the reference pages under docs/reference
	@$(BIN)/firn config --reference >docs/reference/settings.md
	@$(BIN)/firn docs routes >docs/reference/routes.md
	@$(BIN)/python -m tests.support.spec.coverage_page >docs/reference/coverage.md

lock:  ## pin all dependencies anew (`make lock ARGS=--upgrade` for newer versions)
	@deploy/lock.sh $(ARGS)

clean:  ## remove what was built here (not data/, not firn.toml)
	@rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist *.egg-info

env:
	@deploy/setup-env.sh run

env-dev:
	@deploy/setup-env.sh dev
