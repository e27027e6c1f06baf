"""Cells to values: dates, amounts, percentages, identity numbers, keys, blanks, persons."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duban.intake import number_formats, values
from duban.intake.cells import Faulty, Moment, Number, Picture, StyledText, decimal_digits
from duban.intake.values import CellContext, Value, read_cell
from duban.ledgers import Column, read_expectations

REPORT = date(2020, 6, 24)
PROJECT = Path(__file__).parents[2]
WORDS = read_expectations(PROJECT / "expectations", PROJECT / "dbt_project" / "seeds").words
YUAN, TEN_THOUSAND = Decimal(1), Decimal(10_000)


def read(cell, kind: str, factor: Decimal | None = None, report_on: date = REPORT, uses_1904: bool = False) -> Value:
    return read_cell(cell, Column("x", "某列", kind, False), CellContext(report_on, WORDS, None, factor, uses_1904))


@pytest.mark.parametrize(
    "cell",
    [
        None,
        "",
        "  ",
        "\u3000",
        "/",
        "\\",
        "无",
        "-",
        "—",
        "——",
        " 无 ",
        "--",
        "–",
        "－",
        "暂无",
        "null",
        "NULL",
        "N/A",
        "(null)",
        "\\N",
        Picture(),
    ],
)
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
        (Number("0.45", "0%"), 45),
        (Number("1", "0.00%"), 100),
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
        ("W–1", "W-1"),
        ("W—1", "W-1"),
        ("W‐1", "W-1"),
        ("W−1", "W-1"),
        ('="0012"', "0012"),
        ("'0012", "0012"),
        ("’0012", "0012"),
        ("甲“一”1", '甲"一"1'),
        (Number("907", "000"), "907"),
        (Number("907", "0000"), None),
        (Number("907", '"迎风桥-"000'), None),
        (Number("907", "[DBNum1]0"), None),
        (Number("907", "0.00E+00"), None),
        (Number("907", "yyyy-mm-dd"), None),
        (Number("907", ";;;"), None),
        (Number("1", '"ZY-"@'), None),
        (StyledText("001", '"ZY-"@'), None),
        (StyledText("001", ";;;"), None),
        (StyledText("001", "@"), "001"),
        (Number("0.1"), None),
        (Number("1234567890123456"), None),
        (date(2020, 6, 1), None),
        (True, None),
        ("TRUE", None),
        ("1月2日", None),
        ("2-Jan", None),
        ("2020/6/1", None),
        ("4.30902E+11", None),
        ("同上", None),
        ("〃", None),
        (" " + "K" * 32 + " " + "K" * 32, "K" * 64),
        ("K" * 65, None),
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
    assert read(cell, "key") == (Value(key) if key else Value(broken="R10"))


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
    ["张三", "张 三", "李和平", "张及李", "欧阳 娜", "张三（镇长、书记）", "张三(分管 领导)", "张三、", "张 三 丰", "和平", "张三(兼"]
    + [
        "张三 13800000000",
        "张三 138 0000 0000",
        "副镇长 张三",
        "张三 副镇长",
        "党委书记：张三",
        "张三，副镇长",
        "李书记",
        "党委副书记\n张三",
    ],
)
def test_one_person(text):
    assert values.people(text, WORDS) == 1


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
        "张三\n李四",
        "张三&李四",
        "张三＆李四",
        "张三与李四",
        "张三等",
        "张三等3人",
        "张三 等三名同志",
        "李书记 王镇长",
        "副镇长 张三、李四",
    ],
)
def test_several_persons(text):
    assert values.people(text, WORDS) > 1


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
        ("2020.6.24", {date(2020, 6, 24)}),
        ("1.2020.06.24汇总.xlsx", {date(2020, 6, 24)}),
        ("2020.6.24.1", set()),
        ("导出20200624153000.csv", {date(2020, 6, 24)}),
        ("导出20200624256199.csv", set()),
        ("请于2020年6月24日前报送", set()),
        ("20200624前上报2020-06-22", {date(2020, 6, 22)}),
        ("20200624-20200625", {date(2020, 6, 24), date(2020, 6, 25)}),
        ("电话13812345678", set()),
        ("20200624和2020-06-24", {date(2020, 6, 24)}),
    ],
)
def test_dates_in_file_names(name, days):
    assert values.dates_in_name(name) == days


@pytest.mark.parametrize(
    ("kind", "cell", "rule"),
    [
        ("person", "同上", "R10"),
        ("text", "〃", "R10"),
        ("text", "″", "R10"),
        ("name", "待定", "R10"),
        ("person", " 待 定 ", "R10"),
        ("date", "待定", "R02"),
        ("money", "同上", "R03"),
        ("id_number", "同上", "R07"),
        ("text", "同上次会议记录", None),
    ],
)
def test_what_stands_elsewhere_or_is_not_known_yet_is_no_value(kind, cell, rule):
    assert read(cell, kind, YUAN).broken == rule


@pytest.mark.parametrize(
    ("kind", "digits", "code", "factor", "value"),
    [
        # ordinary: shown as it is stored
        *(
            ("money", "1234.5", code, TEN_THOUSAND, Decimal("12345000.00"))
            for code in ["0.00", "#,##0", "¥#,##0.00", "[$¥-804]#,##0.00", '_ * #,##0.00_ ;_ * -#,##0.00_ ;_ * "-"??_ ;_ @_ ', "@"]
        ),
        ("money", "-5", "#,##0.00_);[Red]\\(#,##0.00\\)", YUAN, Decimal("-5.00")),
        ("money", "0", '0.00;-0.00;"-"', YUAN, Decimal("0.00")),
        # the unit of the column, in the words of the format
        ("money", "12.5", '0.00"万元"', TEN_THOUSAND, Decimal("125000.00")),
        ("money", "12.5", "#,##0.00\\元", YUAN, Decimal("12.50")),
        ("money", "12.5", "G/通用格式万元", TEN_THOUSAND, Decimal("125000.00")),
        # the section that applies counts
        ("money", "12.5", '[>=10000]0!.0,"万";0.00', YUAN, Decimal("12.50")),
        ("money", "125000", '[>=10000]0!.0,"万";0.00', YUAN, None),
        ("money", "-5", "0.00;0.00", YUAN, None),
        ("money", "5", "0.00;0.00", YUAN, Decimal("5.00")),
        *(
            ("money", "125000", code, TEN_THOUSAND, None)
            for code in [
                "0!.0,",
                "0\\.0,",
                '0"."0,',
                "#,##0,",
                "#,##0.00,",
                "0,.00",
                '0!.0,"万元"',
                "0.0,,",
                "0%",
                "0!%",
                ";;;",
                "yyyy-mm-dd",
            ]
        ),
        *(
            ("money", "838", code, YUAN, None)
            for code in ['0.00"万元"', "0.00万", '0"千元"', '0.00"元/户"', "[$€-2]0.00", '"1"0', '0"000"']
        ),
        ("money", "838", '0.00"元"', TEN_THOUSAND, None),
        # percentages
        ("percent", "0.45", "0%", None, Decimal(45)),
        ("percent", "45", "0!%", None, Decimal(45)),
        ("percent", "45", '0"%"', None, Decimal(45)),
        ("percent", "0.45", "0.00!%", None, None),
        ("percent", "45", "0.0,", None, None),
        ("percent", "4.5", '0.0"成"', None, None),
        # counts, years, dates
        ("count", "93", '0"户"', None, 93),
        ("count", "93", '0"百户"', None, None),
        ("count", "9300", "0.0,", None, None),
        ("year", "2020", '0"年"', None, 2020),
        ("year", "2020", "0!.0,", None, None),
        ("date", "20200604", '0000"年"00"月"00"日"', None, date(2020, 6, 4)),
        ("date", "43986", '0"元"', None, date(2020, 6, 4)),
        ("date", "43986", "0!.0,", None, None),
        # text is kept as stored
        ("text", "2", '"第"0"批"', None, "2"),
    ],
)
def test_what_a_number_cell_shows_must_mean_what_it_stores(kind, digits, code, factor, value):
    code = "" if number_formats.is_ordinary(code) else code  # as the readers leave it
    rule = "R02" if kind == "date" else "R03"
    assert read(Number(digits, code), kind, factor) == (Value(broken=rule) if value is None else Value(value))


@pytest.mark.parametrize(
    ("kind", "text", "code", "value"),
    [
        ("money", "12.5", '@"万元"', None),
        ("money", "12.5", '@"元"', Decimal("12.50")),
        ("count", "93", '@"百户"', None),
        ("year", "20", '"20"@', None),
        ("date", "06-04", '"2020-"@', None),
        ("text", "2", '"第"@"批"', "2"),
    ],
)
def test_what_a_text_cell_shows_must_mean_what_it_stores(kind, text, code, value):
    rule = "R02" if kind == "date" else "R03"
    assert read(StyledText(text, code), kind, YUAN) == (Value(broken=rule) if value is None else Value(value))


def test_only_formats_under_which_a_number_may_mislead_travel_with_their_cells():
    ordinary = [
        "General",
        "G/通用格式",
        "0",
        "0.00",
        "#,##0",
        "#,##0.00_ ",
        "0.00;[Red]0.00",
        "[红色]0.00",
        "0;-0;0;@",
        "@",
        '0.00;-0.00;"-"',
    ]
    assert [code for code in ordinary if not number_formats.is_ordinary(code)] == []
    misleading = [
        "000",
        "0%",
        "0!%",
        "0,",
        '"甲"0',
        '0"元"',
        ";;;",
        "0.00;0.00",
        "-0",
        "[DBNum1]0",
        "yyyy",
        "# ?/?",
        "[>5]0,;0",
        "x" * 400,
        '"ZY-"@',
        '0;-0;0;@"元"',
    ]
    assert [code for code in misleading if number_formats.is_ordinary(code)] == []


def test_formats_of_days_are_known():
    days = ["yyyy/m/d", '[$-804]yyyy"年"m"月"d"日";@', "[h]:mm", "m-d", "hh:mm:ss", "[Red]d"]
    assert [code for code in days if not number_formats.is_day(code)] == []
    assert [
        code for code in ["0.00", "General", '0"日"', "0_d", "0!d", "aaaa", "[Red]0", "G/通用格式"] if number_formats.is_day(code)
    ] == []


@pytest.mark.parametrize(
    ("code", "digits", "text"),
    [
        ("0!.0,", "125000", "12.5"),
        ('"迎风桥-"000', "7", "迎风桥-007"),
        ("#,##0.00", "1234567.891", "1,234,567.89"),
        ("0.0%", "0.456", "45.6%"),
        ('[<0]"负"0;0', "-3", "负3"),
        ("#,##0.0###;(#,##0)", "-1234.5", "(1,235)"),
        ("#.##", "0.5", ".5"),
        (";;;", "5", ""),
        ('0.00;-0.00;"零"', "0", "零"),
        ("0" + "%" * 250, "1" + "0" * 308, "1" + "0" * 808 + "%" * 250),
        ("0" + "," * 250, "0.5", "0"),
    ],
)
def test_what_a_cell_shows(code, digits, text):
    assert number_formats.shown(code, digits).text == text


@pytest.mark.parametrize(
    "cell", ["202005", "2020-05", "2020-5", "2020.05", "2020年5月", "2020-05-17", date(2020, 5, 17), Number("202005"), "43968"]
)
def test_a_month_is_kept_as_its_first_day(cell):
    cell = Number(cell) if cell == "43968" else cell
    assert read(cell, "month") == Value(date(2020, 5, 1))


@pytest.mark.parametrize("cell", ["2020", "2020.5", Number("2020.1"), "2020/05", "2020-13", "2013-12", "2026-01", "May-20", "5月", "上月"])
def test_what_is_no_month(cell):
    """2020.1 is January or an October whose 0 a program left away."""
    assert read(cell, "month") == Value(broken="R02")


@pytest.mark.parametrize(("cell", "value"), [("86.8", "86.80"), ("-1,234.5", "-1234.50"), (Number("3.14"), "3.14"), ("0", "0.00")])
def test_a_number_is_read_as_money_without_a_unit(cell, value):
    assert read(cell, "number") == Value(Decimal(value))


@pytest.mark.parametrize("cell", ["5元", "5万元", "￥5", "1.005", "约5", "86.8%", "1e3", "13800001111"])
def test_what_is_no_number(cell):
    assert read(cell, "number") == Value(broken="R03")


IDENTITY = "43090219700101123" + next(x for x in "0123456789X" if values.has_right_check_digit("43090219700101123" + x))


@pytest.mark.parametrize("tail", ["", "42", "42B1", "4212"])
def test_a_certificate_begins_with_an_identity_number(tail):
    assert read(IDENTITY + tail, "certificate") == Value(IDENTITY + tail)
    assert read(IDENTITY + tail, "key") == Value(broken="R10") or tail == "42B1"


@pytest.mark.parametrize(
    "cell", [IDENTITY[:17], IDENTITY + "4", IDENTITY + "421", IDENTITY + "42123", IDENTITY[:17] + "Y", Number(IDENTITY)]
)
def test_what_is_no_certificate(cell):
    assert read(cell, "certificate") == Value(broken="R07")


@pytest.mark.parametrize(
    ("word", "value"), [("有", "是"), ("√", "是"), ("已参保", "是"), ("没有", "否"), ("×", "否"), ("无", None), ("/", None)]
)
def test_a_word_of_a_code_list_means_what_the_list_says_also_where_it_means_nothing_elsewhere(word, value):
    known = read_expectations(PROJECT / "expectations", PROJECT / "dbt_project" / "seeds")
    context = CellContext(REPORT, WORDS, known.vocabularies["yes_no"])
    assert read_cell(word, Column("x", "某列", "vocabulary", False, vocabulary="yes_no"), context) == Value(value)
    assert read("没有", "text") == Value()
