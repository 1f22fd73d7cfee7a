# Each target sets up what it needs. "make run" and "make test" are all that is needed.
.PHONY: run chat train test soak evaluate bench lint lock setup clean sbom licences audit
ADVISOR = .venv/bin/advisor
PYTHON = .venv/bin/python
RASA_PYTHON = .venv-rasa/bin/python

run: setup
	@exec $(ADVISOR) run

chat: setup
	@exec $(ADVISOR) chat

train: setup
	@$(ADVISOR) train

test: setup lint
	$(PYTHON) -m pytest -m "not processes" --ignore=tests/nlu -n auto --maxprocesses 4
	@$(ADVISOR) train
	$(RASA_PYTHON) -m pytest tests/nlu -c tests/nlu/pytest.ini
	$(PYTHON) -m pytest -m processes --ignore=tests/nlu

# The promises at their full size, and half an hour of a day's load: hours.
soak: setup
	ADVISOR_SOAK=1 $(PYTHON) -m pytest tests/promises tests/load

evaluate: setup
	@for set in questions_dev written_dev danger_dev written_test danger_test; do echo "== $$set"; $(ADVISOR) evaluate tests/quality/$$set.tsv; done
	@$(ADVISOR) quality measure

bench: setup
	@$(ADVISOR) bench

lint: setup
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	.venv/bin/lint-imports
	@$(ADVISOR) services check --plain
	@$(ADVISOR) quality check

setup:
	@setup/environments.sh

# Renew the lock files (needs uv). torch is left out: see setup/environments.sh.
UV_COMPILE = uv pip compile --generate-hashes --no-emit-index-url --no-header --no-annotate -q
lock:
	$(UV_COMPILE) --python-version 3.10 --group pyproject.toml:dialogue -o requirements/dialogue.lock
	$(UV_COMPILE) --python-version 3.11 --override requirements/without-torch.txt --group pyproject.toml:advisor --group pyproject.toml:voice --group pyproject.toml:dev -o requirements/advisor.lock

# What we are made of (docs/security.md): CycloneDX and licences into var/sbom; known holes (needs the network).
sbom licences audit: setup
	@$(PYTHON) setup/parts.py $@

clean:
	rm -rf .venv .venv-rasa var
