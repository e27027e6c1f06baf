"""`make template`: write a unit's own workbook, filled with what is known now, into the outbox."""

from __future__ import annotations

import argparse
from datetime import datetime

from duban.outbox import OutboxTaken
from duban.quality.template import UnknownLedger, UnknownUnit, write_template
from duban.settings import TIMEZONE
from local.console import Console, Problem, problems
from local.system import System, open_warehouse

REQUIRED = ("unit",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it is told."""
    parser.add_argument("unit", help="unit code, as its folder in the inbox: a township, <district>000, <district>-D1")
    parser.add_argument("--ledger", default="", metavar="NAME", help="one more ledger that it has not sent yet, by folder or title")


def run(system: System, console: Console, options: argparse.Namespace) -> None:
    """Write the template of a unit, and say where it lies.

    Raises:
        Problem: the unit or the ledger is unknown; the outbox is not ours; or the warehouse cannot be asked.
    """
    installation = system.installation
    unit_code = options.unit.strip()
    try:
        with problems(OutboxTaken), open_warehouse(system) as conn:
            written = write_template(conn, installation.settings, unit_code, datetime.now(TIMEZONE).date(), options.ledger.strip())
    except UnknownUnit as error:
        raise Problem(f"{unit_code} is no registered unit. Registered are {error}; `district` registers more.") from None
    except UnknownLedger as error:
        raise Problem(f"{unit_code} sends no ledger {options.ledger.strip()!r}. It may send {error}.") from None
    console.say("; ".join(f"{title} {count} rows" for title, count in written.counts.items()))
    if written.left_out:
        console.say(f"left out: {written.left_out} visits whose problem was handed to another township; they stay as they are")
    console.show(str(written.path))
