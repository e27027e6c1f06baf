"""`make recipients`: register who gets issues and return slips by e-mail and group robot."""

from __future__ import annotations

import argparse
from pathlib import Path

from duban.publishing.recipients import RecipientsInvalid, register_recipients
from local.console import Console, problems
from local.system import System, open_warehouse

REQUIRED = ("file",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it is told."""
    columns = "district_code, audience, channel, address and, optionally, unit_code, series, is_active"
    parser.add_argument("file", help=f"CSV: {columns}")


def run(system: System, console: Console, options: argparse.Namespace) -> None:
    """Register the recipients of a CSV file, which is the whole list of each district that it names.

    Raises:
        Problem: the file cannot be read or used.
    """
    with problems(RecipientsInvalid, OSError, about=options.file), open_warehouse(system) as conn:
        counts = register_recipients(conn, Path(options.file))
    console.say(", ".join(f"{count} {name}" for name, count in counts.items()))
