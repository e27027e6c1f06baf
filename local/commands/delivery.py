"""`make delivery`: decide about a delivery that failed or is uncertain."""

from __future__ import annotations

import argparse

from duban.publishing import delivery
from local.console import Console, problems
from local.system import System, open_warehouse

DECISIONS = {"resend": delivery.resend, "settle": delivery.settle, "withdraw": delivery.withdraw}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it is told."""
    parser.add_argument("delivery", type=int, help="its number, as `status` shows it")
    parser.add_argument("decision", choices=DECISIONS, help="resend, settle (it did arrive) or withdraw (it is not wanted any more)")
    parser.add_argument("reason", help="why; kept with the delivery")


def run(system: System, console: Console, options: argparse.Namespace) -> None:
    """Carry out what a person decided about a delivery.

    Raises:
        Problem: there is no such delivery to decide about, or no reason is given.
    """
    with problems(delivery.NothingToDecide), open_warehouse(system) as conn:
        DECISIONS[options.decision](conn, options.delivery, options.reason)
    console.say(f"delivery {options.delivery}: {options.decision}")
