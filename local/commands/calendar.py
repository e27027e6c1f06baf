"""`make calendar`: enter the holidays and make-up days of a year, from the State Council's notice."""

from __future__ import annotations

import argparse

from duban import working_calendar
from local.console import Console, csv_lines
from local.system import System, open_warehouse, rebuild_marts

REQUIRED = ("file",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it is told."""
    columns = "date_on, is_working_day (true: make-up day, false: day off), holiday_name"
    parser.add_argument("file", help=f"CSV with the columns {columns}")


def run(system: System, console: Console, options: argparse.Namespace) -> None:
    """Enter the years of a file and rebuild the marts, so that they count by it at once.

    Raises:
        Problem: the file cannot be read or used, or the marts could not be rebuilt.
    """
    with csv_lines(options.file) as rows, open_warehouse(system) as conn:
        years = working_calendar.enter(conn, rows)
    console.say(f"entered: {', '.join(f'{year} ({count} days)' for year, count in sorted(years.items()))}")
    rebuild_marts(system, console)
