"""Bounds of a rule: exact for decimals and dates, in every kind of expectation, or refused when the rule is read."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from duban.ledgers import ExpectationsInvalid, beside, read_expectations
from duban.quality import gate
from duban.row_rules import BESIDE, BESIDE_KEYS
from duban.settings import PROJECT
from tests.conftest import csv_bytes

TOWNSHIP = "430902102"
BETWEEN = "expect_column_values_to_be_between"


def with_rules(folder: Path, ledger: str, *rules: dict) -> Path:
    """A project whose ledger has these rules besides its own: as text, as the office would write them."""
    shutil.copytree(PROJECT / "expectations", folder / "expectations")
    (folder / "dbt_project").symlink_to(PROJECT / "dbt_project")
    path = folder / "expectations" / ledger / "rules.yml"
    entries = [
        f"\n  - {{id: {rule['id']}, column: {rule['column']}, needs: [{rule['column']}], reason: 界外, fix: 请核对, "
        f"when: {rule.get('when', '{}')}, expect: {rule['expect']}}}"
        for rule in rules
    ]
    path.write_text(path.read_text(encoding="utf-8").rstrip() + "".join(entries) + "\n", encoding="utf-8")
    return folder


def test_bounds_are_exact(office, tmp_path):
    """The bound itself is inside, one fen or one day beyond it outside; strict ones shut the bound itself out."""
    rules = [
        {"id": "J90", "column": "progress_pct", "expect": f"{{type: {BETWEEN}, column: progress_pct, min_value: 5.7, max_value: 86.8}}"},
        {"id": "J91", "column": "planned_yuan", "expect": f"{{type: {BETWEEN}, column: planned_yuan, max_value: 9999999999.93}}"},
        {"id": "J92", "column": "planned_start_on", "expect": f"{{type: {BETWEEN}, column: planned_start_on, min_value: 2019-01-01}}"},
        {
            "id": "J93",
            "column": "planned_finish_on",
            "expect": f"{{type: {BETWEEN}, column: planned_finish_on, max_value: 2020-12-31, strict_max: true}}",
        },
        {"id": "J94", "column": "district_yuan", "expect": "{type: expect_column_values_to_be_in_set, column: district_yuan, "
         "value_set: [0.07, 5]}"},
        # the condition of a rule names values too
        {"id": "J95", "column": "remark", "when": "{central_yuan: [0.29], planned_start_on: [2020-02-29]}",
         "expect": "{type: expect_column_values_to_not_be_null, column: remark}"},
    ]  # fmt: skip
    header = ["项目编号", "项目名称", "项目类别", "计划总投资(元)", "形象进度(%)", "计划开工日期", "计划完工日期", "区级资金(元)",
              "中央资金(元)"]  # fmt: skip
    good = ["路", "产业", "9999999999.93", "86.8", "2019-01-01", "2020-12-30", "0.07", ""]
    changes = [{}, {3: "5.7"}, {6: "5.00"}, {3: "86.9"}, {3: "5.6"}, {2: "9999999999.94"}, {4: "2018-12-31"}, {5: "2020-12-31"},
               {6: "0.08"}, {7: "0.29"}, {4: "2020-02-29", 7: "0.29"}]  # fmt: skip
    rows = [[f"B-{number}", *({**dict(enumerate(good)), **change}.values())] for number, change in enumerate(changes)]
    office.settings = replace(office.settings, project=with_rules(tmp_path / "project", "projects", *rules))
    sent = office.send(TOWNSHIP, "项目20200624.csv", csv_bytes([header, *rows]))
    rejected = [(row_no - 2, rule_id) for row_no, rule_id, _, _ in office.rejections(sent["submission_id"])]
    assert rejected == [(3, "J90"), (4, "J90"), (5, "J91"), (6, "J92"), (7, "J93"), (8, "J94"), (10, "J95")]


@pytest.mark.parametrize(
    ("column", "expect", "said"),
    [
        ("found_on", f"{{type: {BETWEEN}, column: found_on, min_value: 20140101}}", "20140101 is not a date"),
        ("found_on", f"{{type: {BETWEEN}, column: found_on, min_value: '2014-01-01'}}", "2014-01-01 is not a date"),
        ("found_on", f"{{type: {BETWEEN}, column: found_on, max_value: 2014-01-01T12:00:00}}", "is not a date"),
        ("leader_name", f"{{type: {BETWEEN}, column: leader_count, max_value: 2014-01-01}}", "is not a number"),
        ("leader_name", f"{{type: {BETWEEN}, column: leader_count, max_value: .inf}}", "rules.yml"),
        ("leader_name", f"{{type: {BETWEEN}, column: leader_count}}", "needs min_value or max_value"),
        ("leader_name", f"{{type: {BETWEEN}, column: leader_count, max_value: 1, mostly: 0.9}}", "takes no mostly"),
        ("category", f"{{type: {BETWEEN}, column: category, min_value: a}}", "category is text"),
        ("found_on", "{type: expect_column_values_to_be_in_set, column: found_on, value_set: [2020-06-04]}", "found_on is date"),
        ("found_on", "{type: expect_column_values_to_not_be_in_set, column: found_on, value_set: ['2020-06-04']}", "found_on is date"),
        ("leader_name", "{type: expect_column_values_to_be_in_set, column: leader_count, value_set: ['1']}", "1 is not a number"),
        ("category", "{type: expect_column_values_to_be_in_set, column: category, value_set: [1.5]}", "1.5 is not text"),
        ("found_on", "{type: expect_column_value_lengths_to_be_between, column: found_on, max_value: 10}", "found_on is date"),
        ("description", "{type: expect_column_value_lengths_to_be_between, column: description, max_value: 9.5}", "cannot be compared"),
        ("found_on", "{type: expect_column_pair_values_to_be_equal, column_A: found_on, column_B: category}", "compares date with text"),
        (
            "category",
            "{type: expect_column_pair_values_to_be_in_set, column_A: category, column_B: source, value_pairs_set: [[a, 2020-06-04]]}",
            "value_pairs_set: 2020-06-04 cannot be compared exactly",
        ),
        ("leader_name", "{type: expect_multicolumn_sum_to_equal, column_list: [leader_count], sum_total: 1.5}", "sum_total: 1.5"),
        ("category", "{type: expect_column_values_to_not_be_null, column: categroy}", "expect names categroy"),
    ],
)
def test_a_rule_that_cannot_be_judged_exactly_is_refused_by_name(tmp_path, column, expect, said):
    project = with_rules(tmp_path / "project", "problems", {"id": "P90", "column": column, "expect": expect})
    with pytest.raises(ExpectationsInvalid, match=r"problems/rules\.yml") as refused:
        read_expectations(project / "expectations", PROJECT / "dbt_project" / "seeds")
    assert said in str(refused.value)
    assert "P90" in str(refused.value) or ".inf" in expect


@pytest.mark.parametrize("when", ["{statuss: [void]}", "{status: [1]}", "{found_on: ['2020-06-04']}", "{key_is_known: [1]}"])
def test_a_condition_that_never_holds_is_refused(tmp_path, when):
    rule = {"id": "P90", "column": "remark", "when": when, "expect": "{type: expect_column_values_to_not_be_null, column: remark}"}
    project = with_rules(tmp_path / "project", "problems", rule)
    with pytest.raises(ExpectationsInvalid, match=r"problems/rules\.yml: P90: when"):
        read_expectations(project / "expectations", PROJECT / "dbt_project" / "seeds")


def test_what_stands_beside_a_row_is_of_a_known_kind():
    expectations = read_expectations(PROJECT / "expectations", PROJECT / "dbt_project" / "seeds")
    for ledger in expectations.ledgers.values():
        assert {*beside(ledger)} <= {*gate._all_beside(ledger, expectations.words)}
    documented = (PROJECT / "expectations" / "README.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in documented for name in {**BESIDE, **BESIDE_KEYS})
    assert yaml.safe_load("1.5") == 1.5  # exact decimals are ours alone
