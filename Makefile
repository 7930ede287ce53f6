# Two commands: `make demo` and `make test`. `make check` is what a change must pass besides.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
SOURCES := pyproject.toml constraints.txt
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev
JOBS ?= auto
SBOM := out/sbom

PAGE := service/page/built/index.html
PAGE_SOURCES := $(shell find service/web \( -name node_modules -o -name built \) -prune -o -type f ! -name schema.d.ts ! -name openapi.json -print) \
  $(shell find service/api -name '*.py')

.PHONY: demo test test-page check format clean lock sbom web

demo: $(RUNTIME)
	$(BIN)/sightline demo --out out/demo

test: $(DEV)
	$(BIN)/python -m pytest -n $(JOBS) --ignore=tests/page

# The page in Chromium, one test after another: beside others its waits run out on a small machine.
test-page: $(DEV) $(PAGE)
	$(BIN)/python -m pytest -n 0 tests/page

# The page of the service: TypeScript in service/web, built by Node (the machine's, else a wheel's).
web: $(PAGE)

$(PAGE): $(PAGE_SOURCES) | $(DEV)
	$(BIN)/python service/web/build.py

check: $(DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(DEV)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# A stamp older than pyproject.toml or constraints.txt means a stale environment.
$(RUNTIME): $(SOURCES)
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing Sightline into $(VENV) (once; about a minute)"
	$(PIP) install --constraint constraints.txt --editable .
	@touch $@

$(DEV): $(SOURCES)
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing Sightline and what its tests need into $(VENV) (once; some minutes)"
	$(PIP) install --constraint constraints.txt --editable '.[dev,eval,service,telemetry,train]'
	$(PIP) install --no-deps 'trackeval==1.3.0' # its opencv-python would overwrite the headless one
	@touch $(RUNTIME) $@

# Resolves the newest versions that work together; commit the result after `make check test`.
lock: $(DEV)
	$(PIP) install uv
	$(BIN)/uv pip compile pyproject.toml --extra dev --extra eval --extra service --extra telemetry --extra train \
	  --universal --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
	  --output-file constraints.txt

# CycloneDX, with the licence of each: what the image installs, looked at by a tool beside it.
sbom:
	$(PYTHON) -m venv $(SBOM)/image
	$(SBOM)/image/bin/python -m pip --disable-pip-version-check --quiet install \
	  --constraint constraints.txt '.[service,telemetry]'
	$(PYTHON) -m venv $(SBOM)/tool
	$(SBOM)/tool/bin/python -m pip --disable-pip-version-check --quiet install 'cyclonedx-bom==7.5.0'
	$(SBOM)/tool/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible \
	  --output-file $(SBOM)/sightline.cdx.json $(SBOM)/image/bin/python

clean:
	rm -rf $(VENV) out build dist *.egg-info service/page/built service/web/node_modules
