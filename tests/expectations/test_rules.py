"""Every row rule is kept by one row and broken by its neighbour: the pairs of cases.yml, sent through the inbox in one drop."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from duban.ledgers import load_expectations
from duban.settings import load_settings
from tests.expectations.file_cases import FILE_PAIRS

CASES = yaml.load(Path(__file__).with_name("cases.yml").read_text(encoding="utf-8"), yaml.BaseLoader)
KEYS = {"问题台账": "问题编号", "资金台账": "流水号", "项目台账": "项目编号", "督导记录": "记录编号"}
UNITS = {"迎风桥镇": "430902102", "沙头镇": "430902104", "办公室": "430902000", "督导组": "430902-D1"}
PAIRS = CASES["pairs"]
NAMES = [f"{number:02d}-{pair['rule']}-{pair['cell']}" for number, pair in enumerate(PAIRS)]


def sender_of(pair: dict[str, Any]) -> str:
    """The unit's folder of a pair."""
    return UNITS[pair.get("sender", "督导组" if pair["ledger"] == "督导记录" else "迎风桥镇")]


def title_of(header: str) -> str:
    """The column that a header with a unit names."""
    return header.removesuffix("(万元)")


class Files:
    """Rows gathered into one CSV per sender and ledger; remembers where each row came to stand."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)

    def add(self, unit: str, ledger: str, cells: dict[str, Any], key: str) -> tuple[str, str, int]:
        """Append a row; returns (unit, ledger, row number in the file)."""
        rows = self.rows[unit, ledger]
        rows.append({KEYS[ledger]: key, **CASES["bases"][ledger], **cells})
        return unit, ledger, len(rows) + 1

    def drop(self, office: Any) -> None:
        """Put the files into the inbox."""
        for (unit, ledger), rows in self.rows.items():
            text = io.StringIO(newline="")
            writer = csv.DictWriter(text, [KEYS[ledger], *CASES["bases"][ledger]], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
            office.drop(unit, f"{ledger}20200624.csv", text.getvalue().encode())


@pytest.fixture(scope="module")
def outcome(shared_office):
    """For each pair: what was rejected of the passing row, of the failing row, and of its twin."""
    known = Files()
    for entry in CASES["known"]:
        known.add(UNITS[entry["sender"]], entry["ledger"], entry["cells"], "")
    known.drop(shared_office)
    shared_office.ingest()
    files, places = Files(), []
    for name, pair in zip(NAMES, PAIRS, strict=True):
        unit, ledger, base = sender_of(pair), pair["ledger"], pair.get("with", {})
        rows = {"passes": {**base, pair["cell"]: pair["passes"]}, "fails": {**base, pair["cell"]: pair["fails"]}}
        if "twin" in pair:
            rows["twin"] = pair["twin"]
        places.append({role: files.add(unit, ledger, cells, f"{name}-{role}") for role, cells in rows.items()})
    files.drop(shared_office)
    shared_office.ingest()
    broken = defaultdict(set)
    for row in shared_office.query(
        """select r.unit_code, s.file_name, r.row_no, r.rule_id, r.column_name
           from quarantine.rejected_rows r join ops.submissions s using (submission_id)"""
    ):
        broken[row["unit_code"], row["file_name"].removesuffix("20200624.csv"), row["row_no"]].add((row["rule_id"], row["column_name"]))
    return [{role: broken[place] for role, place in roles.items()} for roles in places]


@pytest.mark.parametrize("number", range(len(PAIRS)), ids=NAMES)
def test_pair(outcome, number):
    pair, found = PAIRS[number], outcome[number]
    said = pair.get("rejects", [f"{pair['rule']} {title_of(pair['cell'])}"])
    expected = {tuple(entry.split(" ", 1)) for entry in said}
    assert found["passes"] == set()
    assert found["fails"] == expected
    assert found.get("twin", expected) == expected


def test_known_rows_are_accepted(outcome, shared_office):
    first = shared_office.query("select outcome from ops.submissions order by received_at limit %s", [len(CASES["known"])])
    assert {row["outcome"] for row in first} == {"accepted"}


def test_every_declared_rule_has_a_pair():
    expectations = load_expectations(load_settings({"DUBAN_HMAC_KEY": "x", "AIRFLOW_CONN_WAREHOUSE": "postgres://h/d"}))
    pairs = {(pair["ledger"], pair["rule"]) for pair in PAIRS}
    columns = {
        (pair["ledger"], *entry.split(" ", 1))
        for pair in PAIRS
        for entry in pair.get("rejects", [f"{pair['rule']} {title_of(pair['cell'])}"])
    }
    of_files = {pair.rule_id for pair in FILE_PAIRS}
    missing = {
        (ledger.title, rule.id, ledger.by_name[rule.column].title) for ledger in expectations.ledgers.values() for rule in ledger.rules
    } - columns
    missing |= {("", rule_id) for rule_id in expectations.cell_rules if rule_id not in {rule for _, rule in pairs} | of_files}
    # W35 takes a slip: tests/integration/test_return_slips.py
    whole_files = {*expectations.file_rules, *(rule_id for rule_id, _ in expectations.findings)} - {"W35"}
    missing |= {("", rule_id) for rule_id in whole_files if rule_id not in of_files}
    assert not missing, "these rules have no minimal pair in cases.yml or file_cases.py"
