"""Starts by state: a trigger that asks the warehouse from Airflow's triggerer whether something is to be done, and fires while it is.

Events start the DAGs sooner; they may be lost (a DAG was paused, a run was cleared, Airflow's database is gone), what the warehouse knows
is not.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

LOOK_SECONDS = 5.0
#: For a run that did not come about, and for a DAG that was paused when it fired.
AGAIN_SECONDS = 30.0


class Question(NamedTuple):
    """What is asked, and how long the answer must have been yes: an event may have started what is due a moment ago."""

    subject: str  # a module of `duban.warehouse`
    ask: str
    settled_seconds: float


QUESTIONS = {
    "deliveries": Question("deliveries", "has_due_deliveries", 0.0),
    "large": Question("returns", "large_file_is_due", 0.0),
    "build": Question("builds", "build_is_due", 30.0),
    "page": Question("builds", "page_is_due", 30.0),
}


class DueTrigger(BaseEventTrigger):
    """Fires while something is due and nobody does it. `question`: a key of `QUESTIONS`."""

    def __init__(self, question: str):
        super().__init__()
        self.question = question

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """How the triggerer rebuilds this trigger."""
        return ("duban.orchestration.due_trigger.DueTrigger", {"question": self.question})

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look, wait, look again; never ends."""
        from duban import warehouse
        from duban.settings import load_settings

        question, settings = QUESTIONS[self.question], load_settings()
        ask = getattr(getattr(warehouse, question.subject), question.ask)
        due_since, fired_at = None, float("-inf")
        while True:
            now = time.monotonic()
            is_due = await asyncio.to_thread(_ask, settings, ask)
            due_since = (due_since if due_since is not None else now) if is_due else None
            if is_due and now - due_since >= question.settled_seconds and now - fired_at >= AGAIN_SECONDS:
                fired_at = now
                yield TriggerEvent({"due": self.question})
            await asyncio.sleep(LOOK_SECONDS)


def _ask(settings: Any, ask: Callable[[Any], bool]) -> bool:
    """False while the warehouse does not answer."""
    import psycopg

    from duban import warehouse

    try:
        with warehouse.connect(settings, "publisher") as conn:
            return ask(conn)
    except psycopg.Error as error:
        logging.getLogger(__name__).warning("the warehouse cannot be asked: %s", type(error).__name__)
        return False
