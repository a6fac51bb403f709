# What a developer types. `make setup` once; PYTHON=... chooses another interpreter.
PYTHON ?= python3

.PHONY: setup run check test bench

setup:  ## everything that the app and its tests need, and the hook that checks before a commit
	$(PYTHON) -m pip install -r requirements-dev.txt
	$(PYTHON) -m pre_commit install

run:  ## the page, on http://127.0.0.1:7860
	$(PYTHON) gradio_app.py

check:  ## ruff, mypy and the fast tests: under a minute
	ruff check .
	ruff format --check .
	mypy --strict lib_omost
	pytest -n 2 --dist loadfile tests/canvas tests/studio tests/test_imports.py --ignore tests/studio/test_api.py --ignore tests/studio/test_writers.py -m "not slow and not model and not ui and not training and not serve and not exact and not compile"

test:  ## all that plain pytest runs, then the page in Chromium: under 5 and 7 minutes on two cores
	pytest
	pytest -m ui

bench:  ## what can be measured; python -m bench NAME measures it
	$(PYTHON) -m bench
