"""`make targets`: register key targets, which the monthly dispatch lists."""

from __future__ import annotations

import argparse

from duban.publishing.issuers import register_targets
from local.console import Console, csv_lines
from local.system import System, open_warehouse

REQUIRED = ("file",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it is told."""
    parser.add_argument("file", help="CSV with the columns of dags/duban/reference/key_targets.csv")


def run(system: System, console: Console, options: argparse.Namespace) -> None:
    """Register the key targets of a CSV file.

    Raises:
        Problem: the file cannot be read or used.
    """
    with csv_lines(options.file) as rows, open_warehouse(system) as conn:
        count = register_targets(conn, rows)
    console.say(f"{count} key targets registered")
