"""Every number that is printed: equal in prose, table, page, workbook and manifest, and to an independent computation; traced to its rows.

The sample district is published as an office would, evening by evening, each issue with what was known then.
"""

from __future__ import annotations

import html
import itertools
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser

import openpyxl
import pytest

from duban import warehouse
from duban.intake.inbox import landed
from duban.publishing.issues import publishing, tracing
from duban.publishing.issues.freezing import Issue
from duban.publishing.issues.frozen import Frozen, read_frozen
from duban.publishing.issues.series import DAILY, MONTHLY, WEEKLY
from tests.conftest import Office, open_office
from tests.integration.accepted_rows import read_accepted
from tests.oracle import publications as oracle
from tests.publishing.documents.reading import docx_figures, html_figures, xlsx_figures

DISTRICT = "430902"
DISPATCHES = {date(2020, 6, 28): WEEKLY, date(2020, 6, 30): MONTHLY}


@dataclass(frozen=True)
class Evening:
    """An issue as it was published, with its files."""

    issue: Issue
    frozen: Frozen
    files: dict[str, bytes]

    def of_kind(self, suffix: str) -> bytes:
        """The file with this ending."""
        return next(content for name, content in self.files.items() if name.endswith(suffix))

    @property
    def manifest(self) -> dict:
        """Its manifest."""
        return json.loads(self.of_kind(".json"))


@pytest.fixture(scope="module")
def evenings(server, installed, sample_files, tmp_path_factory) -> Iterator[tuple[Office, list[Evening]]]:
    """Six bulletins, a weekly and a monthly dispatch, each published after the files of its day and before those of the next."""
    with open_office(server, tmp_path_factory.mktemp("evenings") / "home", installed) as office:
        published = []
        for day, files in itertools.groupby(sample_files, key=lambda file: file.day):
            for file in files:
                office.drop(file.unit_code, file.path.name, file.path.read_bytes())
            office.ingest()
            with warehouse.connect(office.settings, "publisher") as conn:
                # a file comes on a holiday too
                for series in filter(None, (DAILY if publishing.is_due(conn, DAILY, day) else None, DISPATCHES.get(day))):
                    issue = publishing.publish(conn, series, DISTRICT, day)
                    query = "select file_name, content from published.documents where publication_id = %s"
                    files = {name: bytes(content) for name, content in conn.execute(query, [issue.publication_id])}
                    published.append(Evening(issue, read_frozen(conn, issue), files))
        yield office, published


def test_six_days_a_week_and_a_month(evenings):
    _, published = evenings
    counted = Counter(evening.issue.series for evening in published)
    assert counted == {"daily": 6, "weekly": 1, "monthly": 1}
    last = published[-2].manifest["figures"]
    assert [last[f"total.{name}"]["value"] for name in ("assigned_count", "rectified_count", "open_count", "rectified_pct")] == [
        273,
        237,
        36,
        "86.8",
    ]
    month = published[-1].manifest["figures"]
    assert (month["projects.total_count"]["value"], month["projects.started_count"]["value"], month["projects.started_pct"]["value"]) == (
        145,
        140,
        "96.6",
    )
    assert month["funds.2020.省级.allocated_pct"]["text"] == "29.6%" and month["funds.2020.total.unallocated_yuan"]["text"] == "782"
    assert "分配最慢的是省级资金" in re.sub(r"<[^>]+>", "", published[-1].of_kind(".html").decode())


def test_every_figure_of_the_oracle_is_what_was_published(evenings):
    office, published = evenings
    with warehouse.connect(office.settings, "publisher") as conn:
        accepted = read_accepted(conn)
    compared = 0
    for evening in published:
        issue, figures = evening.issue, evening.manifest["figures"]
        expected = oracle.issue_figures(accepted, issue.series, DISTRICT, issue.business_on, issue.known_at)
        for code, value in expected.items():
            printed = figures[code]["value"]
            assert (None if printed is None else Decimal(printed)) == (None if value is None else Decimal(value)), (
                issue.publication_id,
                code,
            )
            compared += 1
        # what the oracle does not count is named here, so that nothing new goes uncompared by chance
        beyond = {re.sub(r"\.[^.]*\.", ".*.", code) for code in figures.keys() - expected.keys()}
        assert beyond <= {
            "files.total_count", "files.returned_count", "files.accepted_rows", "files.returned_rows", "files.*.returned_count",
            "files.*.returned_rows", "reporting.unreported_count", "findings.total_count", "project.*.planned_yuan",
            "total.withdrawn_count", "total.withdrawn_rectified_count", "total.withdrawn_other_count", "total.left_count",
            "total.open_printed_count",
        }, beyond  # fmt: skip
    assert compared > 2000


def test_whoever_adds_up_finds_the_same(evenings):
    """The open problems before, and every change that is printed, are the open problems now: of each unit and day, from issue to issue."""
    _, published = evenings
    printed = {}
    for evening in published:
        value = {code: figure["value"] for code, figure in evening.manifest["figures"].items()}
        for owner in ("total", *(f"township.{line.township_code}" for line in evening.frozen.ranking)):
            of = {name: value.get(f"{owner}.{name}_count", 0) for name in CHAIN}
            assert of["open_before"] + sum(sign * of[name] for name, sign in CHAIN.items()) == of["open"], (evening.issue, owner)
        assert value["total.withdrawn_count"] == sum(value[f"total.withdrawn_{state}_count"] for state in ("open", "rectified", "other"))
        assert value["supervision.visit_count"] == sum(value[f"supervision.{verdict}_count"] for verdict in oracle.VERDICTS)
        if evening.issue.series == "daily":
            of = {name: value[f"total.rest_{name}_count"] for name in ("found", "relapsed", "closed", "withdrawn", "left")}
            rest = of["found"] + of["relapsed"] - of["closed"] - of["withdrawn"] - of["left"]
            assert value["total.open_previous_count"] + rest == value["total.open_before_count"]
            if evening.issue.previous_issue_no:
                assert value["total.open_printed_count"] == printed[evening.issue.previous_issue_no]
            printed[evening.issue.issue_no] = value["total.open_count"]
    assert len(printed) == 6


# signs of what is printed between the open problems before and those of now
CHAIN = {"open_before": 0, "open": 0, "found": 1, "relapsed": 1, "moved_in": 1} | dict.fromkeys(
    ("closed", "withdrawn_open", "left_open", "moved_out"), -1
)


def test_files_and_silent_units_are_counted_as_the_warehouse_has_them(evenings):
    """Counted from ops.submissions by the report date and the time of knowledge, apart from the code that prints."""
    office, published = evenings
    for evening in published:
        issue, figures = evening.issue, evening.manifest["figures"]
        rows = office.query(
            """select unit_code, outcome, accepted_count, rejected_count from ops.submissions
               where district_code = %s and report_on > %s and report_on <= %s and received_at <= %s""",
            [DISTRICT, oracle.previous_working_day(issue.period_start_on), issue.business_on, issue.known_at],
        )
        taken = [row for row in rows if row["outcome"] != "duplicate"]
        returned = [row for row in taken if row["outcome"] in ("rejected", "accepted_with_rejections")]
        assert figures["files.total_count"]["value"] == len(taken) > 0
        assert figures["files.returned_count"]["value"] == len(returned)
        assert figures["files.accepted_rows"]["value"] == sum(row["accepted_count"] for row in taken)
        assert figures["files.returned_rows"]["value"] == sum(row["rejected_count"] for row in taken)
        per_unit = Counter(row["unit_code"] for row in returned)
        assert {unit: figures[f"files.{unit}.returned_count"]["value"] for unit in per_unit} == per_unit
        reported = {
            row["unit_code"]
            for row in office.query(
                """select distinct unit_code from ops.submissions
                   where report_on = %s and received_at <= %s and outcome in ('accepted', 'accepted_with_rejections')""",
                [issue.business_on, issue.known_at],
            )
        }
        townships = {
            row["unit_code"]
            for row in office.query("select unit_code from raw.units where district_code = %s and unit_kind = 'township'", [DISTRICT])
        }
        assert figures["reporting.unreported_count"]["value"] == len(townships - reported)


def test_all_documents_print_the_same_numbers(evenings):
    _, published = evenings
    for evening in published:
        figures = evening.manifest["figures"]
        page = html_figures(evening.of_kind(".html").decode())
        assert len(page) > 80
        assert all(figure.text == figures[figure.code]["text"] for figure in page if not figure.code.startswith("before."))
        expected = Counter((figure.code, figure.text) for figure in page)
        assert Counter((figure.code, figure.text) for figure in docx_figures(evening.of_kind(".docx"))) == expected
        assert {(figure.code, figure.text) for figure in xlsx_figures(evening.of_kind(".xlsx"))} == set(expected)


class _BareText(HTMLParser):
    """The words of a page outside of figures and of what senders wrote."""

    def __init__(self) -> None:
        super().__init__()
        self.text, self.skipped = [], 0

    def handle_starttag(self, tag, attrs):
        self.skipped += tag in ("data", "bdi", "style", "title")

    def handle_endtag(self, tag):
        self.skipped -= tag in ("data", "bdi", "style", "title")

    def handle_data(self, data):
        if not self.skipped:
            self.text.append(data)


# Numbers that are names: days, issues, rules, fund years, findings quoted word for word.
NAMES = r"\d{4}年度?|\d+月\d+日|\d+月|第\d+期|ZY-2020-R1|W\d\d|〔\d+〕\d+号|第\d+督导组|GB/T \d+"


def test_no_number_stands_in_the_text_that_is_not_a_figure(evenings):
    _, published = evenings
    for evening in published:
        page = evening.of_kind(".html").decode()
        for finding in evening.frozen.findings:
            page = page.replace(html.escape(finding.text, quote=False), "")
        bare = _BareText()
        bare.feed(page)
        rest = re.sub(NAMES, "", "\n".join(bare.text))
        lines = [line for line in rest.splitlines() if re.search(r"\d", line)]
        assert lines == [], evening.issue.publication_id


def test_columns_of_a_senders_own_are_no_news(evenings):
    office, published = evenings
    told = {finding.rule_id for evening in published for finding in evening.frozen.findings}
    assert office.query("select 1 from quarantine.findings where rule_id = 'W31' limit 1") and told and "W31" not in told


def test_native_numbers_in_the_workbook(evenings, tmp_path):
    """The cells of the ranking are numbers, and the same as those of the manifest."""
    _, published = evenings
    for evening in published:
        path = tmp_path / "issue.xlsx"
        path.write_bytes(evening.of_kind(".xlsx"))
        book = openpyxl.load_workbook(path)
        [sheet] = [sheet for sheet in book if "整改进度" in sheet.title]
        figures = evening.manifest["figures"]
        rows = {row[2].value: row for row in sheet.iter_rows() if len(row) > 6}
        for line in evening.frozen.ranking:
            if line.assigned_count:
                row = rows[line.township_name]
                assert [row[3].value, row[4].value, row[5].value] == [line.assigned_count, line.rectified_count, line.open_count]
                assert Decimal(str(row[6].value)) == Decimal(figures[f"township.{line.township_code}.rectified_pct"]["value"])


def test_every_figure_leads_to_the_rows_of_the_files_that_were_sent(evenings):
    """Each source is opened in the bytes that landed: the key stands in that sheet and row. And the rows are as many as the figure says."""
    office, published = evenings
    hashes = {row["submission_id"]: row["file_sha256"] for row in office.query("select submission_id, file_sha256 from ops.submissions")}
    books: dict[str, openpyxl.Workbook] = {}
    looked_up: set[tuple] = set()
    for evening in published:
        figures = tracing.figures_of(evening.frozen)
        for code, figure in figures.items():
            traced = list(tracing.trace(evening.frozen, figures, code))
            if figure.unit == "count" and figure.rows and not re.search(r"rows$|visited_count|printed_count|^target", code):
                assert len(traced[0][1]) == figure.value, code
            # nothing is counted from nowhere: the age of the oldest open problem is 0 where none is open
            assert figure.rows or figure.parts or not figure.value, code
            if figure.unit == "pct" and figure.value is not None:
                assert len(traced) == 3
            looked_up |= {source for _, sources in traced for source in sources if source.row is not None}
    assert len(looked_up) > 800
    for source in looked_up:
        path = landed(office.settings.landing, hashes[source.submission_id])
        if not source.file.endswith(".xlsx"):
            continue
        if source.submission_id not in books:
            books[source.submission_id] = openpyxl.load_workbook(path.open("rb"), data_only=True)
        cells = [
            re.sub(r"\s", "", unicodedata.normalize("NFKC", str(cell.value)))
            for cell in books[source.submission_id][source.sheet][source.row]
        ]
        key = re.sub(r"^(资金流水|督导记录|项目|问题)", "", source.what).split(" ")[0]
        assert key in cells, (source, cells)
    assert len(books) > 30


def test_a_figure_that_is_not_there(evenings):
    _, published = evenings
    frozen = published[0].frozen
    with pytest.raises(KeyError):
        list(tracing.trace(frozen, tracing.figures_of(frozen), "total.nothing"))
