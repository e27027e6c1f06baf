"""`make recipients` and `make delivery`: who gets messages, and what persons decide about those that may or may not have arrived."""

from __future__ import annotations

from pathlib import Path

from duban.publishing import delivery
from duban.publishing.recipients import RecipientsInvalid, register_recipients
from local.console import Console, Problem
from local.lifecycle import System, open_warehouse

DECISIONS = {"resend": delivery.resend, "settle": delivery.settle, "withdraw": delivery.withdraw}


def register(system: System, console: Console, file: str) -> None:
    """Register the recipients of a CSV file, which is the whole list of each district that it names.

    Raises:
        Problem: the file cannot be read or used.
    """
    try:
        with open_warehouse(system) as conn:
            counts = register_recipients(conn, Path(file))
    except (RecipientsInvalid, OSError) as error:
        raise Problem(f"{file}: {error}") from None
    console.say(", ".join(f"{count} {name}" for name, count in counts.items()))


def decide(system: System, console: Console, number: str, decision: str, reason: str) -> None:
    """Carry out what a person decided about a delivery.

    Raises:
        Problem: there is no such delivery or decision, or no reason is given.
    """
    if not number.isdigit() or decision not in DECISIONS:
        raise Problem(
            f"Say which and what: make delivery ID=<number> DECISION={'|'.join(DECISIONS)} REASON=<text>; `make status` lists them."
        )
    try:
        with open_warehouse(system) as conn:
            DECISIONS[decision](conn, int(number), reason)
    except delivery.NothingToDecide as error:
        raise Problem(str(error)) from None
    console.say(f"delivery {number}: {decision}")
