"""Files beyond the limits cost their sender an answer and nobody else anything: each has its rule, and its neighbours are taken.

The limits are lowered (`lowered.py`), the files small; the limits in force are compared with what the documentation promises.
"""

from __future__ import annotations

import io
import os
import random
import re
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pytest
from openpyxl.styles import PatternFill

from duban.intake import limits
from duban.intake.sandbox import Sandbox
from duban.ledgers import Column, Words, load_expectations
from duban.quality import judging, return_slip, returns
from duban.quality.hints import hint
from duban.warehouse.submissions import Claim
from tests.bad_input.excessive_files import EXCESSIVE, ledger, old_ledger
from tests.bad_input.lowered import KB, LoweredSandbox, lower
from tests.conftest import open_office, xlsx_bytes
from tests.integration.ledgers import OFFICE, OTHER, PROBLEM_HEADER, TOWNSHIP, problem, problems_csv, problems_xlsx

PROJECT = Path(__file__).parents[2]
NEIGHBOURS = {OTHER: problems_xlsx, OFFICE: problems_csv}


@pytest.fixture(scope="module")
def dropped(server, tmp_path_factory):
    """All of them in one drop, a file of two other units after each."""
    with open_office(server, tmp_path_factory.mktemp("excessive") / "home") as office:
        for number, file in enumerate(EXCESSIVE):
            paths = [office.drop(TOWNSHIP, file.file_name, file.content)]
            paths += [
                office.drop(unit, f"邻-{file.name}-20200624", write(problem(f"{file.name}-{unit}"))) for unit, write in NEIGHBOURS.items()
            ]
            for place, path in enumerate(paths):
                os.utime(path, (1_600_000_000 + 10 * number + place,) * 2)
        with pytest.MonkeyPatch.context() as patch:
            lower(patch)
            patch.chdir(PROJECT)  # where the children find the tests
            patch.setattr(judging, "Sandbox", LoweredSandbox)
            patch.setattr(returns, "Sandbox", LoweredSandbox)
            office.ingest()
        yield office


def submission(office, unit: str, name: str) -> dict:
    """The line of a file in ops.submissions."""
    [sent] = office.query("select * from ops.submissions where (unit_code, file_name) = (%s, %s)", [unit, name])
    return sent


@pytest.mark.parametrize("file", EXCESSIVE, ids=lambda file: file.name)
def test_the_file_has_its_rule_and_its_sender_an_answer(dropped, file):
    sent = submission(dropped, TOWNSHIP, file.file_name)
    rejected = sent["receipt"]["rejections"]
    assert {entry["rule_id"] for entry in rejected} == set(file.rules)
    file_rules = {rule for rule in file.rules if rule.startswith("S")}
    assert not file_rules or (sent["outcome"], sent["accepted_count"]) == ("rejected", 0)
    if not file.rules:
        assert sent["outcome"] == "accepted"
        return
    said = [entry["reason"] + entry["how_to_fix"] for entry in rejected]
    assert any(file.says in text for text in said)
    assert all(re.search("请", text) and len(re.findall("[\u4e00-\u9fff]", text)) >= 9 for text in said)
    if file.cell:
        assert file.cell in {entry["cell"] for entry in rejected}


@pytest.mark.parametrize("file", [file for file in EXCESSIVE if file.rules], ids=lambda file: file.name)
def test_its_slip_is_whole(dropped, file):
    [path] = dropped.returned(TOWNSHIP, submission(dropped, TOWNSHIP, file.file_name)["submission_id"]).glob("*.xlsx")
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None


@pytest.mark.parametrize("file", EXCESSIVE, ids=lambda file: file.name)
def test_its_neighbours_are_taken(dropped, file):
    for unit in NEIGHBOURS:
        sent = submission(dropped, unit, f"邻-{file.name}-20200624")
        assert (sent["outcome"], sent["receipt"]["rejections"], sent["receipt"]["findings"]) == ("accepted", [], [])


def test_no_child_had_to_die_for_it(dropped):
    """What is refused is refused by counting, and not by running out of memory or time."""
    said = dropped.query(
        "select reason from quarantine.rejected_rows where reason like '%%意外中止%%' or reason like '%%内存%%' or reason like '%%秒内%%'"
    )
    assert said == []


def test_the_slip_of_a_merge_over_everything_marks_the_row(dropped):
    sent = submission(dropped, TOWNSHIP, "merged-much-20200624.xlsx")
    [path] = dropped.returned(TOWNSHIP, sent["submission_id"]).glob("*.xlsx")
    sheet = openpyxl.load_workbook(path, read_only=True)["问题台账"]
    [cell] = [cell for row in sheet.iter_rows(min_row=3, max_row=3) for cell in row if cell.value == "六月"]
    assert cell.fill.fgColor.rgb == "FFFFC7CE"


@pytest.mark.parametrize("limit", ["MAX_FORMATTED", "MAX_STYLES", "MAX_MERGED_AREAS", "MAX_SHEETS", "MAX_CELLS"])
def test_a_slip_leaves_formatting_behind_where_there_is_too_much(dropped, monkeypatch, limit):
    """Below each limit a slip keeps the sender's formatting, beyond it the values alone."""

    def paint(workbook: openpyxl.Workbook) -> None:
        workbook["问题台账"]["A1"].fill = PatternFill("solid", start_color="FF00FF00")
        workbook["问题台账"].merge_cells("N1:O1")

    rows = [PROBLEM_HEADER, problem(f"S-{limit}", 发现日期="六月")]
    content = xlsx_bytes({"问题台账": rows, "说明": [["甲"]]}, paint)
    receipt = submission(dropped, TOWNSHIP, "merged-areas-with-slip-20200624.xlsx")["receipt"]
    receipt["rejections"] = [entry | {"row_no": 2, "cell": "E2"} for entry in receipt["rejections"]]
    expectations = load_expectations(dropped.settings)

    def painted() -> bool:
        slip = openpyxl.load_workbook(io.BytesIO(return_slip.write_slip(content, receipt, expectations)))
        assert slip["问题台账"]["E2"].fill.fgColor.rgb == "FFFFC7CE"
        return slip["问题台账"]["A1"].fill.fgColor.rgb == "FF00FF00"

    assert painted()
    # as many cells as there are is few enough to write them, too many to carry over how they look
    monkeypatch.setattr(return_slip, limit, {"MAX_MERGED_AREAS": 0, "MAX_SHEETS": 1, "MAX_CELLS": 25}.get(limit, KB))
    assert not painted()


def test_a_long_text_has_a_hint():
    """Hints are looked for by the pipeline itself, outside the sandbox and its limits."""
    no_words = Words(frozenset(), frozenset(), re.compile("(?!)"))
    column, text = Column("description", "问题描述", "text", is_required=False), "漏1" * 16_000
    assert hint(column, text, "R10", no_words) == "超过三万个字"


def mutations(content: bytes, count: int) -> list[bytes]:
    """The file cut off, and with bytes turned, at places that are the same in every run."""
    chosen = random.Random(20200624)
    cut = [content[: len(content) * number // 20] for number in range(20)]
    turned = []
    for _ in range(count):
        copy = bytearray(content)
        for _ in range(chosen.choice((1, 3, 30))):
            copy[chosen.randrange(len(copy))] ^= 1 << chosen.randrange(8)
        turned.append(bytes(copy))
    return cut + turned


@pytest.mark.parametrize("kind", ["xlsx", "xls"])
def test_a_file_cut_off_or_with_bytes_turned_is_read_or_refused(server, tmp_path, kind):
    content = {"xlsx": ledger, "xls": old_ledger}[kind]()
    jobs = []
    for number, mutation in enumerate(mutations(content, 150)):
        path = tmp_path / str(number)
        path.write_bytes(mutation)
        claim = Claim("", "430902", TOWNSHIP, "township", "迎风桥镇", f"台账20200624.{kind}", "", len(mutation), 0, datetime.now(UTC))
        jobs.append(judging._job(claim, path))
    with Sandbox("duban.intake.reader", (server.settings.expectations, server.settings.seeds)) as sandbox:
        answers = list(sandbox.map(jobs))
    for number, answer in enumerate(answers):
        assert isinstance(answer, dict), (number, str(answer))
        assert all(fault["rule_id"] in {"S01", "S02", "S03", "S04", "S07", "S10"} for fault in answer["faults"]), number
    assert sum(bool(answer["faults"]) for answer in answers) > 20


def test_the_limits_in_force_are_those_that_are_promised():
    promised = (PROJECT / "docs" / "rules.md").read_text(encoding="utf-8")
    line = " ".join(promised.partition("* Limits (`S10`)")[2].partition("\n* ")[0].split())
    said = [f"{limits.MAX_BYTES >> 20} MB", f"{limits.MAX_ROWS:,} rows", f"{limits.MAX_COLUMNS} columns"]
    said += [
        f"{limits.MAX_FILLED_ROWS:,} rows",
        f"{limits.MAX_FILLED_CELLS // 10**6} million cells",
        f"{limits.MAX_CELLS // 10**6} million",
    ]
    said += [f"{limits.MAX_MERGED_CELLS:,} merged", f"{limits.MAX_SHEETS:,} sheets", f"{limits.MAX_INFLATED >> 30} GB"]
    assert [text for text in said if text not in line] == []
    assert (limits.seconds_to_read(0), limits.seconds_to_read(limits.MAX_BYTES)) == (8.0, 60.0)
