"""One dbt run, in this process, one at a time, recorded in `ops.builds`.

Where little changed, dbt's own work is nearly all the cost. So it is asked for no more than is needed: what was parsed before, one node
after the other, one connection for all of them, and no log of what went well.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from psycopg.conninfo import conninfo_to_dict

from duban import warehouse
from duban.orchestration import parsed_project
from duban.settings import Settings

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunner
    from dbt_common.events.base_types import EventMsg

log = logging.getLogger(__name__)


class BuildFailed(RuntimeError):
    """dbt reported failures; the message names them. No page is made from such a build."""


@dataclass(frozen=True)
class Model:
    """A model that was made: the schema where readers find it, rows written (None where the adapter does not say), seconds it took."""

    name: str
    schema: str
    rows: int | None
    seconds: float


@dataclass(frozen=True)
class Build:
    """A build that succeeded: its id, the models that it made, and how many tests it passed."""

    build_id: int
    models: tuple[Model, ...]
    test_count: int


def build(settings: Settings, selector: str, *, full_refresh: bool = False, today: date | None = None) -> Build:
    """Build and test what a selector of `dbt_project/selectors.yml` names.

    A build begins and ends itself in `ops.builds` (dbt_project/macros/builds.sql): what arrived since the last good one is built, and shown
    to readers in one transaction when nothing failed. `full_refresh` makes every table anew, as its columns are now.
    `today` sets another business date than the current day.

    Raises:
        BuildFailed: a model or a test failed; readers see what they saw before.
    """
    os.environ.update(connection_variables(settings), DBT_APPLICATION_NAME=warehouse.builds.BUILDING)
    with warehouse.connect(settings, "transformer") as conn, warehouse.builds.build_lock(conn, end_at_once):
        command = ["build", "--selector", selector, *parsed_project.options(settings), "--no-write-json", "--single-threaded"]
        command += ["--full-refresh"] if full_refresh else []
        with _business_date(today), _without_collector():
            outcome = _runner(settings).invoke(command)
        results = list(getattr(outcome.result, "results", None) or ())
        build_id, is_good = warehouse.builds.last_build(conn) if outcome.success else (0, False)
        if not is_good:
            warehouse.builds.close_builds(conn)
    if not is_good:
        failed = [f"{result.node.name}: {result.message}" for result in results if result.status in {"error", "fail", "runtime error"}]
        raise BuildFailed("; ".join(failed) or str(outcome.exception or "not every mart was built"))
    # fqn: project, layer (what is made in `candidates` is shown in `marts`), …, name
    models = tuple(Model(r.node.name, r.node.fqn[1], _rows(r), r.execution_time) for r in results if r.node.resource_type == "model")
    tests = sum(result.node.resource_type in {"test", "unit_test"} for result in results)
    log.info("build %s: %s models, %s tests", build_id, len(models), tests)
    return Build(build_id, models, tests)


def end_at_once() -> None:
    """Whoever lost the lock of builds (it was stopped, and goes on) ends before its dbt writes another table beside its successor's."""
    os.kill(os.getpid(), signal.SIGKILL)


def connection_variables(settings: Settings) -> dict[str, str]:
    """The warehouse as the environment variables from which dbt's profile reads it."""
    parts = conninfo_to_dict(settings.uri("transformer"))
    return {
        "PGHOST": parts.get("host", "127.0.0.1"),
        "PGPORT": str(parts.get("port", 5432)),
        "PGDATABASE": parts["dbname"],
        "DBT_USER": parts["user"],
        "DBT_ENV_SECRET_PASSWORD": parts.get("password", ""),
    }


def _runner(settings: Settings) -> dbtRunner:
    from dbt.adapters.postgres import PostgresAdapter, PostgresConnectionManager  # takes seconds
    from dbt.cli.main import dbtRunner
    from dbt_common.behavior_flags import BehaviorFlagRendered

    class KeptConnections(PostgresConnectionManager):
        """dbt would connect anew for each node."""

        def release(self) -> None:
            self.rollback_if_open()

    PostgresAdapter.ConnectionManager = KeptConnections
    # dbt looks through the whole stack, and its files, for who asks for each flag of an adapter: up to a fifth of a build
    BehaviorFlagRendered._default_source = staticmethod(lambda: "dbt")
    try:
        return dbtRunner(parsed_project.manifest(settings), [_say_what_is_wrong])
    except parsed_project.NotParsed as error:
        raise BuildFailed(str(error)) from None


def _say_what_is_wrong(event: EventMsg) -> None:
    if event.info.level in ("warn", "error"):
        log.log(logging.ERROR if event.info.level == "error" else logging.WARNING, "dbt: %s", event.info.msg)


@contextmanager
def _without_collector() -> Iterator[None]:
    """A fifth of a build would be spent on looking for garbage."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def _business_date(today: date | None) -> Iterator[None]:
    """Sessions that begin meanwhile take `today` for the current day (macros/today.sql); the profile of dbt has no place for settings."""
    before = os.environ.get("PGOPTIONS")
    if today:
        os.environ["PGOPTIONS"] = f"{before or ''} -c duban.today={today}"
    try:
        yield
    finally:
        os.environ.pop("PGOPTIONS", None)
        os.environ.update({"PGOPTIONS": before} if before else {})


def _rows(result: Any) -> int | None:
    affected = (result.adapter_response or {}).get("rows_affected")
    return affected if isinstance(affected, int) and affected >= 0 else None
