# Daybook: everything a person types. `make help` lists it.

PYTHON ?= $(shell command -v python3 || command -v python3.11 || command -v python3.12 || echo python3)
VENV   := $(if $(DAYBOOK_VENV),$(DAYBOOK_VENV),.venv)
RUN    := $(VENV)/bin/python

.DEFAULT_GOAL := help
.PHONY: help setup run test soak check fix lock setup-dev

help: ## show this list
	@echo "make <what>, with ARGS=\"...\" where it says so:"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo "PYTHON=... chooses the interpreter (3.11 or newer), DAYBOOK_VENV=... the environment's folder."

setup: ## install what running needs, and leave .venv/bin/daybook
	@$(PYTHON) bootstrap.py setup

run: setup ## bring Daybook up with the demo franchise (ARGS="--port 8080")
	@exec $(VENV)/bin/daybook up --demo $(ARGS)

test: setup-dev ## run the tests, and see that domain/ is covered (ARGS="tests/domain -k slot": just those)
	@$(RUN) -m tools.test $(ARGS)

soak: setup-dev ## run the tests that are too long for every day, at full size
	@DAYBOOK_SOAK=1 $(RUN) -m tools.test -m "soak or hypothesis" tests $(ARGS)

check: setup-dev ## lint, format, types, import rules, lock files, generated files
	@$(RUN) -m tools.check

fix: setup-dev ## let the tools mend what they can
	@$(RUN) -m ruff check --fix --quiet . ; $(RUN) -m ruff format --quiet .

lock: setup-dev ## resolve the lock files anew from pyproject.toml
	@$(RUN) -m tools.lock $(ARGS)

setup-dev:
	@$(PYTHON) bootstrap.py setup --dev
