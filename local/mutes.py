"""`make mute`: what is known and not to be told again before a day."""

from __future__ import annotations

import getpass

from duban.watching.mutes import MuteRefused, mute
from local.console import Console, Problem
from local.lifecycle import System, open_warehouse


def add(system: System, console: Console, check: str, subject: str, until: str, reason: str) -> None:
    """Mute a check, or some of its subjects, through a day.

    Raises:
        Problem: there is no such check, no day within 90 days, or no reason.
    """
    if not check or not until:
        raise Problem("Say what, how long and why: make mute CHECK=<check> [SUBJECT=<subject or pattern>] UNTIL=<day> REASON=<text>")
    try:
        with open_warehouse(system) as conn:
            number = mute(conn, check, subject or None, until, reason, _person())
    except MuteRefused as error:
        raise Problem(str(error)) from None
    console.say(f"mute {number}: {check} {subject or '(all subjects)'} is not told through {until}; the report keeps it")


def _person() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in containers
        return "operator"
