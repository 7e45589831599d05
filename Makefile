# Each target makes what it needs first, on a machine that has Python >= 3.11, make and a package registry:
#   make demo     the main job on an embedded model and data set; results in runs/demo
#   make test     format, lint, types, import contracts and tests
#   make check    the same without the tests        make docs    the generated pages of docs/
#   make format   format and mend what can be mended                   make site    the site of the docs, in build/site
#   make smoke    the built wheel, without development tools
#   make lowest   the tests with the lowest versions that pyproject.toml allows
#   make env      only the environment              make clean   remove what these targets made (runs/ stays)
#
# Settings, for example `make demo VENV=$HOME/envs/gpu`:
#   VENV          the environment; a PyTorch that it already has is kept as it is   [.venv]
#   PYTHON        makes the environment when there is none                          [python3]
#   TORCH         what is asked for when there is no PyTorch                        [torch==2.13.0]
#   TORCH_INDEX   the only package index to ask for PyTorch      TORCH_GPU=1   accept a GPU build
VENV ?= .venv
PYTHON ?= python3
TORCH ?= torch==2.13.0
TORCH_INDEX ?=
TORCH_GPU ?=

PY := $(VENV)/bin/python

# Functions of the folder of an environment. PyTorch comes first; its version is written down, and everything else is installed
# under that constraint, which is read anew each time, so that no PyTorch is ever replaced.
new_environment = $(PYTHON) -c '$(OLD_PYTHON)' && $(PYTHON) -m venv $(1)
pip_of = $(1)/bin/python -m pip --disable-pip-version-check -qq
install = $(call pip_of,$(1)) install "pip>=25.1" && $(1)/bin/python scripts/install_torch.py "$(TORCH)" \
	$(if $(TORCH_INDEX),--index "$(TORCH_INDEX)") $(if $(TORCH_GPU),--gpu) --constraint $(1)/dimscope-torch.txt && \
	$(call pip_of,$(1)) install -c $(1)/dimscope-torch.txt
OLD_PYTHON := import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or later is needed; name one with PYTHON=")

.PHONY: demo test check format docs site env smoke lowest clean
.NOTPARALLEL:

demo: $(VENV)/.dimscope
	@$(VENV)/bin/dimscope demo

test: check
	@$(PY) -m pytest -q

check: $(VENV)/.dimscope-tools
	@$(PY) -m ruff check --quiet .
	@found=$$($(PY) -m ruff format --check . 2>&1) || { echo "$$found"; exit 1; }
	@$(PY) -m mypy --no-error-summary
	@$(PY) -m mypy --no-error-summary --strict scripts/*.py
	@found=$$($(VENV)/bin/lint-imports 2>&1) || { echo "$$found"; exit 1; }
	@echo "Checks passed: format, lint, types, import contracts."

format: $(VENV)/.dimscope-tools
	@$(PY) -m ruff check --quiet --fix . ; $(PY) -m ruff format --quiet .

docs: $(VENV)/.dimscope-tools
	@$(PY) scripts/make_docs.py

# Every warning is an error: a page without its place, a link or a heading that is not there.
site: $(VENV)/.dimscope-site
	@NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict --quiet
	@echo "Site: build/site/index.html"

env: $(VENV)/.dimscope-tools

clean:
	rm -rf $(if $(filter .venv,$(VENV)),.venv) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

$(PY):
	@echo "Making the environment $(VENV) ..."
	@$(call new_environment,$(VENV))

$(VENV)/.dimscope: pyproject.toml | $(PY)
	@echo "Installing dimscope and the packages of its demo ..."
	@$(call install,$(VENV)) -e '.[demo]'
	@touch $@

$(VENV)/.dimscope-tools: pyproject.toml $(VENV)/.dimscope
	@echo "Installing the tools of tests and checks ..."
	@$(call install,$(VENV)) --group test --group lint
	@touch $@

$(VENV)/.dimscope-site: pyproject.toml $(VENV)/.dimscope-tools
	@echo "Installing the tools of the site ..."
	@$(call install,$(VENV)) --group docs
	@touch $@

# A wheel that lacks a file, or needs a development tool, fails here.
smoke:
	@rm -rf build/smoke build/wheel
	@echo "Building the wheel and installing it into an environment of its own ..."
	@$(call new_environment,build/smoke)
	@$(call pip_of,build/smoke) wheel --no-deps --wheel-dir build/wheel .
	@$(call install,build/smoke) build/wheel/*.whl
	@build/smoke/bin/python scripts/smoke_wheel.py

# Packages that dimscope does not name are at their newest, and warn about the old ones: their deprecations are no failure.
lowest:
	@rm -rf build/lowest
	@echo "Installing the lowest versions into an environment of their own ..."
	@$(call new_environment,build/lowest)
	@$(PYTHON) scripts/lowest_versions.py > build/lowest/lowest.txt
	@$(call install,build/lowest) -c build/lowest/lowest.txt -e '.[demo]' --group test
	@build/lowest/bin/python -m pytest -q -W ignore::DeprecationWarning
