"""The event-driven start: a trigger that watches the inbox from Airflow's triggerer and fires when files have come."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

LOOK_SECONDS = 0.25
#: Between two looks it rests at least this many times as long as a look takes: tens of thousands of folders must not cost a processor.
IDLE_SHARE = 4
UNITS_SECONDS = 10.0
#: A file that fired and still lies there fires again after this long: the run may have failed, or left it for a later batch.
AGAIN_SECONDS = 30.0
#: So does a file that was taken and has no answer: the gate was closed, a run was killed, the outbox could not be written.
STALE_SECONDS = 45.0


class InboxTrigger(BaseEventTrigger):
    """Fires once for each set of files that are new, or the same in two looks, and that nobody is writing.

    Whoever takes them makes sure that they are at rest: a file that is still being copied when it is first seen starts a run in vain, and
    another one as soon as it stands still.
    """

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """How the triggerer rebuilds this trigger."""
        return ("duban.orchestration.inbox_trigger.InboxTrigger", {})

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look, wait, look again; never ends."""
        from duban.intake.inbox import is_being_written, look
        from duban.settings import load_settings

        settings = load_settings()
        first_seen: dict[tuple, float] = {}
        seen: set[Path] = set()
        fired: dict[tuple, float] = {}
        units: frozenset[str] = frozenset()
        units_read_at = stale_fired_at = float("-inf")
        stale = 0
        while True:
            now = time.monotonic()
            if now - units_read_at > UNITS_SECONDS:
                (units, stale), units_read_at = await asyncio.to_thread(_ask_warehouse, settings, units), now
            waiting = await asyncio.to_thread(look, settings.inbox, units)
            first_seen = {signature: first_seen.get(signature, now) for signature in waiting}
            fired = {signature: at for signature, at in fired.items() if signature in waiting}
            ready = {signature for signature, since in first_seen.items() if since < now or waiting[signature].path not in seen}
            seen = {found.path for found in waiting.values()}
            due = {signature for signature in ready if now - fired.get(signature, float("-inf")) >= AGAIN_SECONDS}
            # one that somebody has open for writing is due when it is closed
            due = {signature for signature in due if not is_being_written(waiting[signature].path)}
            stale_is_due = stale and now - stale_fired_at >= STALE_SECONDS
            if due or stale_is_due:
                fired.update(dict.fromkeys(ready, now))
                stale_fired_at = now if stale_is_due else stale_fired_at
                yield TriggerEvent({"files": len(ready), "still_waiting": stale})
            await asyncio.sleep(max(LOOK_SECONDS, IDLE_SHARE * (time.monotonic() - now)))


def _ask_warehouse(settings: Any, known: frozenset[str]) -> tuple[frozenset[str], int]:
    """Registered units, and how many files were taken a while ago and have no answer; what was known before while nobody answers."""
    import logging

    import psycopg

    from duban import warehouse

    try:
        with warehouse.connect(settings, "loader") as conn:
            return frozenset(warehouse.divisions.registered_units(conn)), warehouse.submissions.unanswered(conn, STALE_SECONDS)
    except psycopg.Error as error:
        logging.getLogger(__name__).warning("the warehouse cannot be asked: %s", type(error).__name__)
        return known, 0
