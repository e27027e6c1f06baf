"""`make district`: register a district, with inbox folders for its units."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from local.console import Console, Problem
from local.system import System

REQUIRED = ("file",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it is told."""
    parser.add_argument("file", help="CSV with the columns of dags/duban/reference/430511.csv")
    parser.add_argument("district_name", nargs="?", default="", help="name of the district")
    parser.add_argument("--campaign-start", default="", help="first day of its campaign (2020-04-01)")
    parser.add_argument("--campaign-end", default="", help="last day of its campaign (2020-06-30)")


def run(system: System, console: Console, options: argparse.Namespace) -> None:
    """Register the divisions of a file and rebuild the marts, so that the district shows at once.

    Raises:
        Problem: the file cannot be used, or the system does not run.
    """
    system.require_warehouse()
    environment = system.environment()
    arguments = [str(Path(options.file).absolute())]
    if options.district_name:
        arguments.append(options.district_name)
    for name in ("campaign_start", "campaign_end"):
        if value := getattr(options, name):
            arguments += [f"--{name.replace('_', '-')}", value]
    if subprocess.run([sys.executable, "-m", "duban.divisions", *arguments], env=environment).returncode:
        raise Problem("nothing was registered")
    console.say("rebuilding the marts, so that the district shows at once")
    if subprocess.run([sys.executable, "-m", "duban.install", "--rebuild"], env=environment).returncode:
        raise Problem("The district is registered, but the marts could not be rebuilt: DAG build_warehouse will do it.")
    console.say("done")
