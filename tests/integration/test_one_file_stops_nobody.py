"""A file that is odd beyond what anybody foresaw has an outcome of its own and delays no other sender."""

from __future__ import annotations

import os

import openpyxl
import pytest
from openpyxl.workbook.defined_name import DefinedName

from duban.intake import values
from duban.orchestration import steps
from duban.quality import gate, judging
from tests.conftest import csv_bytes, xlsx_bytes
from tests.integration.ledgers import FUND_HEADER, OTHER, PROBLEM_HEADER, TOWNSHIP, counts, problem, problems_csv, problems_xlsx


def outcome_of(office, name: str) -> dict:
    """The submission of a file, with its rules."""
    [row] = office.query("select * from ops.submissions where file_name = %s", [name])
    rules = office.query(
        "select rule_id from quarantine.rejected_rows where submission_id = %s order by row_no, rule_id", [row["submission_id"]]
    )
    return {**row, "rules": [entry["rule_id"] for entry in rules]}


def test_numbers_and_characters_no_reader_expects(office):
    funds = [["1", "省级", "支出", "1" * 27, "2020-06-04", "XM"], ["2", "省级", "支出", 1e30, "2020-06-04", "XM"]]
    office.drop(OTHER, "数20200624.csv", csv_bytes([FUND_HEADER, *funds]))
    office.drop(OTHER, "数x20200624.xlsx", xlsx_bytes({"资金台账": [FUND_HEADER, *funds]}))
    office.drop(OTHER, "空20200624.xlsx", problems_xlsx(problem("N-1", 乡镇="迎风_x0000_桥镇"), problem("N-2", 乡镇="迎_x0000_风桥镇")))
    office.drop(OTHER, "长20200624.xlsx", problems_xlsx(problem(2020062400010001.0), problem(2020062400010002.0)))
    office.drop(TOWNSHIP, "好20200624.csv", problems_csv(problem("好-1")))
    office.ingest()
    assert outcome_of(office, "好20200624.csv")["outcome"] == "accepted"
    assert outcome_of(office, "数20200624.csv")["rules"] == ["R03", "R03"]
    assert outcome_of(office, "数x20200624.xlsx")["rules"] == ["R03", "R03"]
    assert outcome_of(office, "空20200624.xlsx")["rules"] == ["R10", "R10"]
    assert outcome_of(office, "长20200624.xlsx")["rules"] == ["R10", "R10"]


def test_a_file_on_which_the_program_fails_is_sent_back_alone(office, monkeypatch):
    type_rows = judging.type_rows

    def fails_on_one(submission_id, table, *rest):
        if table.rows[0].cells["problem_no"] == "坏-1":
            raise ZeroDivisionError("户主姓名 王小明")
        return type_rows(submission_id, table, *rest)

    monkeypatch.setattr(judging, "type_rows", fails_on_one)
    office.drop(TOWNSHIP, "坏20200624.csv", problems_csv(problem("坏-1")))
    office.drop(OTHER, "好20200624.csv", problems_csv(problem("好-1")))
    office.ingest()
    assert outcome_of(office, "好20200624.csv")["outcome"] == "accepted"
    bad = outcome_of(office, "坏20200624.csv")
    assert (bad["outcome"], bad["rules"]) == ("rejected", ["S01"])
    assert (office.returned(TOWNSHIP, bad["submission_id"]) / "receipt.json").exists()


def test_the_bad_ones_among_many_are_found_by_halving(office, monkeypatch):
    type_rows, judge_round, rounds = judging.type_rows, judging._judge_round, []

    def fails_on_some(submission_id, table, *rest):
        if table.rows[0].cells["problem_no"] in {"多-03", "多-17"}:
            raise ZeroDivisionError
        return type_rows(submission_id, table, *rest)

    def counted(conn, files, expectations):
        rounds.append(len(files))
        return judge_round(conn, files, expectations)

    monkeypatch.setattr(judging, "type_rows", fails_on_some)
    monkeypatch.setattr(judging, "_judge_round", counted)
    for number in range(32):
        office.drop(TOWNSHIP, f"{number:02}20200624.csv", problems_csv(problem(f"多-{number:02}")))
    office.ingest()
    assert len(rounds) < 22 and rounds[0] == 32
    rejected = office.query("select file_name from ops.submissions where outcome = 'rejected' order by 1")
    assert [row["file_name"] for row in rejected] == ["0320200624.csv", "1720200624.csv"]
    assert len(office.query("select problem_no from raw.problem_versions")) == 30


def test_a_slip_judged_twice_is_counted_once(office, monkeypatch):
    """A corrected slip shares its round with a file on which the program fails, and is judged again without it."""
    first = office.send(TOWNSHIP, "台账20200624.xlsx", problems_xlsx(problem("次-1"), problem("次-2", 责任领导="")))
    [path] = office.returned(TOWNSHIP, first["submission_id"]).glob("*.xlsx")
    slip = openpyxl.load_workbook(path)
    slip["问题台账"].cell(3, PROBLEM_HEADER.index("责任领导") + 1).value = "张三"
    slip.save(path)
    type_rows = judging.type_rows

    def fails_on_one(submission_id, table, *rest):
        if table.rows[0].cells["problem_no"] == "坏-1":
            raise ZeroDivisionError
        return type_rows(submission_id, table, *rest)

    monkeypatch.setattr(judging, "type_rows", fails_on_one)
    for number, (unit, name, content) in enumerate(
        [(TOWNSHIP, "改好.xlsx", path.read_bytes()), (OTHER, "坏20200624.csv", problems_csv(problem("坏-1")))]
    ):
        os.utime(office.drop(unit, name, content), (1_600_000_000 + number,) * 2)
    office.ingest()
    assert counts(outcome_of(office, "改好.xlsx")) == ("accepted", 2, 1, 0, 1)
    assert outcome_of(office, "坏20200624.csv")["rules"] == ["S01"]


def test_a_round_has_an_end(office, monkeypatch):
    monkeypatch.setattr(judging, "ROWS_IN_ROUND", 4)
    for number in range(5):
        rows = [problem(f"轮-{number}-{row}") for row in range(6 if number == 2 else 2)]
        os.utime(office.drop(TOWNSHIP, f"{number}20200624.csv", problems_csv(*rows)), (1_600_000_000 + number,) * 2)
    office.ingest()
    rounds = office.query("select rows_evaluated from ops.gate_results where rule_id = 'R01' order by gate_result_id")
    assert [row["rows_evaluated"] for row in rounds] == [4, 6, 4]
    arrivals = office.query("select received_at from ops.submissions order by file_name")
    assert sorted({row["received_at"] for row in arrivals}) == [row["received_at"] for row in arrivals]


def test_a_rule_that_great_expectations_does_not_know_closes_the_gate(office, monkeypatch):
    declared = gate.declared_expectations

    def misspelt(ledger, expectations):
        entries = declared(ledger, expectations)
        wrong = gate.Declared("P99", "status", "", "", {"type": "expect_column_values_to_not_mach_regex", "column": "status"}, None)
        return [*entries, wrong]

    monkeypatch.setattr(steps, "load_settings", lambda: office.settings)
    office.drop(TOWNSHIP, "一20200624.csv", problems_csv(problem("一-1")))
    with monkeypatch.context() as patch:
        patch.setattr(gate, "declared_expectations", misspelt)
        assert steps.judge_and_load() == (0, [])
        with pytest.raises(RuntimeError, match="the gate is closed"):
            steps.write_returns()
        assert office.query("select outcome from ops.submissions") == [{"outcome": None}]
    assert steps.judge_and_load()[0] == 1
    assert steps.write_returns() == 1


def test_thousands_of_errors_are_kept_and_a_receipt_stays_small(office):
    rows = [problem(f"K{number}", 发现日期="", 责任领导="") for number in range(1500)]
    sent = office.send(TOWNSHIP, "拖20200624.csv", problems_csv(*rows))
    [kept] = office.query("select count(*) as lines, count(distinct row_no) as rows from quarantine.rejected_rows")
    assert (sent["rejected_count"], kept["rows"]) == (1500, 1500) and kept["lines"] > 2000
    receipt = office.receipt(TOWNSHIP, sent["submission_id"])
    assert len(receipt["rejections"]) + receipt["rejections_not_listed"] == kept["lines"] and len(receipt["rejections"]) == 2000
    [slip] = office.returned(TOWNSHIP, sent["submission_id"]).glob("*.xlsx")
    texts = [cell.value for row in openpyxl.load_workbook(slip)["退回说明"].iter_rows() for cell in row if cell.value]
    assert any(str(receipt["rejections_not_listed"]) in str(text) for text in texts)


def test_an_open_quote_swallows_no_rows(office):
    text = problems_csv(problem("q-1"), problem("q-2"), problem("q-3")).decode().replace("屋顶漏雨未修", '"屋顶漏雨未修', 1)
    sent = office.send(TOWNSHIP, "引号20200624.csv", text.encode())
    assert (sent["outcome"], sent["accepted_count"], sent["rejected_count"]) == ("accepted_with_rejections", 2, 1)
    assert office.rejections(sent["submission_id"]) == [(2, "R11", "问题编号", "A2")]


@pytest.mark.parametrize("line", ["单位：千元", "单位：元坝镇", "单位：亿元"])
def test_a_unit_is_a_word_of_its_own(shared_office, line):
    header = ["金额" if title == "金额(万元)" else title for title in FUND_HEADER]
    rows = [[line], header, ["u-1", "省级", "支出", "5", "2020-06-04", "XM"]]
    sent = shared_office.send(TOWNSHIP, f"{line}20200624.csv", csv_bytes(rows))
    assert outcome_of(shared_office, sent["file_name"])["rules"] == ["S05"]


def test_what_is_no_table_is_not_quoted(office):
    sent = office.send(TOWNSHIP, "无表头20200624.csv", csv_bytes([["王小明", "430902199001010000", "屋顶漏雨"]]))
    [row] = office.query("select reason, value_masked from quarantine.rejected_rows")
    assert sent["outcome"] == "rejected" and "王小明" not in f"{row} {sent['receipt']}"


def test_a_slip_carries_no_names_that_act(office):
    def arm(workbook):
        workbook["问题台账"].defined_names["_xlnm.Auto_Open"] = DefinedName(
            "_xlnm.Auto_Open", attr_text='WEBSERVICE("http://example.invalid/")'
        )

    content = xlsx_bytes({"问题台账": [PROBLEM_HEADER, problem("s-1", 责任领导="")]}, arm)
    sent = office.send(TOWNSHIP, "名20200624.xlsx", content)
    [slip] = office.returned(TOWNSHIP, sent["submission_id"]).glob("*.xlsx")
    workbook = openpyxl.load_workbook(slip)
    assert [name for sheet in workbook for name in sheet.defined_names] == [] and not list(workbook.defined_names)


def test_control_characters_are_no_evidence(office):
    from duban.ledgers import Column, load_expectations

    context = values.CellContext(None, load_expectations(office.settings).words)
    assert values.read_cell("\x01", Column("evidence", "印证资料", "text", False), context) == values.BLANK


def test_thousands_of_reminders_are_kept_and_a_receipt_stays_small(office):
    totals = [["小计", "", "", "7"] for _ in range(2100)]
    office.drop(TOWNSHIP, "计20200624.csv", csv_bytes([FUND_HEADER, ["M-1", "省级", "支出", "1", "2020-06-04", "XM-1"], *totals]))
    office.drop(TOWNSHIP, "错20200624.csv", csv_bytes([FUND_HEADER, ["M-2", "省级", "支出", "一", "2020-06-04", "XM-1"], *totals]))
    office.ingest()
    for name in ("计20200624.csv", "错20200624.csv"):
        sent = outcome_of(office, name)
        receipt = office.receipt(TOWNSHIP, sent["submission_id"])
        assert (len(receipt["findings"]), receipt["findings_not_listed"]) == (2000, 100)
    [slip] = office.returned(TOWNSHIP, sent["submission_id"]).glob("*.xlsx")
    texts = [str(cell.value) for row in openpyxl.load_workbook(slip)["退回说明"].iter_rows() for cell in row if cell.value]
    assert sum(text == "提醒" for text in texts) == 2000 and any("另有 100 条提醒" in text for text in texts)
