"""The operator's commands: each is one module, with a target of the Makefile and a help of its own."""

from __future__ import annotations

import pkgutil
import re
import subprocess
import sys
from importlib import import_module

import pytest

from duban.settings import PROJECT
from local import commands

NAMES = [module.name for module in pkgutil.iter_modules(commands.__path__)]
MAKEFILE = (PROJECT / "Makefile").read_text(encoding="utf-8")
TARGETS = dict(re.findall(r"^([a-z-]+):[^=\n]*## .*\n((?:\t.*\n)+)", MAKEFILE, flags=re.MULTILINE))


def said(*command: str) -> str:
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("name", NAMES)
def test_a_command_is_a_module_and_a_target(name):
    assert callable(import_module(f"local.commands.{name}").run)
    assert re.search(rf"\$\(LOCAL\) {name}\b", TARGETS[name])


def test_a_target_says_what_it_takes():
    usage = said("make", "check", "HELP=yes")
    assert usage.startswith("make check: ") and "usage: python -m local check [-h] file unit" in usage
    assert said("make", "lint", "HELP=yes").startswith("make lint: ")


@pytest.mark.parametrize("name", [name for name in NAMES if hasattr(import_module(f"local.commands.{name}"), "REQUIRED")])
def test_what_make_was_not_told_is_asked_for(name):
    told = "make", name, f"PYTHON={sys.executable}", "-o", "setup"
    asked = subprocess.run(told, cwd=PROJECT, capture_output=True, text=True)
    first = import_module(f"local.commands.{name}").REQUIRED[0]
    assert asked.returncode == 2
    assert f"usage: python -m local {name} " in asked.stderr and f"{first} is missing" in asked.stderr


def test_no_target_asks_for_a_command_that_is_not_there():
    assert {name for recipe in TARGETS.values() for name in re.findall(r"\$\(LOCAL\) ([a-z]+)", recipe)} == set(NAMES)


def test_the_help_lists_every_target_in_its_group():
    groups = [block.splitlines() for block in said("make", "help").strip().split("\n\n")]
    assert [group[0] for group in groups] == [
        "Start here", "Files that units send", "The office's settings", "Publications", "Upkeep", "For developers",
    ]  # fmt: skip
    listed = [line.split()[1] for group in groups for line in group[1:]]
    phony = re.search(r"^\.PHONY: (.*)$", MAKEFILE, flags=re.MULTILINE)[1].split()
    assert sorted(listed) == sorted(phony) and len(set(listed)) == len(listed)


def test_the_command_line_lists_every_command():
    listed = said(sys.executable, "-m", "local", "--help")
    assert all(re.search(rf"^    {name}\b", listed, flags=re.MULTILINE) for name in NAMES)
