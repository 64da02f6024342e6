# make demo   sets up, joins a company's tools, plays a day there, and stays up until Ctrl-C (CHECK=1: ends by itself)
# make test   sets up and runs everything that proves it, real servers and both databases included
# make bench  measures Landbridge beside dlt, Singer and PyAirbyte, and against its own limits (ARGS=--help)
# make soak   plays the model of tests/model with other seeds for an hour (MINUTES=30: for half of one); log: soak.log;
#             then kills a run at every boundary there is, and cuts its database off there (SEED=2: in another order)
.PHONY: demo test bench soak prepare lint setup mutations clean

setup:
	@scripts/setup

demo: setup
	@.venv/bin/python -m sandbox.demo $(if $(CHECK),--check)

test: setup
	@$(MAKE) --no-print-directory --output-sync -j 2 prepare lint
	.venv/bin/python -m pytest -q -n 4 --dist loadfile --no-loadscope-reorder --durations 25 $(ARGS)

bench: setup
	@.venv/bin/python -m benchmarks $(ARGS)

soak: setup
	@.venv/bin/python -m tests.model.soak --minutes $(or $(MINUTES),60) $(ARGS)
	LANDBRIDGE_SOAK=$(or $(SEED),1) .venv/bin/python -m pytest -q tests/faults

prepare: setup
	@.venv/bin/python -m sandbox.prepare

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
