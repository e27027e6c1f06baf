"""`make up`: start PostgreSQL and Airflow in the background; nothing to do when they run."""

from __future__ import annotations

import argparse

from local.console import Console
from local.system import System

IS_FIRST = True


def run(system: System, console: Console, options: argparse.Namespace) -> None:
    """Start what does not run, and say where everything is."""
    system.up(console)
    system.show_places(console)
