"""`make down`: stop everything; nothing is lost."""

from __future__ import annotations

import argparse

from local.console import Console
from local.system import System

IS_FIRST = True


def run(system: System, console: Console, options: argparse.Namespace) -> None:
    """Stop what runs."""
    system.down(console)
