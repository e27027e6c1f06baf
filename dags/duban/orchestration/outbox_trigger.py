"""The start of deliveries: a trigger that watches `ops.deliveries` from Airflow's triggerer and fires when something can go."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from typing import Any

from airflow.sdk import Asset, AssetWatcher
from airflow.triggers.base import BaseEventTrigger, TriggerEvent

LOOK_SECONDS = 5.0
#: What could not go at the last firing has its own, longer waits; this is for a run that did not come about.
AGAIN_SECONDS = 30.0


class OutboxTrigger(BaseEventTrigger):
    """Fires when a delivery is due and nobody is sending."""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """How the triggerer rebuilds this trigger."""
        return ("duban.orchestration.outbox_trigger.OutboxTrigger", {})

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look, wait, look again; never ends."""
        from duban.settings import load_settings

        settings, fired_at = load_settings(), float("-inf")
        while True:
            if time.monotonic() - fired_at >= AGAIN_SECONDS and await asyncio.to_thread(_is_due, settings):
                fired_at = time.monotonic()
                yield TriggerEvent({"due": True})
            await asyncio.sleep(LOOK_SECONDS)


def _is_due(settings: Any) -> bool:
    """False while the warehouse does not answer."""
    import psycopg

    from duban import warehouse

    try:
        with warehouse.connect(settings, "publisher") as conn:
            return warehouse.has_due_deliveries(conn)
    except psycopg.Error as error:
        logging.getLogger(__name__).warning("the warehouse cannot be asked: %s", type(error).__name__)
        return False


#: Deliveries that can go.
OUTBOX = Asset(name="outbox", uri="duban://outbox", group="duban", watchers=[AssetWatcher(name="outbox_watcher", trigger=OutboxTrigger())])
