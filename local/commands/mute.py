"""`make mute`: let the watch not tell of a check, or of some of its subjects, for a while."""

from __future__ import annotations

import argparse
import getpass

from duban.watching.mutes import MuteRefused, mute
from local.console import Console, problems
from local.system import System, open_warehouse

REQUIRED = ("check", "until")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it is told."""
    parser.add_argument("check", help="code of the check, as docs/runbook.md lists them")
    parser.add_argument("--subject", default="", help="as marts.fct_watch_items has it; a pattern with %% for anything (all)")
    parser.add_argument("--until", default="", metavar="DAY", help="the last day, at most 90 days ahead")
    parser.add_argument("--reason", default="", help="why; kept with the mute")


def run(system: System, console: Console, options: argparse.Namespace) -> None:
    """Mute a check, or some of its subjects, through a day.

    Raises:
        Problem: there is no such check, no day within 90 days, or no reason.
    """
    check, subject, until = options.check, options.subject, options.until
    with problems(MuteRefused), open_warehouse(system) as conn:
        number = mute(conn, check, subject or None, until, options.reason, _person())
    console.say(f"mute {number}: {check} {subject or '(all subjects)'} is not told through {until}; the report keeps it")


def _person() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in containers
        return "operator"
