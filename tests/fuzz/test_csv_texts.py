"""`csv_file.read` on any text and any bytes, in this process: it answers or says why not, and no character is lost on the way."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from duban.intake import csv_file
from duban.intake.cells import Misplaced, Unreadable
from duban.intake.reader import header_test
from duban.ledgers import read_expectations
from tests.fuzz.ledgers import EXPECTATIONS, FUZZED, PROBLEMS, SEEDS
from tests.fuzz.texts import lost_characters

HEADER = list(FUZZED[PROBLEMS].titles)[:8]
# Cells of UTF-8 in a file of GB18030.
GIBBERISH = f",{'王小明一'.encode().decode('gb18030')},"
# What the grammar of CSV is made of, what encodings stumble over, and plain words.
PIECES = [
    '"', '""', ",", ";", "\t", "，", "\r\n", "\n", "\r", "\x00", "\x1a", "\ufeff", "\ufffe", "\u2028", "\x85", " ", "a", "1", "张三",
    "王𬇙", GIBBERISH, "<html>", "x" * 300, ",".join(HEADER), ";".join(HEADER), "\t".join(HEADER), "，".join(HEADER),
]  # fmt: skip
ENCODINGS = ["utf-8", "utf-8-sig", "gb18030", "utf-16"]


def quiet(examples):
    """The same examples each time, however long one takes."""
    return settings(max_examples=examples, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))


cells = st.text(st.sampled_from("甲乙丙ab1-./ \"',;\t，\n=@😀𬇙"), max_size=6).map(lambda text: text.strip("\ufeff"))


@pytest.fixture(scope="module")
def is_header():
    return header_test(read_expectations(EXPECTATIONS, SEEDS))


def read(data, is_header):
    """The document, or the rule and the reason."""
    try:
        return csv_file.read(data, is_header)
    except Unreadable as error:
        assert error.rule_id in {"S01", "S10"} and re.search("[\u4e00-\u9fff]", error.reason)
        return error


def rows_of(document):
    return [row for sheet in document.sheets for row in sheet.rows]


def test_no_character_of_a_text_is_lost(is_header):
    seen = Counter()

    @quiet(1500)
    @given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join), st.sampled_from(ENCODINGS))
    def holds(text, encoding):
        found = read(text.encode(encoding), is_header)
        if isinstance(found, Unreadable):
            seen[found.reason.split("，")[0]] += 1
            return
        assert lost_characters(found, text.encode(encoding)) is None
        seen[found.encoding] += 1
        seen["misplaced"] += any(isinstance(cell, Misplaced) for row in rows_of(found) for cell in row)
        seen["several columns"] += any(len(row) > 1 for row in rows_of(found))

    holds()
    for what in (*ENCODINGS, "misplaced", "several columns", "这是网页格式的文件", "引号不成对", "文件里混有两种文字编码"):
        assert seen[what], what


def test_any_bytes_are_read_or_told(is_header):
    seen = Counter()

    @quiet(1500)
    @given(
        st.lists(
            st.one_of(
                st.sampled_from([piece.encode("gb18030") for piece in PIECES if "\ufffe" not in piece]),
                st.sampled_from([piece.encode() for piece in PIECES]),
                st.binary(max_size=6),
            ),
            max_size=30,
        ).map(b"".join)
    )
    @example(b'\xef\xbb\xbf"\xa3\xac')  # damaged behind a mark
    def holds(data):
        found = read(data, is_header)
        seen[found.reason[:6] if isinstance(found, Unreadable) else found.encoding] += 1

    holds()
    assert seen["文字编码有误"] and seen["utf-8"] and seen["gb18030"]


@quiet(400)
@given(
    st.lists(st.lists(cells, min_size=1, max_size=len(HEADER)), max_size=8),
    st.sampled_from(ENCODINGS),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["\r\n", "\n"]),
)
def test_a_table_is_read_as_it_was_written(is_header, table, encoding, separator, line_end):
    document = csv_file.read(written([HEADER, *table], separator, line_end).encode(encoding), is_header)
    assert [[cell or "" for cell in row] for row in rows_of(document)] == trimmed([HEADER, *table])


@quiet(400)
@given(
    st.lists(st.lists(cells.filter(lambda text: not set(text) & set('"\n')), min_size=2, max_size=len(HEADER)), min_size=3, max_size=8),
    st.data(),
)
def test_a_quote_that_does_not_close_costs_one_line(is_header, table, data):
    table = [["甲", *row[1:]] for row in table]
    broken = data.draw(st.integers(0, len(table) - 1))
    lines = [written([row], ",", "\n") for row in [HEADER, *table]]
    plain = [line for line in lines if '"' not in line]
    if len(plain) < len(lines) or lines[broken + 1].count(",") < 1:
        return  # a quote further on may close it: then nobody can tell
    lines[broken + 1] = lines[broken + 1].replace(",", ',"', 1)
    rows = rows_of(csv_file.read("".join(lines).encode(), is_header))
    assert rows[broken + 1] == [Misplaced(lines[broken + 1].rstrip("\n"))]
    expected = trimmed([HEADER, *table])
    assert [[cell or "" for cell in row] for number, row in enumerate(rows) if number != broken + 1] == [
        row for number, row in enumerate(expected) if number != broken + 1
    ]


def written(table, separator, line_end):
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\r\n").writerows(table)
    return text.getvalue().replace("\r\n", line_end)


def trimmed(table):
    """Without empty cells and rows at the end."""
    rows = [list(row) for row in table]
    for row in rows:
        while row and not row[-1]:
            row.pop()
    while rows and not rows[-1]:
        rows.pop()
    return rows
