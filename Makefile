# `make demo` and `make test` each work alone on a fresh clone: both install into .venv first.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
SOURCES := $(wildcard common audio pointcloud data_prep scripts tests)
# randquant holds the other folders by links (common/randquant/audio, ...): one name for each in a clone and a wheel.
PACKAGES := randquant tests

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-long test-gpu lint docs scatter constraints dist clean distclean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(INSTALLED) ## Create .venv and install everything (about 3 GB to download, once)

demo: $(INSTALLED) ## Pretrain and probe on a small synthetic data set, in minutes
	$(PY) -m scripts.demo

test: lint ## Run ruff, mypy and pytest (with the doctests)
	OMP_NUM_THREADS=1 $(PY) -m pytest -q -n logical --maxprocesses 4 --dist worksteal

test-long: $(INSTALLED) ## Run whole chains, kills, a campaign of damaged files, the pages, the notebooks and the site (minutes)
	OMP_NUM_THREADS=1 $(PY) -m pytest -q -m long -n logical --maxprocesses 4 --dist worksteal

test-gpu: $(INSTALLED) ## Run what needs a CUDA device
	$(PY) -m pytest -q -m gpu

lint: $(INSTALLED) ## Run ruff and mypy alone
	$(PY) -m ruff check .
	$(PY) -m mypy $(addprefix -p ,$(PACKAGES))

docs: $(INSTALLED) ## Build the site into build/site (GALLERY=no: without the pictures, a minute less)
	@if [ "$(GALLERY)" = no ]; then echo "GALLERY=no: pictures of an earlier build, or none."; else $(PY) common/docs/gallery.py; fi
	NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict --quiet --config-file common/docs/mkdocs.yml
	@echo "build/site: look at it by $(PY) -m http.server --directory build/site"

scatter: $(INSTALLED) ## Build torch-scatter for this torch (minutes, once; everything runs without it, faster with it)
	$(PY) -m scripts.build_scatter

constraints: $(INSTALLED) ## Write the versions in .venv into constraints.txt (pins of packages not in it stay)
	@{ grep '^#' constraints.txt; \
	   { $(PY) -m pip list --format=freeze; grep -v '^#' constraints.txt; } \
	   | awk -F == '{ name = tolower($$1); gsub(/[-_.]+/, "-", name) } \
	                name != "pip" && name != "randquant" && !seen[name]++' | LC_ALL=C sort -f; } > constraints.txt.new
	@mv constraints.txt.new constraints.txt

dist: $(INSTALLED) ## Build an sdist, and from it the wheel, into dist
	rm -rf build dist
	$(PY) -c "from setuptools import build_meta; build_meta.build_sdist('dist')"
	$(PY) -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist dist/*.tar.gz

clean: ## Remove caches and build products
	rm -rf build dist common/*.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## Remove .venv too
	rm -rf $(VENV)

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "randquant needs Python 3.11 or newer, and $(PYTHON) is not; name one, as in: make PYTHON=python3.11 $(MAKECMDGOALS)" >&2; exit 2; }
	@$(PY) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $(VENV) || { \
		echo "$(PYTHON) cannot create an environment; on Debian and Ubuntu: apt-get install -y python3-venv" >&2; exit 2; }
	@echo "Installing into $(VENV): about 3 GB and some minutes the first time."
	@$(PY) -m pip install --quiet --constraint constraints.txt setuptools
	$(PY) -m pip install --no-build-isolation --constraint constraints.txt --editable '.[all]'
	@$(PY) -m scripts.check_libusb
	@touch $@
