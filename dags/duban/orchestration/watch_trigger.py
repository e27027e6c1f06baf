"""The start of the watch when a deadline is missed: a trigger that compares the facts with the newest report from Airflow's triggerer."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from typing import Any

from airflow.sdk import Asset, AssetWatcher
from airflow.triggers.base import BaseEventTrigger, TriggerEvent

LOOK_SECONDS = 30.0
#: A run takes seconds; this is for one that did not come about, or could not write its report.
AGAIN_SECONDS = 300.0


class WatchTrigger(BaseEventTrigger):
    """Fires when a deadline was missed, or is met again, and the newest report does not say so."""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """How the triggerer rebuilds this trigger."""
        return ("duban.orchestration.watch_trigger.WatchTrigger", {})

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look, wait, look again; never ends."""
        from duban.settings import load_settings

        settings, fired_at, was_due = load_settings(), float("-inf"), False
        while True:
            is_due = await asyncio.to_thread(_is_due, settings)
            # once it was not due in between, this is another deadline
            if is_due and (not was_due or time.monotonic() - fired_at >= AGAIN_SECONDS):
                fired_at = time.monotonic()
                yield TriggerEvent({"deadline": True})
            was_due = is_due
            await asyncio.sleep(LOOK_SECONDS)


def _is_due(settings: Any) -> bool:
    """False while the warehouse does not answer."""
    import psycopg

    from duban import warehouse
    from duban.watching.deadlines import report_is_due

    try:
        with warehouse.connect(settings, "publisher") as conn:
            return report_is_due(conn, settings)
    except psycopg.Error as error:
        logging.getLogger(__name__).warning("the warehouse cannot be asked: %s", type(error).__name__)
        return False


#: Deadlines that were missed, or are met again.
DEADLINES = Asset(
    name="deadlines", uri="duban://deadlines", group="duban", watchers=[AssetWatcher(name="deadline_watcher", trigger=WatchTrigger())]
)
