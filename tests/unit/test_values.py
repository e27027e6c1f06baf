"""Cells to values: dates, amounts, percentages, identity numbers, keys, blanks, persons."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duban.intake import values
from duban.intake.cells import Faulty, Moment, Number, decimal_digits
from duban.intake.values import CellContext, Value, read_cell
from duban.ledgers import Column

REPORT = date(2020, 6, 24)
YUAN, TEN_THOUSAND = Decimal(1), Decimal(10_000)


def read(cell, kind: str, factor: Decimal | None = None, report_on: date = REPORT, uses_1904: bool = False) -> Value:
    return read_cell(cell, Column("x", "某列", kind, False), CellContext(report_on, None, factor, uses_1904))


@pytest.mark.parametrize("cell", [None, "", "  ", "\u3000", "/", "\\", "无", "-", "—", "——", " 无 "])
@pytest.mark.parametrize("kind", ["text", "key", "date", "money", "percent", "id_number", "township", "person"])
def test_blanks(cell, kind):
    assert read(cell, kind, YUAN) == Value()


@pytest.mark.parametrize(("kind", "value"), [("text", "／"), ("key", None), ("date", None), ("person", None)])
def test_nfkc_comes_before_blanks_outside_free_text_only(kind, value):
    assert read("／", kind) == Value(value)


@pytest.mark.parametrize(
    "cell",
    [
        date(2020, 6, 4),
        Number("43986"),
        Number("43986.354"),
        Number("20200604"),
        "2020-6-4",
        "2020-06-04",
        "2020/6/4",
        "2020.6.4",
        "20200604",
        "2020年6月4日",
        "2020年06月04日",
        "二〇二〇年六月四日",
        "二零二零年六月四日",
        "6月4日",
        "六月四日",
        "6-4",
        "6/4",
        "6.4",
        "２０２０－６－４",
        "2020-06-04 08:30",
        "2020-06-04T08:30:00",
        " 2020-6-4 ",
    ],
)
def test_dates(cell):
    assert read(cell, "date") == Value(date(2020, 6, 4))


@pytest.mark.parametrize(
    "cell",
    [
        "2020-6",
        "2020年6月",
        "六月",
        "六月上旬",
        "待定",
        "2020-2-30",
        "2013-12-31",
        "2026-1-1",
        "20-6-4",
        "2020-6/4",
        "43986",
        "2020年6月4",
        "2020年6月4号",
        "2020年 6月 4日",
        "6月31日",
        "十三月一日",
        "2020-06-04 上午",
        Number("25568"),
        Number("73051"),
        Number("2020"),
        Number("-1"),
        Moment("08:30"),
        True,
        date(2013, 12, 31),
        date(2026, 1, 1),
    ],
)
def test_no_dates(cell):
    assert read(cell, "date") == Value(broken="R02")


def test_serials_of_1904_and_the_edges_of_years():
    assert read(Number("42524"), "date", uses_1904=True) == Value(date(2020, 6, 4))
    assert read("2014-01-01", "date").value == date(2014, 1, 1)
    assert read("2025-12-31", "date").value == date(2025, 12, 31)


@pytest.mark.parametrize("report_on", [date(2020, 12, 31), date(2021, 1, 1)])
def test_a_date_without_a_year_needs_a_report_month_in_midyear(report_on):
    assert read("12月28日", "date", report_on=report_on) == Value(broken="R02")
    assert read("12月28日", "date", report_on=date(2020, 11, 30)).value == date(2020, 12, 28)


@given(st.dates(date(2014, 1, 1), date(2025, 12, 31)))
def test_every_way_to_write_a_date_says_the_same(day):
    digits = "〇一二三四五六七八九"

    def numeral(number: int) -> str:
        tens, ones = divmod(number, 10)
        return ("" if tens == 0 else "十" if tens == 1 else digits[tens] + "十") + (digits[ones] if ones else "")

    year = "".join(digits[int(digit)] for digit in str(day.year))
    for text in (
        day.isoformat(),
        f"{day.year}/{day.month}/{day.day}",
        f"{day:%Y%m%d}",
        f"{day.year}年{day.month}月{day.day}日",
        f"{year}年{numeral(day.month)}月{numeral(day.day)}日",
    ):
        assert read(text, "date") == Value(day), text
    assert read(Number(str((day - date(1899, 12, 30)).days)), "date") == Value(day)


@pytest.mark.parametrize(
    ("cell", "factor", "yuan"),
    [
        ("1,234.50", YUAN, "1234.50"),
        ("12,345,678", YUAN, "12345678.00"),
        ("￥5", YUAN, "5.00"),
        ("¥5元", YUAN, "5.00"),
        ("(500)", YUAN, "-500.00"),
        ("（500）", YUAN, "-500.00"),
        ("142万元", TEN_THOUSAND, "1420000.00"),
        ("0.000001", TEN_THOUSAND, "0.01"),
        ("１２．５", YUAN, "12.50"),
        ("-3", YUAN, "-3.00"),
        (Number("0.1"), TEN_THOUSAND, "1000.00"),
        (Number("1e3".replace("e3", "000")), YUAN, "1000.00"),
        ("0", YUAN, "0.00"),
    ],
)
def test_amounts(cell, factor, yuan):
    assert str(read(cell, "money", factor).value) == yuan


@pytest.mark.parametrize(
    ("cell", "factor"),
    [
        ("1.005", YUAN),
        ("0.0000001", TEN_THOUSAND),
        ("1.2万", TEN_THOUSAND),
        ("5万元", YUAN),
        ("5元", TEN_THOUSAND),
        ("约5", YUAN),
        ("1-2", YUAN),
        ("1,23", YUAN),
        ("1234,567", YUAN),
        ("+5", YUAN),
        (".5", YUAN),
        ("5.", YUAN),
        ("1e3", YUAN),
        ("1 234", YUAN),
        ("--3", YUAN),
        ("(-3)", YUAN),
        ("NaN", YUAN),
        ("Infinity", YUAN),
        ("1_000", YUAN),
        ("10(其中救灾6)", YUAN),
        ("一百", YUAN),
        (True, YUAN),
        (date(2020, 6, 4), YUAN),
        (Number("0.0000001"), TEN_THOUSAND),
        ("9" * 17, YUAN),
    ],
)
def test_no_amounts(cell, factor):
    assert read(cell, "money", factor) == Value(broken="R03")


@given(
    st.integers(-(10**13), 10**13).filter(lambda cents: not 13 * 10**11 <= cents < 2 * 10**12),
    st.sampled_from([YUAN, TEN_THOUSAND]),
    st.booleans(),
)
def test_amounts_round_trip(cents, factor, has_commas):
    yuan = Decimal(cents) / 100
    text = f"{yuan / factor:,f}" if has_commas else f"{yuan / factor:f}"
    assert read(text, "money", factor).value == yuan


@given(st.lists(st.integers(0, 10**10), max_size=50))
def test_sums_of_workbook_numbers_lose_nothing(cents):
    """0.1 + 0.2 is 0.30: binary floats of a workbook come back as the digits it shows."""
    cells = [Number(decimal_digits(amount / 100)) for amount in cents]
    assert sum((read(cell, "money", YUAN).value for cell in cells), Decimal(0)) == Decimal(sum(cents)) / 100


@pytest.mark.parametrize(
    ("value", "digits"), [(0.1 + 0.2, "0.3"), (1e22, "10000000000000000000000"), (1e-7, "0.0000001"), (-0.0, "0"), (2.675, "2.675")]
)
def test_decimal_digits(value, digits):
    assert decimal_digits(value) == digits


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("45", 45),
        ("45%", 45),
        ("0.5%", Decimal("0.5")),
        ("1%", 1),
        ("0", 0),
        ("100", 100),
        ("101", 101),
        ("-1", -1),
        ("４５％", 45),
        (Number("45"), 45),
        (Number("0.45", True), 45),
        (Number("1", True), 100),
        ("1.5", Decimal("1.5")),
        ("1", None),
        ("0.45", None),
        (Number("0.45"), None),
        (Number("1"), None),
        ("四成", None),
        ("45%%", None),
        ("%", None),
    ],
)
def test_percentages(cell, expected):
    assert read(cell, "percent") == (Value(broken="R03") if expected is None else Value(expected))


@pytest.mark.parametrize(
    ("cell", "key"),
    [
        (" W - 1", "W-1"),
        ("w-1", "w-1"),
        ("1.0", "1"),
        ("1", "1"),
        ("001", "001"),
        ("001.0", "001.0"),
        (Number("7"), "7"),
        ("Ｗ－１", "W-1"),
        ("1.5", "1.5"),
        ("10.00", "10"),
    ],
)
def test_keys(cell, key):
    assert read(cell, "key") == Value(key)


@pytest.mark.parametrize(
    "cell", ["11010519491231002X", "11010519491231002x", "'110105194912310 02x", "１１０１０５１９４９１２３１００２Ｘ"]
)
def test_identity_numbers(cell):
    assert read(cell, "id_number") == Value("11010519491231002X")


@pytest.mark.parametrize(
    "cell", ["110105194912310021", "110105491231002", Number("110105194912310000"), "11010519491231002", "不详", "110105********002X"]
)
def test_no_identity_numbers(cell):
    assert read(cell, "id_number") == Value(broken="R07")


@pytest.mark.parametrize(
    ("cell", "kind", "rule"),
    [
        (Faulty("#REF!"), "text", "R09"),
        (Faulty(""), "money", "R09"),
        ("#N/A", "date", "R09"),
        ("长" * 4001, "text", "R10"),
        ("长" * 65, "person", "R10"),
        ("长" * 65, "key", "R10"),
        ("坏\ufffd", "text", "R10"),
        ("私\ue000", "name", "R10"),
        ("\udcff", "text", "R10"),
    ],
)
def test_unreadable_cells(cell, kind, rule):
    assert read(cell, kind) == Value(broken=rule)


def test_free_text_keeps_its_code_points():
    assert read(" （１）Ａ级危房，住ＸＸ组 ", "text") == Value("（１）Ａ级危房，住ＸＸ组")
    assert read("长" * 4000, "text").broken is None and read("长" * 64, "person").broken is None


@pytest.mark.parametrize(
    "text",
    ["张三", "张 三", "李和平", "张及李", "欧阳 娜", "张三（镇长、书记）", "张三(分管 领导)", "张三、", "张 三 丰", "和平", "张三(兼"],
)
def test_one_person(text):
    assert values.people(text) == 1


@pytest.mark.parametrize(
    "text",
    [
        "张三、李四",
        "张三，李四",
        "张三;李四",
        "张三；李四",
        "张三/李四",
        "张三和李四",
        "张三及李四",
        "张三 李四",
        "李和平和王二",
        "张三 李四 王",
        "张,李",
    ],
)
def test_several_persons(text):
    assert values.people(text) > 1


@pytest.mark.parametrize(
    ("name", "days"),
    [
        ("问题台账20200624.xlsx", {date(2020, 6, 24)}),
        ("2020-6-24", {date(2020, 6, 24)}),
        ("2020年6月24日（终）", {date(2020, 6, 24)}),
        ("２０２００６２４", {date(2020, 6, 24)}),
        ("120200624", set()),
        ("202006241", set()),
        ("20200631", set()),
        ("2020.6.24", set()),
        ("20200624-20200625", {date(2020, 6, 24), date(2020, 6, 25)}),
        ("电话13812345678", set()),
        ("20200624和2020-06-24", {date(2020, 6, 24)}),
    ],
)
def test_dates_in_file_names(name, days):
    assert values.dates_in_name(name) == days
