# Needs Python 3.11 or newer with venv, and make. Everything else is installed into .tools and .venv.
.DEFAULT_GOAL := help
SHELL := /bin/sh

PYTHON ?= $(shell command -v python3.11 || command -v python3)
DATA   ?=
CONFIG ?=
ARGS   ?=
ONLY   ?=

UV  := .tools/bin/uv
BIN := .venv/bin
DEMO := data/demo

export OMP_WAIT_POLICY := PASSIVE
# without compiled modules each start takes seconds more
unexport PYTHONDONTWRITEBYTECODE
# not for notebooks, whose kernel shows the pictures itself
train unit test-all experiments: export MPLBACKEND := Agg

.PHONY: help env train test test-all lint unit experiments notebooks lab ui pictures versions docs clean

help: ## what can be made here
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-10s %s\n", $$1, $$2}' Makefile
	@echo "Variables: DATA=folder CONFIG=study.toml ONLY=folder ARGS='more options of churnml train' PYTHON=interpreter"

$(UV):
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; none was found on the PATH." >&2; exit 2; }
	"$(PYTHON)" -m venv .tools
	.tools/bin/python -m pip install --quiet "uv>=0.9"

.venv/.synced: uv.lock pyproject.toml | $(UV)
	$(UV) sync --locked --python .tools/bin/python
	@touch $@

env: .venv/.synced ## the locked environment in .venv

train: env ## the monthly run; simulates the demonstration data if none is there
	@if [ -z "$(DATA)$(CONFIG)" ] && [ ! -d $(DEMO)/data ]; then $(BIN)/python -m churnml simulate $(DEMO); fi
	$(BIN)/python -m churnml.train $(if $(DATA),"$(DATA)") $(if $(CONFIG),--config "$(CONFIG)") $(ARGS)

lint: env ## ruff and mypy
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

unit: env
	$(BIN)/python -m pytest -n 2 --dist loadfile

test: lint unit ## style, types and the quick tests

test-all: lint ## style, types and every test, the slow ones too
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "slow or not slow"

experiments: env ## all studies on all data sets; ONLY=oulad DATA=../shared/data
	$(BIN)/python experiments/run.py $(if $(DATA),--data "$(DATA)") $(if $(ONLY),--only "$(ONLY)")

notebooks: env ## run the notebooks and store their pictures; DATA=../shared/data: those of public data, too
	$(BIN)/jupytext --sync --execute notebooks/*.py
	$(if $(DATA),CHURNML_DATA="$(abspath $(DATA))" $(BIN)/jupytext --sync --execute experiments/*/notebook.py)

lab: env ## JupyterLab on the notebooks, with the MLflow pages beside it
	JUPYTER_PREFER_ENV_PATH=1 $(BIN)/python -m churnml.tracking.beside \
		$(BIN)/jupyter lab --ip 127.0.0.1 $(ARGS) notebooks

ui: env ## the MLflow pages of past runs on http://127.0.0.1:5000
	@test -f mlruns/mlflow.db || { echo "No run is stored yet: make train" >&2; exit 2; }
	MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false $(BIN)/mlflow ui --workers 1 --host 127.0.0.1 --backend-store-uri "sqlite:///$(CURDIR)/mlruns/mlflow.db"

pictures: env ## the table of results and the pictures of the README, of the model in use
	$(BIN)/python .github/readme.py

versions: $(UV) ## the quick tests on every Python from 3.11 on that is found here
	@sh .github/versions.sh "$(UV)"

docs: env ## the reference pages, in build/reference
	$(BIN)/python -m churnml.reference build/reference

clean: ## remove what was installed and cached; data and runs stay
	rm -rf .venv .venv-* .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build
