"""`make delivery`: decide about a delivery that failed or is uncertain."""

from __future__ import annotations

import argparse

from duban.publishing import delivery
from local.console import Console, Problem
from local.system import System, open_warehouse

DECISIONS = {"resend": delivery.resend, "settle": delivery.settle, "withdraw": delivery.withdraw}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it is told."""
    parser.add_argument("delivery", help="its number, as `status` shows it")
    parser.add_argument("decision", help="resend, settle (it did arrive) or withdraw (it is not wanted any more)")
    parser.add_argument("reason", help="why; kept with the delivery")


def run(system: System, console: Console, options: argparse.Namespace) -> None:
    """Carry out what a person decided about a delivery.

    Raises:
        Problem: there is no such delivery or decision, or no reason is given.
    """
    number, decision = options.delivery, options.decision
    if not number.isdigit() or decision not in DECISIONS:
        raise Problem(
            f"Say which and what: make delivery ID=<number> DECISION={'|'.join(DECISIONS)} REASON=<text>; `make status` lists them."
        )
    try:
        with open_warehouse(system) as conn:
            DECISIONS[decision](conn, int(number), options.reason)
    except delivery.NothingToDecide as error:
        raise Problem(str(error)) from None
    console.say(f"delivery {number}: {decision}")
