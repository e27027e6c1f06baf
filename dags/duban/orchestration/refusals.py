"""What was asked of a DAG and cannot be: no failure, no alarm. The task is skipped, and says why in its log and as its XCom `refused`."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

log = logging.getLogger(__name__)

#: Key of the XCom.
REFUSED = "refused"


def refuse(task: Any, reason: str) -> NoReturn:
    """Skip a task, and with it all that comes after.

    Args:
        task: The instance of the task.
        reason: In Chinese, for the person who asked.

    Raises:
        AirflowSkipException: always.
    """
    from airflow.sdk.exceptions import AirflowSkipException

    log.warning("REFUSED: %s", reason)
    task.xcom_push(REFUSED, reason)
    raise AirflowSkipException(reason)


@contextmanager
def refusals(task: Any) -> Iterator[None]:
    """Skip a task whose request is refused: it would be refused the next time too."""
    from duban.publishing.issues.freezing import Refused

    try:
        yield
    except Refused as error:
        refuse(task, str(error))


def refuse_unknown_conf(context: dict[str, Any]) -> None:
    """Before every task: let only runs pass whose configuration has keys that the DAG knows. A misspelt one would do something else.

    Raises:
        AirflowSkipException: there are others.
    """
    known = sorted(context["dag"].params)
    if unknown := sorted(set(context["dag_run"].conf or {}) - set(known)):
        refuse(context["ti"], f"不认识的参数：{'、'.join(unknown)}；本流程的参数有：{'、'.join(known) or '（没有参数）'}。什么也没有做")
