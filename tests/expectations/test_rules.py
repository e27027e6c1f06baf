"""Every row rule is kept by one row and broken by its neighbour: the pairs of tests/ledgers, sent through the inbox in one drop."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import pytest

from tests.conftest import csv_bytes
from tests.ledgers import LEDGERS, REPORT_DATE, Entry

PAIRS = [pair for ledger in LEDGERS.values() for pair in ledger.pairs]
NAMES = [f"{number:02d}-{pair.name}" for number, pair in enumerate(PAIRS)]


class Files:
    """Rows gathered into one CSV per sender and ledger; remembers where each row came to stand."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], list[Mapping[str, str]]] = defaultdict(list)

    def add(self, unit: str, ledger: Entry, cells: Mapping[str, str], key: str) -> tuple[str, str, int]:
        """Append a row; returns (unit, ledger, row number in the file)."""
        rows = self.rows[unit, ledger.title]
        rows.append({ledger.key: key, **cells})
        return unit, ledger.title, len(rows) + 1

    def drop(self, office: Any) -> None:
        """Put the files into the inbox."""
        for (unit, title), rows in self.rows.items():
            office.drop(unit, f"{title}{REPORT_DATE}.csv", csv_bytes(LEDGERS[title].table(*rows)))


@pytest.fixture(scope="module")
def outcome(shared_office):
    """For each pair: what was rejected of the passing row, of the failing row, and of its twin."""
    known = Files()
    for ledger in LEDGERS.values():
        for unit, cells in ledger.known:
            known.add(unit, ledger, {**ledger.row, **cells}, "")
    known.drop(shared_office)
    shared_office.ingest()
    assert {row["outcome"] for row in shared_office.query("select outcome from ops.submissions")} == {"accepted"}
    files, places = Files(), []
    for name, pair in zip(NAMES, PAIRS, strict=True):
        rows = {"passes": pair.passes, "fails": pair.fails} | ({"twin": {**pair.ledger.row, **pair.twin}} if pair.twin else {})
        places.append({role: files.add(pair.unit, pair.ledger, cells, f"{name}-{role}") for role, cells in rows.items()})
    files.drop(shared_office)
    shared_office.ingest()
    broken = defaultdict(set)
    for row in shared_office.query(
        """select r.unit_code, s.file_name, r.row_no, r.rule_id, r.column_name
           from quarantine.rejected_rows r join ops.submissions s using (submission_id)"""
    ):
        broken[row["unit_code"], row["file_name"].removesuffix(f"{REPORT_DATE}.csv"), row["row_no"]].add(
            (row["rule_id"], row["column_name"])
        )
    return [{role: broken[place] for role, place in roles.items()} for roles in places]


@pytest.mark.parametrize("number", range(len(PAIRS)), ids=NAMES)
def test_pair(outcome, number):
    pair, found = PAIRS[number], outcome[number]
    assert found["passes"] == set()
    assert found["fails"] == pair.rejects
    assert found.get("twin", pair.rejects) == pair.rejects
