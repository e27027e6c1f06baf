"""An office whose marts are built, in a campaign of autumn 2026, where the calendar has a long holiday and days that make up for it.

Worked are 28–30 September, 8–10 October (the 10th is a Saturday) and from then on Monday to Friday.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from duban import warehouse
from duban.intake.inbox import landed
from duban.orchestration import dbt
from duban.settings import TIMEZONE
from duban.watching import folders
from duban.watching.checks import BY_CODE, run_checks
from duban.watching.facts import Found
from duban.watching.report import Report, watch
from tests.conftest import Office, Server, open_office

DISTRICT, TOWNSHIPS = "430511", ("430511001", "430511002", "430511003", "430511004", "430511101")
_numbers = itertools.count(1)


def at(text: str) -> datetime:
    """A moment in Shanghai."""
    return datetime.fromisoformat(text).replace(tzinfo=TIMEZONE)


@pytest.fixture(scope="session")
def built(server: Server, installed: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Name of a database with empty marts and a campaign of 北塔区."""
    uri = server.copy_of(installed)
    settings = server.settings_of(tmp_path_factory.mktemp("built"), uri)
    dbt.build(settings, "nightly")
    with warehouse.connect(settings) as conn:
        conn.execute("insert into raw.campaigns values (%s, '秋季', '2026-09-28', '2026-10-20')", (DISTRICT,))
        conn.execute("update raw.units set registered_at = '2026-09-01'")
        conn.execute("update raw.districts set set_up_by = 'issuer'")
    yield uri.rsplit("/", 1)[1]
    server.drop(uri)


@pytest.fixture
def watched(server: Server, built: str, tmp_path) -> Iterator[Office]:
    """Such an office for one test."""
    with open_office(server, tmp_path / "home", template=built) as office:
        office.settings.inbox.mkdir(parents=True)
        yield office


def run(office: Office, statement: str, *parameters: Any) -> None:
    """Change something as the operator."""
    with warehouse.connect(office.settings) as conn:
        conn.execute(statement, parameters)


def sent(office: Office, unit: str, when: str, outcome: str | None = "accepted", report_on: str | None = None, **columns: Any) -> str:
    """A file of a unit as the intake leaves it; without an outcome it is being judged."""
    submission_id = f"20261001-{next(_numbers):06}"
    row = {
        "submission_id": submission_id,
        "district_code": unit[:6],
        "unit_code": unit,
        "inbox_path": b"x",
        "file_name": "王小明.xlsx",
        "file_sha256": hashlib.sha256(b"x").hexdigest(),
        "file_size": 1,
        "file_mtime_ns": 1,
        "claimed_at": at(when),
        "removed_at": at(when),
    }
    if outcome:
        rejected = 1 if outcome in ("rejected", "accepted_with_rejections") else 0
        accepted = 1 if outcome.startswith("accepted") else 0
        row |= {"outcome": outcome, "received_at": at(when), "report_on": report_on or when[:10], "receipt": Jsonb({})}
        row |= {"row_count": accepted + rejected, "accepted_count": accepted, "rejected_count": rejected, "ignored_count": 0}
    row |= columns
    if row["file_size"] == 1:
        copy = landed(office.settings.landing, row["file_sha256"])
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(b"x")
    run(office, f"insert into ops.submissions ({', '.join(row)}) values ({', '.join(['%s'] * len(row))})", *row.values())
    return submission_id


def rejected(office: Office, submission_id: str, unit: str, rule: str, row_no: int | None = None) -> None:
    """A row of a file that was sent back, or the whole file."""
    run(
        office,
        """insert into quarantine.rejected_rows (submission_id, unit_code, ledger, sheet, row_no, rule_id, value_masked, reason, how_to_fix)
           values (%s, %s, %s, 'Sheet1', %s, %s, '王小明', '王小明的日期不对', '')""",
        submission_id,
        unit,
        "" if row_no is None else "问题台账",
        row_no,
        rule,
    )


def judged(office: Office, day: str, rows: int, failed: int, rule: str = "P05") -> None:
    """A round of the gate."""
    run(
        office,
        """insert into ops.gate_results
               (judged_at, first_submission_id, file_count, ledger, rule_id, expectation, rows_evaluated, rows_failed)
           values (%s, 'x', 1, 'problems', %s, 'x', %s, %s)""",
        at(f"{day} 10:00"),
        rule,
        rows,
        failed,
    )


def hang_inbox(patch: pytest.MonkeyPatch) -> None:
    """Let whoever asks the inbox wait, as for a share whose server is gone."""
    hangs = """
import os, time
answer = os.scandir
os.scandir = lambda place: time.sleep(600) if place.endswith("inbox") else answer(place)
"""
    patch.setattr(folders, "_ASK", hangs + folders._ASK)
    patch.setattr(folders.silent_folders, "__defaults__", (2.0,))
    for name in ("look", "strangers", "hidden_originals"):
        patch.setattr(f"duban.intake.inbox.{name}", None)  # would wait


def found(office: Office, code: str, now: str | datetime, **thresholds: Any) -> list[Found]:
    """What one check finds, with the rights of the watch."""
    from dataclasses import replace

    check = BY_CODE[code]
    check = replace(check, thresholds={**check.thresholds, **thresholds})
    moment = at(now) if isinstance(now, str) else now
    with warehouse.connect(office.settings, "publisher") as conn:
        results = run_checks(conn, office.settings, moment, None, [check])
    assert [result.text for by, result in results if by.code == "check_failed"] == []
    for _, result in results:
        # a sender's words stay where they are
        assert "王小明" not in result.text + result.subject
    return [result for _, result in results]


def levels(office: Office, code: str, now: str | datetime, **thresholds: Any) -> dict[str, str]:
    """Severity by subject of what one check finds."""
    return {result.subject: result.severity or BY_CODE[code].severity for result in found(office, code, now, **thresholds)}


def report(office: Office, now: str | datetime) -> Report:
    """The report of a moment, with the rights of the watch."""
    with warehouse.connect(office.settings, "publisher") as conn:
        return watch(conn, office.settings, now=at(now) if isinstance(now, str) else now)
