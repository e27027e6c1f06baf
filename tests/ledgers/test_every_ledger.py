"""Every ledger goes every way: taken, sent back and corrected, handed out as a template, and sent back unchanged."""

from __future__ import annotations

import io
from datetime import date

import openpyxl
import pytest

from duban import warehouse
from duban.quality.template import FIRST_ROW, HEADER_ROW, write_template
from tests.conftest import xlsx_bytes
from tests.integration.ledgers import counts
from tests.ledgers import LEDGERS, REPORT_DATE

DAY = date(2020, 6, 24)


@pytest.mark.parametrize("title", LEDGERS)
def test_a_ledger_is_taken_sent_back_corrected_and_handed_out(shared_office, title):
    office, ledger = shared_office, LEDGERS[title]
    [pair, *_] = [pair for pair in ledger.pairs if pair.twin is None and pair.cell != ledger.key]
    rows = {**pair.passes, ledger.key: "走-1"}, {**pair.fails, ledger.key: "走-2"}
    first = office.send(pair.unit, f"{title}{REPORT_DATE}.xlsx", xlsx_bytes({title: ledger.table(*rows)}))
    assert counts(first) == ("accepted_with_rejections", 2, 1, 1, 0)
    assert {(rule, column) for _, rule, column, _ in office.rejections(first["submission_id"])} == pair.rejects

    [path] = office.returned(pair.unit, first["submission_id"]).glob("*.xlsx")
    book = openpyxl.load_workbook(path)
    book[title].cell(3, ledger.titles.index(pair.cell) + 1).value = pair.passes.get(pair.cell, "")
    second = office.send(pair.unit, path.name, saved(book))
    found = (second["outcome"], second["accepted_count"], second["rejected_count"], second["corrects_id"])
    assert found == ("accepted", 1, 0, first["submission_id"])
    assert keys_of(office, ledger) == ["走-1", "走-2"]

    with warehouse.connect(office.settings) as conn:
        made = write_template(conn, office.settings, pair.unit, DAY)
    sheet = openpyxl.load_workbook(made.path)[title]
    assert [cell.value for cell in sheet[HEADER_ROW]] == [column.header for column in ledger.columns]
    at = ledger.titles.index(ledger.key) + 1
    assert {"走-1", "走-2"} <= {sheet.cell(row, at).value for row in range(FIRST_ROW, sheet.max_row + 1)}
    assert office.send(pair.unit, made.path.name, made.path.read_bytes())["outcome"] == "accepted"
    assert set(keys_of(office, ledger)) == {"走-1", "走-2"}


def saved(book: openpyxl.Workbook) -> bytes:
    """The bytes of a workbook."""
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def keys_of(office, ledger) -> list[str]:
    """Keys of all rows that were taken, in their order."""
    rows = office.query(f"select {ledger.key_name} as key from raw.{ledger.table_name} order by received_at, source_row")
    return [row["key"] for row in rows]
