"""Hints name what is wrong with this one cell, not what might be wrong with another."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from duban.intake.cells import Cell, Number, Picture, StyledText
from duban.ledgers import Column, read_expectations
from duban.quality.hints import hint

PROJECT = Path(__file__).parents[2]
WORDS = read_expectations(PROJECT / "expectations", PROJECT / "dbt_project" / "seeds").words


def said(kind: str, cell: Cell, rule_id: str) -> str:
    """The hint about a cell; the money column is in 万元."""
    return hint(Column("x", "某列", kind, False), cell, rule_id, WORDS, factor=Decimal(10_000)) or ""


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("2020年4月13日星期一", "日期后面还有“星期一”"),
        ("2020-6-25。", "日期后面还有“。”"),
        ("2020/6/20 上午 12:00:00", "日期后面还有“上午 12:00:00”"),
        ("2020年6月25", "缺少“日”字"),
        ("2020-6/20", "都用 - 分开"),
        ("2020、4、13", "都用 - 分开"),
        ("2020-02-30", "没有 2 月 30 日"),
        ("2013-12-31", "年份应在 2014 年以后"),
        ("2020-6", "没有日"),
        ("同上", "每一行写全"),
        ("6/25/2020", ""),
        ("20-Jun-20", ""),
    ],
)
def test_of_dates(text, part):
    found = said("date", text, "R02")
    assert part in found and bool(part) == bool(found)
    assert ("年份" in found) == ("年份" in part)


@pytest.mark.parametrize(
    ("kind", "cell", "rule_id", "parts"),
    [
        ("money", Number("125000", "0!.0,"), "R03", ["“12.5”", "存的却是 125000", "缩小", "以万元为单位"]),
        ("money", Number("12.5", '0.00"元"'), "R03", ["“12.50元”", "存的却是 12.5", "别的单位"]),
        ("money", Number("12.5", ";;;"), "R03", ["隐藏", "12.5"]),
        ("money", date(2020, 6, 15), "R03", ["日期格式", "2020-06-15"]),
        ("money", "约3", "R03", ["确定的数"]),
        ("key", Number("7", '"ZY-"000'), "R10", ["“ZY-007”", "存的却是 7", "文本格式"]),
        ("key", StyledText("7", '"ZY-"@'), "R10", ["“ZY-7”", "存的却是 7"]),
        ("key", date(2020, 6, 1), "R10", ["日期 2020-06-01", "文本格式"]),
        ("key", True, "R10", ["TRUE"]),
        ("key", Number("2.1"), "R10", ["小数 2.1"]),
        ("key", Number("1234567890123456"), "R10", ["15 位"]),
        ("key", "1月2日", "R10", ["改成了日期"]),
        ("text", "〃", "R10", ["每一行写全"]),
        ("text", Picture(), "R01", ["图片不会读入"]),
        ("villages", "迎风桥村，新塘村", "R05", ["顿号"]),
        ("villages", "迎风桥村\n新塘村", "R05", ["顿号"]),
        ("village", "迎风桥村,新塘村", "R05", ["只填一个村"]),
    ],
)
def test_of_other_cells(kind, cell, rule_id, parts):
    found = said(kind, cell, rule_id)
    assert all(part in found for part in parts), found


def test_an_ordinary_name_of_no_village_has_no_hint():
    assert said("village", "某村", "R05") == ""
