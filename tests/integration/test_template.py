"""Templates: a unit's own ledgers as they stand, made from `expectations/`; sent back unchanged they change nothing."""

from __future__ import annotations

import io
import os
import re
import shutil
import zipfile
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import yaml
from openpyxl.utils import range_boundaries

from duban import warehouse
from duban.intake import values
from duban.ledgers import load_expectations
from duban.quality.template import EMPTY_ROWS, FIRST_ROW, HEADER_ROW, write_template
from duban.settings import TIMEZONE
from local.commands import template as command
from local.console import Problem
from tests.conftest import BEITA, xlsx_bytes
from tests.integration.asked_system import AskedSystem, run
from tests.integration.ledgers import counts
from tests.ledgers import GROUP, LEDGERS, OFFICE, OTHER, TOWNSHIP

BEITA_OFFICE = "430511000"
PROBLEMS, FUNDS, PROJECTS, VISITS = "问题台账", "资金台账", "项目台账", "督导记录"
DISTRICT = "430902"
LINEAGE = {
    "version_id", "submission_id", "unit_code", "is_office", "report_on", "received_at", "source_file", "source_sheet", "source_row",
    "masked_at", "cells",
}  # fmt: skip
ID_NUMBER, ID_OF_OTHER = "430902196503121234", "430902197001010010"
NAME_OF_OTHER, PHONE_OF_OTHER = "欧阳别镇", "13912345678"
LONG = "长文" * 900
PROBLEM = {
    "问题来源": "第一轮排查", "发现日期": "2020-06-04", "问题类别": "住房安全", "问题描述": "屋顶漏雨未修", "责任领导": "张三",
    "整改时限": "2020-06-30", "整改状态": "未整改",
}  # fmt: skip
MOVEMENT = {"资金层级": "省级", "环节": "支出", "金额(元)": "15000", "发生日期": "2020-06-04", "项目编号": "XM-1"}
PROJECT = {"项目名称": "维修水渠", "项目类别": "基础设施", "计划总投资(万元)": "8.5"}
VISIT = {"督导日期": "2020-06-20", "核查结论": "属实", "督导人员": "督导员甲、督导员乙"}


def table(*rows: dict[str, Any]) -> list[list[Any]]:
    """Rows with all their columns under one header."""
    header = list(dict.fromkeys(name for row in rows for name in row))
    return [header, *([row.get(name, "") for name in header] for row in rows)]


def text_cells(workbook: openpyxl.Workbook) -> None:
    """What begins with = is text here."""
    for sheet in workbook:
        for row in sheet.iter_rows():
            for cell in row:
                if isinstance(cell.value, str):
                    cell.data_type = "s"


# Every spelling that a row may have been accepted in, and that a template must not lose.
TOWNSHIP_PROBLEMS = [
    {"问题编号": "T-1", **PROBLEM, "问题描述": "=1+1 户主电话13812345678", "整改措施": "+整改\n第二行\t制表 😀", "印证资料": "-照片",
     "户主姓名": "王小明", "证件号码": f"'{ID_NUMBER[:6]} {ID_NUMBER[6:]}", "备注": "@某人 _x005F_x0041_ 身份证430902196503121234 ",
     "村(社区)": "左家仑村", "乡镇": "迎风桥镇", "反馈批次": "6-1", "行业部门": "/"},
    {"问题编号": "001", **PROBLEM, "发现日期": "二〇二〇年六月四日", "整改时限": "2020.6.30", "整改状态": "推进中", "整改措施": LONG,
     "反馈批次": 7},
    {"问题编号": 7, **PROBLEM, "发现日期": date(2020, 6, 4), "整改时限": 44012, "整改状态": "立行立改", "完成日期": "20200605",
     "整改措施": "无误", "印证资料": True, "户主姓名": "无", "备注": "——"},
    {"问题编号": "Ｔ－２ａ", **PROBLEM, "村(社区)": "新塘村委会", "整改状态": "否", "撤销原因": "误填"},
    {"问题编号": "T-VOID", **PROBLEM},
    {"问题编号": "T-MOVED", **PROBLEM},
]  # fmt: skip
TOWNSHIP_FUNDS = [
    {"流水号": "S-1", **MOVEMENT, "金额(元)": "0.01", "村(社区)": "左家仑村、新塘村委会", "资金年度": ""},
    {"流水号": "S-2", **MOVEMENT, "金额(元)": "￥123,456,789,012.34", "村(社区)": "全镇", "资金年度": "2019年", "环节": "报账"},
    {
        "流水号": "S-3",
        **MOVEMENT,
        "金额(元)": 97000.07,
        "资金文号": "资扶〔2020〕1号",
        "资金名称": "专项 资金",
        "乡镇": "迎风桥镇",
        "资金层级": "县",
    },
    {"流水号": "S-4", **MOVEMENT, "撤销原因": "重复"},
]
TOWNSHIP_PROJECTS = [
    {
        "项目编号": "X-1",
        **PROJECT,
        "形象进度(%)": "0.5%",
        "村(社区)": "左家仑村",
        "中央资金(万元)": "8.123456",
        "计划总投资(万元)": "8.123456",
    },
    {"项目编号": "X-2", **PROJECT, "形象进度(%)": "1%", "村(社区)": "左家仑村、新塘村", "受益户数": "1,200", "受益人数": 0},
    {"项目编号": "X-3", **PROJECT, "形象进度(%)": "33.333333", "村(社区)": "全镇", "实际开工日期": "6月1日", "建设内容": "两处"},
    {"项目编号": "X-4", **PROJECT, "形象进度(%)": 0, "撤销原因": "乡镇填的"},
    {"项目编号": "X-5", **PROJECT, "形象进度(%)": "0.000125%", "其他资金(万元)": "(3.5)"},
    {"项目编号": "X-GONE", **PROJECT},
]
OFFICE_PROBLEMS = [
    {"问题编号": "B-1", **PROBLEM, "行业部门": "区住建局", "备注": "联系13712345678"},
    {"问题编号": "T-VOID", **PROBLEM, "整改状态": "误报", "撤销原因": "不是问题"},
    {"问题编号": "T-MOVED", **PROBLEM, "乡镇": "沙头镇"},
    {"问题编号": "O-MOVED", **PROBLEM, "乡镇": "迎风桥镇", "村(社区)": "新塘村", "户主姓名": "李大伯", "备注": "移交13612345678"},
    {"问题编号": "B-VOID", **PROBLEM, "整改状态": "撤销", "撤销原因": "重复"},
]
OFFICE_FUNDS = [
    {"流水号": "S-1", **MOVEMENT, "环节": "到账", "资金文号": "文1", "项目编号": "", "村(社区)": "", "乡镇": ""},
    {"流水号": "Q-2", **MOVEMENT, "环节": "分配", "资金文号": "文2", "乡镇": "沙头镇", "村(社区)": "双枫树村、友谊村"},
    {"流水号": "Q-3", **MOVEMENT, "村(社区)": "左家仑村"},  # 支出 of the office: the village is written, the township must not be
]
OFFICE_PROJECTS = [
    {"项目编号": "BX-1", **PROJECT, "责任单位": "区水利局", "村(社区)": "左家仑村、双枫树村"},
    {"项目编号": "X-GONE", **PROJECT, "乡镇": "迎风桥镇", "撤销原因": "不再实施"},
]
OTHERS_PROBLEMS = [
    {"问题编号": "O-1", **PROBLEM, "户主姓名": NAME_OF_OTHER, "证件号码": ID_OF_OTHER, "备注": f"电话{PHONE_OF_OTHER}"},
    {"问题编号": "O-MOVED", **PROBLEM, "户主姓名": NAME_OF_OTHER, "证件号码": ID_OF_OTHER},
]
GROUP_VISITS = [
    {"记录编号": 1, **VISIT, "乡镇": "迎风桥镇", "问题编号": "T-1", "村(社区)": "左家仑村", "情况说明": "户主电话13812345678"},
    {"记录编号": "D-2", **VISIT, "核查结论": "退回", "问题编号": "B-1"},  # a department's: no township
    {"记录编号": "D-3", **VISIT, "核查结论": "已巡查", "乡镇": "沙头镇"},
    {"记录编号": "D-4", **VISIT, "乡镇": "沙头镇", "问题编号": "O-1", "撤销原因": "记错了"},
    {"记录编号": "D-5", **VISIT, "乡镇": "迎风桥镇", "问题编号": "T-MOVED"},
]


@pytest.fixture(scope="module")
def district(shared_office, sample_files):
    """Part of the sample district, and rows of every kind that is hard to write again."""
    office = shared_office
    order = [file for file in sorted(sample_files, key=lambda file: file.day) if file.unit_code in {TOWNSHIP, OFFICE}]
    for number, file in enumerate(order):
        path = office.drop(file.unit_code, file.path.name, file.path.read_bytes())
        os.utime(path, (10**9 + number, 10**9 + number))
    office.drop(BEITA_OFFICE, BEITA.name, BEITA.read_bytes())
    office.ingest()
    ledgers = {PROBLEMS: table(*TOWNSHIP_PROBLEMS), FUNDS: table(*TOWNSHIP_FUNDS), PROJECTS: table(*TOWNSHIP_PROJECTS)}
    offices = {PROBLEMS: table(*OFFICE_PROBLEMS), FUNDS: table(*OFFICE_FUNDS), PROJECTS: table(*OFFICE_PROJECTS)}
    for unit, name, content in [
        (TOWNSHIP, "台账20200701.xlsx", xlsx_bytes(ledgers, text_cells)),
        (OTHER, "问题台账20200701.xlsx", xlsx_bytes({PROBLEMS: table(*OTHERS_PROBLEMS)})),
        (OFFICE, "一20200701.xlsx", xlsx_bytes({PROBLEMS: table(OFFICE_PROBLEMS[0])})),
        (GROUP, "督导记录20200702.xlsx", xlsx_bytes({VISITS: table(*GROUP_VISITS)})),
        (OFFICE, "二20200703.xlsx", xlsx_bytes(offices)),
        # Later rows of the township do not lift what the office has withdrawn.
        (TOWNSHIP, "又20200704.xlsx", xlsx_bytes({PROBLEMS: table(TOWNSHIP_PROBLEMS[4]), PROJECTS: table(TOWNSHIP_PROJECTS[5])})),
    ]:
        taken = office.send(unit, name, content)
        assert taken["outcome"] == "accepted", (name, office.rejections(taken["submission_id"]))
    return office


def written(office, unit: str, **changes: Any) -> openpyxl.Workbook:
    """The template of a unit."""
    return openpyxl.load_workbook(template(office, unit, **changes).path)


def template(office, unit: str, **changes: Any):
    with warehouse.connect(office.settings) as conn:
        return write_template(conn, replace(office.settings, **changes), unit, datetime.now(TIMEZONE).date())


def as_bytes(workbook: openpyxl.Workbook) -> bytes:
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def current(office) -> dict[tuple, dict[str, Any]]:
    """The current version of every key of every unit less its lineage, with the sender's own words in place of the masked ones."""
    expectations = load_expectations(office.settings)
    found = {}
    for ledger in LEDGERS.values():
        name, scope, key = ledger.table_name, ledger.key_scope, ledger.key_name
        own_words = ledger.of_type("text", "name", "person", "id_number", "certificate")
        for row in office.query(
            f"""select distinct on ({scope}, {key}) v.*, cells from raw.{name} v join personal.original_rows o
                on o.submission_id = v.submission_id and sheet = source_sheet and row_no = source_row
                order by {scope}, {key}, report_on desc, received_at desc"""
        ):
            known = {column: value for column, value in row.items() if column not in LINEAGE}
            for column in own_words:
                text = re.sub(r"[\s']", "", row["cells"].get(column.title, ""))
                known[f"own {column.name}"] = None if values.is_blank(text, expectations.words) else text
            found[name, row[scope], row[key]] = known
    return found


def differences(before: dict, after: dict) -> list:
    """What is not the same: key, column, before, after."""
    assert before.keys() == after.keys()
    return [(key, name, old, after[key][name]) for key, row in before.items() for name, old in row.items() if old != after[key][name]]


@pytest.mark.parametrize("unit", [TOWNSHIP, OTHER, OFFICE, GROUP, BEITA_OFFICE])
def test_sent_back_unchanged_it_is_accepted_and_changes_nothing(district, unit):
    before = current(district)
    made = template(district, unit)
    taken = district.send(unit, made.path.name, made.path.read_bytes())
    assert district.rejections(taken["submission_id"]) == []
    rows = sum(made.counts.values())
    assert counts(taken) == ("accepted", rows, rows, 0, 0)
    assert differences(before, current(district)) == []
    # What stands beside the ledgers is no ledger, and nothing is hidden.
    assert [entry["sheet"] for entry in taken["receipt"]["read_as"]["tables"]] == list(made.counts)
    assert taken["receipt"]["read_as"]["skipped_sheets"] == ["填表说明", "选项"]
    assert {finding["rule_id"] for finding in taken["receipt"]["findings"]} <= {"W01", "W11"}


def keys(workbook: openpyxl.Workbook, sheet: str) -> set[str]:
    """The keys of a ledger's filled rows."""
    return {row[0].value for row in workbook[sheet].iter_rows(min_row=FIRST_ROW, max_col=1) if row[0].value}


def test_every_row_a_unit_answers_for_is_there_and_no_other(district):
    township, office, other, group = (written(district, unit) for unit in (TOWNSHIP, OFFICE, OTHER, GROUP))
    sent = {row["problem_no"] for row in district.query("select problem_no from raw.problem_versions where unit_code = %s", [TOWNSHIP])}
    assert keys(township, PROBLEMS) == sent - {"T-VOID", "T-MOVED"} | {"O-MOVED"}
    assert {"S-1", "S-2", "S-3"} <= keys(township, FUNDS) and "S-4" not in keys(township, FUNDS)
    assert {"X-1", "X-4"} <= keys(township, PROJECTS) and "X-GONE" not in keys(township, PROJECTS)
    assert "B-1" in keys(office, PROBLEMS) and not keys(office, PROBLEMS) & {"B-VOID", "T-VOID", "T-MOVED", "O-MOVED"}
    assert {"S-1", "Q-2", "Q-3"} <= keys(office, FUNDS) and "BX-1" in keys(office, PROJECTS)
    assert keys(other, PROBLEMS) == {"O-1", "T-MOVED"}
    # D-4 is withdrawn; the problem of D-5 is another township's now.
    assert keys(group, VISITS) == {"1", "D-2", "D-3"} and template(district, GROUP).left_out == 1


def test_only_the_cell_that_was_changed_changes_and_new_rows_are_taken(district):
    before = current(district)
    workbook = written(district, TOWNSHIP)
    sheet = workbook[PROBLEMS]
    columns = {cell.value: cell.column for cell in sheet[HEADER_ROW]}
    rows = {row[0].value: row[0].row for row in sheet.iter_rows(min_row=FIRST_ROW) if row[0].value}
    sheet.cell(rows["T-1"], columns["责任领导"]).value = "李四"
    empty = FIRST_ROW + len(rows) + 3
    for name, text in {"问题编号": "T-NEW", **PROBLEM, "发现日期": date(2020, 6, 5), "村(社区)": "新塘村委会"}.items():
        sheet.cell(empty, columns[name]).value = text
    taken = district.send(TOWNSHIP, "改好.xlsx", as_bytes(workbook))
    assert taken["outcome"] == "accepted", district.rejections(taken["submission_id"])
    after = current(district)
    new = after.pop(("problem_versions", DISTRICT, "T-NEW"))
    assert (new["village_code"], str(new["found_on"])) == ("430902102217", "2020-06-05")
    changed = {(key[2], name) for key, name, _, _ in differences(before, after)}
    assert changed == {("T-1", "leader_name"), ("T-1", "own leader_name")}


def test_the_day_typed_beside_its_label_is_the_report_date(district):
    workbook = written(district, GROUP)
    sheet = workbook[VISITS]
    assert (sheet["A3"].value, sheet["B3"].value, sheet["B3"].number_format) == ("填报日期：", None, "yyyy-mm-dd")
    sheet["B3"].value = date(2020, 7, 5)
    taken = district.send(GROUP, "督导记录.xlsx", as_bytes(workbook))
    assert (taken["outcome"], str(taken["report_on"])) == ("accepted", "2020-07-05")


def validations(sheet) -> dict[str, Any]:
    """The data validation of each column by its header; all of them reach over the filled rows and the empty ones."""
    headers = {cell.column: cell.value for cell in sheet[HEADER_ROW]}
    filled = sum(1 for row in sheet.iter_rows(min_row=FIRST_ROW) if row[0].value)
    found = {}
    for rule in sheet.data_validations.dataValidation:
        [area] = rule.sqref.ranges
        if area.coord == "B3":
            found["填报日期"] = rule
            continue
        assert (area.min_row, area.min_col) == (FIRST_ROW, area.max_col)
        assert area.max_row >= FIRST_ROW - 1 + filled + EMPTY_ROWS
        found[headers[area.min_col]] = rule
    return found


def choices(workbook: openpyxl.Workbook, rule) -> list[str]:
    """The words of a drop-down list, which stand on a visible sheet."""
    assert rule.type == "list" and rule.showErrorMessage
    name, cells = rule.formula1.split("!")
    sheet = workbook[name.strip("'")]
    assert sheet.sheet_state == "visible"
    first, top, last, bottom = range_boundaries(cells)
    assert first == last
    return [sheet.cell(row, first).value for row in range(top, bottom + 1)]


def test_drop_downs_offer_what_this_unit_may_write_now(district):
    ours, offices, groups = (written(district, unit) for unit in (TOWNSHIP, OFFICE, GROUP))
    mine = {name: validations(ours[name]) for name in (PROBLEMS, FUNDS, PROJECTS)}
    assert choices(ours, mine[PROBLEMS]["整改状态"]) == ["未整改", "整改中", "整改到位"]
    assert choices(offices, validations(offices[PROBLEMS])["整改状态"]) == ["未整改", "整改中", "整改到位", "撤销"]
    assert choices(ours, mine[FUNDS]["环节"]) == ["拨付", "支出"]
    assert choices(offices, validations(offices[FUNDS])["环节"]) == ["下达", "分配", "拨付", "支出", "收回"]
    assert choices(groups, validations(groups[VISITS])["核查结论"]) == ["属实", "退回", "反弹", "新发现", "已巡查"]
    villages = [row["village_name"] for row in district.query("select * from raw.villages where township_code = %s order by 1", [TOWNSHIP])]
    townships = [
        row["township_name"] for row in district.query("select * from raw.townships where district_code = %s order by 1", [DISTRICT])
    ]
    for sheet in (PROBLEMS, FUNDS, PROJECTS):
        assert choices(ours, mine[sheet]["村(社区)"]) == villages
        assert mine[sheet]["村(社区)"].errorStyle == "warning"
        assert choices(ours, mine[sheet]["乡镇"]) == ["迎风桥镇"]
        assert choices(offices, validations(offices[sheet])["乡镇"]) == townships
        assert "村(社区)" not in validations(offices[sheet])
    assert choices(groups, validations(groups[VISITS])["乡镇"]) == townships


def test_dates_numbers_and_identity_numbers_are_checked_while_typing(district):
    book = written(district, TOWNSHIP)
    problems, funds, projects = (validations(book[name]) for name in (PROBLEMS, FUNDS, PROJECTS))
    rules = {
        name: (rule.type, rule.operator, rule.formula1, rule.formula2)
        for rules in (problems, funds, projects)
        for name, rule in rules.items()
        if rule.type != "list"
    }
    last_day = (date(date.today().year + 5, 12, 31) - date(1899, 12, 30)).days
    for name in ("填报日期", "发现日期", "发生日期", "验收日期"):
        assert rules[name] == ("date", "between", "41640", str(last_day))
    assert rules["金额(万元)"] == rules["计划总投资(万元)"] == ("decimal", "greaterThan", "0", None)
    assert rules["中央资金(万元)"] == ("decimal", "between", "-100000000", "100000000")
    assert rules["形象进度(%)"] == ("decimal", "between", "0", "100")
    assert rules["证件号码"] == ("textLength", "equal", "18", None)
    assert rules["受益户数"] == ("whole", "greaterThanOrEqual", "0", None)
    assert "只填数字" in projects["中央资金(万元)"].error and "大于 0" in funds["金额(万元)"].error


def test_formats_reach_over_filled_and_empty_rows(district):
    sheet = written(district, TOWNSHIP)[PROBLEMS]
    columns = {cell.value: cell.column for cell in sheet[HEADER_ROW]}
    filled = sum(1 for row in sheet.iter_rows(min_row=FIRST_ROW) if row[0].value)
    for row in (FIRST_ROW, FIRST_ROW + filled, FIRST_ROW + filled + EMPTY_ROWS - 1):
        formats = {name: sheet.cell(row, column).number_format for name, column in columns.items()}
        assert formats["发现日期"] == formats["整改时限"] == "yyyy-mm-dd"
        assert formats["问题编号"] == formats["证件号码"] == "@"


def test_values_are_written_exactly_and_as_what_they_are(district):
    book = written(district, TOWNSHIP)

    def row(sheet: str, key: str) -> dict[str, Any]:
        header = [cell.value for cell in book[sheet][HEADER_ROW]]
        return next(dict(zip(header, cells, strict=True)) for cells in book[sheet].iter_rows(min_row=FIRST_ROW) if cells[0].value == key)

    one = row(PROBLEMS, "T-1")
    assert (one["证件号码"].value, one["证件号码"].data_type) == (ID_NUMBER, "s")
    assert (one["发现日期"].value, one["村(社区)"].value) == (datetime(2020, 6, 4), "左家仑村委会")
    assert [one[name].value for name in ("户主姓名", "问题描述", "行业部门")] == ["王小明", "=1+1 户主电话13812345678", None]
    for name in ("问题描述", "整改措施", "印证资料", "备注"):
        assert one[name].data_type == "s" and one[name].quotePrefix
    assert (row(PROBLEMS, "001")["整改状态"].value, row(PROBLEMS, "7")["整改状态"].value) == ("整改中", "整改到位")
    assert row(PROBLEMS, "T-2a")["乡镇"].value == "迎风桥镇"
    assert [row(FUNDS, key)["金额(万元)"].value for key in ("S-1", "S-2", "S-3")] == [0.000001, 12345678.901234, 9.700007]
    assert row(FUNDS, "S-2")["金额(万元)"].number_format == "0.000000" and row(FUNDS, "S-3")["金额(万元)"].number_format == "General"
    assert (row(FUNDS, "S-1")["资金年度"].value, row(FUNDS, "S-2")["资金年度"].value) == (2020, 2019)
    percents = {key: row(PROJECTS, key)["形象进度(%)"] for key in ("X-1", "X-2", "X-3", "X-5")}
    shown = {key: (cell.value, cell.number_format) for key, cell in percents.items()}
    assert shown == {"X-1": (0.005, "0.0%"), "X-2": (0.01, "0%"), "X-3": (33.333333, "General"), "X-5": (0.00000125, "0.000000%")}


def test_numbers_stand_in_the_file_digit_by_digit(district):
    path = template(district, TOWNSHIP).path
    with zipfile.ZipFile(path) as archive:
        found = {
            value
            for name in archive.namelist()
            if "worksheets/sheet" in name
            for value in re.findall(b"<v>([^<]*)</v>", archive.read(name))
        }
        assert not any(b"<f>" in archive.read(name) or b"<f " in archive.read(name) for name in archive.namelist())
    assert {b"9.700007", b"12345678.901234", b"0.000001"} <= found
    assert not [value for value in found if len(value) > 15]


@pytest.mark.parametrize("unit", [TOWNSHIP, OFFICE, GROUP])
def test_header_notes_and_guide_are_those_of_the_expectations(district, unit):
    expectations = load_expectations(district.settings)
    kind = district.query("select unit_kind from raw.units where unit_code = %s", [unit])[0]["unit_kind"]
    book = written(district, unit)
    guide = [[cell.value or "" for cell in row] for row in book["填表说明"].iter_rows()]
    ledgers = [ledger for ledger in expectations.ledgers.values() if kind in ledger.senders]
    assert book.sheetnames[-2:] == ["填表说明", "选项"] and set(book.sheetnames[:-2]) == {ledger.title for ledger in ledgers}
    for ledger in ledgers:
        header = book[ledger.title][HEADER_ROW]
        titles = [f"{column.title}(万元)" if column.type == "money" else column.title for column in ledger.columns]
        assert [cell.value for cell in header] == titles
        for column, cell in zip(ledger.columns, header, strict=True):
            note = cell.comment.text
            assert note.startswith("必填" if column.is_required else "可不填") and column.help in note
            assert (cell.fill.fgColor.rgb == "FFFFD966") == column.is_required
            assert [titles[cell.column - 1], "必填" if column.is_required else ""] in [row[:2] for row in guide]
        for rule in ledger.rules:
            texts = [rule.id, ledger.by_name[rule.column].title, rule.reason, rule.fix]
            is_for_us = kind in rule.when.get("sender_kind", [kind]) and kind not in (rule.expect.get("value_set") or [])
            assert (texts in guide) == is_for_us, texts
            assert (f"{rule.id} {rule.reason}" in header[ledger.columns.index(ledger.by_name[rule.column])].comment.text) == is_for_us
    for rule in [*expectations.cell_rules.values(), *expectations.file_rules.values()]:
        assert [rule.id, "", rule.reason, rule.fix] in guide


def test_the_head_names_the_unit_and_pages_are_ready_to_print(district):
    for unit, name in ((TOWNSHIP, "迎风桥镇"), (GROUP, "第1督导组")):
        for sheet in written(district, unit).worksheets[:-2]:
            assert [sheet.cell(row, 1).value for row in (1, 2, 3)] == [f"{name}{sheet.title}", f"填报单位：{name}（{unit}）", "填报日期："]
            assert sheet.freeze_panes == "B6" and sheet.print_title_rows == f"${HEADER_ROW}:${HEADER_ROW}"
            assert (sheet.page_setup.orientation, int(sheet.page_setup.paperSize)) == ("landscape", 9)
            assert sheet["A6"].font.name == "宋体"


@pytest.fixture
def other_rules(district, tmp_path) -> Path:
    """A copy of the project's rules with a column, a code word, a bound and a rule more."""
    for folder in ("expectations", "dbt_project/seeds"):
        shutil.copytree(district.settings.project / folder, tmp_path / folder)
    with open(tmp_path / "expectations" / "problems" / "columns.csv", "a", encoding="utf-8") as file:
        file.write("witness_name,见证人,person,yes,,,两名见证人之一\n")
    with open(tmp_path / "dbt_project" / "seeds" / "ref_vocabulary.csv", "a", encoding="utf-8") as file:
        file.write("problem_source,群众来信,群众来信,群众来信,2020-01-01,\nproblem_source,旧来源,旧来源,旧来源,,2020-12-31\n")
    path = tmp_path / "expectations" / "funds" / "rules.yml"
    rules = yaml.safe_load(path.read_text(encoding="utf-8"))
    bound = {"type": "expect_column_values_to_be_between", "column": "amount_yuan", "min_value": 100, "max_value": 25000}
    rules["rules"].insert(
        0, {"id": "F99", "column": "amount_yuan", "needs": ["amount_yuan"], "expect": bound, "reason": "太少", "fix": "补足"}
    )
    path.write_text(yaml.safe_dump(rules, allow_unicode=True), encoding="utf-8")
    return tmp_path


def test_a_change_of_the_expectations_changes_the_template(district, other_rules):
    book = written(district, TOWNSHIP, project=other_rules, outbox=other_rules / "outbox")
    header = book[PROBLEMS][HEADER_ROW][-1]
    assert header.value == "见证人" and header.comment.text == "必填\n两名见证人之一" and header.fill.fgColor.rgb == "FFFFD966"
    sources = choices(book, validations(book[PROBLEMS])["问题来源"])
    assert "群众来信" in sources and "旧来源" not in sources
    amount = validations(book[FUNDS])["金额(万元)"]
    assert (amount.operator, amount.formula1, amount.formula2, amount.error) == ("between", "0.01", "2.5", "太少。补足")
    guide = [[cell.value for cell in row] for row in book["填表说明"].iter_rows()]
    assert ["见证人", "必填", "两名见证人之一", None] in guide and ["F99", "金额", "太少", "补足"] in guide


def test_nothing_personal_of_another_unit_is_in_a_template(district):
    def texts(unit: str) -> str:
        book = written(district, unit)
        return "\n".join(str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None)

    own = texts(OTHER)
    secrets = (NAME_OF_OTHER, ID_OF_OTHER, PHONE_OF_OTHER)
    assert all(secret in own for secret in secrets)
    templates = {unit: texts(unit) for unit in (TOWNSHIP, OFFICE, GROUP)}
    assert [unit for unit, text in templates.items() if any(secret in text for secret in secrets)] == []
    assert "李大伯" in templates[TOWNSHIP] and ID_NUMBER not in own


def test_it_lies_in_the_outbox_of_its_unit_and_replaces_the_one_before(district, monkeypatch):
    first = template(district, GROUP)
    assert first.path == district.settings.outbox / "templates" / GROUP / "第1督导组报送模板.xlsx"
    assert first.path.parents[1].stat().st_mode & 0o777 == 0o700
    before = first.path.read_bytes()

    def fail(self, path):
        Path(path).write_bytes(b"half")
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(openpyxl.Workbook, "save", fail)
        with pytest.raises(OSError):
            template(district, GROUP)
    assert os.listdir(first.path.parent) == [first.path.name] and first.path.read_bytes() == before
    assert template(district, GROUP).path == first.path


def test_the_command_prints_the_path(district, capsys):
    run(command, AskedSystem(district.settings, is_external=True, port=None), f" {GROUP} ")
    said = capsys.readouterr().out
    assert said.splitlines()[-1] == str(district.settings.outbox / "templates" / GROUP / "第1督导组报送模板.xlsx")
    assert "督导记录 3 rows" in said and "left out: 1 visits" in said


def test_the_command_says_what_to_do(district, office):
    def problem(of: Any, unit: str, *more: str) -> str:
        with pytest.raises(Problem) as raised:
            run(command, of, unit, *more)
        return str(raised.value)

    assert "problems 问题台账" in problem(AskedSystem(district.settings), TOWNSHIP, "--ledger", "督导记录")
    assert "`make up` first" in problem(AskedSystem(district.settings, port=None), TOWNSHIP)
    assert f"{TOWNSHIP} 迎风桥镇" in problem(AskedSystem(district.settings), "430902999")
    assert "430511…" in problem(AskedSystem(district.settings), "999999001")
    gone = replace(district.settings, warehouse_uri=district.settings.warehouse_uri.replace("/duban_", "/absent_"))
    assert "does not answer" in problem(AskedSystem(gone, is_external=True), TOWNSHIP)
    with warehouse.connect(office.settings) as conn:
        conn.execute("drop schema raw cascade")
    assert "`make up` first" in problem(AskedSystem(office.settings), TOWNSHIP)
