# Every recipe uses relative paths and quotes what comes from outside: the checkout may lie under any path.
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo test test-quick test-faults lint up down wait status district calendar issuer targets recipients delivery mute template check publish trace simulate docs lock backup tidy restore licences audit update compose-env

PYTHON ?= python3
TIMEOUT ?= 600
KEEP ?= 14
VENV := .venv/bin

# A Python named by the caller is binding; the default only serves to make an environment where none is.
BOOTSTRAP := "$(PYTHON)" -I local/dependencies/bootstrap.py $(if $(filter-out file default undefined,$(origin PYTHON)),--exact)
LOCAL := "$(VENV)/python" -m local
# a module of tests stays on one process, each with a PostgreSQL of its own: three for two processors, as the real Airflow waits a lot
PYTEST := "$(VENV)/python" -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder
QUICK := $(addprefix tests/,architecture dags deploy expectations ledgers local oracle publishing unit \
	integration/test_gate_closes.py) $(addprefix --ignore=tests/,expectations/test_against_oracle.py \
	local/test_commands.py local/test_dependencies.py \
	unit/test_workbook_xls.py oracle/test_oracle_publications.py publishing/documents/test_rendered.py)

export FILE DISTRICT_NAME CAMPAIGN_START CAMPAIGN_END TIMEOUT UNIT RULE DISTRICT FROM TO
export SEED ROUNDS SERIES DAY DAYS CORRECTION ISSUE FIGURE ISSUER_NAME FAMILY WORD RECIPIENTS COPIES AUDIENCE ID DECISION REASON KEEP LEDGER OSV_URL CHECK SUBJECT UNTIL
# an option for a variable that the caller set, empty or not
given = $(if $(filter command environment,$(firstword $(origin $(2)))),$(1) "$$$(2)")
export PYTHONUTF8 := 1
unexport PYTHONHOME PYTHONPATH

ifeq ($(origin HELP),command line)
# what a target is for and what its command takes, instead of running it
$(or $(MAKECMDGOALS),help):
	@grep "^$@:.*##" Makefile | sed 's/^\([^:]*\):.*## /make \1: /'
	@if [ -f local/commands/$@.py ] && [ -x $(VENV)/python ]; then $(LOCAL) $@ --help; fi
else

##@ Start here

help: ## list the targets; `make <target> HELP=yes` says more about one
	@awk -F ':.*## ' '/^##@ / { printf "\n%s\n", substr($$0, 5) } /^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

setup: ## make the virtual environment from requirements.txt (nothing to do when it is current)
	@$(BOOTSTRAP)

demo: setup ## replay a sample district through the real DAGs, print the ranking, leave the system running
	@$(LOCAL) demo

up: setup ## start PostgreSQL and Airflow in the background (nothing to do when they run)
	@$(LOCAL) up

down: ## stop everything; nothing is lost
	@if [ -x "$(VENV)/python" ]; then $(LOCAL) down; else echo "Nothing is installed here, so nothing runs."; fi

wait: setup ## wait until every file in the inbox is judged and shown [TIMEOUT=600]
	@$(LOCAL) wait --timeout "$$TIMEOUT"

status: setup ## what is running, last runs, files waiting, newest ranking
	@$(LOCAL) status

##@ Files that units send

check: setup ## judge a file as if a unit had sent it, without loading anything: FILE=<file> UNIT=<unit code>
	@$(LOCAL) check "$$FILE" "$$UNIT"

template: setup ## write a unit's own workbook, filled with what is known now: UNIT=<unit code> [LEDGER=<one more ledger>]
	@$(LOCAL) template "$$UNIT" --ledger "$$LEDGER"

##@ The office's settings

district: setup ## register a district: FILE=<csv> DISTRICT_NAME=<name> [CAMPAIGN_START= CAMPAIGN_END=]
	@$(LOCAL) district "$$FILE" "$$DISTRICT_NAME" --campaign-start "$$CAMPAIGN_START" --campaign-end "$$CAMPAIGN_END"

calendar: setup ## enter the holidays and make-up days of a year, from the State Council's notice: FILE=<csv>
	@$(LOCAL) calendar "$$FILE"

issuer: setup ## how a district publishes: DISTRICT=<code> [ISSUER_NAME= FAMILY= WORD= RECIPIENTS= COPIES= AUDIENCE=]
	@$(LOCAL) issuer "$$DISTRICT" $(call given,--name,ISSUER_NAME) $(call given,--family,FAMILY) $(call given,--word,WORD) \
		$(call given,--recipients,RECIPIENTS) $(call given,--copies,COPIES) $(call given,--audience,AUDIENCE)

targets: setup ## register key targets, which the monthly dispatch lists: FILE=<csv>
	@$(LOCAL) targets "$$FILE"

recipients: setup ## register who gets issues and return slips by e-mail and group robot: FILE=<csv>
	@$(LOCAL) recipients "$$FILE"

mute: setup ## let the watch not tell of something for a while: CHECK=<check> [SUBJECT=<subject or pattern>] UNTIL=<day> REASON=<text>
	@$(LOCAL) mute "$$CHECK" --subject "$$SUBJECT" --until "$$UNTIL" --reason "$$REASON"

##@ Publications

publish: setup ## publish an issue: [SERIES=daily|weekly|monthly DAY=2020-06-24 DISTRICT=<code> CORRECTION=yes]
	@$(LOCAL) publish --series "$$SERIES" --day "$$DAY" --district "$$DISTRICT" $(if $(CORRECTION),--correction)

trace: setup ## lead a printed number back to file, sheet and row: ISSUE=<id> [FIGURE=<code>]
	@$(LOCAL) trace "$$ISSUE" "$$FIGURE"

delivery: setup ## decide about a delivery that failed or is uncertain: ID=<number> DECISION=resend|settle|withdraw REASON=<text>
	@$(LOCAL) delivery "$$ID" "$$DECISION" "$$REASON"

simulate: setup ## compare another ranking rule with the official ranking: RULE=<code> [DISTRICT=<code> FROM=<day> TO=<day>]
	@$(LOCAL) simulate "$$RULE" --district "$$DISTRICT" --from "$$FROM" --to "$$TO"

##@ Upkeep

backup: setup ## write everything that cannot be made again into one file, while the system runs [TO=<folder> KEEP=14]
	@$(LOCAL) backup --to "$$TO" --keep "$$KEEP"

restore: setup ## bring a backup back, beside what is there, and start: FILE=<backup> [CONFIRM=yes]
	@$(LOCAL) restore "$$FILE" $(if $(filter yes,$(CONFIRM)),--confirm)

tidy: setup ## clear away task logs and Airflow's runs older than DAYS (60), while the system runs
	@$(LOCAL) tidy $(if $(DAYS),--days "$$DAYS")

docs: setup ## write the documentation of the warehouse as one HTML file
	@$(LOCAL) docs

compose-env: ## write the secrets of docker-compose.yml into .env; what is there is never changed [CELERY=yes]
	@PYTHONPATH=dags:. "$(PYTHON)" -m local.containers.compose_env $(if $(filter yes,$(CELERY)),celery)

##@ For developers

setup-dev: ## the virtual environment with the tools for tests and lint
	@$(BOOTSTRAP) --dev

test: setup-dev ## run the whole test suite, in three processes
	@$(PYTEST)

test-quick: setup-dev ## the tests to run while working, a minute: every part but what builds, publishes, browses or runs Airflow
	@$(PYTEST) $(QUICK)

test-faults: setup-dev ## kill, stop, cut off, fill and freeze everything, for an hour or two [SEED=<number> ROUNDS=5]
	@"$(VENV)/python" -m pytest -v -s tests/faults/test_*.py tests/faults/long_*.py --seed "$$SEED" --rounds "$$ROUNDS"

lint: setup-dev ## check the style of Python and SQL, and Airflow 3 idiom
	@"$(VENV)/ruff" check .
	@"$(VENV)/ruff" format --check .
	@PYTHONPATH=dags:. "$(VENV)/python" tests/dbt/lint_sql.py

lock: setup ## resolve the requirements anew and pin them with hashes
	@for name in requirements-bootstrap requirements requirements-deploy requirements-dev; do \
		"$(VENV)/uv" pip compile --universal --python-version 3.11 --generate-hashes --quiet $(UPGRADE) "$$name.in" -o "$$name.txt" || exit 1; \
	done

licences: setup-dev ## list every dependency with its licence in docs/dependencies.md; fails on one that is not accepted
	@"$(VENV)/python" -m local.dependencies licences

audit: setup-dev ## ask for known vulnerabilities of what is pinned; fails on one, and when no list can be asked [OSV_URL=<mirror>]
	@"$(VENV)/python" -m local.dependencies audit --osv-url "$$OSV_URL"

update: setup-dev ## newest versions of all dependencies: lock, install, licences, audit, and what changed
	@"$(VENV)/python" -m local.dependencies update

endif
