"""The row rules against rows that break one thing at a time."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from .cells import Unreadable, read_date, read_id_number, read_key, read_money, read_percent
from .judge import judge, names_several_persons
from .places import Reference
from .ranking import Campaign

TOWN, OTHER, OFFICE = "430902102", "430902104", "430902000"
REPORT = date(2020, 6, 24)
REFERENCE = Reference(
    district_code="430902",
    townships={TOWN: "甲镇", OTHER: "乙镇"},
    villages={TOWN: ("东村", "西村", "桥社区", "新村"), OTHER: ("南村", "新村")},
    campaigns=(Campaign("430902", date(2020, 4, 1), date(2020, 6, 30)),),
    problem_owners={"W-1": TOWN, "W-2": OTHER, "W-3": None},
    project_owners={"X-1": TOWN, "X-2": OTHER, "X-3": None},
    aliases={TOWN: {"老东村": "东村"}},
)
PROBLEM = {
    "问题编号": "W-1", "乡镇": "甲镇", "村(社区)": "东村", "问题来源": "第一轮排查", "发现日期": "2020-6-4", "问题类别": "住房安全",
    "问题描述": "屋顶漏雨", "整改措施": "维修", "责任领导": "张三", "整改时限": "2020-6-30", "整改状态": "整改到位",
    "完成日期": "2020-6-20", "印证资料": "照片",
}  # fmt: skip
MOVEMENT = {"流水号": "1", "资金文号": "1号", "资金层级": "省", "环节": "下达", "金额": "1.5", "发生日期": "2020-6-4", "项目编号": "X-1"}
PROJECT = {"项目编号": "X-1", "项目名称": "机耕路", "项目类别": "基础设施", "计划总投资": "10"}


def broken(ledger: str, row: dict[str, str | None], sender: str) -> set[tuple[str, str]]:
    return set(judge(ledger, [row], sender, REPORT, REFERENCE)[0])


def said(text: str) -> set[tuple[str, str]]:
    """Reads "R01 列, P02 列" as a set of breaks."""
    return {(part.split()[0], part.split()[1]) for part in text.split(",")} if text else set()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, ""),
        ({"乡镇": None, "村(社区)": "东村委会"}, ""),
        ({"村(社区)": "东村民委员会"}, ""),
        ({"村(社区)": "桥社区居民委员会"}, ""),
        ({"村(社区)": "老东村"}, ""),
        ({"村(社区)": "南村"}, "R05 村(社区)"),
        ({"村(社区)": "东、西"}, "R05 村(社区)"),
        ({"乡镇": "乙镇", "村(社区)": "无此村", "问题编号": "W-2"}, "R06 乡镇"),
        ({"问题编号": "W-2"}, "P11 问题编号"),
        ({"问题编号": "W-3"}, "P11 问题编号"),
        ({"问题编号": "W-9"}, ""),
        ({"问题编号": "——"}, "R01 问题编号"),
        ({"问题描述": "漏雨"}, "P12 问题描述"),
        ({"问题描述": "漏" * 4001}, "R10 问题描述"),
        ({"户主姓名": "李" * 65}, "R10 户主姓名"),
        ({"备注": "\ufffd"}, "R10 备注"),
        ({"备注": "#REF!"}, "R09 备注"),
        ({"问题类别": "住房"}, "R04 问题类别"),
        ({"证件号码": "11010519491231002x"}, ""),
        ({"证件号码": "110105194912310021"}, "R07 证件号码"),
        ({"整改时限": "2020-6-3"}, "P01 整改时限"),
        ({"整改时限": "月底"}, "R02 整改时限"),
        ({"完成日期": None}, "P02 完成日期"),
        ({"整改措施": "无", "印证资料": " "}, "P03 整改措施,P04 印证资料"),
        ({"整改状态": "整改中", "整改措施": "/", "印证资料": None}, "P07 整改措施"),
        ({"完成日期": "2020-6-3"}, "P05 完成日期"),
        ({"完成日期": "2020-6-25", "整改状态": "否"}, "P05 完成日期"),
        ({"发现日期": "2020-6-25", "完成日期": None, "整改状态": "否"}, "P06 发现日期"),
        ({"发现日期": "2020-3-31"}, "P10 发现日期"),
        ({"责任领导": "张三、李四"}, "P08 责任领导"),
        ({"整改状态": "撤销", "撤销原因": "重复"}, "P09 整改状态"),
    ],
)
def test_problem_rows_of_a_township(change: dict[str, str | None], expected: str) -> None:
    assert broken("问题台账", PROBLEM | change, TOWN) == said(expected)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"乡镇": "乙镇", "村(社区)": None}, ""),  # the office may transfer
        ({"乡镇": "丙镇", "村(社区)": "无此村"}, "R04 乡镇"),
        ({"乡镇": None, "村(社区)": "南村", "问题编号": "W-9"}, ""),
        ({"乡镇": None, "村(社区)": "新村", "问题编号": "W-9"}, "R05 村(社区)"),  # two townships have one
        ({"乡镇": None, "村(社区)": "新村"}, ""),  # the key's township has one
        ({"整改状态": "误报", "撤销原因": "重复"}, ""),
        ({"整改状态": "误报"}, "P09 撤销原因"),
    ],
)
def test_problem_rows_of_the_office(change: dict[str, str | None], expected: str) -> None:
    assert broken("问题台账", PROBLEM | change, OFFICE) == said(expected)


@pytest.mark.parametrize(
    ("change", "sender", "expected"),
    [
        ({}, OFFICE, ""),
        ({}, TOWN, "F05 环节"),
        ({"金额": "(5)"}, OFFICE, "F01 金额"),
        ({"金额": "1.2万"}, OFFICE, "R03 金额"),
        ({"金额": None}, OFFICE, "R01 金额"),
        ({"资金文号": None}, OFFICE, "F02 资金文号"),
        ({"发生日期": "2020-6-25"}, OFFICE, "F04 发生日期"),
        ({"环节": "报账", "村(社区)": "东村、西村"}, TOWN, ""),
        ({"环节": "报账", "村(社区)": "全镇"}, TOWN, ""),
        ({"环节": "报账", "村(社区)": "东村、南村"}, TOWN, "R05 村(社区)"),
        ({"环节": "拨付", "项目编号": None}, TOWN, "F03 项目编号"),
        ({"环节": "拨付"}, OFFICE, ""),
        ({"环节": "拨付", "乡镇": "甲镇"}, OFFICE, "F05 环节"),
        ({"环节": "收回", "乡镇": "甲镇", "资金文号": None}, OFFICE, ""),
    ],
)
def test_movement_rows(change: dict[str, str | None], sender: str, expected: str) -> None:
    assert broken("资金台账", MOVEMENT | change, sender) == said(expected)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, ""),
        ({"项目编号": "X-2"}, "J07 项目编号"),
        ({"计划总投资": "0"}, "J06 计划总投资"),
        ({"计划开工日期": "2020-6-5", "计划完工日期": "2020-6-4"}, "J01 计划开工日期"),
        ({"实际开工日期": "2020-6-5", "实际完工日期": "2020-6-4"}, "J01 实际开工日期"),
        ({"实际开工日期": "2020-6-4", "实际完工日期": "2020-6-9", "验收日期": "2020-6-8"}, "J01 实际完工日期"),
        ({"实际完工日期": "2020-6-4"}, "J04 实际完工日期"),
        ({"实际开工日期": "2020-6-4", "验收日期": "2020-6-8"}, "J04 验收日期"),
        ({"实际开工日期": "2020-6-25"}, "J05 实际开工日期"),
        ({"中央资金": "1", "省级资金": "2", "市级资金": "3", "区级资金": "4"}, ""),
        ({"中央资金": "1", "省级资金": "2", "市级资金": "3", "区级资金": "4", "其他资金": "1"}, "J02 中央资金"),
        ({"中央资金": "1", "省级资金": "2", "市级资金": "3"}, ""),
        ({"形象进度(%)": "101"}, "J03 形象进度(%)"),
        ({"形象进度(%)": "0.45"}, "R03 形象进度(%)"),
    ],
)
def test_project_rows(change: dict[str, str | None], expected: str) -> None:
    assert broken("项目台账", PROJECT | change, TOWN) == said(expected)


def test_the_same_key_twice() -> None:
    same = PROBLEM | {"发现日期": "2020年6月4日", "整改状态": "是"}
    other = PROBLEM | {"备注": "另"}
    assert judge("问题台账", [PROBLEM, same], TOWN, REPORT, REFERENCE) == [frozenset(), frozenset({("W08", "问题编号")})]
    conflict = frozenset({("R08", "问题编号")})
    assert judge("问题台账", [PROBLEM, same, other], TOWN, REPORT, REFERENCE) == [conflict] * 3


def test_groups_send_none_of_these_ledgers() -> None:
    with pytest.raises(ValueError, match="430902-D1"):
        judge("问题台账", [PROBLEM], "430902-D1", REPORT, REFERENCE)


@pytest.mark.parametrize(
    "text",
    [
        "2020-6-4",
        "2020/6/4",
        "2020.06.04",
        "20200604",
        "2020年6月4日",
        "二〇二〇年六月四日",
        "6月4日",
        "２０２０－６－４",
        "2020-06-04 12:30:00",
    ],
)
def test_dates_that_are_read(text: str) -> None:
    assert read_date(text, REPORT) == date(2020, 6, 4)


@pytest.mark.parametrize("text", ["2020-6", "2020年6月", "2020-2-30", "2013-12-31", "2026-1-1", "43986", "2020-6/4", "六月底", "20-6-4"])
def test_dates_that_are_not(text: str) -> None:
    with pytest.raises(Unreadable, match="R02"):
        read_date(text, REPORT)


def test_a_date_without_a_year_is_refused_around_new_year() -> None:
    for report_on in (date(2020, 12, 30), date(2021, 1, 4)):
        with pytest.raises(Unreadable, match="R02"):
            read_date("12月28日", report_on)


@pytest.mark.parametrize(
    ("text", "unit", "yuan"),
    [
        ("1,234.50", "元", "1234.50"),
        ("￥5", "元", "5.00"),
        ("（500）", "元", "-500.00"),
        ("142万元", "万元", "1420000.00"),
        ("0.000001", "万元", "0.01"),
    ],
)
def test_amounts_that_are_read(text: str, unit: str, yuan: str) -> None:
    assert str(read_money(text, unit)) == yuan


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("142万元", "元"),
        ("142元", "万元"),
        ("1.2万", "万元"),
        ("1.005", "元"),
        ("0.0000001", "万元"),
        ("约300", "元"),
        ("1-2", "元"),
        ("1,23", "元"),
    ],
)
def test_amounts_that_are_not(text: str, unit: str) -> None:
    with pytest.raises(Unreadable, match="R03"):
        read_money(text, unit)


def test_percentages_keys_and_id_numbers() -> None:
    assert (read_percent("45"), read_percent("45%"), read_percent("0")) == (Decimal(45), Decimal(45), Decimal(0))
    with pytest.raises(Unreadable, match="R03"):
        read_percent("1")
    assert [read_key(text) for text in (" W - 1", "w-1", "1.0", "001", "Ｗ-1")] == ["W-1", "w-1", "1", "001", "W-1"]
    assert read_id_number("'110105 19491231 002x") == "11010519491231002X"
    with pytest.raises(Unreadable, match="R07"):
        read_id_number("110105491231002")


def test_one_person_or_several() -> None:
    one = ("张三", "张 三", "张三（镇长、书记）", "张三(分管 领导)", "欧阳 娜", "李和平", "张及李")
    several = ("张三、李四", "张三，李四", "张三;李四", "张三/李四", "张三和李四", "张三及李四", "张三 李四", "李和平和王二")
    assert not any(names_several_persons(text) for text in one)
    assert all(names_several_persons(text) for text in several)
