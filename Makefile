# Short targets; whatever is longer is a script.
.PHONY: run test lint fmt help

run: ## three nodes with live video on this machine
	@scripts/run-demo.sh

test: ## everything CI runs
	@scripts/test.sh

lint: ## formatting, lints, documentation
	@scripts/lint.sh

fmt: ## format the Rust sources
	@cargo fmt --all

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 8
