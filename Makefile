# Rung: every command.  `make` alone lists them.
#
# The work is done by the Python package grader/; this file finds a Python that can run it.

SHELL := /bin/bash
# -p, here and below: bash heeds nothing of CDPATH, BASH_ENV, SHELLOPTS, and functions that the environment may have.
.SHELLFLAGS := -pc
unexport CDPATH BASH_ENV ENV SHELLOPTS BASHOPTS POSIXLY_CORRECT GREP_OPTIONS
unexport PYTHONHOME PYTHONSAFEPATH PYTHONOPTIMIZE PYTHONINSPECT
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

ifeq ($(wildcard grader/setup/tools.sh),)
$(error run it in the tree itself: make -C $(dir $(lastword $(MAKEFILE_LIST))))
endif

# Students' options
LAB ?=
TEST ?=
SOLUTIONS ?= solutions
WITH ?=
SET ?= all
SEED ?=
MIN ?=
ON ?=
APPS ?=
BOOT ?=
STORE ?=
# Instructors' and authors'
OUT ?=
ONLY ?=
FULL ?=
PAIRS ?=
CALLS ?=
MECHANICAL ?=
RELEASES ?=
MIRROR ?=
UBUNTU_MIRROR ?=

# The authors' tree has what the student edition has not.
AUTHORS := $(wildcard labs/1-batch/solution)

# setup writes down which Python has all the modules; a removed one is looked for again.
PYTHON_FOUND = $(shell cat build/python 2>/dev/null)
GRADER = "$(PYTHON_FOUND)" -m grader
export PYTHONDONTWRITEBYTECODE ?=
ifneq ($(STORE),)
export RUNG_STORE := $(STORE)
endif

.PHONY: help setup doctor start grade regress run debug timeline map slots test test-fast test-deep test-linux test-versions mutants fuzz template \
	handout bench format lint clean ready ready-for-test authors

help: ## This list
	@echo "Rung, an operating-systems lab course that grades itself."
	@awk -F ':.*## ' -v authors="$(AUTHORS)" \
		'/^##@/ {shown = authors != "" || /students/; if (shown) printf "\n%s\n", substr($$0, 5)} \
		/^[a-z-]+:.*## / && shown {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "Options: LAB=batch (name or number)  TEST=name or 1.2  SOLUTIONS=dir|reference  SEED=n|secret"
	@echo "         WITH=reference:1 or reference:1.3 (comma separated)  SET=basic|all  MIN=points"
	@echo "         STORE=off boots every machine, also one whose record is kept from an earlier run"

##@ For students
setup: ## Install what is missing (QEMU, compiler, Python modules)
	@bash -p grader/setup/setup.sh student

doctor: ## Report each tool, its version, and what to do about problems
	@bash -p grader/setup/doctor.sh

start: ready ## Create solutions/ from the starter files, and say what to do next
	@$(GRADER) start

grade: ready ## Grade your labs: LAB= TEST= WITH= SET= SEED= SOLUTIONS= MIN= ON=
	@$(GRADER) grade --lab "$(LAB)" --on "$(ON)" --test "$(TEST)" --solutions "$(SOLUTIONS)" --with "$(WITH)" \
		--set "$(SET)" --seed "$(SEED)" --min "$(MIN)" --out "$(OUT)"

regress: ready ## Earlier labs' tests on a later lab's kernel: ON=processes LAB= SOLUTIONS= …
	@$(GRADER) grade --on "$(or $(ON),last)" --lab "$(LAB)" --test "$(TEST)" --solutions "$(SOLUTIONS)" \
		--with "$(WITH)" --seed "$(SEED)" --min "$(MIN)" --out "$(or $(OUT),build/regress)"

run: ready ## The kernel on your console: LAB=batch APPS="hello power:3:20:1000" BOOT=populate=1
	@$(GRADER) run --lab "$(LAB)" --apps "$(APPS)" --solutions "$(SOLUTIONS)" --with "$(WITH)" \
		--boot "$(BOOT)"

debug: ready ## gdb, stopped in your code in a test: TEST=name
	@$(GRADER) debug --lab "$(LAB)" --test "$(TEST)" --solutions "$(SOLUTIONS)" --with "$(WITH)"

timeline: ready ## Draw who ran when, as a picture: LAB=multitasking APPS="spin:30000 nap:5000"
	@$(GRADER) timeline --lab "$(LAB)" --apps "$(APPS)" --solutions "$(SOLUTIONS)" --with "$(WITH)" \
		--out "$(OUT)"

map: ready ## Draw address spaces, areas beside the MMU's pages: APPS="layout" or TEST=name
	@$(GRADER) map --lab "$(LAB)" --apps "$(APPS)" --test "$(TEST)" --solutions "$(SOLUTIONS)" \
		--with "$(WITH)" --out "$(OUT)"

slots: ready ## Who serves each slot of a lab's kernel, and which file defines each function: LAB=batch
	@$(GRADER) slots --lab "$(LAB)" --solutions "$(SOLUTIONS)"

clean: ## Remove what was built; your solutions stay
	@rm -rf build compile_commands.json
	@echo "Removed build/."

##@ For instructors
handout: ready authors ## Write the student edition, without solutions: OUT=dir
	@$(GRADER) handout --out "$(OUT)"

##@ For authors of labs
test: authors ready-for-test ## Prove that every point is earned: all tests of Rung itself, then all wrong kernels
	@"$(PYTHON_FOUND)" -m pytest grader/tests -n auto --once; tests=$$?; $(GRADER) mutants && exit $$tests

test-fast: authors ready-for-test lint ## A part of that: the grader by itself, and reference and starter of all labs
	@"$(PYTHON_FOUND)" -m pytest grader/tests -n auto -q --once -m fast

test-deep: authors ready-for-test ## More of what the proof samples: seeds of grades, random calls, odd input (an hour)
	@"$(PYTHON_FOUND)" -m pytest grader/tests -n auto --once -m deep; tests=$$?; $(GRADER) fuzz --calls "$(or $(CALLS),1000000)" --seed "$(SEED)" && exit $$tests

test-linux: authors ready-for-test ## Larger programs of Linux on the kernel of lab 6: dash and Lua, fetched by apt-get
	@"$(PYTHON_FOUND)" -m pytest grader/tests/large_programs.py

test-versions: authors ## The labs on Debian 13 and Ubuntu 24.04, in roots that debootstrap makes (as root; RELEASES=)
	@MIRROR="$(MIRROR)" UBUNTU_MIRROR="$(UBUNTU_MIRROR)" bash -p grader/tests/versions.sh $(RELEASES)

mutants: ready-for-test authors ## Every wrong kernel (LAB= ONLY=), by whole grades (FULL=1); two at once (PAIRS=n); random edits (MECHANICAL=n); COVERAGE=1
	@$(GRADER) mutants --lab "$(LAB)" --only "$(ONLY)" --full "$(FULL)" --pairs "$(PAIRS)" --mechanical "$(MECHANICAL)" --seed "$(SEED)" --coverage "$(COVERAGE)"

template: ready authors ## Make solutions-template/ from the labs' solutions
	@$(GRADER) template

bench: ready authors ## Guest instructions and seconds of the reference
	@$(GRADER) bench --lab "$(LAB)"

fuzz: ready-for-test authors ## Random system calls against the finished kernel: CALLS=1000000 SEED=1
	@$(GRADER) fuzz --calls "$(CALLS)" --seed "$(SEED)"

format: ready-for-test ## Format C and Python
	@bash -p grader/lint.sh format

lint: ready-for-test ## Check formats, types, and suspicious code; report the kernel's size
	@bash -p grader/lint.sh check

# Set up when nothing is known of this machine yet, or setup itself has changed.
ready:
	@if [ ! -x "$$(cat build/python 2>/dev/null)" ] || [ grader/setup/tools.sh -nt build/python ]; \
		then bash -p grader/setup/setup.sh student || exit 2; fi

ready-for-test:
	@if [ ! -x "$$(cat build/python 2>/dev/null)" ] || [ ! -e build/python-test ] || \
		[ grader/setup/tools.sh -nt build/python-test ]; \
		then bash -p grader/setup/setup.sh test && touch build/python-test || exit 2; fi

authors:
	@if [ -z "$(AUTHORS)" ]; then \
		echo "rung: this is the student edition: that command needs the authors' tree" >&2; exit 2; fi
