"""A system that nobody starts, and commands that only ask it something."""

from __future__ import annotations

import argparse
from types import ModuleType, SimpleNamespace

from duban.settings import Settings
from local.console import Console
from local.system import System


class AskedSystem(System):
    """What such a command knows of a local system: its settings, and whether its PostgreSQL runs (`port` is not None)."""

    start_command = "make up"

    def __init__(self, settings: Settings, *, is_external: bool = False, port: int | None = 1) -> None:
        self.installation = SimpleNamespace(settings=settings, is_external_warehouse=is_external)
        self.postgres = SimpleNamespace(running_port=lambda: port)


def run(command: ModuleType, system: System, *arguments: str) -> None:
    """Run a command of `local.commands` with the arguments of its command line."""
    parser = argparse.ArgumentParser()
    if hasattr(command, "add_arguments"):
        command.add_arguments(parser)
    command.run(system, Console(), parser.parse_args(arguments))
