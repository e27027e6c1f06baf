"""`make issuer` and `make targets`: how a district publishes, and the key targets it lists."""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

from duban.publishing import issuers
from local.console import Console, Problem, table
from local.lifecycle import System, open_warehouse


def set_issuer(system: System, console: Console, options: argparse.Namespace) -> None:
    """Set what was named, and show what is set.

    Raises:
        Problem: no district is named, or a value cannot be.
    """
    if not options.district:
        raise Problem("Say which district: make issuer DISTRICT=<code> [ISSUER_NAME=… FAMILY=… WORD=… RECIPIENTS=… COPIES=… AUDIENCE=…]")
    values = {name: value for name in issuers.COLUMNS if (value := getattr(options, name)) is not None}
    try:
        with open_warehouse(system) as conn:
            now = issuers.set_issuer(conn, options.district, values)
    except ValueError as error:
        raise Problem(str(error)) from None
    console.show(table(("", options.district), [(name, "" if value is None else value) for name, value in now.items()]))
    if "audience" in values:
        console.say("the site follows with its next refresh: after an accepted file, an issue, or at 00:05")


def register_targets(system: System, console: Console, file: str) -> None:
    """Register the key targets of a CSV file.

    Raises:
        Problem: the file cannot be read or used.
    """
    try:
        with open(Path(file), encoding="utf-8-sig", newline="") as rows, open_warehouse(system) as conn:
            count = issuers.register_targets(conn, csv.DictReader(rows))
    except (OSError, ValueError) as error:
        raise Problem(f"{file}: {error}") from None
    console.say(f"{count} key targets registered")
