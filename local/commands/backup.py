"""`make backup`: write everything that cannot be made again into one file, while the system runs."""

from __future__ import annotations

import argparse
from pathlib import Path

from local.backup.writing import KEEP, write_backup
from local.console import Console
from local.system import System


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it is told."""
    parser.add_argument("--to", default="", metavar="FOLDER", help="folder ($DUBAN_HOME/backups)")
    parser.add_argument("--keep", type=int, default=KEEP, help=f"how many backups stay in the folder, 0: all ({KEEP})")


def run(system: System, console: Console, options: argparse.Namespace) -> None:
    """Take a backup."""
    system.require_warehouse()
    place = system.place()
    folder = Path(options.to).expanduser().absolute() if options.to else place.settings.home / "backups"
    write_backup(place, folder, console, options.keep)
