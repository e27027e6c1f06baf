"""A ledger that exists only in these tests: a folder of six files laid over a copy of the project, and nothing else.

It has twelve columns, three rules, a reference to another ledger, a personal column and a month (tests/fixtures/new_ledger).
"""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import openpyxl
import psycopg
import pytest

from duban import install, warehouse
from duban.orchestration import dbt
from duban.publishing.issues import publishing
from duban.publishing.issues.frozen import read_frozen
from duban.publishing.issues.series import WEEKLY
from duban.publishing.issues.tracing import figures_of, trace
from duban.publishing.site.pages import render_site
from duban.quality import judging, receipt
from duban.quality.template import FIRST_ROW, HEADER_ROW, UnknownLedger, write_template
from duban.settings import PROJECT
from local.commands.check import claim_of
from tests.conftest import Office, Server, open_office, xlsx_bytes
from tests.integration.canaries import Search, Seeds, files_of
from tests.integration.ledgers import OTHER, TOWNSHIP, counts, problem, problems_csv
from tests.ledgers import Entry, load
from tests.ledgers.test_registry import unseeded

FOLDER = Path(__file__).parents[1] / "fixtures" / "new_ledger"
FILES = [
    "dbt_project/models/marts/posts/fct_posts.sql",
    "dbt_project/models/marts/posts/fct_posts.yml",
    "expectations/posts/columns.csv",
    "expectations/posts/rules.yml",
    "expectations/posts/shown.yml",
    "tests/ledgers/posts.yml",
]
TITLE, DISTRICT, DAY = "公益岗位台账", "430902", date(2020, 6, 24)
RED = "FFFFC7CE"


class Installed(NamedTuple):
    """An office whose project has the ledger, and the ledger as the tests' registry reads it."""

    office: Office
    ledger: Entry

    def post(self, key: str, unit: str = TOWNSHIP, **cells: str) -> dict[str, str]:
        """A right row of a unit, by column title."""
        return {**self.ledger.row_of(unit), self.ledger.key: key, **cells}

    def send(self, name: str, *rows: dict[str, str], unit: str = TOWNSHIP) -> dict:
        """Send rows as a workbook; returns the line of ops.submissions."""
        return self.office.send(unit, name, xlsx_bytes({TITLE: self.ledger.table(*rows)}))


def up(office: Office) -> None:
    """What `make up` does to the warehouse."""
    install.provide(office.settings)
    dbt.build(office.settings, "install", full_refresh=True, today=DAY)


@contextmanager
def opened(server: Server, home: Path, project: Path, template: str = "duban") -> Iterator[Installed]:
    """An office of its own with a copy of a project."""
    for name in ("expectations", "dbt_project"):
        shutil.copytree(project / name, home / "project" / name, ignore=shutil.ignore_patterns("target", "logs"))
    with open_office(server, home / "home", template=template) as office:
        office.settings = replace(office.settings, project=home / "project")
        shutil.copytree(FOLDER, office.settings.project, dirs_exist_ok=True)
        project = office.settings.project
        yield Installed(office, load(project / "expectations", project / "tests" / "ledgers")[TITLE])


@pytest.fixture(scope="module")
def installed(server, tmp_path_factory) -> Iterator[Installed]:
    """The ledger beside those of the office; problems of two townships, and posts of one."""
    with opened(server, tmp_path_factory.mktemp("new_ledger"), PROJECT) as new:
        install.provide(new.office.settings)
        for unit, key in ((TOWNSHIP, "甲"), (OTHER, "乙")):
            rows = [problem(f"{key}-{number}") for number in range(2)]
            assert new.office.send(unit, f"{key}20200624.csv", problems_csv(*rows))["outcome"] == "accepted"
        posts = [
            new.post("G-1", 问题编号="甲-0", 上岗时间="2020年5月", 月工资="0.08"),
            new.post("G-2", 上岗时间="202006", 月工资="0.1", 是否参保="没有"),
            new.post("G-3", 上岗时间="2020.04", 月工资="0.12"),
        ]
        sent = new.send("岗位20200624.xlsx", *posts)
        assert counts(sent) == ("accepted", 3, 3, 0, 0), new.office.rejections(sent["submission_id"])
        up(new.office)
        yield new


@pytest.fixture
def new(server, installed: Installed, tmp_path) -> Iterator[Installed]:
    """A copy of it for one test."""
    settings = installed.office.settings
    with opened(server, tmp_path, settings.project, settings.warehouse_uri.rsplit("/", 1)[1]) as copy:
        yield copy


def test_six_files_are_a_ledger_and_none_of_them_is_python():
    """Two files are the ledger; one shows it, two are its mart, one says what is right in it to the tests."""
    assert sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*") if path.is_file()) == FILES
    ledger = load(FOLDER / "expectations", FOLDER / "tests" / "ledgers")[TITLE]
    assert len(ledger.columns) == 12 and len(ledger.rules) == 3
    assert [column.title for column in ledger.personal] == ["上岗人员"] and ledger.of_type("month")
    # nothing else of the project knows it
    places = [PROJECT / name for name in ("dags", "local", "dbt_project", "expectations")]
    files = [path for place in places for path in place.rglob("*") if path.suffix in {".py", ".sql", ".yml", ".csv", ".md"}]
    said = [path for path in files if TITLE in (text := path.read_text(encoding="utf-8")) or "posts_versions" in text]
    assert len(files) > 300 and said == []


def test_its_rows_are_stored_as_the_types_of_its_columns_say(installed):
    rows = installed.office.query(
        """select post_no, township_code, village_code, problem_no, begun_month, wage_yuan, day_count, is_insured, source_row
           from raw.posts_versions order by post_no"""
    )
    assert [list(row.values()) for row in rows][:2] == [
        ["G-1", TOWNSHIP, "430902102207", "甲-0", date(2020, 5, 1), Decimal("800.00"), 22, "是", 2],
        ["G-2", TOWNSHIP, "430902102207", None, date(2020, 6, 1), Decimal("1000.00"), 22, "否", 3],
    ]
    columns = installed.office.query("select column_name from information_schema.columns where table_name = 'posts_versions'")
    assert "holder_name" not in {row["column_name"] for row in columns}


def test_its_mart_and_its_function_answer_to_bi(installed, server):
    asked = "select post_no, begun_month, wage_yuan from marts.fct_posts where township_code = %s order by post_no"
    with psycopg.connect(
        installed.office.settings.warehouse_uri, user="bi_reader", password=server.secrets.bi_reader_password, autocommit=True
    ) as bi:
        rows = bi.execute(asked, [TOWNSHIP]).fetchall()
        as_of = "select post_no, source_file, source_row from marts.posts_as_of(%s, %s, now())"
        [first, *_] = bi.execute(as_of, [DISTRICT, DAY]).fetchall()
        assert bi.execute(as_of, [DISTRICT, date(2020, 6, 23)]).fetchall() == []
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            bi.execute("select * from raw.posts_versions")
    assert rows[0] == ("G-1", date(2020, 5, 1), Decimal("800.00")) and len(rows) == 3
    assert first == ("G-1", "岗位20200624.xlsx", 2)


def test_every_rule_and_type_sends_back_the_cell_and_takes_its_neighbour(new):
    pairs = list(new.ledger.pairs)
    kept = [{**pair.passes, new.ledger.key: f"K-{number}"} for number, pair in enumerate(pairs) if pair.cell != new.ledger.key]
    broken = [{new.ledger.key: f"B-{number}", **pair.fails} for number, pair in enumerate(pairs)]
    assert counts(new.send("好20200624.xlsx", *kept))[0] == "accepted"
    sent = new.send("坏20200624.xlsx", *broken)
    assert counts(sent) == ("rejected", len(broken), 0, len(broken), 0)
    expected = {(number + 2, *found) for number, pair in enumerate(pairs) for found in pair.rejects}
    assert {(row, rule, column) for row, rule, column, _ in new.office.rejections(sent["submission_id"])} == expected
    assert {"Q01", "Q02", "Q03", "R01", "R02", "R03", "R04", "R05"} <= {rule for _, rule, _ in expected}


def test_what_is_wrong_comes_back_marked_and_is_taken_when_it_is_corrected(new):
    office, titles = new.office, new.ledger.titles
    first = new.send("岗位二20200624.xlsx", new.post("G-4"), new.post("G-5", 上岗时间="2020年13月", 问题编号="乙-0"))
    assert counts(first) == ("accepted_with_rejections", 2, 1, 1, 0)
    found = {(rule, column) for _, rule, column, _ in office.rejections(first["submission_id"])}
    assert found == {("R02", "上岗时间"), ("Q03", "问题编号")}
    [path] = office.returned(TOWNSHIP, first["submission_id"]).glob("*.xlsx")
    book = openpyxl.load_workbook(path)
    row = [cell for cell in book[TITLE][3] if cell.column <= len(titles)]
    assert {titles[cell.column - 1] for cell in row if cell.fill.fgColor.rgb == RED} == {"上岗时间", "问题编号"}
    assert "该乡镇没有这个问题编号" in str([cell.value for line in book["退回说明"].iter_rows() for cell in line])
    book[TITLE].cell(3, titles.index("上岗时间") + 1).value = "2020年3月"
    book[TITLE].cell(3, titles.index("问题编号") + 1).value = "甲-1"
    packed = io.BytesIO()
    book.save(packed)
    second = office.send(TOWNSHIP, path.name, packed.getvalue())
    assert (second["outcome"], second["accepted_count"], second["corrects_id"]) == ("accepted", 1, first["submission_id"])
    [row] = office.query("select begun_month, problem_no from raw.posts_versions where post_no = 'G-5'")
    assert row == {"begun_month": date(2020, 3, 1), "problem_no": "甲-1"}


def test_a_check_says_what_sending_says(new):
    content = xlsx_bytes({TITLE: new.ledger.table(new.post("G-6", 出勤天数="32"))})
    path = new.office.settings.home / "岗位20200624.xlsx"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    with warehouse.connect(new.office.settings) as conn:
        claim = claim_of(path, TOWNSHIP, warehouse.divisions.registered_units(conn))
        said = receipt.build(judging.judge_unsent(conn, claim, path, new.office.settings), claim.claimed_at)
    sent = new.office.send(TOWNSHIP, path.name, content)["receipt"]
    assert [entry["rule_id"] for entry in said["rejections"]] == ["Q02"]
    assert said["rejections"] == sent["rejections"] and said["outcome"] == sent["outcome"] == "rejected"


def test_a_template_has_it_where_it_was_sent_and_comes_back_unchanged(new):
    office = new.office
    with warehouse.connect(office.settings) as conn:
        made, other = (write_template(conn, office.settings, unit, DAY) for unit in (TOWNSHIP, OTHER))
    assert TITLE not in openpyxl.load_workbook(other.path).sheetnames  # nothing is demanded
    with warehouse.connect(office.settings) as conn:
        for asked in ("posts", TITLE):
            assert TITLE in openpyxl.load_workbook(write_template(conn, office.settings, OTHER, DAY, asked).path).sheetnames
        with pytest.raises(UnknownLedger, match=f"posts {TITLE}"):
            write_template(conn, office.settings, OTHER, DAY, "visits")
    sheet = openpyxl.load_workbook(made.path)[TITLE]
    assert [cell.value for cell in sheet[HEADER_ROW]] == [column.header for column in new.ledger.columns]
    assert [sheet.cell(FIRST_ROW + place, 1).value for place in range(3)] == ["G-1", "G-2", "G-3"]
    assert office.send(TOWNSHIP, made.path.name, made.path.read_bytes())["outcome"] == "accepted"
    words = "select count(distinct (post_no, begun_month, wage_yuan, day_count, is_insured, problem_no)) as n from raw.posts_versions"
    assert office.query(words) == [{"n": 3}]


def test_it_stands_on_a_page_and_in_an_issue_whose_numbers_lead_to_cells(new):
    office = new.office
    with warehouse.connect(office.settings, "publisher") as conn:
        pages = {path.name: path.read_text(encoding="utf-8") for path in render_site(conn, office.settings.outbox)}
        issue = publishing.publish(conn, WEEKLY, DISTRICT, DAY, settle_seconds=0.0)
        frozen = read_frozen(conn, issue)
        traced = [source for _, sources in trace(frozen, figures_of(frozen), f"ledger.posts.{TOWNSHIP}.insured") for source in sources]
    rows = office.query("select file_name, content from published.documents where publication_id = %s", [issue.publication_id])
    files = {Path(row["file_name"]).suffix: bytes(row["content"]) for row in rows}
    figures = json.loads(files[".json"])["figures"]
    said = {name: figures[f"ledger.posts.{name}"]["text"] for name in ("all", "insured", "insured_pct", "wage")}
    assert said == {"all": "3", "insured": "2", "insured_pct": "66.7%", "wage": "0.3"}
    assert "公益岗位" in files[".html"].decode() and "公益岗位明细" in openpyxl.load_workbook(io.BytesIO(files[".xlsx"])).sheetnames
    assert [(source.file, source.row) for source in traced] == [("岗位20200624.xlsx", 2), ("岗位20200624.xlsx", 4)]
    assert f'data-figure="ledger.posts.{TOWNSHIP}.insured_pct"' in pages["ledger-posts.html"]


def test_nobody_whom_it_names_is_found_outside_the_personal_schema(new):
    """Whom the tests' registry finds in its personal columns and texts is searched for as in every other ledger."""
    office, seeds = new.office, Seeds()
    for unit, name, content in files_of(new.ledger, seeds, TOWNSHIP):
        office.drop(unit, name, content)
    office.ingest()
    assert unseeded(new.ledger) == []
    outcomes = {row["outcome"] for row in office.query("select outcome from ops.submissions")}
    assert outcomes == {"accepted", "accepted_with_rejections"}
    dbt.build(office.settings, "nightly", today=DAY)
    with warehouse.connect(office.settings, "publisher") as conn:
        publishing.publish(conn, WEEKLY, DISTRICT, DAY, settle_seconds=0.0)
        render_site(conn, office.settings.outbox)
    search, kept = Search(seeds.all), Search(seeds.all)
    with warehouse.connect(office.settings) as conn:
        write_template(conn, office.settings, TOWNSHIP, DAY)
        search.database("warehouse", conn, "personal")
        kept.database("warehouse", conn)
    search.outbox(office.settings.outbox)
    assert search.report() == []
    holders = {canary.sought for canary in seeds.all if canary.place == f"{TITLE}: 上岗人员"}
    assert len(holders & {canary.sought for _, canary in kept.found}) > 5
    assert {where.split(".")[0] for where, _ in kept.found} == {"warehouse: personal"}


def test_a_thirteenth_column_is_a_line_and_what_was_there_stays(new):
    office, folder = new.office, new.office.settings.project
    before = office.query("select * from raw.posts_versions order by version_id")
    with open(folder / "expectations" / "posts" / "columns.csv", "a", encoding="utf-8") as file:
        file.write("training_hours,培训学时,number,,学时,,,\n")
    mart = folder / "dbt_project" / "models" / "marts" / "posts" / "fct_posts.sql"
    described = '      - {name: training_hours, data_type: "numeric(18,2)", description: "培训学时; null: not said"}\n'
    for path, before_line, line in (
        (mart, "    submission_id\n", "    training_hours,\n"),
        (mart.with_suffix(".yml"), "      - {name: submission_id", described),
    ):
        path.write_text(path.read_text(encoding="utf-8").replace(before_line, line + before_line), encoding="utf-8")
    up(office)
    after = office.query("select * from raw.posts_versions order by version_id")
    assert after == [{**row, "training_hours": None} for row in before] and len(after) == 3
    wider = new._replace(ledger=load(folder / "expectations", folder / "tests" / "ledgers")[TITLE])
    assert wider.send("岗位三20200624.xlsx", wider.post("G-7", 培训学时="12.5"))["outcome"] == "accepted"
    dbt.build(office.settings, "nightly", today=DAY)
    asked = office.query("select post_no, training_hours from marts.fct_posts order by post_no")
    assert [tuple(row.values()) for row in asked] == [("G-1", None), ("G-2", None), ("G-3", None), ("G-7", Decimal("12.50"))]
