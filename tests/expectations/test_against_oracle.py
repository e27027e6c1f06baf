"""The gate against the oracle: the same random rows, judged by both; every row must break the same rules at the same columns."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import date

import pytest

from tests.conftest import csv_bytes
from tests.expectations.random_ledgers import TOWNSHIPS, RandomFile, random_file
from tests.ledgers import GROUP, OFFICE
from tests.oracle.columns import KEY_COLUMN, SENDERS
from tests.oracle.judge import judge
from tests.oracle.places import Reference
from tests.oracle.ranking import Campaign

SEED, ROWS = 20200624, 100
UNITS = {"township": tuple(TOWNSHIPS), "office": (OFFICE,), "group": (GROUP,)}
# What the oracle knows: rules of every ledger, and those of four. Rules of another ledger have their pairs in tests/ledgers.
NUMBERS = {"R": 10, "P": 12, "F": 5, "J": 7, "V": 3}
RULES = {f"{letter}{number:02d}" for letter, count in NUMBERS.items() for number in range(1, count + 1)} | {"W08"}
KNOWN = {
    "问题台账": [
        ["问题编号", "问题来源", "发现日期", "问题类别", "问题描述", "责任领导", "整改时限", "整改状态"],
        ["第一轮排查", "2020-04-01", "其他", "屋顶漏雨", "张三", "2020-05-01", "未整改"],
    ],
    "项目台账": [["项目编号", "项目名称", "项目类别", "计划总投资(元)"], ["机耕路", "基础设施", "1"]],
}


def make_files() -> list[RandomFile]:
    """Files of three townships, the office and a group, all ledgers, two report dates (one of them in January: no date without a year)."""
    rng = random.Random(SEED)
    return [
        random_file(rng, unit, ledger, day, ROWS)
        for day in (date(2020, 6, 24), date(2021, 1, 10))
        for ledger in KEY_COLUMN
        for kind in SENDERS[ledger]
        for unit in UNITS[kind]
    ]


def reference_of(office, file: RandomFile) -> Reference:
    """The district as the oracle wants it: official names, committees aside."""
    villages = defaultdict(list)
    for row in office.query("select township_code, village_name from raw.villages where left(township_code, 6) = '430902'"):
        villages[row["township_code"]].append(row["village_name"].replace("村委会", "村"))
    townships = office.query("select township_code, township_name from raw.townships where district_code = '430902'")
    is_of_problems = file.ledger in {"问题台账", "督导记录"}
    return Reference(
        district_code="430902",
        townships={row["township_code"]: row["township_name"] for row in townships},
        villages=villages,
        campaigns=[Campaign("430902", date(2020, 4, 1), date(2020, 6, 30))],
        problem_owners=file.known if is_of_problems else {},
        project_owners={} if is_of_problems else file.known,
    )


@pytest.fixture(scope="module")
def verdicts(shared_office):
    """What the gate said: (unit, file name) → row number → broken (rule, column); W08 stands with the key."""
    files = make_files()
    for ledger, (header, cells) in KNOWN.items():
        for unit in (*TOWNSHIPS, OFFICE):
            of = {ledger, "督导记录"} if ledger == "问题台账" else {ledger}
            keys = [key for file in files if file.ledger in of for key, owner in file.known.items() if (owner or OFFICE) == unit]
            shared_office.drop(unit, f"{ledger}20200401.csv", csv_bytes([header, *([key, *cells] for key in keys)]))
    shared_office.ingest()
    for file in files:
        shared_office.drop(file.unit_code, file.name, csv_bytes(file.table))
    shared_office.ingest()
    found = defaultdict(lambda: defaultdict(set))
    for row in shared_office.query(
        """select unit_code, file_name, row_no, rule_id, column_name
           from quarantine.rejected_rows join ops.submissions using (submission_id, unit_code)
           union all
           select unit_code, file_name, split_part(subject, '!', 2)::int, rule_id, null
           from quarantine.findings join ops.submissions using (submission_id) where rule_id = 'W08'"""
    ):
        ledger = row["file_name"].rstrip(".csv0123456789")
        column = KEY_COLUMN[ledger] if row["rule_id"] == "W08" else row["column_name"]
        found[row["unit_code"], row["file_name"]][row["row_no"]].add((row["rule_id"], column))
    return files, found


def test_gate_and_oracle_agree(shared_office, verdicts):
    files, found = verdicts
    differences, seen = [], defaultdict(int)
    for file in files:
        expected = judge(file.ledger, file.rows, file.unit_code, file.report_on, reference_of(shared_office, file), file.money_unit)
        for number, (row, broken) in enumerate(zip(file.rows, expected, strict=True), start=2):
            gate = {(rule_id, column) for rule_id, column in found[file.unit_code, file.name][number] if rule_id in RULES}
            for rule_id, _ in broken:
                seen[rule_id] += 1
            if gate != broken:
                columns = sorted({column for _, column in gate ^ broken})
                cells = {column: row.get(column, "")[:30] for column in columns}
                differences.append(
                    f"{file.unit_code} {file.name} row {number}: gate only {gate - broken}, oracle only {broken - gate}: {cells}"
                )
    assert not differences, f"{len(differences)} rows differ:\n" + "\n".join(differences)
    # The rows are worth the comparison only if they break everything.
    assert set(seen) == RULES


def test_counts_add_up(shared_office, verdicts):
    files, _ = verdicts
    counts = {
        (row["unit_code"], row["file_name"]): row
        for row in shared_office.query("select * from ops.submissions where report_on > '2020-04-01'")
    }
    assert len(counts) == len(files)
    for file in files:
        row = counts[file.unit_code, file.name]
        assert row["row_count"] == len(file.rows) == row["accepted_count"] + row["rejected_count"] + row["ignored_count"]
