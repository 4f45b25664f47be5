# Bare `make` lists the targets. PORT and DATA_DIR choose the port and where everything lives.
SHELL := /bin/sh
PYTHON ?= python3
PY := .venv/bin/python
export PYTHONUTF8 := 1

.DEFAULT_GOAL := help
.PHONY: help install up down reset test lint format bench bench-models messages lock screenshots logs shell

help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | while IFS="$$(printf '\t')" read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done

install: ## Install the locked Python and front-end packages and compile the English texts, if they changed
	@$(PYTHON) tools/install.py
	@$(PYTHON) tools/assets.py
	@[ locale/en/LC_MESSAGES/django.mo -nt locale/en/LC_MESSAGES/django.po ] || $(PY) manage.py messages --compile

up: install ## Start everything here: PostgreSQL, Valkey, web, worker, beat, inbox (PORT=8000 DATA_DIR=.data DEMO=1)
	@exec $(PY) -m scrm.up up

down: ## Stop this copy from another terminal
	@exec $(PY) -m scrm.up down

reset: ## Stop this copy and remove its data, after asking (FORCE=1: without)
	@exec $(PY) -m scrm.up reset

# The tests' servers live in a data directory inside the copy's and are stopped afterwards.
# As many files at a time as there are processors, four at most, each side with a database of its own; ARGS=-n0 for one after the other (and --pdb).
test: install ## Run the tests on a PostgreSQL of their own (ARGS="-k words tests/members")
	@DATA_DIR="$${DATA_DIR:-.data}/test"; export DATA_DIR; code=0; \
	$(PY) -m pytest -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(ARGS) || code=$$?; $(PY) -m scrm.up down >/dev/null || true; exit $$code

lint: install ## Check style, types, layers, templates, SQL, migrations and translations
	@PY=$(PY) exec tools/lint

format: install ## Put Python and templates in shape
	@$(PY) -m ruff check --fix --quiet . ; $(PY) -m ruff format --quiet .
	@git ls-files -z 'templates/*.html' | xargs -0 .venv/bin/djade

bench: install ## Measure, and write docs/benchmarks.md (MEMBERS=1000000 ORDERS=10000000)
	@exec $(PY) -m benchmarks

bench-models: install ## Measure the models alone (MEMBERS=1000000)
	@ONLY=models exec $(PY) -m benchmarks

messages: install ## Collect the texts to translate and compile them
	@$(PY) manage.py messages

lock: ## Resolve the dependencies anew into requirements.lock and tools/node.lock (needs uv)
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header pyproject.toml --extra dev -o requirements.lock
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header tools/node.in -o tools/node.lock

screenshots: install ## Take the screenshots of docs/ from a running copy (PORT=8000)
	@exec $(PY) tools/screenshots.py

logs: ## Follow the logs of a running copy
	@exec tail -n 20 -F "$${DATA_DIR:-.data}"/log/*.log

shell: install ## A Python shell with the models
	@exec $(PY) manage.py shell
