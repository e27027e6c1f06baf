"""How ledgers may look: titles, headers, merged cells, totals, notes, sheets, encodings, separators. One drop, many files."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.conftest import csv_bytes, xlsx_bytes
from tests.integration.ledgers import (
    FUND_HEADER,
    OFFICE,
    PROBLEM_HEADER,
    TOWNSHIP,
    by_name,
    counts,
    movement,
    problem,
    problems_csv,
    versions,
)

ACCEPTED_ONE = ("accepted", 1, 1, 0, 0)


def text_of(rows, separator=","):
    return "\r\n".join(separator.join(map(str, row)) for row in rows)


def two_row_header():
    """计划总投资 and 其中(万元) over five columns; 日期 over two."""
    upper = ["项目编号", "项目名称", "项目类别", "计划总投资", "其中(万元)", "", "开工情况", ""]
    lower = ["", "", "", "(万元)", "中央资金", "省级资金", "实际开工日期", "实际完工日期"]

    def touch(workbook):
        sheet = workbook["项目台账"]
        for area in ("A1:H1", "A2:A3", "B2:B3", "C2:C3", "E2:F2", "G2:H2"):
            sheet.merge_cells(area)

    rows = [["2020年项目台账"], upper, lower, ["L-两行", "机耕路", "基础设施", 10, 4, 6, "2020-05-01", ""]]
    return xlsx_bytes({"项目台账": rows}, touch)


def merged_data():
    """The township's name and the leader stand once for two rows."""
    rows = [PROBLEM_HEADER, problem("L-并1", 乡镇="迎风桥镇", 责任领导="李四"), problem("L-并2", 乡镇=None, 责任领导=None)]

    def touch(workbook):
        workbook["问题台账"].merge_cells("B2:B3")
        workbook["问题台账"].merge_cells("H2:H3")

    return xlsx_bytes({"问题台账": rows}, touch)


def files():
    one, row = PROBLEM_HEADER, problem
    moved = [PROBLEM_HEADER[::-1], problem("L-倒序")[::-1]]
    titled = [
        ["资阳区问题整改台账"],
        ["填报单位：迎风桥镇", "", "填报日期", "", "2020年6月24日"],
        [],
        one,
        row("L-标题"),
        ["制表人：王某", "", "审核：李某"],
    ]
    alias = [
        [
            {"发现日期": "发现时间", "问题描述": "存在问题", "整改时限": "整改 期限", "整改状态": "是否整改到位"}.get(name, name)
            for name in one
        ],
        row("L-别名"),
    ]
    alias[1][9] = "否"
    extra = [["序号", *one, "联系电话"], ["1", *row("L-附加"), "13812345678"]]
    repeated = [one, row("L-重表头1"), one, row("L-重表头2"), ["", "", "", "", "", "", "以上情况属实"], ["备注：无"]]
    funds = [
        ["单位：万元"],
        [name.replace("(万元)", "") for name in FUND_HEADER],
        movement("L-1", "1"),
        movement("L-2", "2"),
        ["小计", "", "", "3"],
    ]
    funds += [movement("L-3", "4"), ["本页小计", "", "", "4"], ["全镇合计", "", "", "7"]]
    funds_wrong = [
        ["单位：元"],
        [name.replace("(万元)", "") for name in FUND_HEADER],
        movement("L-4", "100"),
        movement("L-5", "约5"),
        ["合计", "", "", "101"],
    ]
    return {
        "标题.csv": (csv_bytes(titled), ("accepted", 2, 1, 0, 1)),
        "别名20200624.csv": (csv_bytes(alias), ACCEPTED_ONE),
        "倒序20200624.csv": (csv_bytes(moved), ACCEPTED_ONE),
        "附加列20200624.csv": (csv_bytes(extra), ACCEPTED_ONE),
        "重复表头20200624.csv": (csv_bytes(repeated), ("accepted", 5, 2, 0, 3)),
        "两行表头20200624.xlsx": (two_row_header(), ACCEPTED_ONE),
        "合并单元格20200624.xlsx": (merged_data(), ("accepted", 2, 2, 0, 0)),
        "资金合计20200624.csv": (csv_bytes(funds), ("accepted", 6, 3, 0, 3)),
        "资金合计不符20200624.csv": (csv_bytes(funds_wrong), ("accepted_with_rejections", 3, 1, 1, 1)),
        "多个台账20200624.xlsx": (
            xlsx_bytes(
                {
                    "说明": [["填报说明"], ["一", "二"]],
                    "问题台账": [one, row("L-多1")],
                    "六月": [one, row("L-多2")],
                    "资金台账": [FUND_HEADER, movement("L-6", 2)],
                    "空表": [],
                }
            ),
            ("accepted", 3, 3, 0, 0),
        ),
        "utf8-20200624.csv": (problems_csv(row("L-utf8")), ACCEPTED_ONE),
        "bom-20200624.csv": (problems_csv(row("L-bom"), encoding="utf-8-sig"), ACCEPTED_ONE),
        "gb-20200624.csv": (problems_csv(row("L-gb", 问题描述="屋顶漏雨未修，郭㙍家"), encoding="gb18030"), ACCEPTED_ONE),
        "utf16-20200624.csv": (problems_csv(row("L-utf16"), encoding="utf-16"), ACCEPTED_ONE),
        "分号20200624.txt": (text_of([one, row("L-分号")], ";").encode(), ACCEPTED_ONE),
        "制表符20200624.xlsx": (text_of([one, row("L-制表")], "\t").encode("utf-16"), ACCEPTED_ONE),
        "换行20200624.csv": (
            problems_csv([], row("L-换行", 问题描述="第一行\n第二行"), row("L-换行2", 发现日期="六月")),
            ("accepted_with_rejections", 2, 1, 1, 0),
        ),
    }


@pytest.fixture(scope="module")
def taken(shared_office):
    expected = files()
    for name, (content, _) in expected.items():
        shared_office.drop(TOWNSHIP, name, content)
    shared_office.ingest()
    return by_name(shared_office), expected


@pytest.mark.parametrize("name", list(files()))
def test_outcome_and_counts(taken, name):
    submissions, expected = taken
    assert counts(submissions[name]) == expected[name][1]
    assert str(submissions[name]["report_on"]) == "2020-06-24"


def test_no_file_is_left_and_each_has_a_receipt(taken, shared_office):
    submissions, _ = taken
    assert list((shared_office.settings.inbox / TOWNSHIP).iterdir()) == []
    for row in submissions.values():
        assert shared_office.receipt(TOWNSHIP, row["submission_id"])["outcome"] == row["outcome"]


def test_amounts_follow_the_unit_of_header_or_title(taken, shared_office):
    rows = shared_office.query("select movement_no, amount_yuan from raw.fund_movement_versions order by 1")
    assert {row["movement_no"]: row["amount_yuan"] for row in rows} == {
        "L-1": Decimal(10_000),
        "L-2": Decimal(20_000),
        "L-3": Decimal(40_000),
        "L-4": Decimal(100),
        "L-6": Decimal(20_000),
    }


def test_only_the_total_that_differs_is_reported(taken, shared_office):
    findings = shared_office.query(
        """select file_name, subject, f.text from quarantine.findings f join ops.submissions using (submission_id)
           where f.rule_id = 'W02'"""
    )
    assert [(row["file_name"], row["subject"]) for row in findings] == [("资金合计不符20200624.csv", "资金台账!5")]


def test_two_row_header_names_and_units(taken, shared_office):
    [row] = shared_office.query(
        "select planned_yuan, central_yuan, provincial_yuan, actual_start_on::text, actual_finish_on from raw.project_versions"
    )
    assert list(row.values()) == [Decimal(100_000), Decimal(40_000), Decimal(60_000), "2020-05-01", None]


def test_merged_cells_hold_for_every_row_they_cover(taken, shared_office):
    rows = shared_office.query("select leader_name from raw.problem_versions where problem_no like 'L-并_' order by problem_no")
    assert [row["leader_name"] for row in rows] == ["李四", "李四"]


def test_extra_columns_are_kept_with_the_personal_data_only(taken, shared_office):
    [row] = shared_office.query("select cells from personal.original_rows where cells ->> '问题编号' = 'L-附加'")
    assert (row["cells"]["联系电话"], row["cells"]["序号"]) == ("13812345678", "1")
    receipts = shared_office.query("select receipt::text as receipt from ops.submissions")
    assert not any("13812345678" in row["receipt"] for row in receipts)


def test_rows_are_counted_as_records(taken, shared_office):
    submissions, _ = taken
    assert shared_office.rejections(submissions["换行20200624.csv"]["submission_id"]) == [(4, "R02", "发现日期", "E4")]
    [row] = shared_office.query("select description from raw.problem_versions where problem_no = 'L-换行'")
    assert row["description"] == "第一行\n第二行"


def test_skipped_sheets_are_listed(taken, shared_office):
    submissions, _ = taken
    read_as = submissions["多个台账20200624.xlsx"]["receipt"]["read_as"]
    assert read_as["skipped_sheets"] == ["说明", "空表"]
    assert [(table["ledger"], table["sheet"]) for table in read_as["tables"]] == [
        ("问题台账", "问题台账"),
        ("问题台账", "六月"),
        ("资金台账", "资金台账"),
    ]


def test_workbook_and_csv_give_the_same_rows(office):
    rows = [problem("S-1", 乡镇="迎风桥镇"), problem("S-2", 整改状态="整改中", 整改措施="维修 屋顶")]
    office.drop(OFFICE, "甲20200624.csv", csv_bytes([PROBLEM_HEADER, *rows]))
    office.ingest()
    office.drop(OFFICE, "乙20200624.xlsx", xlsx_bytes({"问题台账": [PROBLEM_HEADER, *rows]}))
    office.ingest()
    everything = versions(office)
    assert len(everything) == 4 and everything[:2] == everything[2:]
