"""A ledger that is shown by what its folder declares: on a page, in issues and traces; nowhere where it has no rows."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest
import yaml

from duban import warehouse
from duban.ledgers import ExpectationsInvalid, load_expectations
from duban.orchestration import dbt
from duban.publishing.issues import publishing, writing
from duban.publishing.issues.checks import Held
from duban.publishing.issues.frozen import read_frozen
from duban.publishing.issues.issue import Issue
from duban.publishing.issues.series import DAILY, WEEKLY
from duban.publishing.issues.tracing import figures_of, trace
from duban.publishing.shown import read_shown, register_shown_ledgers
from duban.publishing.site.pages import render_site
from tests.conftest import Office, csv_bytes, open_office
from tests.integration.ledgers import GROUP, OTHER, TOWNSHIP, problem, problems_csv
from tests.publishing.documents.reading import docx_figures, html_figures, xlsx_figures

DISTRICT = "430902"
DAY = date(2020, 6, 24)
VISITS = ["记录编号", "督导日期", "乡镇", "问题编号", "核查结论", "督导人员"]
# 督导记录 has parts of its own in every issue; here it stands for a ledger that has none.
DECLARED = {
    "title": "走访记录",
    "rows": "visits_as_of",
    "series": ["weekly"],
    "counts": {
        "all": {"label": "走访", "unit": "次"},
        "confirmed": {"label": "属实", "when": {"verdict": ["属实"]}},
        "confirmed_pct": {"label": "属实率", "part": "confirmed", "of": "all"},
        "rows": {"label": "行号之和", "sum": "source_row"},
    },
    "details": ["record_no", "township", "visited_on", "verdict"],
}
COUNTS = {"all": "3", "confirmed": "2", "confirmed_pct": "66.7%", "rows": "9"}


def visit(key: str, township: str, problem_no: str, verdict: str) -> list[str]:
    return [key, "2020-06-23", township, problem_no, verdict, "李四"]


@pytest.fixture(scope="module")
def prepared(server, installed, tmp_path_factory) -> Iterator[Office]:
    """Problems of two townships, and three visits."""
    with open_office(server, tmp_path_factory.mktemp("shown") / "home", installed) as office:
        for unit, key in ((TOWNSHIP, "甲"), (OTHER, "乙")):
            rows = [problem(f"{key}-{number}") for number in range(3)]
            assert office.send(unit, f"{key}20200622.csv", problems_csv(*rows))["outcome"] == "accepted"
        visits = [
            visit("D-1", "迎风桥镇", "甲-0", "属实"),
            visit("D-2", "迎风桥镇", "甲-1", "退回"),
            visit("D-3", "沙头镇", "乙-0", "属实"),
        ]
        sent = office.send(GROUP, "督导20200623.csv", csv_bytes([VISITS, *visits]))
        assert sent["outcome"] == "accepted", office.rejections(sent["submission_id"])
        dbt.build(office.settings, "nightly", today=DAY)
        yield office


@pytest.fixture
def office(server, prepared: Office, tmp_path) -> Iterator[Office]:
    """A copy of it for one test."""
    name = prepared.settings.warehouse_uri.rsplit("/", 1)[1]
    with open_office(server, tmp_path / "home", template=name) as copy:
        yield copy


def declare(office: Office, folder: Path, **changes: object) -> None:
    """Register what the folder of 督导记录 would declare."""
    expectations = load_expectations(office.settings)
    if changes != {"nothing": True}:
        path = folder / "visits" / "shown.yml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump({**DECLARED, **changes}, allow_unicode=True, sort_keys=False), encoding="utf-8")
    else:
        shutil.rmtree(folder / "visits")
    with warehouse.connect(office.settings) as conn:
        register_shown_ledgers(conn, expectations, folder)


def publish(office: Office, series=WEEKLY, **options) -> Issue:
    with warehouse.connect(office.settings, "publisher") as conn:
        return publishing.publish(conn, series, DISTRICT, DAY, settle_seconds=0.0, **options)


def documents(office: Office, issue: Issue) -> dict[str, bytes]:
    rows = office.query("select file_name, content from published.documents where publication_id = %s", [issue.publication_id])
    return {Path(row["file_name"]).suffix: bytes(row["content"]) for row in rows}


def page(office: Office) -> dict[str, str]:
    with warehouse.connect(office.settings, "publisher") as conn:
        return {path.name: path.read_text(encoding="utf-8") for path in render_site(conn, office.settings.outbox)}


def traced(office: Office, issue: Issue, code: str) -> list:
    with warehouse.connect(office.settings, "publisher") as conn:
        frozen = read_frozen(conn, issue)
    return [source for _, sources in trace(frozen, figures_of(frozen), code) for source in sources]


def test_a_village_is_written_by_its_name(office, tmp_path):
    spec = {**DECLARED, "rows": "problems_as_of", "counts": {"all": {"label": "问题"}}, "details": ["problem_no", "village"]}
    (tmp_path / "problems").mkdir()
    (tmp_path / "problems" / "shown.yml").write_text(yaml.safe_dump(spec, allow_unicode=True), encoding="utf-8")
    row = problem("甲-村", **{"村(社区)": "迎风桥村"})
    assert office.send(TOWNSHIP, "甲20200623.csv", problems_csv(row))["outcome"] == "accepted"
    with warehouse.connect(office.settings) as conn:
        register_shown_ledgers(conn, load_expectations(office.settings), tmp_path)
    publish(office)
    rows = office.query("select cells from published.ledger_rows where cells ? 'village'")
    assert [row["cells"]["village"] for row in rows if row["cells"]["problem_no"] == "甲-村"] == ["迎风桥村委会"]
    assert {row["cells"]["village"] for row in rows} == {"迎风桥村委会", None}


def test_a_declared_ledger_is_printed_in_the_issues_of_its_series(office, tmp_path):
    declare(office, tmp_path)
    issue = publish(office)
    files = documents(office, issue)
    said = json.loads(files[".json"])
    figures = {code: figure["text"] for code, figure in said["figures"].items() if code.startswith("ledger.")}
    assert {code.removeprefix("ledger.visits."): text for code, text in figures.items() if code.count(".") == 2} == COUNTS
    assert figures["ledger.visits.430902102.all"] == "2" and figures["ledger.visits.430902104.confirmed_pct"] == "100.0%"
    assert said["counts"]["ledger.visits"] == 3
    for read in (html_figures(files[".html"].decode()), docx_figures(files[".docx"]), xlsx_figures(files[".xlsx"])):
        printed = {figure.code for figure in read}
        assert printed >= figures.keys()
    html = files[".html"].decode()
    titles = ["乡镇（街道）", *(count["label"] for count in DECLARED["counts"].values())]
    assert re.findall("<th[^>]*>([^<]*)</th>", html[html.index("<caption>走访记录") :])[: len(titles)] == titles
    assert html.index("四、走访记录") < html.index("五、需要研究的事项") and "属实率" in html
    sheet = openpyxl.load_workbook(BytesIO(files[".xlsx"]))["走访记录明细"]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert ["记录编号", "乡镇", "督导日期", "核查结论", "文件", "工作表", "行", "报送编号"] in rows
    assert [row[:2] for row in rows if row[0] and row[0].startswith("D-")] == [["D-1", "迎风桥镇"], ["D-2", "迎风桥镇"], ["D-3", "沙头镇"]]
    assert not any(code.startswith("ledger.") for code in json.loads(documents(office, publish(office, DAILY))[".json"])["figures"])


def test_a_number_of_it_leads_back_to_its_cells(office, tmp_path):
    declare(office, tmp_path)
    issue = publish(office)
    [source] = traced(office, issue, "ledger.visits.430902104.all")
    assert (source.what, source.file, source.row) == ("走访记录D-3 沙头镇", "督导20200623.csv", 4)
    assert len(traced(office, issue, "ledger.visits.confirmed_pct")) == 5
    # what was printed is traced as it was declared then, whatever is declared now
    declare(office, tmp_path, nothing=True)
    assert traced(office, issue, "ledger.visits.430902104.all") == [source]


def test_a_correction_says_what_changed_in_it(office, tmp_path):
    declare(office, tmp_path)
    first = publish(office)
    assert publish(office, is_correction=True) == first
    late = csv_bytes([VISITS, visit("D-4", "沙头镇", "乙-1", "退回")])
    assert office.send(GROUP, "补20200624.csv", late)["outcome"] == "accepted"
    correction = publish(office, is_correction=True)
    figures = json.loads(documents(office, correction)[".json"])["figures"]
    html = documents(office, correction)[".html"].decode()
    assert correction.corrects_issue_no == first.issue_no and figures["ledger.visits.all"]["value"] == 4
    assert 'data-figure="before.ledger.visits.all"' in html and "全区走访记录走访" in html
    assert [source.what for source in traced(office, correction, "before.ledger.visits.430902104.all")] == ["走访记录D-3 沙头镇"]


def test_it_has_a_page_and_a_place_in_the_menu(office, tmp_path):
    before = page(office)
    declare(office, tmp_path)
    after = page(office)
    assert set(after) - set(before) == {"ledger-visits.html"}
    shown = after["ledger-visits.html"]
    assert "走访记录" in shown and "66.7%" in shown and 'data-figure="ledger.visits.430902102.all"' in shown
    assert (
        'href="430902/ledger-visits.html"' in after["430902.html"]
        and 'href="ledger-visits.html"' in after["funds.html" if "funds.html" in after else "days.html"]
    )
    declare(office, tmp_path, nothing=True)
    assert set(page(office)) == set(before)


def test_a_district_without_rows_of_it_is_told_nothing(office, tmp_path, server):
    """Same bytes, time stamps apart: the same warehouse, once with a declaration of which there are no rows, once without any."""
    declare(office, tmp_path, rows="movements_as_of", counts={"all": {"label": "资金"}}, details=[])
    name = office.settings.warehouse_uri.rsplit("/", 1)[1]
    with open_office(server, tmp_path / "other", template=name) as other:
        with warehouse.connect(other.settings) as conn:
            conn.execute("delete from raw.shown_ledgers")
        said = []
        for one in (office, other):
            issue = publish(one)
            with warehouse.connect(one.settings, "publisher") as conn:
                frozen = read_frozen(conn, issue)
                at = replace(frozen.issue, published_at=frozen.issue.known_at)
                pages = {file: text for file, text in page(one).items() if file not in {"index.html", "430902.html"}}
                said.append((issue.data_fingerprint, writing.render_documents(replace(frozen, issue=at)), pages))
    assert said[0] == said[1] and issue.shown_ledgers == []


def test_a_name_in_its_details_holds_the_issue(office, tmp_path):
    """The key is no text and is not masked when it is loaded."""
    with warehouse.connect(office.settings) as conn:
        conn.execute("select personal.keep_names(%s, %s)", [DISTRICT, ["欧阳建国"]])
    rows = [VISITS, visit("欧阳建国-1", "沙头镇", "乙-1", "属实")]
    assert office.send(GROUP, "再20200624.csv", csv_bytes(rows))["outcome"] == "accepted"
    publish(office)
    declare(office, tmp_path)
    with pytest.raises(Held, match="走访记录.*的记录编号"):
        publish(office, is_correction=True)


@pytest.mark.parametrize(
    "changes, why",
    [
        ({"series": ["yearly"]}, "series: .*yearly"),
        ({"counts": {}}, "1 to 8 counts"),
        ({"counts": {f"n{number}": {"label": "数"} for number in range(9)}}, "1 to 8 counts"),
        ({"counts": {"rate": {"label": "率", "part": "all", "of": "all"}, "all": {"label": "数"}}}, "part and of"),
        ({"counts": {"all": {"label": "数", "wen": {}}}}, "wen"),
        ({"counts": {"all": {"label": "数", "when": {"verdict": "属实"}}}}, "when: lists of values: .*verdict"),
        ({"details": ["nobody"]}, "nobody"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_cannot_be_meant_is_refused(office, tmp_path, changes, why):
    declare(office, tmp_path)
    with pytest.raises(ExpectationsInvalid, match=why):
        declare(office, tmp_path, **changes)
    assert office.query("select spec ->> 'title' as title from raw.shown_ledgers") == [{"title": "走访记录"}]


def test_what_is_shown_of_no_ledger_is_refused_by_its_folder(office, tmp_path):
    path = tmp_path / "petitions" / "shown.yml"
    path.parent.mkdir()
    path.write_text("title: 信访", encoding="utf-8")
    with (
        pytest.raises(ExpectationsInvalid, match="petitions/shown.yml: the folder is no ledger"),
        warehouse.connect(office.settings) as conn,
    ):
        register_shown_ledgers(conn, load_expectations(office.settings), tmp_path)


def test_what_identifies_a_person_is_not_shown(office, tmp_path):
    path = tmp_path / "problems" / "shown.yml"
    path.parent.mkdir()
    for changes in ({"details": ["holder_name"]}, {"counts": {"all": {"label": "户", "when": {"id_number": ["1"]}}}, "details": []}):
        path.write_text(yaml.safe_dump({**DECLARED, "rows": "problems_as_of", **changes}), encoding="utf-8")
        with pytest.raises(ExpectationsInvalid, match="identify persons"), warehouse.connect(office.settings) as conn:
            register_shown_ledgers(conn, load_expectations(office.settings), tmp_path)


def test_of_households_only_counts_are_shown(office, tmp_path):
    expectations = load_expectations(office.settings)
    households = replace(expectations.ledgers["problems"], grain="household")
    path = tmp_path / "shown.yml"
    path.write_text(yaml.safe_dump({**DECLARED, "counts": {"all": {"label": "户"}}, "details": []}), encoding="utf-8")
    assert read_shown(path, households, expectations).columns == []
    path.write_text(yaml.safe_dump({**DECLARED, "counts": {"all": {"label": "户"}}, "details": ["category"]}), encoding="utf-8")
    with pytest.raises(ExpectationsInvalid, match="details of households"):
        read_shown(path, households, expectations)
