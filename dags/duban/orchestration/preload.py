"""Loaded once by the server from which Airflow's workers fork (deploy/airflow.env): what their tasks would each load anew.

Code, and what is made of the code: not the rules below `expectations/`, since a mended file counts from the next task on.
"""

# ruff: noqa: F401
from __future__ import annotations

import gc
import logging

import dbt.adapters.postgres.impl
import dbt.cli.main
import dbt.task.build

from duban.orchestration import assets, defaults, parsed_project, steps
from duban.publishing.issues import publishing, writing
from duban.publishing.site import pages
from duban.quality import gate, returns, rounds
from duban.settings import load_settings

log = logging.getLogger(__name__)


def _make_ready() -> None:
    gate.batches()
    pages.load_templates()
    parsed_project.make_ready(load_settings())


try:
    _make_ready()
except Exception:  # the task that needs it says what is wrong
    log.warning("tasks begin without what could have been made ready for them", exc_info=True)
# what is there stays: no collector touches it, and children share its memory
gc.collect()
gc.freeze()
