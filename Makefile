# Short targets; whatever is longer is a script.
.PHONY: run test bench fuzz soak matrix picture lint fmt help

run: ## three nodes with live video on this machine
	@scripts/run-demo.sh

test: ## everything CI runs
	@scripts/test.sh

bench: ## speed and memory, beside nginx in the same run
	@scripts/install.sh bench
	@cargo bench --bench bench

fuzz: ## every parser against made-up bytes, a minute each
	@scripts/install.sh run
	@scripts/fuzz.sh

soak: ## an hour of playing by every protocol: drift, memory, warnings
	@scripts/soak.sh

matrix: ## every live input played by every live output, a minute each
	@scripts/matrix.sh

picture: ## the README's pictures of the overview, from the demo
	@scripts/picture.sh

lint: ## formatting, lints, documentation
	@scripts/lint.sh

fmt: ## format the Rust sources
	@cargo fmt --all

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 8
