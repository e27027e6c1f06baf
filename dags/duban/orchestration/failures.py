"""What happens when a task fails for good, or has to be ended: it becomes a fact that the watch reports, and its log says what to do.

Beside the exception's type only its first line is kept, and only where the text is our own: what a library says may quote a row.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)
_PACKAGE = Path(__file__).resolve().parents[1]
MAX_CHARACTERS = 200


def record_failure(context: dict[str, Any]) -> None:
    """Record the failure in `ops.task_failures` and say where the runbook goes on. Never raises: the task has failed as it is."""
    from duban.warehouse.watch import Failure
    from duban.warehouse.watch import record_failure as keep
    from duban.watching.runbook import anchor_of_task, link

    task = context["ti"]
    error = context.get("exception")
    log.error("FAILED: %s of %s. What to do: %s", task.task_id, task.dag_id, link(anchor_of_task(task.dag_id, task.task_id)))
    failure = Failure(
        dag_id=task.dag_id,
        task_id=task.task_id,
        run_id=task.run_id,
        map_index=_map_index(task),
        try_number=task.try_number,
        exception_type=type(error).__name__ if isinstance(error, BaseException) else "Killed",
        first_line=first_line(error),
    )
    _tell_warehouse(keep, failure)


def record_ended(kind: str, dag_id: str, task_id: str, run_id: str, map_index: str, try_number: str) -> None:
    """Record that the guardian had to end a task, and as what: `Frozen` or `Overdue`. Airflow tries it again. Never raises."""
    from duban.warehouse.watch import Failure
    from duban.warehouse.watch import record_failure as keep

    _tell_warehouse(keep, Failure(dag_id, task_id, run_id, int(map_index), int(try_number), kind, None))


def record_recovery(context: dict[str, Any]) -> None:
    """Record that what had failed succeeded. Never raises."""
    from duban.warehouse.watch import record_recovery as keep

    task = context["ti"]
    _tell_warehouse(keep, task.dag_id, task.task_id, _map_index(task))


def first_line(error: Any) -> str | None:
    """The first line of our own exceptions, masked; of others nothing."""
    from duban.text.words import mask_text

    if not isinstance(error, BaseException) or not _is_our_text(error):
        return None
    return mask_text((str(error).splitlines() or [""])[0])[:MAX_CHARACTERS]


def _is_our_text(error: BaseException) -> bool:
    """Whether the text was written here: a class of the package, one of Airflow's, or a plain RuntimeError raised by the package."""
    if type(error).__module__.split(".")[0] in ("duban", "airflow"):
        return True
    innermost = error.__traceback__
    while innermost is not None and innermost.tb_next is not None:
        innermost = innermost.tb_next
    return type(error) is RuntimeError and innermost is not None and Path(innermost.tb_frame.f_code.co_filename).is_relative_to(_PACKAGE)


def _map_index(task: Any) -> int:
    index = getattr(task, "map_index", None)
    return -1 if index is None else index


def _tell_warehouse(keep: Any, *what: Any) -> None:
    from duban import warehouse
    from duban.settings import load_settings

    try:
        with warehouse.connect(load_settings(), "publisher") as conn:
            keep(conn, *what)
    except Exception as error:
        # whatever it was: a callback that fails would hide why the task did
        log.error("the warehouse was not told (%s): the watch does not know of this; first see that PostgreSQL runs", type(error).__name__)
