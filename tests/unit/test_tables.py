"""Finding header, rows, totals and units in a sheet: conservation of rows, and the shapes the inbox tests do not reach."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duban.intake import reading as readings
from duban.intake.cells import Document, Faulty, Misplaced, Moment, Number, Picture, Sheet, address
from duban.intake.reader import read_file
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


DAY = date(2020, 6, 24)


@pytest.mark.parametrize(
    ("above", "below", "days", "faults"),
    [
        (["填报日期：2020年6月24日"], [], {DAY}, []),
        (["填报单位：迎风桥镇      填报日期：2020年6月24日    填表人：王芳"], [], {DAY}, []),
        (["（单位：元，填报时间：2020.6.24）"], [], {DAY}, []),
        (["填报单位：迎风桥镇", "", "填报时间", "2020-06-24"], [], {DAY}, []),
        ([], ["填表人：王芳", "", "", "填报日期：2020年6月24日"], {DAY}, []),
        ([], ["", "审核人：李明", "填报日期：", "2020年6月24日"], {DAY}, []),
        (["填报日期：2020-06-23"], ["填报日期：2020-06-24"], {date(2020, 6, 23), DAY}, []),
        # a deadline, prose, a form that nobody has filled in
        (["填报时间：2020年6月24日前"], [], set(), []),
        (["请于2020年6月24日之前报送"], [], set(), []),
        (["填报时间：每周五"], [], set(), []),
        (["说明：填报日期写在右上角"], [], set(), []),
        (["填报日期：", "填表人：王芳"], [], set(), []),
        ([], ["填表人：", "填报日期：   年   月   日"], set(), []),
        (["填报日期：   年   月   日"], [], set(), ["S07"]),
        (["填报单位：迎风桥镇  填报日期：六月24日"], [], set(), ["S07"]),
        ([], ["填表人：", "填报日期：6月下旬24"], set(), ["S07"]),
    ],
)
def test_where_a_report_date_stands(above, below, days, faults):
    reading = read(above, HEADER, row(1), below)
    assert {day for day, _ in reading.report_dates} == days and [fault.rule_id for fault in reading.faults] == faults
    assert len(reading.tables[0].rows) == 1


@pytest.mark.parametrize(
    ("header", "factor"),
    [
        ("金额（单位：万元）", 10_000),
        ("金额/万元", 10_000),
        ("*金额(万元)：", 10_000),
        ("★金额（必填，人民币万元）", 10_000),
        ("金额[元]", 1),
        ("金额（千元）", None),
        ("金额（万元/元）", None),
        ("金额（累计，万元）", None),
    ],
)
def test_marks_hints_and_units_of_a_header(header, factor):
    reading = read([header if name == "金额(元)" else name for name in HEADER], row(1))
    if factor:
        assert not reading.faults and reading.tables[0].factors == {"amount_yuan": Decimal(factor)}
    else:
        [fault] = reading.faults
        assert (fault.rule_id, fault.column) == ("S03", "金额") and header[:2] in fault.detail.partition("相近的是")[2]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_header_all_of_marks_and_hints_shows_the_separator(separator):
    header = [f"★{name.replace('(元)', '（元，必填）')}：" for name in HEADER]
    content = "".join(f"{separator.join(cells)}\n" for cells in (header, row(1))).encode()
    [table] = read_file(content, EXPECTATIONS, UNIT, date(2020, 6, 24)).tables
    assert len(table.rows) == 1 and len(table.positions) == len(HEADER)


def test_a_column_that_only_resembles_another_yields_to_it():
    columns = ["项目编号", "项目名称", "项目类别", "计划总投资(元)", "受益户数（户）", "受益人数（万人）", "验收日期（县级）", "验收日期"]
    reading = read(columns, ["1", "路", "其他", "5", "9", "2", "2020-01-01", "2020-02-01"])
    table = reading.tables[0]
    assert not reading.faults and {"household_count": 4, "accepted_on": 7}.items() <= table.positions.items()
    assert "person_count" not in table.positions and table.unread == {"受益人数(万人)": 1, "验收日期(县级)": 1}
    assert [fault.rule_id for fault in read([*columns, "验收日期（必填）"], ["1"]).faults] == ["S04"]


def test_merged_cells_are_one_value_before_a_row_is_judged():
    rows = [row(1), row(2), ["", "", "", "3", ""]]
    merged = tuple((2, column, 3, column) for column in (0, 1, 2, 4))
    table = read(HEADER, *rows, name="资金台账", kind="xlsx", merged=merged).tables[0]
    assert [(data.row_no, data.cells["movement_no"], data.cells["amount_yuan"]) for data in table.rows] == [
        (2, "1", "1"),
        (3, "2", "1"),
        (4, "2", "3"),
    ]
    across = read(HEADER, ["合计", "", "", "1", ""], ["3", "省级", "", "1", "2020-06-04"], merged=((1, 0, 1, 2), (2, 1, 2, 2))).tables[0]
    assert [data.cells["stage"] for data in across.rows] == ["省级"] and len(across.totals) == 1


def test_what_a_template_filled_is_no_data():
    columns = ["序号", "问题编号", "乡镇", "问题来源", "发现日期", "问题类别", "问题描述", "责任领导", "整改时限", "整改状态"]
    full = ["1", "P-1", "迎风桥镇", "第一轮排查", "2020-06-04", "其他", "屋顶漏雨", "张三", "2020-06-30", "未整改"]
    bare = [[str(number), "", "迎风桥镇", "第一轮排查"] for number in range(2, 5)]
    numbered = [["", f"P-{number}", "迎风桥镇"] for number in range(5, 8)]
    same = [["", "", "", "", "2020-06-04", "", "", "张三", "2020-06-30"]] * 3
    table = read(columns, full, *bare, *numbered, *same).tables[0]
    assert [data.row_no for data in table.rows] == [2]
    assert {(aside.kind, aside.row_no) for aside in table.aside} == {("prefilled", number) for number in range(3, 12)}
    # one row alone may be a clerk's
    assert len(read(columns, full, numbered[0], same[0][:4] + full[4:]).tables[0].rows) == 3


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


def test_readings_survive_the_pipe(monkeypatch):
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
    monkeypatch.setattr(readings, "_MOST_TEXTS", 1)  # the others stand where they are
    told = to_json(reading)
    assert max(map(len, told["tables"][0]["texts"])) == 1 and from_json(json.loads(json.dumps(told)), EXPECTATIONS.ledgers) == reading
