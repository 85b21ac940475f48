# Everything a developer needs. `make` alone lists the targets; each sets up what it needs by itself.
PYTHON ?= python3
WORKERS ?= 3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo test check lint layers types golden coverage mutants bench faults soak test-mta fuzz lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

.venv/run: requirements.lock pyproject.toml tools/setup tools/boot.lock
	@PYTHON=$(PYTHON) tools/setup requirements.lock && touch $@

.venv/dev: requirements-dev.lock pyproject.toml tools/setup tools/boot.lock
	@PYTHON=$(PYTHON) tools/setup requirements-dev.lock && touch $@ .venv/run

.venv/bench: requirements-bench.lock pyproject.toml tools/setup tools/boot.lock
	@PYTHON=$(PYTHON) tools/setup requirements-bench.lock && touch $@ .venv/dev .venv/run

setup: .venv/dev ## make .venv with everything pinned, for development

demo: .venv/run ## play a sample shop end to end into a local mailbox
	@$(BIN)/messenger demo

test: .venv/dev ## all tests, on SQLite and on a real PostgreSQL
	$(BIN)/python -m pytest -n $(WORKERS)

check: lint layers types test ## what a change must pass

lint: .venv/dev ## style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

layers: .venv/dev ## imports point inward only
	$(BIN)/lint-imports --no-cache

types: .venv/dev ## mypy --strict
	$(BIN)/mypy

golden: .venv/dev ## write the golden files anew; read the difference before you commit it
	GOLDEN=write $(BIN)/python -m pytest tests/golden -q

coverage: .venv/dev ## which lines and branches no test has run
	$(BIN)/python -m pytest -n $(WORKERS) --cov --cov-report=term

mutants: .venv/dev ## which changes to domain and config no unit test notices; ONLY=messenger/domain/timing.py tries one module
	$(BIN)/python -m tools.mutants $(ONLY)

faults: .venv/dev ## kill, stop, cut and fill up, again and again, and count: ROUNDS=20, MESSAGES=20000 and PLENTY=50000 for each test, LIVES=500 simulated
	FAULT_ROUNDS=$(or $(ROUNDS),20) CROSS_TALK=$(or $(MESSAGES),20000) PLENTY=$(or $(PLENTY),50000) MESSENGER_LIVES=$(or $(LIVES),500) \
	  $(BIN)/python -m pytest -n $(WORKERS) tests/faults tests/simulation

soak: .venv/dev ## send at a steady pace for MINUTES=30, RATE=50 a second, with small troubles and deaths: nothing is lost, nothing grows
	SOAK_MINUTES=$(or $(MINUTES),30) SOAK_RATE=$(or $(RATE),50) $(BIN)/python -m pytest tests/faults/test_soak.py

test-mta: .venv/dev ## mails out through Exim and bounces back through Dovecot; as root, with exim4-daemon-light and dovecot-imapd
	@test "$$(id -u)" = 0 || { echo "make test-mta starts mail servers, which change their user: only root can do that" >&2; exit 1; }
	@test -x /usr/sbin/exim4 -a -x /usr/sbin/dovecot || { echo "make test-mta needs the packages exim4-daemon-light and dovecot-imapd" >&2; exit 1; }
	$(BIN)/python -m pytest tests/mta

bench: .venv/bench ## how fast intake, the whole path and the simulator are
	$(BIN)/python -m benchmarks

fuzz: .venv/dev ## give odd templates to the compiler and odd words to the mail client, for MINUTES=1 each; SEED=n plays the same again
	$(BIN)/python -m tools.fuzz_templates $(or $(MINUTES),1) $(SEED)
	$(BIN)/python -m tools.fuzz_replies $(or $(MINUTES),1) $(SEED)

lock: ## resolve the pinned requirements anew
	$(PYTHON) -m pip install --quiet --upgrade --target .boot uv
	for group in "" dev bench; do \
	  PYTHONPATH=.boot .boot/bin/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
	    --python-version 3.11 pyproject.toml --group build $${group:+--group dev} $${group:+--group $$group} -o requirements$${group:+-$$group}.lock; \
	done

clean: ## remove everything that was made
	rm -rf .venv .boot demo data build dist mutants .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*
