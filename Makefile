# The commands of a working day. PYTHON picks the environment: make test PYTHON=.venv/bin/python
PYTHON ?= python

.PHONY: run dev check test-fast test

run: ## the dashboard
	$(PYTHON) -m streamlit run streamlit_app.py

dev: ## the dashboard, drawn again after each saved change of the code
	$(PYTHON) -m streamlit run streamlit_app.py --server.fileWatcherType=auto --server.runOnSave=true

check: ## lint, format and types
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy --num-workers 2

test-fast: ## after each change: lint, format, types and the tests without browsers, fault injection and long trainings
	$(PYTHON) -m pytest -m "not slow and not long"

test: ## everything, as the README's second command
	$(PYTHON) -m pytest
