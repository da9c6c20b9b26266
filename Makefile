# `make` prints what can be made. `make run` and `make test` share one build directory and one profile, so
# that what one has compiled serves the other.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run build release test test-openssl fmt lint bench bench-engine soak fuzz audit fleet setup clean own

# Outside the clone, so that a fresh clone finds what an earlier one compiled.
export CARGO_TARGET_DIR ?= $(HOME)/.cache/sigec-target
# Python tools and foreign clients of the tests, pinned in sigec/tests/requirements.txt.
export SIGEC_VENV ?= $(HOME)/.cache/sigec-venv
# Node clients, pinned in sigec/tests/package-lock.json.
export SIGEC_NODE ?= $(HOME)/.cache/sigec-node
# The Autobahn suite, pinned in loadgen/tests/autobahn/requirements.txt.
export SIGEC_AUTOBAHN ?= $(HOME)/.cache/sigec-autobahn
# Rivals of the benchmarks that are not installed with the tests' tools.
export SIGEC_RIVALS ?= $(HOME)/.cache/sigec-rivals
# Those made with Rust, in workspaces of their own.
RUST_OCPP = --locked --manifest-path bench/rivals/rust-ocpp/Cargo.toml
RUNTIMES = --locked --manifest-path bench/rivals/runtimes/Cargo.toml

# More flags for the program that a target starts: make run ARGS='--http 127.0.0.1:0'
ARGS ?=

# What `make audit` checks; only advisories need the network.
AUDIT ?= advisories bans licenses sources

# How much `make soak` does, and the tests that can do more than in `make test`; a failure prints SIGEC_SEED=… to repeat it.
KILLS ?= 200
SEEDS ?= 10000
# How long `make fuzz` takes.
MINUTES ?= 5
SOAKED = \
	nothing_acknowledged_is_lost_doubled_or_changed \
	what_is_answered_survives_and_has_one_effect \
	any_order_of_writes_and_restarts_gives_the_same_rows \
	the_autobahn_suite_finds_no_fault \
	nothing_acknowledged_is_lost_and_nothing_is_there_twice

help: ## Print this list
	@echo "SIGEC-VE: the data plane for electric-vehicle charging"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  ARGS='…' adds flags to run, fleet and bench; CARGO_TARGET_DIR is $(CARGO_TARGET_DIR)"

run: own ## Build and start the server with every role; OCPP 9000, HTTP 8080, Postgres 5433, all on 127.0.0.1
	@echo "building (the first time takes 10 to 25 minutes on two cores)"
	cargo build -p sigec -p loadgen
	@exec "$(CARGO_TARGET_DIR)/debug/sigec" run $(ARGS)

build: own ## Leave bin/sigec and bin/loadgen, quick to build
	cargo build -p sigec -p loadgen
	@mkdir -p bin
	@ln -sf "$(CARGO_TARGET_DIR)/debug/sigec" "$(CARGO_TARGET_DIR)/debug/loadgen" bin/
	@ls -l bin/

release: own ## Leave bin/sigec and bin/loadgen, fully optimised (an hour on two cores the first time)
	cargo build --release -p sigec -p loadgen
	@mkdir -p bin
	@ln -sf "$(CARGO_TARGET_DIR)/release/sigec" "$(CARGO_TARGET_DIR)/release/loadgen" bin/
	@ls -l bin/

setup: ## Install what the tests need besides Rust (Python and Node environments, psql, the Autobahn suite); `make test` does it by itself
	@sigec/tests/setup.sh
	@loadgen/tests/autobahn/setup.sh

test: lint ## Check format and lints, then run every test: units, simulations with fixed seeds, the real binary with foreign clients
	cargo build $(RUST_OCPP)
	cargo build $(RUNTIMES)
	@bench/rivals/setup.sh
	cargo test --workspace --no-fail-fast -- --show-output
	@if pkg-config --exists openssl 2>/dev/null; then $(MAKE) --no-print-directory test-openssl; \
	else echo "SKIPPED TLS with RSA key exchange: no libssl-dev"; fi

# What is about TLS once more, with the optional feature.
test-openssl: own
	cargo clippy -p net -p dataplane --features dataplane/openssl --all-targets -- -D warnings
	cargo test -p net --features openssl --no-fail-fast --lib --test driver -- --show-output tls:: secured:: with_openssl
	cargo test -p dataplane --features openssl --no-fail-fast --test tls -- --show-output

fmt: ## Format the code
	cargo fmt --all

lint: own setup ## Check format, lints and spelling; every finding is an error
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	@if [ -x "$(SIGEC_VENV)/bin/typos" ]; then "$(SIGEC_VENV)/bin/typos"; else echo "SKIPPED spelling: no typos"; fi
	@if [ -x "$(SIGEC_VENV)/bin/hadolint" ]; then "$(SIGEC_VENV)/bin/hadolint" deploy/Dockerfile; \
	else echo "SKIPPED Dockerfile: no hadolint"; fi

bench: release setup ## Measure, beside rivals in the same run; results go to bench/results (see bench/README.md)
	cargo build --release $(RUST_OCPP)
	cargo build --release $(RUNTIMES)
	@bench/rivals/setup.sh
	cargo run --release -p bench -- $(ARGS)

bench-engine: own setup ## Measure the engine alone, beside other runtimes, WebSocket servers and OCPP libraries in the same run (half an hour)
	cargo build --release -p bench -p loadgen
	cargo build --release $(RUST_OCPP)
	cargo build --release $(RUNTIMES)
	@bench/rivals/setup.sh
	"$(CARGO_TARGET_DIR)/release/all" $(patsubst %,--only %,engine peers memory connections crowd crowd-passwords) $(ARGS)

soak: own setup ## Kill the server 200 times under load and run simulations with fresh seeds and all of Autobahn (two hours; KILLS=20 SEEDS=500 for less)
	@seed=$$(date +%s); set -x; SIGEC_KILLS=$(KILLS) SIGEC_SEEDS=$$seed..$$((seed + $(SEEDS))) \
		SIGEC_AUTOBAHN_CASES=all \
		cargo test --workspace --no-fail-fast -- --show-output $(SOAKED)

fuzz: own ## Fuzz everything that reads bytes from a network, for MINUTES=5 (see fuzz/README.md)
	MINUTES=$(MINUTES) fuzz/run.sh

audit: ## Check advisories, bans, licences and sources of every dependency (needs `cargo install --locked cargo-deny`)
	cargo deny check $(AUDIT)

fleet: own ## Simulate 100 stations against a server that `make run` started
	cargo run -p loadgen -- fleet --url ws://127.0.0.1:9000/ --stations 100 --interval 5s --duration 60s $(ARGS)

# Cargo tells by the age of the sources alone whether something is stale, and would take what another clone has compiled
# for this one's: what is ours is compiled anew when the build directory changes hands.
own:
	@mkdir -p "$(CARGO_TARGET_DIR)"; \
	if [ "$$(cat "$(CARGO_TARGET_DIR)/clone" 2>/dev/null)" != "$(CURDIR)" ]; then \
		find . -name '*.rs' -not -path './target/*' -exec touch {} + && echo "$(CURDIR)" > "$(CARGO_TARGET_DIR)/clone"; fi

clean: ## Remove bin/ and what was compiled; never any data
	cargo clean
	rm -rf bin
