"""The gate closes when its own evaluation cannot be trusted: nothing is loaded, files keep waiting, and the next good run takes them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from duban import warehouse
from duban.intake import inbox
from duban.ledgers import load_expectations
from duban.quality import gate, judging
from tests.integration.ledgers import TOWNSHIP, by_name, counts, problem, problems_csv


def drop_an_expectation(patch):
    """The suite loses one expectation on its way."""
    suite = gate.gx.ExpectationSuite
    patch.setattr(gate.gx, "ExpectationSuite", lambda name, expectations: suite(name=name, expectations=expectations[:-1]))


def lose_a_column(patch):
    """A rule names a column that the frame does not have."""
    build = gate.build_frame
    patch.setattr(gate, "build_frame", lambda *args: build(*args).drop(columns="campaign", errors="ignore"))


def lose_a_scope(patch):
    """Rules are evaluated on other rows than those in their scope."""
    build = gate.build_frame
    patch.setattr(gate, "build_frame", lambda batch, names, scope: build(batch, names, scope | True))


def mix_up_rows(patch):
    """Rules are evaluated on as many rows as are in their scope, but on others."""
    build = gate.build_frame
    patch.setattr(gate, "build_frame", lambda batch, names, scope: build(batch, names, scope[::-1]))


def lose_the_names(patch):
    """Rows fail, but the results do not say which."""
    patch.setitem(gate._RESULT_FORMAT, "result_format", "BASIC")


def misspell_a_condition(patch):
    """A rule is to be judged where a cell has a value, and there is no such cell."""
    declare = gate.declared_expectations

    def misspelt(*args):
        return [replace(entry, scope=entry.scope and replace(entry.scope, when={"statuss": ("void",)})) for entry in declare(*args)]

    patch.setattr(gate, "declared_expectations", misspelt)


def lose_the_marks(patch):
    """A row that the reader marked passes the gate."""
    judge = gate.judge

    def blind(*args):
        return [replace(result, failed=()) if result.declared.rule_id == "R02" else result for result in judge(*args)]

    patch.setattr(gate, "judge", blind)


BREACHES = {
    drop_an_expectation: "expectations were evaluated; missing: ",
    lose_a_column: "P10: the expectation could not be evaluated",
    lose_a_scope: "P01: 3 rows evaluated, 2 are in scope",
    mix_up_rows: "P02: rows fail that are not in scope",
    lose_the_names: "rows fail, 0 are named",
    misspell_a_condition: "problems: a rule names statuss, and no row has it",
    lose_the_marks: "1 marked rows passed the gate",
}


@pytest.fixture(scope="module")
def waiting(shared_office):
    """A claimed file of three rows: one good, one with a bad date, one rectified without a date."""
    rows = [problem("G-1"), problem("G-2", 发现日期="六月"), problem("G-3", 整改状态="整改到位", 整改措施="维修")]
    shared_office.drop(TOWNSHIP, "台账20200624.csv", problems_csv(*rows))
    with warehouse.connect(shared_office.settings) as conn:
        inbox.claim_files(conn, shared_office.settings)
    return shared_office


@pytest.mark.parametrize("breach", BREACHES, ids=lambda breach: breach.__name__)
def test_the_gate_closes(waiting, monkeypatch, breach):
    breach(monkeypatch)
    with warehouse.connect(waiting.settings) as conn, pytest.raises(gate.GateClosed, match=BREACHES[breach]):
        judging.judge_waiting(conn, waiting.settings)
    assert by_name(waiting)["台账20200624.csv"]["outcome"] is None
    for table in ("raw.problem_versions", "quarantine.rejected_rows", "personal.original_rows", "ops.gate_results"):
        assert waiting.query(f"select 1 from {table}") == []


def test_what_waited_is_taken_once_the_gate_is_sound(waiting):
    waiting.ingest()
    row = by_name(waiting)["台账20200624.csv"]
    assert counts(row) == ("accepted_with_rejections", 3, 1, 2, 0)
    assert [entry["rule_id"] for entry in row["receipt"]["rejections"]] == ["R02", "P02", "P04"]


def test_every_evaluation_is_recorded(waiting):
    evaluated = waiting.query(
        "select rule_id, sum(rows_failed)::int as failed from ops.gate_results group by 1 having sum(rows_failed) > 0"
    )
    assert {row["rule_id"]: row["failed"] for row in evaluated} == {"R02": 1, "P02": 1, "P04": 1}
    expectations = load_expectations(waiting.settings)
    declared = gate.declared_expectations(expectations.ledgers["problems"], expectations)
    assert len(waiting.query("select 1 from ops.gate_results")) == len(declared)
