# Every target makes .venv by itself: once, and again when pyproject.toml or constraints.txt changed.
#
#   make lab             open the labs in JupyterLab, as a copy of your own in work/
#   make run             execute every lab and write build/index.html; LAB=01 for one
#   make test            the tests, every lab executed once among them; make test-slow for the long ones
#   make bench           batched against single generation; number formats; training on ranks; small training runs
#   make check           ruff (notebooks too) and mypy
#   make clean           remove what these made, except work/
#
# PYTHON=python3.12 chooses the Python for a new .venv; ARGS="…" goes to the command that a target runs.

LAB =
ARGS =
PYTHON =
CANDIDATES = python3.13 python3.12 python3.11 python3 python

BIN = .venv/bin
STAMP = .venv/installed
# The paths in a .venv are absolute: one that was moved or copied with the course is made anew.
MADE_HERE = grep -qF ' $(CURDIR)/.venv' .venv/pyvenv.cfg 2>/dev/null
FITS = import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))

.PHONY: lab run test test-slow bench check clean
ifeq ($(shell $(MADE_HERE) && echo yes),)
.PHONY: $(STAMP)
endif

lab: $(STAMP)
	@$(BIN)/labkit lab $(ARGS)

run: $(STAMP)
	$(BIN)/labkit run $(LAB) $(ARGS)

test: $(STAMP)
	$(BIN)/python -m pytest $(ARGS)

test-slow: $(STAMP)
	$(BIN)/python -m pytest -m slow $(ARGS)

bench: $(STAMP)
	$(BIN)/python -m labkit.bench

check: $(STAMP)
	$(BIN)/ruff check labkit tests notebooks
	$(BIN)/ruff format --check labkit tests notebooks
	$(BIN)/mypy

clean:
	rm -rf .venv .wheel build labkit.egg-info .mypy_cache .pytest_cache .ruff_cache
	find labkit tests -name __pycache__ -prune -exec rm -rf {} +

# The stamp is written last, so that an install that failed is tried again.
$(STAMP): pyproject.toml constraints.txt
	@rm -f $@
	@if test -z "$(PYTHON)" && $(MADE_HERE) && $(BIN)/python -c '$(FITS)' 2>/dev/null \
		&& $(BIN)/python -m pip --version >/dev/null 2>&1; then exit 0; fi; \
	for python in $(or $(PYTHON),$(CANDIDATES)); do \
		if $$python -c '$(FITS)' 2>/dev/null; then \
			echo "Making .venv with $$python; the packages take some minutes and about 2 GB."; \
			exec $$python -m venv --clear .venv; \
		fi; \
	done; \
	echo "No Python 3.11 to 3.13 with venv among: $(or $(PYTHON),$(CANDIDATES)). Install one (on Debian and Ubuntu with" \
		"python3-venv), or name it: make $(or $(MAKECMDGOALS),lab) PYTHON=/path/to/python3.12" >&2; \
	exit 2
	$(BIN)/python -m pip install -c constraints.txt -e '.[test]'
	@touch $@
