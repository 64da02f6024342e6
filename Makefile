# make demo   sets up, joins a company's tools, plays a day there, and stays up until Ctrl-C (CHECK=1: ends by itself)
# make test   sets up and runs everything that proves it, real servers and both databases included
# make bench  measures Landbridge beside dlt, Singer and PyAirbyte, and against its own limits (ARGS=--help)
.PHONY: demo test bench lint setup mutations clean

setup:
	@scripts/setup

demo: setup
	@.venv/bin/python -m sandbox.demo $(if $(CHECK),--check)

test: setup
	@.venv/bin/python -m sandbox.prepare
	@$(MAKE) --no-print-directory lint
	.venv/bin/python -m pytest -q -n 2 --dist loadfile --durations 15 $(ARGS)

bench: setup
	@.venv/bin/python -m benchmarks $(ARGS)

lint: setup
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/lint-imports
	.venv/bin/mypy

# Takes out, one at a time, what keeps each promise, and sees its tests fail (minutes; not part of make test)
mutations: setup
	.venv/bin/python -m tests.mutations $(ARGS)

clean:
	-.venv/bin/landbridge sandbox down
	rm -rf "$$(readlink -m .sandbox)" .sandbox .landbridge .venv
