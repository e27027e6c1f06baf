"""The .xlsx parsed back: sheets, native numbers that read as printed, text that stays text, set-up for screen and paper."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

import openpyxl
import pytest

from duban.publishing.documents.workbook import Detail, render_xlsx
from tests.publishing.documents import sample
from tests.publishing.documents.reading import part, rows, shown, xlsx_figures

RANKING, PROBLEMS = "表1　各乡镇（街道）问题整改进度排名", "表2　新发现问题清单"
S = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@pytest.fixture(scope="module")
def written() -> bytes:
    return render_xlsx(sample.BULLETIN, sample.SERIAL, sample.DETAILS)


@pytest.fixture(scope="module")
def book(written):
    return load(written)


def load(workbook: bytes) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(workbook))


def fund(value: str, text: str):
    """The cell of one amount."""
    cell = f'<td class="number"><data value="{value}" data-figure="a.b" data-unit="yuan">{text}</data></td>'
    book = load(render_xlsx(f"<table><tbody><tr>{cell}</tr></tbody></table>", replace(sample.SERIAL, data_label=None), ()))
    return book["表1"]["A2"]


def test_sheets_in_order(book):
    assert book.sheetnames == ["说明", RANKING, PROBLEMS, "正文", "问题明细", "资金明细", "数字索引"]


def test_the_first_sheet_says_what_it_is(book):
    values = [[cell.value for cell in row] for row in book["说明"].iter_rows()]
    assert values[0][0] == "资阳区脱贫攻坚“回头看”问题整改情况通报（2020年6月30日）"
    facts = {row[0]: row[1] for row in values[1:]}
    assert facts["数据说明"] == "合成样例数据，仅供演示"
    assert (facts["期号"], facts["发文机关"]) == ("第12期", "资阳区扶贫办")
    assert facts["成文日期"] == datetime(2020, 6, 30)
    assert facts["报送"] == "区委、区政府领导，区纪委监委"
    assert [row[0] for row in values if row[0] in book.sheetnames] == book.sheetnames[1:]
    assert facts["问题明细"] == "每个问题的最新一行，以及它来自哪个文件的哪一行。"
    statutory = load(render_xlsx(sample.BULLETIN, sample.STATUTORY, ()))["说明"]
    assert {row[0].value: row[1].value for row in statutory.iter_rows()}["发文字号"] == "资扶办〔2020〕12号"


def test_the_ranking_is_a_table_of_numbers(book):
    sheet = book[RANKING]
    assert [cell.value for cell in sheet[3]][:7] == ["名次", "乡镇\n（街道）", "问题总数", "已整改", "未整改", "整改率", "超期"]
    assert [cell.value for cell in sheet[5]] == [2, "迎风桥镇", 30, 28, 2, 93.3, 0, 0, 40]
    assert [shown(cell) for cell in sheet[5] if not isinstance(cell.value, str)] == ["2", "30", "28", "2", "93.3%", "0", "0", "40"]
    assert sheet["I4"].value == "—"  # no open problem, no age
    assert [cell.value for cell in sheet[18]] == ["全区合计", None, 385, 319, 66, 82.9, 21, 7, 55]
    assert "A18:B18" in sheet.merged_cells
    assert sheet["A19"].value.startswith("注：名次")


def test_every_number_of_a_table_is_native(book):
    for cell in [cell for row in book[RANKING].iter_rows(min_row=4, max_row=18, min_col=3) for cell in row]:
        assert isinstance(cell.value, (int, float)) or cell.value == "—"
        assert cell.number_format == ('0.0"%"' if cell.column == 6 else "0") or cell.value == "—"


def test_dates_are_dates(book):
    due = book[PROBLEMS]["E4"]
    assert due.value == datetime(2020, 7, 3) and due.is_date and shown(due) == "7月3日"
    found = book["问题明细"]["D5"]
    assert found.value == datetime(2020, 6, 28) and found.number_format == "yyyy-mm-dd"


@pytest.mark.parametrize(
    ("value", "text", "number", "shape"),
    [
        ("6620000.00", "662", Decimal("662"), "#,##0"),
        ("17810000.00", "1,781", Decimal("1781"), "#,##0"),
        ("3182499.00", "318.25", Decimal("318.2499"), "#,##0.00"),
        ("605000.00", "60.5", Decimal("60.5"), "#,##0.0"),
        ("-205000.00", "-20.5", Decimal("-20.5"), "#,##0.0"),
        ("-49.99", "0", Decimal("-0.004999"), "#,##0;#,##0"),
        ("50.00", "0.01", Decimal("0.005"), "#,##0.00"),
    ],
)
def test_money_is_exact_and_reads_as_printed(value, text, number, shape):
    cell = fund(value, text)
    assert Decimal(str(cell.value)) == number and cell.number_format == shape and shown(cell) == text


def test_the_index_finds_every_figure(book, written):
    listed = rows(book["数字索引"])
    assert len(listed) == sample.BULLETIN.count("<data ")
    assert ("funds.other.received_yuan", "正文", "A15", "318.25", 3182499, "元") in listed
    assert ("ranking.430902102.rectified_pct", RANKING, "F5", "93.3%", 93.3, "%") in listed
    assert ("funds.district.allocated_pct", "正文", "A15", "—", None, "%") in listed
    assert ("found.1.due_on", PROBLEMS, "E4", "7月3日", datetime(2020, 7, 3), "日期") in listed
    assert [(figure.code, figure.text) for figure in xlsx_figures(written)] == [(row[0], row[3]) for row in listed]


def test_the_prose_stands_line_by_line(book):
    lines = [row[0] for row in book["正文"].iter_rows(values_only=True)]
    assert lines[2].startswith("截至2020年6月30日17时30分，全区排查发现问题385个")
    assert f"（见工作表“{RANKING}”）" in lines
    assert lines[-1].startswith("3. 新发现问题")
    assert not any(line.startswith("注：") for line in lines if line)  # it stands under its table


def test_details_have_their_columns_and_a_filter(book):
    sheet = book["问题明细"]
    assert sheet["A3"].value == sample.DETAILS[0].note
    assert [cell.value for cell in sheet[4]] == list(sample.DETAILS[0].columns)
    assert rows(sheet)[0][-3:] == ("=台账 20200630.xlsx", "问题台账", 5)
    assert sheet.auto_filter.ref == "A4:I8"
    money = book["资金明细"]
    assert (money["B4"].value, money["B4"].number_format, money["C5"].value) == (8010000, "#,##0.00", None)


def test_details_without_rows_are_only_their_header():
    sheet = load(render_xlsx("", sample.SERIAL, [Detail("空表", ("甲", "乙"), [], None)]))["空表"]
    assert sheet.auto_filter.ref == "A3:B3" and sheet.max_row == 3


def test_headers_stay_and_pages_are_set_up(book):
    assert {name: book[name].freeze_panes for name in book.sheetnames} == {
        "说明": None,
        RANKING: "A4",
        PROBLEMS: "A4",
        "正文": None,
        "问题明细": "A5",
        "资金明细": "A4",
        "数字索引": "A5",
    }
    for sheet in book:
        assert [int(size) for size in (sheet.page_setup.paperSize, sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight)] == [9, 1, 0]
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert sheet.oddFooter.center.text == "第 &P 页 共 &N 页"
        assert sheet.oddHeader.center.text.strip() == "合成样例数据，仅供演示"
    assert book[RANKING].print_title_rows == "$3:$3" and book["问题明细"].print_title_rows == "$4:$4"
    assert book["问题明细"].page_setup.orientation == "landscape" and book["资金明细"].page_setup.orientation == "portrait"


def test_made_up_figures_say_so_on_every_sheet(book):
    for sheet in book:
        assert "合成样例数据，仅供演示" in [cell.value for row in sheet.iter_rows(max_row=3) for cell in row], sheet.title
    plain = load(render_xlsx(sample.BULLETIN, replace(sample.SERIAL, data_label=None), sample.DETAILS))
    assert not any("合成" in str(cell.value) for sheet in plain for row in sheet.iter_rows() for cell in row)


HOSTILE = [
    "='甲'|乙!A1",
    '=HYPERLINK("http://x.invalid","x")',
    "+1",
    "-1+1",
    "@SUM(1)",
    "#N/A",
    "_x000D_",
    "<b>&amp;",
    "{{7*7}}",
    "甲\u202e乙",
    "\x1b[31m",
    "2020-06-30",
    "1e5",
    "001",
]


def test_text_stays_text():
    fragment = "".join(f"<tr><td>{sample.escape(text)}</td></tr>" for text in HOSTILE)
    details = [Detail("明细", ("=1+1", "@x"), [(text, text) for text in HOSTILE], "=1+1")]
    head = replace(sample.SERIAL, title="=1+1", issuer_name="=2", series_name="+3", recipients="@4", copies_to="-5", data_label="=&A &P")
    workbook = render_xlsx(f"<p>=1+1</p><table><caption>=1+1</caption><tbody>{fragment}</tbody></table>", head, details)
    texts = set()
    for sheet in load(workbook):
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type in {"s", "n", "d"} and cell.hyperlink is None and cell.comment is None
                if isinstance(cell.value, str):
                    texts.add(cell.value)
                    assert cell.quotePrefix is (cell.value[0] in "=+-@"), cell.value
        assert sheet.oddHeader.center.text == " =&&A &&P"
    expected = {text.replace("\u202e", "\ufffd").replace("\x1b", "\ufffd").replace("_x000D_", "_x005F_x000D_") for text in HOSTILE}
    assert expected <= texts
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        everything = [name for name in archive.namelist() if name.startswith("xl/worksheets/")]
    for name in everything:
        assert not list(part(workbook, name).iter(f"{S}f", f"{S}hyperlink"))
    assert load(workbook).defined_names == {}


def test_sheet_names_are_legal_and_unique():
    captions = ["甲/乙:丙", "甲乙" * 30, "甲乙" * 30, "History", "'引号'", "[x]*?", "说明", "Abc", "aBC", "一\u202e二"]
    fragment = "".join(f"<table><caption>{caption}</caption><tbody><tr><td>1</td></tr></tbody></table>" for caption in captions)
    names = load(render_xlsx(fragment, sample.SERIAL, [Detail("说明", ("甲",), [], None)])).sheetnames
    assert len({name.casefold() for name in names}) == len(names) == len(captions) + 3
    assert all(0 < len(name) <= 31 and not set(name) & set("[]:*?/\\") and name.strip("'") == name for name in names)
    assert {"Abc", "aBC（2）", "说明（2）"} <= set(names)
    assert "history" not in {name.casefold() for name in names}


@pytest.mark.parametrize("value", [1.5, True, datetime(2020, 6, 30), Decimal("NaN"), b"x"])
def test_values_of_another_kind_are_refused(value):
    with pytest.raises(TypeError, match="明细"):
        render_xlsx("", sample.SERIAL, [Detail("明细", ("甲",), [(value,)], None)])


def test_a_row_has_as_many_values_as_there_are_columns():
    with pytest.raises(ValueError, match="明细"):
        render_xlsx("", sample.SERIAL, [Detail("明细", ("甲", "乙"), [("一",)], None)])


def test_long_texts_get_room():
    sheet = load(render_xlsx("", sample.SERIAL, [Detail("明细", ("甲",), [("屋面漏雨" * 40,), ("短",)], None)]))["明细"]
    assert sheet.row_dimensions[4].height > 5 * sheet.row_dimensions[5].height * 0.7
    assert 40 <= sheet.column_dimensions["A"].width <= 50


def test_many_columns_still_print_large_enough_to_read():
    names = tuple(f"第{n}列" for n in range(20))
    many = [Detail("明细", names, [("屋面漏雨、后墙开裂" * 4,) * 20], None)]
    sheet = load(render_xlsx("", sample.SERIAL, many))["明细"]
    assert sum(column.width for column in sheet.column_dimensions.values()) <= 280
    assert sheet.row_dimensions[4].height >= 6 * 16


def test_properties_have_the_time_of_the_freezing_and_no_other(book, written):
    assert book.properties.created == book.properties.modified == sample.MADE_AT.replace(tzinfo=None)
    assert (book.properties.creator, book.properties.title) == ("资阳区扶贫办", sample.SERIAL.title)
    with zipfile.ZipFile(io.BytesIO(written)) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_same_input_same_bytes_also_in_another_process(written):
    script = (
        "import sys; from tests.publishing.documents import sample; from duban.publishing.documents.workbook import render_xlsx; "
        "sys.stdout.buffer.write(render_xlsx(sample.BULLETIN, sample.SERIAL, sample.DETAILS))"
    )
    again = subprocess.run(
        [sys.executable, "-c", script], env={"PYTHONPATH": "dags:.", "PYTHONHASHSEED": "7"}, capture_output=True, check=True
    )
    assert again.stdout == written


def test_many_rows_take_a_moment():
    many = [Detail("明细", ("甲", "乙", "丙", "丁"), [("屋面漏雨", n, Decimal("1.50"), date(2020, 6, 30)) for n in range(2000)], None)]
    assert len(rows(load(render_xlsx("", sample.SERIAL, many))["明细"])) == 2000
