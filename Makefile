# make demo and make test are all a fresh clone needs; everything lives in .venv.
#
#   make PYTHON=/path/to/python3.12 test    another interpreter (3.10 to 3.13; default python3.11)
#   make PYTEST_ARGS="-k network" test      passed on to pytest
#   make OUT=some/folder demo               where the demo writes

VENV ?= .venv
OUT ?= demo-out
PYTEST_ARGS ?=
PYTHON ?=

BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PEERS := .peers
BOUNDSCHECK_TESTS := $(wildcard tests/simulate tests/sparsify tests/train)
# schemes made of numpy, and what trains with kernels that other files test
BOUNDSCHECK_LEAVES := $(wildcard \
    tests/sparsify/test_*_recipes.py tests/sparsify/test_catalogue.py tests/sparsify/test_magnitude.py \
    tests/sparsify/test_schedules.py tests/sparsify/test_significance.py tests/sparsify/test_structure*.py \
    tests/sparsify/test_target.py tests/train/test_adversarial.py tests/train/test_attacks.py \
    tests/train/test_compaction.py tests/train/test_conformance.py tests/train/test_mask*.py \
    tests/train/test_integer_grid.py tests/train/test_perturb.py tests/train/test_regularizers.py \
    tests/train/test_presets.py tests/train/test_without_torch.py)

.DEFAULT_GOAL := help
.PHONY: help install demo test test-main test-boundscheck lint bench peers clean

help:  ## Show this list
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/  make \1\t\2/p' Makefile | expand -t 28

install: $(INSTALLED)  ## Make .venv and install everything (the others do it when needed)

$(INSTALLED): pyproject.toml requirements/constraints.txt requirements/install.sh requirements/install-torch.sh
	requirements/install.sh $(VENV) $(PYTHON)
	@touch $@

demo: $(INSTALLED)  ## Train, simulate, export, run in Lava and report, on real images
	$(BIN)/neurosparse demo --out $(OUT)

test: test-main test-boundscheck  ## Run all tests (under 12 minutes on 2 cores)

test-main: $(INSTALLED)
	$(BIN)/python -m pytest -n 2 --dist loadfile $(PYTEST_ARGS)

# Compiled code reads past the end of an array without a word; here numba checks every index.
# It needs a cache of its own, as numba's does not know with which checks a kernel was compiled.
test-boundscheck: $(INSTALLED)
	HYPOTHESIS_PROFILE=bounds NUMBA_BOUNDSCHECK=1 NUMBA_CACHE_DIR=$(CURDIR)/build/numba-boundscheck \
	    $(BIN)/python -m pytest -n 2 --dist loadfile -m "not lava and not slow" \
	    $(BOUNDSCHECK_TESTS) $(addprefix --ignore=,$(BOUNDSCHECK_LEAVES)) $(PYTEST_ARGS)

lint: $(INSTALLED)  ## Check style, types and the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(INSTALLED)  ## Run every benchmark
	$(BIN)/python -m benchmarks --all

peers: $(addprefix $(PEERS)/,$(addsuffix /.installed,brian2 nest spikingjelly))  ## Make environments of Brian2, NEST and SpikingJelly for the benchmarks

$(PEERS)/%/.installed: requirements/peers-%.txt $(INSTALLED)
	$(BIN)/python -m venv $(PEERS)/$*
	$(PEERS)/$*/bin/python -m pip --disable-pip-version-check install --quiet -r $<
	@touch $@

$(PEERS)/spikingjelly/.installed: requirements/peers-spikingjelly.txt $(INSTALLED)
	$(BIN)/python -m venv $(PEERS)/spikingjelly
	requirements/install-torch.sh $(PEERS)/spikingjelly
	$(PEERS)/spikingjelly/bin/python -m pip --disable-pip-version-check install --quiet -r $<
	$(PEERS)/spikingjelly/bin/python -m pip --disable-pip-version-check install --quiet --no-deps \
	    spikingjelly==2.0.0
	@touch $@

clean:  ## Remove everything made, .venv too
	rm -rf $(VENV) $(PEERS) $(OUT) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis \
	    .import_linter_cache
	find neurosparse tests benchmarks examples -name __pycache__ -type d -exec rm -rf {} +
