"""The bodies of the tasks: connect, call the one function that does the work, say in the log what came of it."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg

from duban import warehouse
from duban.settings import TIMEZONE, Settings, load_settings

if TYPE_CHECKING:
    from duban.orchestration.dbt import Build

log = logging.getLogger(__name__)

#: States of a task that has come to its end.
ENDED = {"success", "skipped", "failed", "upstream_failed", "removed"}
#: Long enough that the executor has told of the last attempt before the next begins: else Airflow takes it for killed.
WAIT_FOR_DAY_BEFORE = timedelta(seconds=30)


class WarehouseFailed(RuntimeError):
    """PostgreSQL refused a statement. The message names kind and place, never a value: the log of a task is no place for a person's row."""


@contextmanager
def _connected(login: str) -> Iterator[tuple[Settings, psycopg.Connection]]:
    """The settings and a connection to the warehouse with the rights of a login, for the length of a task."""
    settings = load_settings()
    try:
        with warehouse.connect(settings, login) as conn:
            yield settings, conn
    except psycopg.Error as error:
        if error.sqlstate is None:
            raise  # the server was not reached; there is no row in that
        place = ".".join(filter(None, (error.diag.schema_name, error.diag.table_name, error.diag.column_name, error.diag.constraint_name)))
        raise WarehouseFailed(f"{type(error).__name__} ({error.sqlstate}) {place}") from None


def judge_and_load() -> tuple[int, list[dict[str, Any]]]:
    """Take, judge, load and answer files; returns how many accepted submissions the marts do not hold yet, and what became of each file.

    Not what this run accepted: a run that was killed after its commit announced nothing, and its successor must. A gate that closes
    stops the judging here and fails the run in `write_returns`, so that what was judged before it is built and returned all the same.
    """
    from duban.quality import rounds
    from duban.quality.gate import GateClosed

    with _connected("loader") as (settings, conn):
        before = warehouse.submissions.last_received_at(conn)
        try:
            _log_judged(rounds.take_in(conn, settings))
        except GateClosed as error:
            log.error(
                "THE GATE IS CLOSED: %s. Nothing of that round was loaded; its files wait. Mend the rule, they are tried again.", error
            )
        return warehouse.builds.unbuilt_submissions(conn), warehouse.submissions.judged_after(conn, before)


def judge_large_files() -> tuple[int, list[dict[str, Any]]]:
    """Judge, load and answer large files; returns as `judge_and_load`.

    Raises:
        GateClosed: the gate could not be trusted; the file waits.
    """
    from duban.quality import rounds

    with _connected("loader") as (settings, conn):
        before = warehouse.submissions.last_received_at(conn)
        _log_judged(rounds.take_in_large(conn, settings))
        return warehouse.builds.unbuilt_submissions(conn), warehouse.submissions.judged_after(conn, before)


def _log_judged(counts: Mapping[str, int]) -> None:
    log.info("judged: %s", ", ".join(f"{number} {name}" for name, number in sorted(counts.items())) or "nothing waited")


def write_returns(*, apart: bool = False) -> int:
    """Write receipts and return slips that are missing in the outbox; returns how many. `apart`: those of large files.

    Raises:
        RuntimeError: files still wait for their outcome: the gate is closed, or a copy cannot be read.
    """
    from duban.quality import judging, returns

    with _connected("loader") as (settings, conn):
        written = returns.write_returns(conn, settings, apart=apart)
        waiting = [] if apart else judging.waiting(conn)
    log.info("%s receipts written below %s", len(written), settings.outbox / "returns")
    if waiting:
        raise RuntimeError(
            f"{waiting[0].submission_id} has no outcome: the gate is closed or its copy cannot be read; see the log of judge_and_load"
        )
    return len(written)


def build_warehouse(selector: str, *, full_refresh: bool = False) -> Build:
    """Run dbt; returns what it built."""
    from duban.orchestration import dbt

    return dbt.build(load_settings(), selector, full_refresh=full_refresh)


class Shown(NamedTuple):
    """The files of the site that were written, and of which build they are; None while there was none."""

    pages: list[str]
    build_id: int | None


def publish_live_ranking() -> Shown:
    """Render the page from the marts of the last good build; returns the files written."""
    from duban.outbox import claim_outbox
    from duban.publishing.site.pages import render_site

    with _connected("publisher") as (settings, conn):
        build_id = warehouse.builds.latest_build(conn)
        claim_outbox(conn, settings)
        pages = render_site(conn, settings.outbox)
        if build_id is not None:
            warehouse.builds.record_page(conn, build_id)
    return Shown([str(page) for page in pages], build_id)


def find_issues(series_code: str, params: dict[str, Any], dag_run: Any, task: Any) -> list[dict[str, Any]]:
    """The issues that a run is to publish, one per district.

    A run on demand is about the day it names, or today; one of the schedule or a backfill about the day of its cut-off, and has nothing to
    publish on days that the calendar of the series does not ask for. The days of a backfill are published in their order.

    Raises:
        AirflowSkipException: what is asked for is refused.
        AirflowRescheduleException: the day before in the backfill is not published yet.
    """
    from duban.orchestration.refusals import refusals
    from duban.publishing.issues.publishing import find_districts, is_due
    from duban.publishing.issues.series import SERIES

    series, is_of_the_clock = SERIES[series_code], dag_run.run_type in ("scheduled", "backfill")
    if dag_run.run_type == "backfill":
        _await_day_before(task)
    day = (dag_run.logical_date if is_of_the_clock else datetime.now(TIMEZONE)).astimezone(TIMEZONE).date()
    if params["business_on"]:
        day = date.fromisoformat(params["business_on"])
    with _connected("publisher") as (_, conn), refusals(task):
        if is_of_the_clock and not is_due(conn, series, day):
            log.info("%s asks for no %s", day, series.kind)
            return []
        districts = find_districts(conn, series, day, params["district_code"])
    log.info("%s %s: %s", day, series.kind, ", ".join(districts) or "no district that is set up to publish has a campaign and data")
    reason = (params["release_reason"] or "").strip()
    rest = {
        "business_on": day.isoformat(),
        "is_correction": params["correction"],
        # one reason releases one issue
        "release_reason": reason if params["district_code"] else "",
        "released_by": getattr(dag_run, "triggering_user_name", None) or "airflow",
    }
    return [{"district_code": code, **rest} for code in districts]


def _await_day_before(task: Any) -> None:
    """In a backfill: come back until the run of the day before has published, is held or has failed, so that numbers follow the days.

    Runs of a backfill begin in order and go on side by side. One that has not begun is not waited for: the backfill goes backwards.
    """
    from airflow.sdk.exceptions import AirflowRescheduleException

    before = task.get_previous_dagrun()
    if before is None or before.run_type != "backfill" or before.state != "running":
        return
    states = task.get_task_states(task.dag_id, task_ids=["find_issues", "publish"], run_ids=[before.run_id]).get(before.run_id, {})
    if not states or not set(states.values()) <= ENDED:
        raise AirflowRescheduleException(datetime.now(UTC) + WAIT_FOR_DAY_BEFORE)


def publish_issue(series_code: str, asked: dict[str, Any], task: Any) -> dict[str, Any]:
    """Publish one issue and put it into its folder; returns what was asked with its id, or with the reasons for which it is held.

    What was asked may hold a `release_reason`: it is for the reasons in `reasons`, or for those that were recorded before.

    Raises:
        AirflowSkipException: what is asked for is refused.
    """
    from duban.orchestration.refusals import refusals
    from duban.publishing.issues.checks import Held
    from duban.publishing.issues.freezing import Release
    from duban.publishing.issues.publishing import publish
    from duban.publishing.issues.series import SERIES
    from duban.publishing.issues.writing import keep_in_folder
    from duban.text.words import mask_text

    series, day = SERIES[series_code], date.fromisoformat(asked["business_on"])
    key = (asked["district_code"], series.code, day, asked["is_correction"])
    release = None
    with _connected("publisher") as (settings, conn), refusals(task):
        if asked["release_reason"]:
            seen = tuple(asked.get("reasons") or warehouse.issues.hold_reasons(conn, *key))
            release = Release(asked["released_by"], mask_text(asked["release_reason"]), seen)
        try:
            issue = publish(conn, series, asked["district_code"], day, is_correction=asked["is_correction"], release=release)
        except Held as held:
            log.error("HELD, not published: %s. Mend the data and run again, or release it.", held)
            return {**asked, "publication_id": None, "reasons": list(held.reasons)}
        if issue:
            keep_in_folder(conn, settings, issue.publication_id)
    log.info("%s", f"{issue.publication_id} is published" if issue else "nothing to publish")
    return {**asked, "publication_id": issue.publication_id if issue else None, "reasons": []}


def question(series_code: str, result: dict[str, Any], *, release_option: str) -> dict[str, str]:
    """What a person is asked about a held issue; a task about one that is not held is skipped."""
    from airflow.sdk.exceptions import AirflowSkipException

    from duban.publishing.issues.series import SERIES

    if not result["reasons"]:
        raise AirflowSkipException("nothing is held")
    # shown as Markdown: what a sender wrote stays as it is
    reasons = "\n".join("* " + re.sub(r"([\\`*_\[\]<>#|~!])", r"\\\1", reason) for reason in result["reasons"])
    kind = SERIES[series_code].kind + ("（更正）" if result["is_correction"] else "")
    return {
        "subject": f"{result['district_code']} {result['business_on']} {kind}因检查未通过而暂缓发布",
        "body": f"未通过的检查：\n\n{reasons}\n\n改正数据后重新运行本流程即自动发布；"
        f"确认无误而仍要发布的，请写明理由后选择“{release_option}”。",
    }


def publish_released(series_code: str, held: dict[str, Any], answer: dict[str, Any], task: Any, *, release_option: str) -> None:
    """Do what a person decided about a held issue.

    Raises:
        AirflowFailException: no reason was written, or it is held for other reasons than the person was asked about.
    """
    from airflow.sdk.exceptions import AirflowFailException

    if answer["chosen_options"] != [release_option]:
        log.warning("it stays held")
        return
    reason = answer["params_input"].get("reason", "").strip()
    person = (answer["responded_by_user"] or {}).get("name") or "airflow"
    if not reason:
        raise AirflowFailException("没有写明放行理由，未发布；重新运行本流程即可再次填写")
    result = publish_issue(series_code, {**held, "release_reason": reason, "released_by": person}, task)
    if result["reasons"]:
        raise AirflowFailException(f"检查又有新的问题，未发布：{'；'.join(result['reasons'])}。重新运行本流程即可再次确认")


def deliver() -> int:
    """Send everything that is due; returns how many deliveries went.

    Raises:
        AirflowFailException: some are a person's matter now. It is said once, and all others went their way: to try again is of no use.
    """
    from airflow.sdk.exceptions import AirflowFailException

    from duban.orchestration.channels import open_channels
    from duban.publishing import delivery

    with _connected("publisher") as (settings, conn):
        report = delivery.deliver_due(conn, settings, open_channels())
    log.info("deliveries: %s", report)
    if report.for_a_person:
        raise AirflowFailException("; ".join(report.for_a_person))
    return report.sent


def watch() -> str:
    """Make the report of today and write the messages to operators; returns it in numbers."""
    from duban.watching import report

    with _connected("publisher") as (settings, conn):
        made = report.watch(conn, settings)
    for item in made.errors:
        log.error("%s: %s", item.runbook_anchor, item.text)
    log.info("report of %s: %s; %s messages", made.watched_on, made, len(made.message_keys))
    return str(made)
