# Two commands do everything: `make run` and `make test`. Both make .venv first where it is missing.
PYTHON ?= python3
VENV := .venv
SHARED = $(or $(RERANKBENCH_SHARED),../shared)
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

GATE := build/gate
# All is done anew, in a cache of its own: what is kept from before would hide a change. Only the
# compiled engine stays, which is named after its source.
GATE_CLEAN = mkdir -p $(GATE)/cache && find $(GATE)/cache -mindepth 1 -maxdepth 1 ! -name native -exec rm -rf {} +
GATE_RUN = RERANKBENCH_HOME=$(GATE)/cache $(BIN)/rerankbench run --no-speed --dtype float32 --device cpu -q

# Material prints an advertisement on every build unless told not to.
DOCS = NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

.PHONY: run test test-lowest test-newest check docs sanitize gate gate-demo gate-scifact format bench bench-gate fuzz crash clean

run: $(VENV)/.installed
	$(BIN)/rerankbench run

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest

check: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(DOCS)
	$(MAKE) gate-demo

# The documentation site, into build/site; open build/site/index.html.
docs: $(VENV)/.installed-dev
	$(DOCS)

# The lower bounds of pyproject.toml, all at once: the demo must rank as its baseline does, and the
# tests of these rooms must pass, which need none of the libraries that others compare with.
LOWEST := build/lowest
test-lowest:
	rm -rf $(LOWEST) && $(PYTHON) -m venv $(LOWEST)
	$(PYTHON) scripts/lowest.py > $(LOWEST)/constraints.txt
	$(LOWEST)/bin/python -m pip install --quiet --constraint $(LOWEST)/constraints.txt --editable . pytest hypothesis scipy
	$(LOWEST)/bin/rerankbench run configs/demo.yaml --no-speed --dtype float32 --device cpu -q -o $(LOWEST)/demo
	$(LOWEST)/bin/rerankbench gate demo $(LOWEST)/demo --speed ignore
	$(LOWEST)/bin/python -m pytest tests/run tests/results tests/leaderboard tests/firststage tests/collections tests/files
	$(LOWEST)/bin/python -m pytest tests/rerankers/test_sequence_classification.py -k "not half_precision"  # torch 2.6 rounds float16 more coarsely

# What pip takes today without constraints.txt, torch above all.
NEWEST := build/newest
test-newest:
	rm -rf $(NEWEST) && $(PYTHON) -m venv $(NEWEST)
	$(NEWEST)/bin/python -m pip install --quiet --editable '.[dev,onnx,openvino]'
	$(NEWEST)/bin/python -m pytest

# The native engine under the address and undefined-behaviour sanitizers: needs g++ with libasan.
sanitize: $(VENV)/.installed-dev
	$(BIN)/python scripts/sanitize.py

# Did the rankings become worse than in results/baselines? SciFact needs $$RERANKBENCH_SHARED
# (default ../shared); where it is absent the demo decides alone.
gate: gate-demo
	$(MAKE) gate-scifact

gate-demo: $(VENV)/.installed
	$(GATE_CLEAN) && rm -rf $(GATE)/demo
	$(GATE_RUN) configs/demo.yaml -o $(GATE)/demo
	$(BIN)/rerankbench gate demo $(GATE)/demo --speed ignore

gate-scifact: $(VENV)/.installed
	$(GATE_CLEAN) && rm -rf $(GATE)/scifact
	if test -d $(SHARED)/collections/scifact; then \
	$(GATE_RUN) -d $(SHARED)/collections/scifact -m $(SHARED)/models/tiny-l2-h128-ce --suite scifact -o $(GATE)/scifact && \
	$(BIN)/rerankbench gate scifact $(GATE)/scifact --speed ignore; \
	else echo "no $(SHARED)/collections/scifact: gate-scifact skipped"; fi

# 200 kills at random moments of commands that write; the table goes into docs/reliability.md.
crash: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks.crash

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Needs $$RERANKBENCH_SHARED (default ../shared): SciFact, its reference run, the cross-encoders.
# An hour on two idle cores; results land in benchmarks/results.
bench: $(VENV)/.installed-bench
	$(BIN)/python -m benchmarks.scoring --model $(SHARED)/models/minilm-l6-ce --queries 2 --passes 3
	$(BIN)/python -m benchmarks.scoring --model $(SHARED)/models/tiny-l2-h128-ce --queries 60 --passes 3
	$(BIN)/python -m benchmarks.first_stage
	$(BIN)/python -m benchmarks.overhead
	$(BIN)/python -m benchmarks.outside_clock
	$(BIN)/python -m benchmarks.significance

# 10,000 broken inputs, none of which may end in a traceback, a half-written file or a hang. Half an hour.
fuzz: $(VENV)/.installed-dev
	$(BIN)/python -m tests.fuzz --inputs 10000

# How far the gate can be trusted: three hours, the machine otherwise idle; also into docs/gate-evidence.md.
bench-gate: $(VENV)/.installed-bench
	$(BIN)/python -m benchmarks.gate_quality
	$(BIN)/python -m benchmarks.gate_faults
	$(BIN)/python -m benchmarks.gate_speed
	$(BIN)/python -m benchmarks.gate_remeasured
	$(BIN)/python -m benchmarks.gate_apart

$(VENV)/.installed: pyproject.toml constraints.txt
	@echo "Installing rerankbench and what it needs into $(VENV): some minutes the first time"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --constraint constraints.txt --editable .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "Installing what tests and checks need into $(VENV): some minutes the first time"
	$(PIP) install --constraint constraints.txt --editable '.[dev,onnx,openvino]'
	touch $@

$(VENV)/.installed-bench: $(VENV)/.installed-dev
	@echo "Installing what benchmarks need into $(VENV)"
	$(PIP) install --constraint constraints.txt --editable '.[bench]'
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
