"""A system that nobody starts, for commands that only ask it something."""

from __future__ import annotations

from types import SimpleNamespace

from duban.settings import Settings
from local.lifecycle import System


class AskedSystem(System):
    """What such a command knows of a local system: its settings, and whether its PostgreSQL runs (`port` is not None)."""

    def __init__(self, settings: Settings, *, is_external: bool = False, port: int | None = 1) -> None:
        self.installation = SimpleNamespace(settings=settings, is_external_warehouse=is_external)
        self.postgres = SimpleNamespace(running_port=lambda: port)
