"""Defaults of every DAG, in one place."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from duban.orchestration.failures import record_failure, record_recovery
from duban.orchestration.guardian import guard
from duban.orchestration.refusals import refuse_unknown_conf

TIMEZONE = "Asia/Shanghai"

#: Every task can run twice without harm (locks and fences are in the warehouse), so a lost connection is simply tried again.
DEFAULT_ARGS: dict[str, Any] = {
    "owner": "duban",
    "retries": 2,
    "retry_delay": timedelta(seconds=10),
    "execution_timeout": timedelta(minutes=60),
    "pre_execute": refuse_unknown_conf,
    "on_execute_callback": guard,
    "on_failure_callback": record_failure,
    "on_success_callback": record_recovery,
}
