# One terminal on one machine, and everything that must hold of it. Every target
# does its own set-up; the pieces are in scripts/.

SHELL := /bin/bash
MAKEFLAGS += --no-print-directory --no-builtin-rules
.DEFAULT_GOAL := help

# What "make run" hands to the supervisor, for example
#   make run RUN_FLAGS="--screen-port 9000 --record"
RUN_FLAGS ?=

# How long each parser is fuzzed by "make fuzz".
FUZZTIME ?= 10s

export FUZZTIME

.PHONY: help setup build install run reset test test-all fresh lint gen fuzz crash units watchdog check-slip bench-note bench-idle bench-card bench-start test-secrets

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: ## install what run and test need on Debian 12
	@scripts/setup.sh test

build: ## build the page and the programs into bin/
	@scripts/setup.sh run
	@scripts/build.sh

install: build ## lay programs and units out under DESTDIR, as a package does
	@scripts/install.sh

run: build ## run a whole terminal on virtual devices; prints two addresses
	@exec bin/supervisor $(RUN_FLAGS)

reset: ## clear terminal, central and bench together
	@scripts/reset.sh

test: ## check everything that must hold
	@scripts/test.sh

test-all: ## the same, and what takes longer
	@scripts/test.sh --all

# FRESH_FLAGS=--test also runs "make test" there.
fresh: ## try "make run" on a fresh Debian 12 made for it (as root)
	@scripts/fresh.sh $(FRESH_FLAGS)

lint: ## vet, staticcheck, format, rules of the repository
	@scripts/lint.sh

gen: ## write generated code anew
	@scripts/gen.sh

fuzz: ## fuzz every parser for FUZZTIME (10s)
	@scripts/fuzz.sh

crash: ## the whole crash campaign
	@scripts/proof.sh crash

units: ## verify the units, their exposure, and that a visit is paid without a network in the device process
	@scripts/proof.sh units

watchdog: ## stop each loop of a running daemon in turn
	@scripts/proof.sh watchdog

check-slip: ## read slips back with programs that others wrote
	@scripts/proof.sh check-slip

bench-note: ## measure from a note's last byte to the sum on the screen
	@scripts/proof.sh bench-note

bench-idle: ## measure processor and memory of an idle terminal
	@scripts/proof.sh bench-idle

bench-card: ## measure a sign-in with the card, and one signature beside pkcs11-tool
	@scripts/proof.sh bench-card

test-secrets: ## look for a PIN in logs, journal, page and the daemon's memory
	@scripts/proof.sh test-secrets

bench-start: ## measure a cold start, and kill -9 to the open slot, with a long journal
	@scripts/proof.sh bench-start
