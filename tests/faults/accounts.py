"""What must be true of a warehouse and its folders after everything that was sent is worked off, whatever happened in between."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from datetime import date
from decimal import Decimal

from duban import warehouse
from tests.conftest import Office
from tests.faults.flows import check_issues
from tests.integration.accepted_rows import read_accepted
from tests.integration.district_files import District, Sent, arrived
from tests.integration.test_many_districts import as_ranked, as_shown, differing, expected_days
from tests.ledgers import LEDGERS
from tests.oracle import publications, ranking


def check(office: Office, district: District, files: list[Sent], today: date) -> None:
    """Every file taken, judged, answered, built and shown once; the figures are the oracle's; issues are whole and without gaps."""
    _check_files(office, files)
    _check_days(office, district, files, today)
    check_issues(office)
    _check_figures(office)
    [open_ones] = office.query(
        """select (select count(*) from ops.builds where finished_at is null) as builds,
                  (select count(*) from ops.deliveries where status <> 'sent') as deliveries,
                  (select max(build_id) from ops.builds where is_success) - (select max(build_id) from ops.live_pages) as pages"""
    )
    assert open_ones == {"builds": 0, "deliveries": 0, "pages": 0}
    with warehouse.connect(office.settings) as conn:
        assert warehouse.builds.unbuilt_submissions(conn) == 0


def _check_files(office: Office, files: list[Sent]) -> None:
    lines = office.query("select * from ops.submissions")
    counts = {(line["unit_code"], line["file_name"]): (line["accepted_count"], line["rejected_count"]) for line in lines}
    assert differing(counts, {(sent.unit_code, sent.file_name): (len(sent.accepted), sent.refused_count) for sent in files}) == {}
    assert len(lines) == len(files) and all(line["removed_at"] for line in lines)
    assert [path for path in office.settings.inbox.rglob("*") if path.is_file()] == []
    stored = sum(office.query(f"select count(*)::int as count from raw.{ledger.table_name}")[0]["count"] for ledger in LEDGERS.values())
    assert stored == sum(len(sent.accepted) for sent in files)
    [kept_rows] = office.query("select count(*)::int as count from personal.original_rows")
    assert kept_rows["count"] == sum(len(sent.rows) for sent in files)
    for line in lines:
        receipt = office.receipt(line["unit_code"], line["submission_id"])
        assert (receipt["outcome"], receipt["counts"]["rejected"]) == (line["outcome"], line["rejected_count"])
        slips = list(office.returned(line["unit_code"], line["submission_id"]).glob("*.xlsx"))
        assert len(slips) == (line["rejected_count"] > 0)
    kept = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in office.settings.landing.glob("*/*")}
    assert kept == {line["file_sha256"]: line["file_sha256"] for line in lines}
    assert Counter(path.suffix for path in office.settings.outbox.rglob("*.draft")) == {}


def _check_days(office: Office, district: District, files: list[Sent], today: date) -> None:
    expected = expected_days(arrived(office, files), today, [district])
    rows = office.query("select * from marts.fct_township_days where district_code = %s", [district.code])
    shown = {
        (row["day_on"], row["township_code"]): ranking.TownshipDay(
            *(row[f"{name}_count"] for name in ("assigned", "rectified", "open", "overdue", "reopened", "found", "closed")),
            row["oldest_open_workdays"],
        )
        for row in rows
    }
    assert differing(shown, expected) == {} and len(rows) == len(expected)
    ranks: dict[date, list] = {}
    for row in office.query("select * from marts.rpt_township_ranking where district_code = %s", [district.code]):
        ranks.setdefault(row["ranked_on"], []).append(as_shown(row))
    of_day: dict[date, dict] = {}
    for (day, code), figures in expected.items():
        of_day.setdefault(day, {})[code] = figures
    wanted = {day: sorted(map(as_ranked, ranking.rank_units(figures, district.townships))) for day, figures in of_day.items()}
    assert differing({day: sorted(found) for day, found in ranks.items()}, wanted) == {}


def _check_figures(office: Office) -> None:
    """What every issue prints, counted again by the oracle from what had arrived by then."""
    with warehouse.connect(office.settings, "publisher") as conn:
        accepted = read_accepted(conn)
    documents = office.query(
        """select publication_id, series, district_code, business_on, known_at, content
           from published.publications join published.documents using (publication_id) where file_name = 'manifest.json'"""
    )
    for issue in documents:
        printed = json.loads(bytes(issue["content"]))["figures"]
        asked = (accepted, issue["series"], issue["district_code"], issue["business_on"], issue["known_at"])
        expected = publications.issue_figures(*asked)
        found = {code: _decimal(printed[code]["value"]) for code in expected}
        assert differing(found, {code: _decimal(value) for code, value in expected.items()}) == {}, issue["publication_id"]


def _decimal(value: object) -> Decimal | None:
    return None if value is None else Decimal(value)
