"""The grammar of the content: what it is read as, and that nothing else passes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from duban.publishing.documents import fragment as f
from duban.publishing.documents.fragment import Heading, Listing, Paragraph, Run, Section, Table, flat, plain, read_fragment
from tests.publishing.documents import sample


def figure(text: str = "36", value: str = "36", unit: str = "count", code: str = "total.open_count") -> str:
    return f'<data value="{value}" data-figure="{code}" data-unit="{unit}">{text}</data>'


def only(fragment: str):
    [block] = read_fragment(fragment)
    return block


def text(paragraph: str) -> str:
    return plain(only(f"<p>{paragraph}</p>").runs)


def test_the_sample_is_read_whole():
    blocks = list(flat(read_fragment(sample.BULLETIN)))
    assert [type(block).__name__ for block in blocks] == [
        *["Paragraph", "Heading", "Paragraph", "Table", "Paragraph", "Heading", "Heading", "Paragraph", "Table"],
        *["Heading", "Paragraph", "Heading", "Paragraph", "Paragraph", "Heading", "Listing"],
    ]
    ranking = blocks[3]
    assert plain(ranking.caption) == "表1　各乡镇（街道）问题整改进度排名"
    assert ranking.widths == (8, 20, 11, 10, 10, 12, 9, 9, 14)
    assert (len(ranking.head), len(ranking.body), len(ranking.foot)) == (1, 14, 1)
    assert blocks[4].is_note and not blocks[0].is_note


def test_blocks_keep_their_order_and_nesting():
    assert read_fragment('<section class="correction a"><h2>一</h2><p>甲</p></section>\n<p>乙</p>') == (
        Section(("correction", "a"), (Heading(2, (Run("一"),)), Paragraph((Run("甲"),)))),
        Paragraph((Run("乙"),)),
    )


def test_lists_number_themselves():
    ordered, unordered = read_fragment("<ol><li>甲</li><li>乙</li></ol><ul><li>丙</li></ul>")
    assert [plain(runs) for runs in ordered.marked] == ["1. 甲", "2. 乙"]
    assert [plain(runs) for runs in unordered.marked] == ["·丙"]
    assert ordered == Listing(True, ((Run("甲"),), (Run("乙"),)))


def test_inline_marks_add_up():
    assert only("<p>甲<strong>乙<small>丙</small></strong><bdi>丁</bdi><span>戊</span><br>己</p>").runs == (
        Run("甲"),
        Run("乙", is_strong=True),
        Run("丙", is_strong=True, is_small=True),
        Run("丁", is_quoted=True),
        Run("戊"),
        Run("\n"),
        Run("己"),
    )


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("截至今日，\n   共3个", "截至今日，共3个"),
        (f"共\n {figure()}\n个", "共36个"),
        (f"{figure()} {figure()}", "36 36"),
        ("one\n two", "one two"),
        ("甲 乙", "甲 乙"),
        ("  甲\t\n", "甲"),
        ("甲 <br>\n 乙", "甲\n乙"),
        ("甲<strong> 乙 </strong>丙", "甲 乙 丙"),
        # somebody else's words: a line break in them was meant
        ("<bdi>漏雨\n12户</bdi>", "漏雨 12户"),
        ("<bdi>漏雨</bdi>\n<bdi>12户</bdi>", "漏雨12户"),
        ("甲\u3000乙\u00a0丙", "甲\u3000乙\u00a0丙"),
        ("&lt;script&gt; &amp;amp; {{7*7}}", "<script> &amp; {{7*7}}"),
        ("", ""),
    ],
)
def test_white_space_is_what_a_reader_sees(written, read):
    assert text(written) == read


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\x0b", "\x85", "\u202e", "\u2066", "\u200f", "\ud800", "\ufffe"])
def test_what_cannot_be_shown_or_turns_text_around_becomes_visible(character):
    assert text(f"甲{character}乙") == "甲\ufffd乙"


def test_equal_figures_beside_each_other_stay_two():
    runs = only(f"<p>{figure()}{figure()}</p>").runs
    assert [run.text for run in runs] == ["36", "36"] and all(run.figure for run in runs)


@pytest.mark.parametrize(
    ("unit", "value", "written", "read"),
    [
        ("count", "36", "36", 36),
        ("count", "1234", "1,234", 1234),
        ("count", "1234", "1234", 1234),
        ("days", "0", "0", 0),
        ("rank", "3", "3", 3),
        ("pct", "86.8", "86.8%", Decimal("86.8")),
        ("pct", "100.0", "100.0%", Decimal("100.0")),
        ("yuan", "6620000.00", "662", Decimal("6620000.00")),
        ("yuan", "3182499.00", "318.25", Decimal("3182499.00")),
        ("yuan", "-49.99", "0", Decimal("-49.99")),
        ("date", "2020-06-03", "6月3日", date(2020, 6, 3)),
        ("date", "2020-06-03", "2020年6月3日", date(2020, 6, 3)),
        ("date", "2020-06-03", "2020-06-03", date(2020, 6, 3)),
        *[(unit, "", "—", None) for unit in ("count", "days", "rank", "pct", "yuan", "date")],
    ],
)
def test_a_figure_has_its_exact_value(unit, value, written, read):
    [run] = only(f"<p>{figure(written, value, unit)}</p>").runs
    assert run.figure == f.Figure("total.open_count", unit, read, written) and run.text == written


@pytest.mark.parametrize(
    ("unit", "value", "written"),
    [
        ("count", "36", "37"),
        ("count", "36", "36个"),
        ("count", "36", "—"),
        ("count", "", "0"),
        ("count", "36.0", "36"),
        ("pct", "86.8", "86.8"),
        ("pct", "86.81", "86.8%"),
        ("pct", "86.8", "86.9%"),
        ("pct", "NaN", "NaN%"),
        ("yuan", "6620000.00", "663"),
        ("yuan", "6620000.00", "6620000"),
        ("yuan", "Infinity", "1"),
        ("date", "2020-06-03", "6月4日"),
        ("date", "2020-06-31", "6月31日"),
        ("money", "1", "1"),
    ],
)
def test_a_figure_that_does_not_say_its_value_is_refused(unit, value, written):
    with pytest.raises(ValueError, match="data"):
        read_fragment(f"<p>{figure(written, value, unit)}</p>")


@pytest.mark.parametrize(
    ("fragment", "named"),
    [
        ("<p>甲<script>0</script></p>", "<script>"),
        ("<p><a href='http://x.invalid'>甲</a></p>", "<a>"),
        ("<p><img src=x></p>", "<img>"),
        ("<div>甲</div>", "<div>"),
        ("<h1>甲</h1>", "<h1>"),
        ("<p onclick='x'>甲</p>", "onclick"),
        ("<p style='color:red'>甲</p>", "style"),
        ("<p class='\"><script>'>甲</p>", "class"),
        ("<table><tr><td>甲</td></tr></table>", "<tr>"),
        ("<table><tbody><tr><td rowspan=2>甲</td></tr></tbody></table>", "rowspan"),
        ("<table><tbody><tr><td colspan=0>甲</td></tr></tbody></table>", "colspan"),
        ("<table><tbody><tr><td><p>甲</p></td></tr></tbody></table>", "<p>"),
        ("<table></table>", "<table>"),
        ("<table><colgroup><col><col></colgroup><tbody><tr><td>甲</td></tr></tbody></table>", "<tr>"),
        ("<table><thead></thead><thead></thead><tbody><tr><td>甲</td></tr></tbody></table>", "<thead>"),
        ("<p>甲<p>乙</p></p>", "<p>"),
        ("<ol><p>甲</p></ol>", "<p>"),
        ("<ol>甲</ol>", "<ol>"),
        ("<p>甲", "<p>"),
        ("<p>甲</strong></p>", "</strong>"),
        ("</p>", "</p>"),
        ("甲", "text: 甲"),
        ("<p>甲<!-- 乙 --></p>", "乙"),
        ("<!doctype html><p>甲</p>", "doctype"),
        ("<p><?php x ?></p>", "php"),
        ("<p><data value='1' data-figure='a.b'>1</data></p>", "data-unit"),
        ("<p><data value='1' data-figure=' ' data-unit='count'>1</data></p>", "data-figure"),
        ("<p><data value='1' data-figure='a' data-unit='count'><strong>1</strong></data></p>", "<data>"),
    ],
)
def test_anything_else_is_refused_by_name(fragment, named):
    with pytest.raises(ValueError) as refused:
        read_fragment(fragment)
    assert named in str(refused.value)


def test_widths_that_nobody_gave_follow_the_texts():
    table = only(f"<table><tbody><tr><td>1</td><td>{'长' * 300}</td><td>张家塞乡</td></tr></tbody></table>")
    assert table.widths == (4, 40, 8)


def test_a_header_breaks_before_its_brackets():
    table = only("<table><thead><tr><th>最长未销号（工作日）</th><th>（日）</th><th>整改率</th></tr></thead></table>")
    assert [plain(cell.stacked) for cell in table.head[0]] == ["最长未销号\n（工作日）", "（日）", "整改率"]
    assert isinstance(table, Table) and table.body == ()
