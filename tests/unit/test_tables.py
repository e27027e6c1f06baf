"""Finding header, rows, totals and units in a sheet: conservation of rows, and the shapes the inbox tests do not reach."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duban.intake.cells import Document, Faulty, Misplaced, Moment, Number, Picture, Sheet, address
from duban.intake.reading import FileFault, from_json, to_json
from duban.intake.tables import read_tables, total_faults
from duban.ledgers import load_expectations
from duban.settings import load_settings

EXPECTATIONS = load_expectations(load_settings({"DUBAN_HMAC_KEY": "x", "AIRFLOW_CONN_WAREHOUSE": "postgres://h/d"}))
HEADER = ["流水号", "资金层级", "环节", "金额(元)", "发生日期"]
UNIT = "430902102"


def read(*rows, name: str = "", kind: str = "csv", **sheet):
    return read_tables(Document(kind, (Sheet(name, [list(row) for row in rows], **sheet),)), EXPECTATIONS, UNIT, date(2020, 6, 24))


def row(number: int, amount: str = "1") -> list[str]:
    return [str(number), "省级", "支出", amount, "2020-06-04"]


@pytest.mark.parametrize(
    ("row_index", "column", "name"), [(0, 0, "A1"), (9, 25, "Z10"), (0, 26, "AA1"), (0, 255, "IV1"), (1_048_575, 701, "ZZ1048576")]
)
def test_address(row_index, column, name):
    assert address(row_index, column) == name


def test_a_header_counts_within_twenty_rows():
    assert len(read(*[["说明"]] * 19, HEADER, row(1)).tables) == 1
    assert [fault.rule_id for fault in read(*[["说明"]] * 20, HEADER, row(1)).faults] == ["S02"]


def test_a_sheet_is_a_ledger_by_name_or_by_three_required_columns():
    two = [["流水号", "资金层级", "备注"], ["1", "省级", ""]]
    assert [fault.rule_id for fault in read(*two, name="某表", kind="xlsx").faults] == ["S02"]
    by_name = read(*two, name="资金 台账", kind="xlsx")
    assert {(fault.rule_id, fault.column) for fault in by_name.faults} == {("S03", "环节"), ("S03", "金额"), ("S03", "发生日期")}


@pytest.mark.parametrize(
    ("above", "header", "factor"),
    [
        (["单位：万元"], "金额", 10_000),
        (["金额单位:元"], "金额", 1),
        (["单位：万元"], "金额（元）", 1),
        (["", "", "单位：人民币万元"], "金额", 10_000),
        (["单位：元/万元"], "金额", None),
        (["填报单位：迎风桥镇"], "金额", None),
        (["单位：户"], "金额", None),
        ([], "金额", None),
    ],
)
def test_money_units(above, header, factor):
    reading = read(above, [header if name == "金额(元)" else name for name in HEADER], row(1))
    if factor is None:
        assert [fault.rule_id for fault in reading.faults] == ["S05"]
    else:
        assert not reading.faults and reading.tables[0].factors == {"amount_yuan": Decimal(factor)}


def test_a_money_column_without_values_needs_no_unit():
    header = ["项目编号", "项目名称", "项目类别", "计划总投资(元)", "中央资金"]
    assert not read(header, ["1", "路", "其他", "5", "/"]).faults
    assert [fault.rule_id for fault in read(header, ["1", "路", "其他", "5", "0"]).faults] == ["S05"]


@pytest.mark.parametrize(
    ("line", "is_data"),
    [
        (["合计", "", "", "5"], False),
        (["", "全 镇 合 计", "", "5"], False),
        (["小计："], False),
        (["总计（笔）", "", "", "5"], False),
        (["", "", "中央资金合计", "5"], False),
        (["合计数", "", "", "5"], False),
        # whatever has a key, or an amount, is data
        (["7", "省级", "合计", "5", "2020-06-04"], True),
        (["合计-7", "省级", "支出", "5", "2020-06-04"], True),
        (["审核-7", "省级", "支出", "", "六月"], True),
        (["", "省级", "支出", "5", "2020-06-04", "合计"], True),
        (["", "", "", "5"], True),
        (["其中：", "", "", "5"], True),
        # lines of text: no key, the required cells empty
        (["填表人：王芳", "", "审核人：李明", "", "填报日期：2020年6月24日"], False),
        (["填表人", "王芳", "", "审核人", "李明"], False),
        (["", "迎风桥镇人民政府（盖章）", "", "", "2020年6月24日"], False),
        (["以下空白"], False),
        (["续表"], False),
        (["共 3 条记录"], False),
        (["本表一式2份，请存档。"], False),
        (["---"] * 5, False),
        (["/", "/", "无"], False),
        # under the header: what to write, examples, numbers of the columns
        (["示例", "省级", "支出", "5", "2020-06-04"], False),
        (["例1", "省级", "支出", "5", "2020-06-04"], False),
        (["甲", "乙", "1", "2", "3=1+2"], False),
        (["（1）", "（2）", "（3）", "（4）", "（5）"], False),
        (["制表人：王某"], False),
        (["", "", "", "", "某句话"], False),
        (["备注：无", "", "", "审核：李某"], False),
        (["9"], True),
        (["", "省级", "支出"], True),
        (HEADER, False),
        ([f"*{HEADER[0]}", *HEADER[1:3]], False),
        ([" ", "\u3000"], False),
    ],
)
def test_what_is_data(line, is_data):
    table = read(HEADER, row(1), line).tables[0]
    assert (len(table.rows) == 2) is is_data


kinds = st.lists(st.sampled_from(["row", "sub", "total", "note", "header", "blank"]), max_size=25)


@settings(max_examples=60)
@given(kinds, st.lists(st.integers(1, 999), min_size=25, max_size=25))
def test_every_line_is_counted_once_and_right_totals_are_silent(lines, amounts):
    rows, everything, since = [], 0, 0
    for number, (kind, amount) in enumerate(zip(lines, amounts, strict=False)):
        match kind:
            case "row":
                rows.append(row(number, str(amount)))
                everything, since = everything + amount, since + amount
            case "sub":
                rows.append(["小计", "", "", str(since)])
                since = 0
            case "total":
                rows.append(["合计", "", "", str(everything)] if number == len(lines) - 1 else ["", "注：以上属实"])
            case "note":
                rows.append(["制表人：王某", "", "审核：李某"])
            case "header":
                rows.append(HEADER)
            case "blank":
                rows.append([])
    table = read(HEADER, *rows).tables[0]
    assert len(table.rows) == lines.count("row")
    assert len(table.rows) + len(table.ignored_row_nos) == len([line for line in rows if line])
    assert not set(table.ignored_row_nos) & {data.row_no for data in table.rows}
    values = [{"amount_yuan": Decimal(data.cells["amount_yuan"])} for data in table.rows]
    assert list(total_faults(table, values, EXPECTATIONS.words)) == []


def test_readings_survive_the_pipe():
    cells = [
        "1",
        True,
        Number("0.4", "0%"),
        Number("1.50"),
        date(2020, 6, 4),
        Faulty("#REF!"),
        Moment("12:00"),
        Picture("图"),
        Misplaced("多"),
    ]
    hidden = {"is_hidden": False, "merged": ((3, 0, 4, 0),), "hidden_rows": frozenset({1})}
    rows = [["填报日期：2020-06-24"], [*HEADER, "附注"], cells, ["合计", "", "", Number("1.5")], ["注：无"], ["2", *cells[1:7]]]
    document = Document("xlsx", (Sheet("资金台账", rows, **hidden), Sheet("空", [])), None, True, True)
    reading = read_tables(document, EXPECTATIONS, UNIT, date(2020, 6, 24))
    assert reading.tables[0].rows and reading.tables[0].totals and reading.report_dates and reading.skipped_sheets
    reading.faults.append(FileFault("S05", "没有单位", "资金台账", "D2", "金额", "王"))
    assert from_json(json.loads(json.dumps(to_json(reading))), EXPECTATIONS.ledgers) == reading
