"""Layouts: what is recognised and what is not, how a table is read by one, and which layouts are refused."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from duban.intake.cells import Document, Faulty, Misplaced, Number, Sheet
from duban.intake.reading import from_json, to_json
from duban.intake.tables import read_tables
from duban.intake.typed_rows import CellReaders, Sender, mark_repeated_keys, type_rows
from duban.ledgers import Expectations, ExpectationsInvalid, read_expectations, read_layout

PROJECT = Path(__file__).parents[2]
EXPECTATIONS = read_expectations(PROJECT / "expectations", PROJECT / "dbt_project" / "seeds")
OFFICE = "430902000"
ON = date(2020, 6, 24)
#: The smallest layout: a table that comes again and again, so nothing in it is constant.
FUNDS = {
    "layout": "funds_of_the_office",
    "sender": OFFICE,
    "ledger": "funds",
    "match": {"header": ["编号", "级别", "用途", "数额", "日子"]},
    "columns": {"编号": "流水号", "级别": "资金层级", "用途": "环节", "数额": "金额(万元)", "日子": "发生日期"},
}
TITLES = FUNDS["match"]["header"]
ROW = ["1", "省级", "分配", "5", "2020-06-04"]


@pytest.fixture
def load(tmp_path):
    """Loads the project's expectations with this one layout in place of its own."""

    def loaded(layout: dict | str) -> Expectations:
        path = tmp_path / "funds_of_the_office.yml"
        path.write_text(layout if isinstance(layout, str) else yaml.safe_dump(layout, allow_unicode=True), encoding="utf-8")
        return replace(EXPECTATIONS, layouts=(read_layout(path, EXPECTATIONS.ledgers),))

    return loaded


def read(expectations, *rows, unit=OFFICE, on=ON, kind="csv", **sheet):
    """The reading of a CSV, or of a workbook with one sheet."""
    name = "" if kind == "csv" else "Sheet1"
    return read_tables(Document(kind, (Sheet(name, [list(row) for row in rows], **sheet),)), expectations, unit, on)


def faults(reading) -> list[str]:
    return [fault.rule_id for fault in reading.faults]


def cells(reading, *names) -> list[tuple]:
    """The cells of these columns, row by row."""
    [table] = reading.tables
    return [tuple(row.cells.get(name) for name in names) for row in table.rows]


# ── recognised, and not ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_table_is_read_by_its_layout(load):
    reading = read(load(FUNDS), ["资金安排表"], [" 编 号", *TITLES[1:]], ROW, ["合计", None, None, "5"])
    assert (reading.layout, reading.faults, reading.report_dates) == ("funds_of_the_office", [], [])
    [table] = reading.tables
    assert (table.sheet, table.header_row_no, table.factors) == ("资金台账", 2, {"amount_yuan": Decimal(10_000)})
    assert table.positions == {"movement_no": 0, "tier": 1, "stage": 2, "amount_yuan": 3, "moved_on": 4}
    assert cells(reading, "movement_no", "tier", "stage", "amount_yuan", "moved_on") == [tuple(ROW)]
    assert [(total.row_no, total.cells) for total in table.totals] == [(4, {"movement_no": "合计", "amount_yuan": "5"})]


@pytest.mark.parametrize(
    "rows",
    [
        [["编号", "级别", "用途", "金额", "日子"], ROW],
        [TITLES[:4], ROW],
        [["级别", "编号", "用途", "数额", "日子"], ROW],
        [["", *TITLES], ["", *ROW]],
        [*[["说明"]] * 20, TITLES, ROW],
    ],
    ids=["a title differs", "a title is missing", "another order", "shifted", "beyond 20 rows"],
)
def test_another_header_is_another_table(load, rows):
    assert faults(read(load(FUNDS), *rows)) == ["S02"]


def test_within_twenty_rows_the_header_is_found(load):
    assert read(load(FUNDS), *[["说明"]] * 19, TITLES, ROW).tables[0].header_row_no == 20


def test_another_sender_has_no_part_in_it(load):
    expectations = load(FUNDS)
    assert faults(read(expectations, TITLES, ROW, unit="430511000")) == ["S02"]
    assert faults(read(expectations, TITLES, ROW, unit="430902102")) == ["S02"]


@pytest.mark.parametrize(
    ("on", "is_valid"),
    [(date(2020, 4, 30), False), (date(2020, 5, 1), True), (date(2020, 6, 30), True), (date(2020, 7, 1), False)],
)
def test_validity_includes_both_days(load, on, is_valid):
    reading = read(load({**FUNDS, "valid_from": date(2020, 5, 1), "valid_to": date(2020, 6, 30)}), TITLES, ROW, on=on)
    assert (reading.layout, faults(reading)) == (("funds_of_the_office", []) if is_valid else (None, ["S02"]))


def test_outside_its_validity_a_table_with_our_header_is_an_ordinary_ledger(load):
    ours = ["流水号", "资金层级", "环节", "金额(元)", "发生日期"]
    layout = {**FUNDS, "match": {"header": ours}, "columns": dict(zip(ours, FUNDS["columns"].values(), strict=True))}
    layout["columns"]["金额(元)"] = "金额"
    expectations = load({**layout, "valid_to": date(2020, 6, 30)})
    assert [read(expectations, ours, ROW, on=day).layout for day in (date(2020, 6, 30), date(2020, 7, 1))] == ["funds_of_the_office", None]
    assert len(read(expectations, ours, ROW, on=date(2020, 7, 1)).tables[0].rows) == 1


def test_a_report_date_of_its_own_decides_instead_of_the_day_of_the_file(load):
    expectations = load({**FUNDS, "report_on": date(2020, 5, 31), "valid_from": date(2020, 5, 1), "valid_to": date(2020, 6, 1)})
    reading = read(expectations, TITLES, ROW, on=date(2026, 1, 1))
    assert reading.report_dates == [(date(2020, 5, 31), "版式 funds_of_the_office")]


@pytest.mark.parametrize(
    ("printed", "is_recognised"),
    [("12", True), (Number("12"), True), ("12.00", True), ("１２", True), ("13", False), ("约12", False), (None, False)],
)
def test_the_printed_total_must_be_there(load, printed, is_recognised):
    expectations = load({**FUNDS, "match": {**FUNDS["match"], "total": {"数额": "12"}}})
    reading = read(expectations, TITLES, ROW, ["合计", None, None, printed, None], ["注", "12", "12", None, "12"])
    assert (reading.layout is not None) is is_recognised


@pytest.mark.parametrize(
    ("amounts", "is_recognised"),
    [(["5", Number("7")], True), (["5", "7.00"], True), (["5", "8"], False), (["12"], True), (["5", "约7"], False), ([], False)],
)
def test_the_rows_must_add_up(load, amounts, is_recognised):
    expectations = load({**FUNDS, "match": {**FUNDS["match"], "sum": {"数额": "12"}}})
    rows = [[str(number), "省级", "分配", amount, "2020-06-04"] for number, amount in enumerate(amounts)]
    assert (read(expectations, TITLES, *rows).layout is not None) is is_recognised


def test_a_sum_leaves_skipped_rows_out(load):
    expectations = load({**FUNDS, "match": {**FUNDS["match"], "sum": {"数额": "5"}}, "skip": ["^其中"]})
    assert read(expectations, TITLES, ROW, ["其中：省", None, None, "5", None]).layout


# ── rows and cells ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_skipped_rows_are_ignored_by_their_first_filled_cell(load):
    expectations = load({**FUNDS, "skip": ["^其中", "^[一二三]、"]})
    lines = [["一、基础设施", "省级", None, None, None], ROW, [None, "其中：", None, "3", None], ["2", "其中", "分配", "3", "2020-06-05"]]
    [table] = read(expectations, TITLES, *lines).tables
    assert ([row.row_no for row in table.rows], table.ignored_row_nos) == ([3, 5], [2, 4])


def test_totals_notes_and_repeated_headers_are_ignored(load):
    lines = [
        ROW,
        ["小计", None, None, "5"],
        TITLES,
        ["2", *ROW[1:]],
        [None, None, "以上属实"],
        ["制表人：王某"],
        ["合计", None, None, "10"],
    ]
    [table] = read(load(FUNDS), TITLES, *lines).tables
    assert ([row.row_no for row in table.rows], sorted(table.ignored_row_nos)) == ([2, 5], [3, 4, 6, 7, 8])


def test_one_column_may_fill_several(load):
    expectations = load({**FUNDS, "columns": {**FUNDS["columns"], "编号": ["流水号", "项目编号", "备注"]}})
    assert cells(read(expectations, TITLES, ROW), "movement_no", "project_no", "remark") == [("1", "1", "1")]


@pytest.mark.parametrize(
    ("theirs", "ours", "unit", "factor"),
    [
        ("数额", "金额(元)", None, 1),
        ("数额", "金额", "万元", 10_000),
        ("数额", "金额(元)", "万元", 1),
        ("数额（万元）", "金额", None, 10_000),
        ("数额（万元）", "金额(万元)", "元", 10_000),
    ],
)
def test_units(load, theirs, ours, unit, factor):
    header = [theirs if title == "数额" else title for title in TITLES]
    columns = {theirs if title == "数额" else title: ours if title == "数额" else name for title, name in FUNDS["columns"].items()}
    expectations = load({**FUNDS, "match": {"header": header}, "columns": columns, "unit": unit})
    assert read(expectations, header, ROW).tables[0].factors == {"amount_yuan": Decimal(factor)}


def test_a_constant_sum_of_money_has_a_unit(load):
    columns = {theirs: ours for theirs, ours in FUNDS["columns"].items() if theirs != "数额"}
    match = {**FUNDS["match"], "total": {"编号": "1"}}
    reading = read(load({**FUNDS, "match": match, "columns": columns, "constants": {"金额(万元)": "4"}}), TITLES, ROW)
    assert cells(reading, "amount_yuan") == [("4",)] and reading.tables[0].factors == {"amount_yuan": Decimal(10_000)}
    assert reading.tables[0].rows[0].extras == {"数额": "5"} and reading.tables[0].cell("amount_yuan", 2) is None


SPLIT = {**FUNDS, "split": {"地点": {"pattern": "(.+?[镇乡])(.+)", "into": ["乡镇", "村(社区)"]}}, "match": {"header": [*TITLES, "地点"]}}


@pytest.mark.parametrize(
    ("text", "township", "villages"),
    [
        (" 迎风桥镇迎风桥村 ", "迎风桥镇", "迎风桥村"),
        ("张家塞乡乡镇村", "张家塞乡", "乡镇村"),
        ("迎风桥村", "迎风桥村", "迎风桥村"),
        ("迎风桥镇", "迎风桥镇", "迎风桥镇"),
        (None, None, None),
    ],
)
def test_a_cell_is_split_or_kept_whole_in_both(load, text, township, villages):
    reading = read(load(SPLIT), [*TITLES, "地点"], [*ROW, text])
    assert cells(reading, "township", "villages") == [(township, villages)]
    assert reading.tables[0].cell("villages", 2) == "F2"


def test_a_cell_with_more_than_the_form_says_is_kept_whole(load):
    split = {"地点": {"pattern": "(.+?镇)(.+?村)", "into": ["乡镇", "村(社区)"]}}
    reading = read(load({**SPLIT, "split": split}), [*TITLES, "地点"], [*ROW, "沙头镇双枫树村等"])
    assert cells(reading, "township", "villages") == [("沙头镇双枫树村等", "沙头镇双枫树村等")]


@pytest.mark.parametrize(
    ("cell", "key"),
    [
        ("1", "A-1"),
        (Number("1"), "A-1"),
        (" 1.0 ", "A-1"),
        (None, None),
        ("/", "/"),
        (Faulty("#REF!"), Faulty("#REF!")),
        ("#REF!", "#REF!"),
        (Number("1234567890123456"), Number("1234567890123456")),
    ],
)
def test_a_prefix_stands_before_keys_that_can_be_read(load, cell, key):
    assert cells(read(load({**FUNDS, "key_prefix": "A-"}), TITLES, [cell, *ROW[1:]], kind="xlsx"), "movement_no") == [(key,)]


def test_columns_that_fill_nothing_are_kept_beside_the_row(load):
    layout = {**FUNDS, "match": {"header": [*TITLES, "经办", ""]}, "columns": {**FUNDS["columns"], "经办": []}}
    reading = read(load(layout), [*TITLES, "经办", None, "退回原因", "经办"], [*ROW, "甲", "乙", "丙", "丁", "戊"], kind="xlsx")
    assert reading.tables[0].rows[0].extras == {"经办": "甲", "G": "乙", "退回原因": "丙", "经办 (I)": "丁", "J": "戊"}


def test_a_cell_torn_in_two_by_a_comma_makes_its_row_untrustworthy(load):
    expectations = load(FUNDS)
    torn = [*ROW[:3], "1", "200", "2020-06-04"]
    assert [row.misplaced_at for row in read(expectations, TITLES, ROW, torn).tables[0].rows] == [None, 5]
    assert [row.misplaced_at for row in read(expectations, TITLES, ROW, torn, kind="xlsx").tables[0].rows] == [None, None]
    marked = [*ROW[:4], Misplaced("2020-06-04")]
    assert read(expectations, TITLES, marked).tables[0].rows[0].misplaced_at == 4


# ── several header rows ──────────────────────────────────────────────────────────────────────────────────────────────

UPPER = ["编号", "来源", "来源", "来源", "日子"]
LOWER = [None, "级别", "用途", "数额", None]
TWO_ROWS = {
    **FUNDS,
    "match": {"header": [UPPER, ["", *LOWER[1:4], ""]]},
    "columns": {"编号": "流水号", "来源级别": "资金层级", "来源用途": "环节", "来源数额": "金额(万元)", "日子": "发生日期"},
}


@pytest.mark.parametrize("upper", [UPPER, ["编号", "来源", None, None, "日子"]], ids=["repeated", "merged"])
def test_an_upper_title_names_every_column_it_covers(load, upper):
    reading = read(load(TWO_ROWS), ["资金安排表"], upper, LOWER, ROW, upper, LOWER, ["2", *ROW[1:]])
    assert cells(reading, "movement_no", "tier", "stage", "amount_yuan", "moved_on") == [tuple(ROW), ("2", *ROW[1:])]
    assert (reading.tables[0].header_row_no, reading.tables[0].ignored_row_nos) == (2, [5, 6])


@pytest.mark.parametrize(
    ("upper", "lower"),
    [
        (["编号", None, None, None, "日子"], LOWER),
        (["编号", "来源", None, "去向", "日子"], LOWER),
        ([None, "来源", None, None, "日子"], LOWER),
        (UPPER, [None, "级别", None, "数额", None]),
        (UPPER, [None, "级别", "用途", "数额", "日期"]),
        (LOWER, UPPER),
    ],
)
def test_header_rows_that_differ_are_another_table(load, upper, lower):
    assert read(load(TWO_ROWS), upper, lower, ROW).layout is None


def test_a_title_that_repeats_the_last_one_is_no_merged_cell(load):
    header = [["来源", *UPPER, "来源"], ["甲", *LOWER, "乙"]]
    assert read(load({**TWO_ROWS, "match": {"header": header}}), *header, ["", *ROW]).layout
    assert read(load({**TWO_ROWS, "match": {"header": header}}), [None, *header[0][1:]], header[1], ["", *ROW]).layout is None


def test_a_header_row_may_be_shorter_than_the_one_below(load):
    upper = ["编号", "来源", "来源"]
    columns = {"编号": "流水号", "来源级别": "资金层级", "来源用途": "环节", "数额": "金额(万元)", "日子": "发生日期"}
    expectations = load({**TWO_ROWS, "match": {"header": [upper, ["", *TITLES[1:]]]}, "columns": columns})
    assert cells(read(expectations, upper, [None, *TITLES[1:]], ROW), "amount_yuan", "moved_on") == [("5", "2020-06-04")]


def test_a_sheet_that_ends_within_the_header_has_none(load):
    assert read(load(TWO_ROWS), ["说明"], UPPER).layout is None


def test_in_the_last_header_row_every_column_has_its_title(load):
    layout = {**FUNDS, "match": {"header": [*TITLES, "旁注", "旁注"]}}
    expectations = load(layout)
    assert read(expectations, [*TITLES, "旁注", "旁注"], ROW).layout
    assert read(expectations, [*TITLES, "旁注", None], ROW).layout is None


def test_blank_cells_at_the_end_of_a_header_row_need_not_be_there(load):
    assert read(load(TWO_ROWS), UPPER, LOWER[:4], ROW).layout


# ── refused ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kolumns": {}}, r"unknown \['kolumns'\]"),
        ({"sender": None}, r"\['sender'\] missing"),
        ({"match": {}}, r"match: \['header'\] missing"),
        ({"match": {"header": TITLES, "totals": {}}}, r"match: unknown \['totals'\]"),
        ({"layout": "other"}, r"layout: 'other' is none of \['funds_of_the_office'\]"),
        ({"ledger": "fund"}, "ledger: 'fund' is none of"),
        ({"unit": "千元"}, "unit: '千元' is none of"),
        ({"sender": 430902000}, "sender: must be text, .* not 430902000"),
        ({"columns": ["流水号"]}, "columns: must be keys with values"),
        ({"columns": {**FUNDS["columns"], "编号": 1}}, "columns: 编号: must be text"),
        ({"columns": {**FUNDS["columns"], "编号": "流水"}}, "columns: 编号: '流水' is no column of 资金台账"),
        ({"columns": {**FUNDS["columns"], "数额": "金额"}}, "columns: 数额: '金额' needs one unit"),
        ({"columns": {**FUNDS["columns"], "编号": ["流水号", "环节"]}}, "环节 is filled twice"),
        ({"columns": {**FUNDS["columns"], "经办": "备注"}}, r"\['经办'\] must stand once among the titles"),
        ({"match": {"header": [*TITLES, "编号"]}}, r"\['编号'\] must stand once"),
        ({"columns": {"编号": "流水号"}}, r"nothing fills the required \['资金层级', '环节', '金额', '发生日期'\]"),
        ({"match": {"header": []}}, "match: header: a row without a title"),
        ({"match": {"header": [TITLES, "编号"]}}, "match: header: must be a list"),
        ({"match": {"header": [TITLES, []]}}, "match: header: a row without a title"),
        ({"match": {"header": [2020, *TITLES]}}, "match: header: must be text, .* not 2020"),
        ({"match": {"header": TITLES, "total": {"数额": 12.5}}}, "match: total: 数额: must be text"),
        ({"match": {"header": TITLES, "sum": {"数额": "一百"}}}, "match: sum: 数额: '一百' is no number"),
        ({"match": {"header": TITLES, "total": {"总数": "1"}}}, r"\['总数'\] must stand once"),
        ({"match": {"header": TITLES, "total": {"数额": "1"}, "sum": {"数额": "1"}}}, r"\['数额'\] has a total and a sum"),
        ({"constants": {"备注": "甲"}}, "constants need match.total or match.sum"),
        ({"constants": {"环节": "分配"}}, "constants: 环节 is filled twice"),
        ({"constants": {"备忘": "甲"}}, "constants: '备忘' is no column"),
        ({"constants": {"资金年度": 2020}}, "constants: 资金年度: must be text, .* not 2020"),
        ({"split": {"用途": {"pattern": "(.+)"}}}, r"split: 用途: \['into'\] missing"),
        ({"split": {"用途": {"pattern": "(.+", "into": ["乡镇"]}}}, "split: 用途: .* is no regular expression"),
        ({"split": {"用途": {"pattern": "(.+)", "into": ["乡镇", "村(社区)"]}}}, "1 groups in the pattern, 2 columns in into"),
        ({"split": {"用途": {"pattern": "(.+)", "into": ["备注"]}}}, "only a township and villages can be split off"),
        ({"split": {"地点": {"pattern": "(.+)", "into": ["乡镇"]}}}, r"\['地点'\] must stand once"),
        ({"skip": "^其中"}, "skip: must be a list"),
        ({"skip": ["("]}, "skip: .* is no regular expression"),
        ({"report_on": "2020-06-24"}, "report_on: must be a date"),
        ({"report_on": datetime(2020, 6, 24, 8)}, "report_on: must be a date"),
        ({"valid_from": date(2020, 7, 1), "valid_to": date(2020, 6, 30)}, "valid_from lies after valid_to"),
        ({"report_on": date(2020, 7, 1), "valid_to": date(2020, 6, 30)}, "report_on lies outside"),
    ],
)
def test_a_layout_that_cannot_be_meant_is_refused(load, change, said):
    with pytest.raises(ExpectationsInvalid, match=rf"funds_of_the_office\.yml: .*{said}|funds_of_the_office\.yml: {said}"):
        load({**FUNDS, **change})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"constants": {"流水号": "1"}, "columns": {"级别": "资金层级", "用途": "环节", "数额": "金额(元)", "日子": "发生日期"}},
            "of its own",
        ),
        ({"match": {"header": TITLES, "total": {"数额": "NaN"}}}, "no number"),
        (
            {"match": {"header": ["编号", "级别", "用途", "数额(元)", "日子"]}, "columns": {"编号": "流水号", "数额(元)": "金额(万元)"}},
            "one unit",
        ),
    ],
)
def test_a_layout_that_would_count_wrong_is_refused(load, change, said):
    with pytest.raises(ExpectationsInvalid, match=said):
        load({**FUNDS, **change})


@pytest.mark.parametrize("text", ["layout: [", "", "- 1", "layout: funds_of_the_office\nreport_on: 2020-06-24 08:00:00", "\x00"])
def test_a_file_that_is_no_layout_is_refused(load, text):
    with pytest.raises(ExpectationsInvalid, match=r"funds_of_the_office\.yml"):
        load(text)


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("problems/rules.yml", ("rules:", "rules: [")),
        ("funds/rules.yml", ("reason:", "because:")),
        ("rows/rules.yml", ("id:", "name:")),
        ("submissions/rules.yml", ("total_words:", "sum_words:")),
    ],
)
def test_rules_that_cannot_be_meant_name_their_file(tmp_path, file, change):
    shutil.copytree(PROJECT / "expectations", tmp_path / "expectations")
    path = tmp_path / "expectations" / file
    text = path.read_text(encoding="utf-8")
    assert change[0] in text
    path.write_text(text.replace(*change, 1), encoding="utf-8")
    with pytest.raises(ExpectationsInvalid, match=re.escape(str(path) if "[" in change[1] else str(path.parent))):
        read_expectations(tmp_path / "expectations", PROJECT / "dbt_project" / "seeds")


# ── the example of the documentation ─────────────────────────────────────────────────────────────────────────────────


def test_the_documented_example_reads_as_it_says(load):
    document = (PROJECT / "expectations" / "README.md").read_text(encoding="utf-8").split("## A layout")[1]
    table, layout = re.search(r"```csv\n(.*?)```.*?```yaml\n(.*?)```", document, re.DOTALL).groups()
    layout = re.sub(r"(?m)^layout: \w+", "layout: funds_of_the_office", layout)
    reading = read(load(layout), *([cell or None for cell in row] for row in csv.reader(io.StringIO(table))))
    assert (faults(reading), reading.tables[0].factors["planned_yuan"]) == ([], Decimal(10_000))
    names = ("project_no", "project_name", "content", "category", "township", "villages", "planned_yuan", "central_yuan")
    assert cells(reading, *names) == [
        ("2020道路-1", "村道硬化", "村道硬化", "基础设施", "迎风桥镇", "迎风桥村", "30", "20"),
        ("2020道路-2", "机耕路", "机耕路", "基础设施", "沙头镇", "双枫树村", "25", "25"),
    ]
    keys = set(re.findall(r"(?m)^\| `([a-z_.]+)`", document))
    assert keys == {
        "layout",
        "sender",
        "ledger",
        "match.header",
        "match.total",
        "match.sum",
        "columns",
        "split",
        "unit",
        "key_prefix",
        "collapse",
    } | {
        "constants",
        "skip",
        "report_on",
        "valid_from",
        "valid_to",
    }


# ── rows that are one of ours ────────────────────────────────────────────────────────────────────────────────────────

PERSONS = {
    "layout": "funds_of_the_office",
    "sender": OFFICE,
    "ledger": "projects",
    "match": {"header": ["户号", "项目", "类别", "关系", "金额"]},
    "columns": {"户号": "项目编号", "项目": "项目名称", "类别": "项目类别", "金额": "计划总投资(元)"},
    "collapse": {"by": "户号", "keep": {"关系": "户主"}, "count_into": "受益人数"},
}


def test_rows_that_belong_together_become_one_and_are_counted(load):
    reading = read(
        load(PERSONS),
        PERSONS["match"]["header"],
        ["A1", "甲", "产业", "配偶", "1"],
        ["A1", "乙", "产业", "户 主", "2"],
        ["B1", "丙", "产业", "户主", "3"],
        ["A1", "丁", "产业", "之子", "4"],
    )
    [table] = reading.tables
    assert cells(reading, "project_no", "project_name", "planned_yuan", "person_count") == [("A1", "乙", "2", "3"), ("B1", "丙", "3", "1")]
    assert [row.row_no for row in table.collapsed] == [2, 5] == table.ignored_row_nos
    assert not any(row.is_unclear for row in table.rows)
    assert from_json(json.loads(json.dumps(to_json(reading))), EXPECTATIONS.ledgers).tables[0].collapsed == table.collapsed


@pytest.mark.parametrize("relations", [["配偶", "之子"], ["户主", "户主"], [""], ["户主", "户主", "之子"]])
def test_rows_of_which_none_or_several_could_be_the_one_are_all_unclear(load, relations):
    rows = [["A1", "甲", "产业", relation, "1"] for relation in relations]
    reading = read(load(PERSONS), PERSONS["match"]["header"], *rows, ["B1", "丙", "产业", "户主", "3"])
    [table] = reading.tables
    assert [(row.cells["project_no"], row.is_unclear) for row in table.rows] == [("A1", True)] * len(rows) + [("B1", False)]
    sender = Sender(OFFICE, "office", OFFICE[:6])
    typed = type_rows("s", table, sender, ON, CellReaders(EXPECTATIONS), False)
    judged, copies = mark_repeated_keys(typed)
    assert [row.marks.count(("R08", "project_no")) for row in judged] == [1] * len(rows) + [0] and copies == []


@pytest.mark.parametrize(
    ("collapse", "said"),
    [
        ({"by": "户", "keep": {"关系": "户主"}, "count_into": "受益人数"}, "must stand once among the titles"),
        ({"by": "户号", "keep": {"与户主关系": "户主"}, "count_into": "受益人数"}, "must stand once among the titles"),
        ({"by": "户号", "keep": {}, "count_into": "受益人数"}, "keep says which row gives the cells"),
        ({"by": "户号", "keep": {"关系": "户主"}, "count_into": "项目名称"}, "filled twice"),
        ({"by": "户号", "keep": {"关系": "户主"}, "count_into": "备注"}, "a column of the type count"),
        ({"by": "户号", "keep": {"关系": "户主"}}, "count_into"),
    ],
)
def test_what_a_collapse_cannot_be(load, collapse, said):
    with pytest.raises(ExpectationsInvalid, match=said):
        load({**PERSONS, "collapse": collapse})
