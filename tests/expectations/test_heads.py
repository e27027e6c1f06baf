"""The head of a ledger: what cannot be meant is refused by file and key when it is read, before any file is judged."""

from __future__ import annotations

import csv
import re
import shutil

import pytest
import yaml

from duban.ledgers import ExpectationsInvalid, read_expectations
from duban.settings import PROJECT

SEEDS = PROJECT / "dbt_project" / "seeds"
EXPECT = {"type": "expect_column_values_to_not_be_null", "column": "status"}
RULE = {"id": "P01", "column": "status", "reason": "没有填", "fix": "请补上。", "expect": EXPECT}


@pytest.mark.parametrize(
    ("ledger", "head", "said"),
    [
        (
            "visits",
            {"references": [{"column": "problem_no", "ledger": "problems", "as_of": "yesterday"}]},
            "references: as_of: 'yesterday'",
        ),
        ("visits", {"references": [{"column": "problem_no", "ledger": "problems", "of": "key"}]}, "references: .*of"),
        ("visits", {"references": [{"column": "problem_no"}]}, "references: .*ledger"),
        ("visits", {"references": [{"column": "problem_no", "ledger": "visits"}]}, "'visits' is no ledger whose keys the district shares"),
        ("visits", {"references": [{"column": "problem_no", "ledger": "problems", "by": "found_on"}]}, "'found_on' is no key or text"),
        ("visits", {"references": [{"column": "number", "ledger": "problems"}]}, r"\['number'\] are no columns"),
        ("visits", {"references": []}, "township: referred, and nothing is referred to"),
        ("visits", {"owner_rule": "V03"}, "owner_rule: V03 is no rule, or the key belongs to its unit alone"),
        ("visits", {"key_scope": "county"}, "key_scope: 'county' is none of"),
        ("problems", {"references": [{"column": "remark", "ledger": "problems"}]}, "references in a circle: problems → problems"),
        ("problems", {"key": "status"}, "key: a required column of the type key or village"),
        ("problems", {"owner_rule": "P99"}, "owner_rule: P99 is no rule"),
        ("problems", {"township": "none"}, "township: none, and a column names a place"),
        ("problems", {"ledger": "issues"}, "'issues' lies in the folder problems"),
        ("problems", {"colour": "red"}, "colour"),
        ("problems", {"rules": [{**RULE, "need": ["amount"]}]}, r"rules: unknown \['need'\]"),
        ("problems", {"rules": [{**RULE, "fix": None}]}, r"rules: \['fix'\] missing"),
        ("problems", {"rules": [{**RULE, "when": ["status"]}]}, "rules: when: must be keys with values"),
    ],
)
def test_a_head_that_cannot_be_meant_is_refused_by_name(tmp_path, ledger, head, said):
    folder = shutil.copytree(PROJECT / "expectations", tmp_path / "expectations")
    path = folder / ledger / "rules.yml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text(encoding="utf-8")), **head}, allow_unicode=True), encoding="utf-8")
    with pytest.raises(ExpectationsInvalid, match=said) as refused:
        read_expectations(folder, SEEDS)
    assert re.search(rf"{ledger}/rules\.yml|in a circle", str(refused.value))


@pytest.mark.parametrize(("said", "refused"), [(None, False), ("", False), ("yes", False), ("officials", True), ("no", True)])
def test_what_identifies_somebody_is_personal_by_its_type(tmp_path, said, refused):
    folder = shutil.copytree(PROJECT / "expectations", tmp_path / "expectations")
    path = folder / "problems" / "columns.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["personal"] = said if row["name"] == "id_number" else ""
        if said is None:
            del row["personal"]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    if refused:
        with pytest.raises(ExpectationsInvalid, match=r"problems/columns\.csv: id_number: .*personal"):
            read_expectations(folder, SEEDS)
    else:
        assert read_expectations(folder, SEEDS).ledgers["problems"].by_name["id_number"].is_personal
