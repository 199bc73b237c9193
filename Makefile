# make demo : sets up and runs the main job on the sample photos       -> out/
# make test : sets up and runs the tests
# Both install what is missing (apt, npm, pip) and are quick when nothing changed.
SHELL := /bin/bash
.DEFAULT_GOAL := demo
.PHONY: demo test setup setup-dev view lint clean

TOILE := .venv/bin/toile
SAMPLE := examples/photos

demo: setup
	$(TOILE) try-on --front $(SAMPLE)/front.jpg --side $(SAMPLE)/side.jpg --height 172 --weight 63 --sex female \
	  --garment tee --fabric jersey --out out
	@echo "Look at it in a browser: $(TOILE) view out/look.glb"

test: setup-dev
	.venv/bin/python -m pytest

setup:
	@tools/setup.sh run

setup-dev:
	@tools/setup.sh dev

view: demo
	$(TOILE) view out/look.glb

lint: setup-dev
	.venv/bin/ruff check .
	.venv/bin/lint-imports

clean:
	rm -rf .venv web/node_modules engine/app/static/vendor out
