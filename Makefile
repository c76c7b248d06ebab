# Proctor. `make help` lists the commands; each makes the virtual environment when there is none.
PYTHON  ?=
ROUTER  ?= model_sat
DATA    ?= small_llms
ZOO     ?= all
SPLIT   ?= kfold
SEED    ?= 0
BACKEND ?= inline
RESULTS ?= results
FOLDER  ?=
FROM    ?=
ARGS    ?=

VENV := .venv
RUN  := $(VENV)/bin/python

# Asked for by name, install fetches everything and says that it is done; before another target it
# speaks only if there is something to do.
ALONE   := $(filter install,$(MAKECMDGOALS))
QUIETLY := $(if $(ALONE),,--quiet)

# ROUTER=all is every file of configs/router but the settings of papers, which want large networks of
# a hub.
OFFLINE := glob(*,exclude=*_paper)

# What was typed reaches Python through the environment as it is: neither make nor the shell reads
# the signs in a path.
export ARG_ROUTER  := $(if $(filter all,$(ROUTER)),$(OFFLINE),$(value ROUTER))
export ARG_DATA    := $(value DATA)
export ARG_ZOO     := $(value ZOO)
export ARG_SPLIT   := $(value SPLIT)
export ARG_BACKEND := $(value BACKEND)
export ARG_SEED    := $(value SEED)
export ARG_SWEEP   := $(value SWEEP)
export ARG_RESULTS := $(value RESULTS)
export ARG_MODULE  := $(value MODULE)
export ARG_EXPERIMENT := $(value EXPERIMENT)
export ARG_FROM    := $(value FROM)
export ARG_FOLDER  := $(value FOLDER)
export ARG_REASON  := $(value REASON)
COMPARED = --data="$$ARG_DATA" "zoo=$$ARG_ZOO" "split=$$ARG_SPLIT"
# What is passed on where somebody set it; else an experiment's own defaults stand.
given    = $(if $(filter file undefined,$(origin $(1))),,$(2))
ELSEWHERE = $(call given,BACKEND,"backend=$$ARG_BACKEND")
GIVEN    = $(call given,ZOO,"zoo=$$ARG_ZOO") $(call given,SPLIT,"split=$$ARG_SPLIT") $(ELSEWHERE)
STORED   = --results="$$ARG_RESULTS"

.DEFAULT_GOAL := help
.PHONY: help install test lint bench sweep invalidate tune merge pretrain run arrival unseen ceiling leaderboard plots budget speed coverage mutation clean

help: ## list the commands
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 14
	@echo
	@echo "  make bench ROUTER=knn,kmeans DATA=../outcomes ZOO=small8 SPLIT=kfold SEED=0,1,2,3"

# Any Python from 3.7 on can run the set-up, which finds the one to use (PYTHON, else python3);
# that of the environment starts fastest.
install: ## make or mend the virtual environment; by itself, fetch questions and weights too
	@for python in $(RUN) $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	  $$python -c 'import sys; sys.exit(sys.version_info < (3, 7))' 2>/dev/null || continue; \
	  exec $$python -S -m benchmarks.install --venv $(VENV) --python '$(PYTHON)' $(QUIETLY); \
	done; echo "Proctor needs Python 3.11, 3.12 or 3.13: none was found on PATH." >&2; exit 1
	@$(if $(ALONE),$(RUN) -m benchmarks.carriers)

test: install ## run the tests
	$(RUN) -m benchmarks.carriers
	$(RUN) -m pytest -q $(ARGS)

lint: install ## check style and types
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

bench: install ## evaluate ROUTER (a,b or all) on DATA and print the leaderboard
	@$(RUN) -m benchmarks.run $(COMPARED) $(STORED) $(ELSEWHERE) "router=$$ARG_ROUTER" "seed=$$ARG_SEED" $(ARGS)

sweep: install ## run configs/sweep/SWEEP.yaml
	@$(RUN) -m benchmarks.run $(COMPARED) $(STORED) $(ELSEWHERE) $(call given,ROUTER,"router=$$ARG_ROUTER") "sweep=$$ARG_SWEEP" $(ARGS)

invalidate: install ## take the stored run in FOLDER out of all tables, for a REASON
	@$(RUN) -m benchmarks.invalidate "$$ARG_FOLDER" "$$ARG_REASON"

tune: install ## search for ROUTER's parameters on folds of the training questions of DATA
	@$(RUN) -m benchmarks.tune --data="$$ARG_DATA" "router=$$ARG_ROUTER" $(GIVEN) $(ARGS)

merge: install ## copy the runs of the results FROM somewhere that RESULTS lacks
	@$(RUN) -m benchmarks.merging "$$ARG_FROM" "$$ARG_RESULTS"

pretrain: install ## train Model-SAT on the llms of DATA outside ZOO once, into FOLDER
	@$(RUN) -m benchmarks.pretrain --data="$$ARG_DATA" "zoo=$$ARG_ZOO" "folder=$$ARG_FOLDER" $(ARGS)

arrival: install ## let new llms arrive in DATA (a folder); ROUTER admits them from cards alone
	@$(RUN) -m benchmarks.run_experiment arrival --data="$$ARG_DATA" "router@examined=$$ARG_ROUTER" $(GIVEN) $(ARGS)

unseen: install ## route among llms of DATA that no router was fitted on, from a few scored questions
	@$(RUN) -m benchmarks.run_experiment unseen --data="$$ARG_DATA" $(GIVEN) $(ARGS)

run: install ## run an EXPERIMENT of benchmarks/experiments, or go on with it
	@$(RUN) -m benchmarks.run_experiment "$$ARG_EXPERIMENT" $(call given,DATA,--data="$$ARG_DATA") $(call given,ROUTER,"router=$$ARG_ROUTER") $(GIVEN) $(ARGS)

ceiling: install ## how much of the outcomes in DATA a linear probe reads from text, by encoder
	@$(RUN) -m benchmarks.run_experiment ceiling $(COMPARED) $(ELSEWHERE) $(ARGS)

leaderboard: install ## derive the leaderboard from the stored runs (ARGS=--field: the field's metrics)
	@$(RUN) -m benchmarks.leaderboard $(STORED) $(ARGS)

plots: install ## draw the stored runs
	@$(RUN) -m benchmarks.plots $(STORED)

budget: install ## judge promises on score and cost over the stored runs
	@$(RUN) -m benchmarks.run_experiment budget $(STORED) $(ARGS)

speed: install ## print speed and memory against the targets, as ratios
	$(RUN) -m benchmarks.speed $(ARGS)

coverage: install ## simulate how often intervals hold the truth (results/published/coverage.md)
	$(RUN) -m benchmarks.coverage $(ARGS)

mutation: install ## break lines of MODULE (all that make numbers) and list what no test notices
	@$(RUN) -m benchmarks.mutation $(if $(MODULE),--module "$$ARG_MODULE") $(ARGS)

clean: ## remove the virtual environment and caches (stored runs stay)
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache build *.egg-info
