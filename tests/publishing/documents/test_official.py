"""The .docx parsed back: the layout of GB/T 9704-2012, styles, tables, page numbers, and what programs would call corruption."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import date

import docx
import pytest
from docx.enum.section import WD_ORIENT
from docx.shared import Mm, Pt
from lxml import etree

from duban.publishing.documents.official import render_docx
from tests.publishing.documents import sample
from tests.publishing.documents.reading import NAMES, W, part

FAMILIES = {"serial": sample.SERIAL, "statutory": sample.STATUTORY}
TYPE_WIDTH_MM = 156
#: The order in which the schema (ECMA-376, transitional) wants the children that are written here.
ORDER = {
    "pPr": "pStyle keepNext keepLines pageBreakBefore framePr widowControl numPr pBdr shd tabs kinsoku wordWrap overflowPunct "
    "autoSpaceDE autoSpaceDN bidi snapToGrid spacing ind contextualSpacing mirrorIndents jc textAlignment outlineLvl rPr sectPr",
    "rPr": "rStyle rFonts b bCs i iCs caps strike color spacing w kern position sz szCs highlight u effect bdr shd vertAlign lang",
    "tblPr": "tblStyle tblpPr tblOverlap tblW jc tblCellSpacing tblInd tblBorders shd tblLayout tblCellMar tblLook",
    "tcPr": "tcW gridSpan vMerge tcBorders shd noWrap tcMar textDirection vAlign",
    "sectPr": "headerReference footerReference type pgSz pgMar pgNumType cols titlePg docGrid",
    "tblBorders": "top left bottom right insideH insideV",
    "tblCellMar": "top left bottom right",
    "pBdr": "top left bottom right between",
    "style": "name aliases basedOn next link uiPriority semiHidden unhideWhenUsed qFormat pPr rPr tblPr trPr tcPr",
    "font": "altName panose1 charset family pitch sig",
    "settings": "zoom hideSpellingErrors hideGrammaticalErrors defaultTabStop evenAndOddHeaders characterSpacingControl compat docVars "
    "themeFontLang",
    "compat": "spaceForUL balanceSingleByteDoubleByteWidth doNotLeaveBackslashAlone ulTrailSpace doNotExpandShiftReturn "
    "adjustLineHeightInTable useFELayout compatSetting",
    "tbl": "tblPr tblGrid tr",
    "tr": "trPr tc",
    "tc": "tcPr p",
}


@pytest.fixture(scope="module", params=FAMILIES)
def family(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def written(family) -> bytes:
    return render_docx(sample.BULLETIN, FAMILIES[family])


@pytest.fixture(scope="module")
def document(written):
    return docx.Document(io.BytesIO(written))


def style_of(paragraph, name: str):
    """The value a paragraph has of a property, its own or that of its styles."""
    found = getattr(paragraph.paragraph_format, name)
    style = paragraph.style
    while found is None and style is not None:
        found, style = getattr(style.paragraph_format, name), style.base_style
    return found


def font_of(style) -> tuple[str, str, float]:
    """Fonts of Chinese and of Latin characters, and the size in points, that a style gives by itself."""
    fonts = style.element.rPr.rFonts
    return fonts.get(f"{W}eastAsia"), fonts.get(f"{W}ascii"), style.font.size.pt


def paragraph(document, text: str):
    return next(paragraph for paragraph in document.paragraphs if text in paragraph.text)


# ── page ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_paper_margins_and_grid(document):
    [section] = document.sections
    assert (section.page_width.mm, section.page_height.mm) == (pytest.approx(210, abs=0.1), pytest.approx(297, abs=0.1))
    assert section.orientation == WD_ORIENT.PORTRAIT
    margins = (section.top_margin, section.right_margin, section.bottom_margin, section.left_margin)
    assert [round(margin.mm, 1) for margin in margins] == [37.0, 26.0, 35.0, 28.0]
    [grid] = section._sectPr.iter(f"{W}docGrid")
    assert grid.get(f"{W}type") == "linesAndChars"
    text_height, text_width = Mm(297 - 37 - 35), section.page_width - section.left_margin - section.right_margin
    assert int(text_height / Pt(int(grid.get(f"{W}linePitch")) / 20)) == 22
    assert int(text_width / Pt(16 + int(grid.get(f"{W}charSpace")) / 4096)) == 28


def test_lines_and_characters_hold_without_the_grid(document):
    """Not every program keeps to the grid: the styles themselves give 22 lines and 28 characters."""
    body = document.styles["公文正文"]
    assert body.paragraph_format.line_spacing.pt * 22 <= 225 * 72 / 25.4 < body.paragraph_format.line_spacing.pt * 22 + 1
    pitch = 16 + int(body.element.rPr.find(f"{W}spacing").get(f"{W}val")) / 20
    assert int(156 * 72 / 25.4 / pitch) == 28


def test_page_numbers_stand_outside_on_odd_and_even_pages(document):
    assert document.settings.odd_and_even_pages_header_footer
    [section] = document.sections
    for footer, side, other in ((section.footer, "right", "left"), (section.even_page_footer, "left", "right")):
        [line] = footer.paragraphs
        assert line.text in {"— 1 —", "— 2 —"}
        assert [code.text.strip() for code in line._p.iter(f"{W}instrText")] == ["PAGE"]
        assert [mark.get(f"{W}fldCharType") for mark in line._p.iter(f"{W}fldChar")] == ["begin", "separate", "end"]
        assert line._p.pPr.jc.get(f"{W}val") == side
        indent = line._p.pPr.ind
        assert indent.get(f"{W}{side}") == "280" and indent.get(f"{W}{other}") is None  # one character of 14 points
        assert font_of(line.style) == ("宋体", "宋体", 14)
    # The middle of the line lies 7 mm below the type area.
    middle = section.footer_distance.mm + style_of(section.footer.paragraphs[0], "line_spacing").mm / 2
    assert section.bottom_margin.mm - middle == pytest.approx(7, abs=0.3)


# ── styles ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "east", "latin", "size"),
    [
        ("Normal", "仿宋", "Times New Roman", 16),
        ("公文正文", "仿宋", "Times New Roman", 16),
        ("Heading 1", "黑体", "Times New Roman", 16),
        ("Heading 2", "楷体", "Times New Roman", 16),
        ("Title", "方正小标宋简体", "方正小标宋简体", 22),
        ("发文机关标志", "方正小标宋简体", "方正小标宋简体", 54),
        ("发文字号", "仿宋", "Times New Roman", 16),
        ("主送机关", "仿宋", "Times New Roman", 16),
        ("发文机关署名", "仿宋", "Times New Roman", 16),
        ("成文日期", "仿宋", "Times New Roman", 16),
        ("版记", "仿宋", "Times New Roman", 14),
        ("Caption", "黑体", "Times New Roman", 12),
        ("表格文字", "仿宋", "Times New Roman", 10.5),
        ("表格小字", "仿宋", "Times New Roman", 9),
        ("表注", "仿宋", "Times New Roman", 10.5),
    ],
)
def test_fonts_and_sizes_by_style(document, name, east, latin, size):
    assert font_of(document.styles[name]) == (east, latin, size)


def test_every_style_in_use_exists_and_every_paragraph_has_one(written):
    styles = {style.get(f"{W}styleId"): style.get(f"{W}type") for style in part(written, "word/styles.xml").iter(f"{W}style")}
    for name in ("document", "header_odd", "header_even", "footer_odd", "footer_even"):
        tree = part(written, f"word/{name}.xml")
        for tag, kind in (("pStyle", "paragraph"), ("rStyle", "character"), ("tblStyle", "table")):
            assert {styles.get(element.get(f"{W}val")) for element in tree.iter(f"{W}{tag}")} <= {kind}
        assert all(paragraph.find(f"{W}pPr/{W}pStyle") is not None for paragraph in tree.iter(f"{W}p"))


def test_the_text_is_set_by_styles_alone(document):
    """A run says neither font nor size; only the masthead, which is as large as fits, and words in bold or small."""
    for line in document.paragraphs:
        for run in line.runs:
            assert run.font.name is None
            assert line.style.name == "发文机关标志" or run.font.size is None
            assert run._r.rPr is None or run._r.rPr.rFonts.get(f"{W}hint") == "eastAsia"  # Chinese quotation marks stay Chinese


def test_headings_body_and_notes(document):
    assert paragraph(document, "一、整改进度排名").style.name == "Heading 1"
    assert paragraph(document, "（一）新发现问题").style.name == "Heading 2"
    body = paragraph(document, "截至")
    assert body.style.name == "公文正文"
    assert body.style.element.pPr.ind.get(f"{W}firstLineChars") == "200"
    assert [run.text for run in body.runs if run.bold] == ["2020年6月30日"]
    assert paragraph(document, "1. 超期问题").style.name == "公文正文"
    assert paragraph(document, "注：名次").style.name == "表注"


# ── head and foot ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_serial_has_masthead_number_and_imprint():
    document = docx.Document(io.BytesIO(render_docx(sample.BULLETIN, sample.SERIAL)))
    assert [(line.style.name, line.text) for line in document.paragraphs[:5]] == [
        ("发文机关标志", "问题整改日通报"),
        ("发文字号", "第12期"),
        ("编发单位", "资阳区扶贫办编\t2020年6月30日"),
        ("红色分隔线", ""),
        ("Title", "资阳区脱贫攻坚“回头看”\n问题整改情况通报（2020年6月30日）"),
    ]
    colophon = document.tables[-1]
    assert [row.cells[0].text for row in colophon.rows] == [
        "发送：区委、区政府领导，区纪委监委。",
        "抄送：各乡镇（街道）党（工）委，区直各有关部门，各督导组。",
        "资阳区扶贫办\t2020年6月30日印发",
    ]
    assert not any(line.style.name in {"主送机关", "发文机关署名", "成文日期"} for line in document.paragraphs)


def test_the_statutory_document_has_its_prescribed_elements():
    document = docx.Document(io.BytesIO(render_docx(sample.BULLETIN, sample.STATUTORY)))
    assert [(line.style.name, line.text) for line in document.paragraphs[:5]] == [
        ("发文机关标志", "资阳区扶贫办文件"),
        ("发文字号", "资扶办〔2020〕12号"),
        ("红色分隔线", ""),
        ("Title", "关于全区脱贫攻坚“回头看”\n排查问题整改进度情况的通报"),
        ("主送机关", "各乡镇人民政府、街道办事处，长春经济开发区管委会，区直各有关部门："),
    ]
    assert document.paragraphs[0].paragraph_format.space_before.mm == pytest.approx(35, abs=0.1)
    signature, day = document.paragraphs[-3:-1]
    assert (signature.style.name, signature.text) == ("发文机关署名", "资阳区扶贫办")
    assert (day.style.name, day.text) == ("成文日期", "2020年6月30日")
    # The date four characters from the right, the office (12 halves) in the middle above the date (13 halves).
    assert day._p.pPr.ind.get(f"{W}right") == str(4 * 320)
    assert signature._p.pPr.ind.get(f"{W}right") == str((8 * 2 + 13 - 12) * 80)
    assert [row.cells[0].text for row in document.tables[-1].rows] == [
        "抄送：区委办，区人大办，区政府办，区政协办，区纪委监委。",
        "资阳区扶贫办\t2020年6月30日印发",
    ]


def test_a_long_office_still_stands_above_the_date():
    head = replace(sample.STATUTORY, issuer_name="益阳市资阳区扶贫开发领导小组办公室驻村帮扶工作队")
    document = docx.Document(io.BytesIO(render_docx("<p>甲</p>", head)))
    signature, day = document.paragraphs[-3:-1]
    assert signature._p.pPr.ind.get(f"{W}right") == "0"
    assert day._p.pPr.ind.get(f"{W}right") == str((48 - 13) * 80)


@pytest.mark.parametrize(("name", "least", "most"), [("日报", 62, 62), ("问题整改和项目资金周调度", 40, 62), ("督" * 30, 18, 22)])
def test_the_masthead_is_as_large_as_fits(name, least, most):
    document = docx.Document(io.BytesIO(render_docx("", replace(sample.SERIAL, series_name=name))))
    [run] = document.paragraphs[0].runs
    narrowed = int(run._r.rPr.find(f"{W}w").get(f"{W}val")) / 100
    assert least <= run.font.size.pt <= most
    assert len(name) * run.font.size.pt * narrowed <= TYPE_WIDTH_MM * 72 / 25.4
    assert run.font.size.mm <= 22
    assert str(document.styles["发文机关标志"].font.color.rgb) == "FF0000"


def test_the_red_line_is_as_wide_as_the_type_area(document):
    line = next(line for line in document.paragraphs if line.style.name == "红色分隔线")
    assert line._p.pPr.ind is None and line.style.element.pPr.find(f"{W}ind") is None
    [border] = line.style.element.pPr.find(f"{W}pBdr")
    assert (border.tag, border.get(f"{W}color")) == (f"{W}bottom", "FF0000")
    assert line.style.paragraph_format.line_spacing.mm == pytest.approx(4, abs=0.1)


def test_without_recipients_and_copies_there_is_less(family):
    document = docx.Document(io.BytesIO(render_docx("<p>甲</p>", replace(FAMILIES[family], recipients=None, copies_to=None))))
    assert not any("主送" in line.style.name for line in document.paragraphs)
    rows = [row.cells[0].text for table in document.tables for row in table.rows]
    assert rows == ([] if family == "serial" else ["资阳区扶贫办\t2020年6月30日印发"])


def test_made_up_figures_say_so_on_every_page():
    for head, said in ((sample.SERIAL, "合成样例数据，仅供演示"), (sample.STATUTORY, "")):
        [section] = docx.Document(io.BytesIO(render_docx(sample.BULLETIN, head))).sections
        for header in (section.header, section.even_page_header):
            assert [line.text for line in header.paragraphs] == [said]
    assert section.different_first_page_header_footer is False


def test_the_colophon_lies_at_the_foot_of_the_page_between_its_lines(document):
    colophon = document.tables[-1]._tbl
    place = colophon.tblPr.find(f"{W}tblpPr")
    assert place.get(f"{W}tblpYSpec") == "bottom" and place.get(f"{W}vertAnchor") == "margin"
    borders = {border.tag[len(W) :]: border for border in document.styles["版记表"].element.iter(f"{W}top", f"{W}bottom", f"{W}insideH")}
    assert {name: border.get(f"{W}sz") for name, border in borders.items()} == {"top": "8", "bottom": "8", "insideH": "6"}


# ── tables ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_tables_fill_the_type_area_and_repeat_their_header(document):
    tables = [table for table in document.tables if table.style.name == "公文表格"]
    assert [len(table.rows) for table in tables] == [16, 5]
    for table in tables:
        grid = [int(column.get(f"{W}w")) for column in table._tbl.tblGrid]
        assert sum(grid) * 25.4 / 1440 == pytest.approx(TYPE_WIDTH_MM, abs=0.1)
        assert table._tbl.tblPr.find(f"{W}tblLayout").get(f"{W}type") == "fixed"
        assert [row._tr.trPr.find(f"{W}tblHeader") is not None for row in table.rows] == [True] + [False] * (len(table.rows) - 1)
        assert all(row._tr.trPr.find(f"{W}cantSplit") is not None for row in table.rows)
        caption = table._tbl.getprevious()
        assert caption.pPr.pStyle.val == "Caption"
        for row in table._tbl.iter(f"{W}tr"):
            widths = [int(cell.tcPr.find(f"{W}tcW").get(f"{W}w")) for cell in row.iter(f"{W}tc")]
            assert sum(widths) == sum(grid)
    assert document.styles["Caption"].paragraph_format.keep_with_next
    assert {border.get(f"{W}sz") for border in document.styles["公文表格"].element.find(f"{W}tblPr/{W}tblBorders")} == {"4"}


def test_numbers_end_below_each_other_and_long_texts_begin_on_the_left(document):
    ranking, problems = (table for table in document.tables if table.style.name == "公文表格")

    def alignment(cell) -> str | None:
        jc = cell.paragraphs[0]._p.pPr.jc
        return None if jc is None else jc.get(f"{W}val")

    assert [alignment(cell) for cell in ranking.rows[1].cells] == ["right", "center", *["right"] * 6, "center"]  # the last one is a dash
    indents = {row.cells[2].paragraphs[0]._p.pPr.ind.get(f"{W}right") for row in ranking.rows[1:]}
    assert len(indents) == 1 and int(indents.pop()) > 100
    assert [alignment(cell) for cell in problems.rows[1].cells] == ["right", "center", "center", None, "center"]


def test_a_table_that_is_not_high_stays_whole_and_a_high_one_keeps_its_ends_together():
    def kept(count: int, text: str = "") -> list[bool]:
        rows = "".join(f"<tr><td>{number}{text}</td></tr>" for number in range(count))
        [table] = docx.Document(
            io.BytesIO(render_docx(f"<table><thead><tr><th>甲</th></tr></thead><tbody>{rows}</tbody></table><p>后</p>", head))
        ).tables
        return [row._tr.find(f".//{W}keepNext") is not None for row in table.rows]

    head = replace(sample.SERIAL, recipients=None, copies_to=None)
    assert kept(10) == [True] * 10 + [False]
    assert kept(10, "长" * 60) == [True] * 3 + [False] * 6 + [True] + [False]  # a list is read row by row
    assert kept(40) == [True] * 3 + [False] * 36 + [True] + [False]


def test_only_a_row_that_fills_much_of_a_page_may_be_divided():
    rows = f"<tr><td>{'长' * 3000}</td></tr><tr><td>短</td></tr>"
    [table, _] = docx.Document(io.BytesIO(render_docx(f"<table><tbody>{rows}</tbody></table>", sample.SERIAL))).tables
    assert [row._tr.trPr.find(f"{W}cantSplit") is not None for row in table.rows] == [False, True]


def test_names_and_headers_stay_on_a_line_where_there_is_room():
    heads = "".join(
        f"<th>{text}</th>"
        for text in ("名次", "上个工作日", "乡镇（街道）", "问题", "整改到位", "未整改", "整改率", "超期", "退回反弹", "最久（工作日）")
    )
    cells = "<td class='number'>不排名</td><td class='number'>—</td><td>长春经济开发区</td>" + "<td class='number'>273</td>" * 7
    widths = "".join(f'<col data-width="{width}">' for width in (12, 14, 28, 13, 15, 13, 16, 14, 14, 14))
    fragment = f"<table><colgroup>{widths}</colgroup><thead><tr>{heads}</tr></thead><tbody><tr>{cells}</tr></tbody></table>"
    [table, _] = docx.Document(io.BytesIO(render_docx(fragment, sample.SERIAL))).tables
    for row in table.rows:
        for cell, column in zip(row.cells, table._tbl.tblGrid, strict=True):
            lines = cell.text.split("\n")
            assert len(lines) <= 2
            size = cell.paragraphs[0].style.font.size.pt
            widest = max(sum(1 if character.isascii() else 2 for character in line) for line in lines) * size * 10
            assert widest + 114 <= int(column.get(f"{W}w")), cell.text


@pytest.mark.parametrize("count", [1, 5, 9, 14])
def test_a_column_is_never_narrower_than_its_numbers(count):
    wide = '<td class="number"><data value="123456789.00" data-figure="a.b" data-unit="yuan">12,345.68</data></td>'
    widths = "".join(f'<col data-width="{1 if number else 400}">' for number in range(count))
    fragment = f"<table><colgroup>{widths}</colgroup><tbody><tr>{wide * count}</tr></tbody></table>"
    [table, _] = docx.Document(io.BytesIO(render_docx(fragment, sample.SERIAL))).tables
    grid = [int(column.get(f"{W}w")) for column in table._tbl.tblGrid]
    size = table.rows[0].cells[0].paragraphs[0].style.font.size.pt
    assert sum(grid) == 8845 and min(grid) > 500
    if count < 14:
        assert min(grid) >= 9 * size * 20 / 2 + 2 * 57


# ── corrections ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_correction_stands_between_two_lines_and_the_lower_one_on_the_page_of_its_end():
    inner = "<h2>更正说明</h2><p>甲</p><table><tbody><tr><td>乙</td></tr><tr><td>丙</td></tr></tbody></table>"
    document = docx.Document(
        io.BytesIO(render_docx(f'<section class="correction">{inner}</section><h2>一、丁</h2><p>戊</p>', sample.SERIAL))
    )
    names = [block.style.name for block in document.iter_inner_content()]
    correction = ["更正上线", "Heading 1", "公文正文", "公文表格", "更正下线"]
    assert names[5:12] == [*correction, "Heading 1", "公文正文"]
    upper, lower = (document.styles[name] for name in ("更正上线", "更正下线"))
    assert lower.base_style == upper and upper.element.pPr.find(f"{W}pBdr/{W}bottom").get(f"{W}val") == "single"
    assert (upper.paragraph_format.keep_with_next, lower.paragraph_format.keep_with_next) == (True, False)
    assert all(row.cells[0].paragraphs[0].paragraph_format.keep_with_next for row in document.tables[0].rows)
    assert paragraph(document, "甲").paragraph_format.keep_with_next is None


def test_only_a_correction_is_set_apart():
    for section in ("<section>", '<section class="summary">'):
        document = docx.Document(io.BytesIO(render_docx(f"{section}<p>甲</p></section>", sample.SERIAL)))
        assert not any("更正" in line.style.name for line in document.paragraphs)


# ── the file ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_properties_have_the_time_of_the_freezing_and_no_other(written, family):
    properties = docx.Document(io.BytesIO(written)).core_properties
    assert properties.created == properties.modified == sample.MADE_AT
    assert (properties.author, properties.last_modified_by) == ("资阳区扶贫办", "资阳区扶贫办")
    assert properties.title == FAMILIES[family].title
    with zipfile.ZipFile(io.BytesIO(written)) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.namelist()[0] == "[Content_Types].xml"


def test_properties_hold_no_more_than_the_library_allows_and_the_document_everything():
    long = "题" * 300
    document = docx.Document(io.BytesIO(render_docx("", replace(sample.STATUTORY, title=long, issuer_name=long, document_word=long))))
    properties = document.core_properties
    assert [properties.title, properties.author, properties.subject] == [long[:255]] * 3
    assert next(line for line in document.paragraphs if line.style.name == "Title").text.replace("\n", "") == long


def test_same_input_same_bytes_also_in_another_process(written, family):
    script = (
        "import sys; from tests.publishing.documents import sample; from duban.publishing.documents.official import render_docx; "
        f"sys.stdout.buffer.write(render_docx(sample.BULLETIN, sample.{family.upper()}))"
    )
    again = subprocess.run(
        [sys.executable, "-c", script], env={"PYTHONPATH": "dags:.", "PYTHONHASHSEED": "7"}, capture_output=True, check=True
    )
    assert again.stdout == written


def test_elements_stand_in_the_order_of_the_schema(written):
    with zipfile.ZipFile(io.BytesIO(written)) as archive:
        trees = [etree.fromstring(archive.read(name)) for name in archive.namelist() if name.startswith("word/") and name.endswith(".xml")]
    checked = set()
    for element in (element for tree in trees for element in tree.iter() if element.tag.startswith(W)):
        name = element.tag[len(W) :]
        if name in ORDER:
            order = ORDER[name].split()
            children = [child.tag[len(W) :] for child in element]
            assert set(children) <= set(order), (name, children)
            places = [order.index(child) for child in children]
            assert places == sorted(places), (name, children)
            checked.add(name)
    assert checked >= {"pPr", "rPr", "tblPr", "tcPr", "sectPr", "style", "settings", "tbl"}


def test_parts_relations_and_types_belong_together(written):
    with zipfile.ZipFile(io.BytesIO(written)) as archive:
        names = set(archive.namelist())
    types = part(written, "[Content_Types].xml")
    assert {element.get("PartName")[1:] for element in types if element.get("PartName")} == {
        name for name in names if not name.endswith(".rels") and name != "[Content_Types].xml"
    }
    relations = {element.get("Id"): element.get("Target") for element in part(written, "word/_rels/document.xml.rels")}
    assert {f"word/{target}" for target in relations.values()} <= names
    used = part(written, "word/document.xml").xpath(
        "//@r:id", namespaces={"r": "http://schemas.openxmlformats.org/officeDocument/2006/relationships"}
    )
    assert set(used) <= set(relations)


def test_bookmarks_are_hidden_unique_and_closed(written):
    tree = part(written, "word/document.xml")
    starts = tree.xpath("//w:bookmarkStart", namespaces=NAMES)
    names = [start.get(f"{W}name") for start in starts]
    assert len(set(names)) == len(names) == sample.BULLETIN.count("<data ")
    assert all(name.startswith("_") and len(name) <= 40 for name in names)
    ends = tree.xpath("//w:bookmarkEnd/@w:id", namespaces=NAMES)
    assert sorted(start.get(f"{W}id") for start in starts) == sorted(ends)


def test_a_day_is_written_without_leading_zeros():
    document = docx.Document(io.BytesIO(render_docx("", replace(sample.SERIAL, issued_on=date(2020, 6, 3)))))
    assert paragraph(document, "扶贫办编").text.endswith("2020年6月3日")


@pytest.mark.parametrize(
    ("change", "said"),
    [({"family": "letter"}, "letter"), ({"family": "statutory"}, "机关代字"), ({"made_at": sample.MADE_AT.replace(tzinfo=None)}, "zone")],
)
def test_a_letterhead_that_cannot_be_is_refused(change, said):
    with pytest.raises(ValueError, match=said):
        replace(sample.SERIAL, **change)


# ── somebody else's words ────────────────────────────────────────────────────────────────────────────────────────────

HOSTILE = [
    "='甲'|乙!A1",
    "</w:t></w:r><w:r><w:instrText>DDEAUTO c:\\\\x</w:instrText></w:r>",
    "{ HYPERLINK http://x.invalid }",
    "<script>0</script>",
    "{{7*7}}{% raw %}",
    "]]><!--&amp;&lt;",
    "\"' onload='x",
    "甲\u202e乙",
    "\x00\x1b[31m\x0b",
    "_x000D_",
    "𠮷\U0001f600ئۇيغۇر",
]


def test_words_of_others_stay_words():
    shown = [text.replace("\u202e", "\ufffd").translate(dict.fromkeys([0, 0x1B, 0x0B], "\ufffd")) for text in HOSTILE]
    cells = "".join(f"<tr><td><bdi>{sample.escape(text)}</bdi></td></tr>" for text in HOSTILE)
    fragment = f"<p>{sample.escape(HOSTILE[1])}</p><table><caption>{sample.escape(HOSTILE[1])}</caption><tbody>{cells}</tbody></table>"
    names = ("title", "issuer_name", "recipients", "copies_to", "data_label", "document_word")
    for text, expected in zip(HOSTILE, shown, strict=True):
        written = render_docx(fragment, replace(sample.STATUTORY, **dict.fromkeys(names, text)))
        document = docx.Document(io.BytesIO(written))
        assert [cell.text for row in document.tables[0].rows for cell in row.cells] == shown
        assert any(expected in line.text.replace("\n", "") for line in document.paragraphs if line.style.name == "Title")
        assert document.core_properties.author == expected
        tree = part(written, "word/document.xml")
        assert not tree.xpath("//w:instrText | //w:fldSimple | //w:fldChar | //w:hyperlink | //w:object | //w:pict", namespaces=NAMES)
        with zipfile.ZipFile(io.BytesIO(written)) as archive:
            assert not any("External" in archive.read(name).decode() for name in archive.namelist() if name.endswith(".rels"))


@pytest.mark.parametrize(
    ("title", "lines"),
    [
        ("日通报", ["日通报"]),
        ("资阳区问题整改情况\n（2020年6月30日）", ["资阳区问题整改情况", "（2020年6月30日）"]),
        ("关于全区脱贫攻坚“回头看”排查问题整改进度情况的通报", ["关于全区脱贫攻坚“回头看”", "排查问题整改进度情况的通报"]),
        ("关于2020年6月22日至6月30日全区项目资金调度情况的通报", ["关于2020年6月22日至6月30日", "全区项目资金调度情况的通报"]),
        ("资阳区问题整改和项目资金周调度（2020年6月22日至6月28日）", ["资阳区问题整改和项目资金周调度", "（2020年6月22日至6月28日）"]),
        ("关于更正资阳区问题整改日通报第12期有关数字的通报", ["关于更正资阳区问题整改", "日通报第12期有关数字的通报"]),
        ("关于加快推进全区脱贫攻坚工作的若干问题整改情况的通报", ["关于加快推进全区脱贫攻坚工作的", "若干问题整改情况的通报"]),
        ("全区脱贫攻坚问题整改情况2020年6月30日通报第12期更正", ["全区脱贫攻坚问题整改情况", "2020年6月30日通报第12期更正"]),
    ],
)
def test_a_title_breaks_where_the_sense_allows(title, lines):
    document = docx.Document(io.BytesIO(render_docx("", replace(sample.SERIAL, title=title))))
    assert next(line for line in document.paragraphs if line.style.name == "Title").text.split("\n") == lines


def test_a_signature_never_stands_alone(family):
    endings = ["<p>甲</p><p>乙</p>", "<ol><li>甲</li><li>乙</li></ol>", "<table><tbody><tr><td>甲</td></tr></tbody></table>"]
    for fragment in [*endings, *(f"<section>{ending}</section>" for ending in endings)]:
        body = part(render_docx(fragment, FAMILIES[family]), "word/document.xml")[0]
        blocks = [block for block in body if block.find(f"{W}tblPr/{W}tblpPr") is None and block.tag != f"{W}sectPr"]
        ends = [
            block for block in blocks if block.find(f"{W}pPr/{W}pStyle") is None or block.find(f"{W}pPr/{W}pStyle").get(f"{W}val") == "Body"
        ]
        assert ends[-1].find(f".//{W}keepNext") is not None
    document = docx.Document(io.BytesIO(render_docx('<section class="correction"><p>甲</p></section>', FAMILIES[family])))
    assert next(line for line in document.paragraphs if line.style.name == "更正下线").paragraph_format.keep_with_next
