"""Files made to do harm cost their sender an answer and nobody else anything: each has its rule, in time, and its neighbours are taken.

What each costs exactly is measured by bench/hostile.py; here only gross excess fails, for a test runs on whatever machine there is.
"""

from __future__ import annotations

import os
import random
import re
import time
import zipfile
from datetime import UTC, datetime

import openpyxl
import pytest

from duban.intake.sandbox import Sandbox
from duban.ledgers import Column
from duban.quality import judging, returns
from duban.quality.hints import hint
from duban.warehouse import Claim
from tests.bad_input.hostile_files import HOSTILE, ledger, old_ledger
from tests.bad_input.measuring import watched_ingest
from tests.conftest import open_office
from tests.integration.ledgers import OFFICE, OTHER, TOWNSHIP, problem, problems_csv, problems_xlsx

FILES = [hostile for hostile in HOSTILE if not hostile.is_slow]
SECONDS, MEGABYTES = 20, 1024
NEIGHBOURS = {OTHER: problems_xlsx, OFFICE: problems_csv}


@pytest.fixture(scope="module")
def dropped(server, tmp_path_factory):
    """All of them in one drop, a file of two other units after each; and what reading them and writing their slips has cost."""
    with open_office(server, tmp_path_factory.mktemp("hostile") / "home") as office:
        for number, hostile in enumerate(FILES):
            paths = [office.drop(TOWNSHIP, hostile.file_name, hostile.make())]
            paths += [
                office.drop(unit, f"邻-{hostile.name}-20200624", write(problem(f"{hostile.name}-{unit}")))
                for unit, write in NEIGHBOURS.items()
            ]
            for place, path in enumerate(paths):
                os.utime(path, (1_600_000_000 + 10 * number + place,) * 2)
        # What each costs is asserted in processor time; the clock on the wall is that of a machine that may be busy.
        with pytest.MonkeyPatch.context() as patch, watched_ingest() as costs:
            patch.setattr(judging, "seconds_to_read", lambda size: 300.0)
            patch.setattr(returns, "SECONDS_PER_SLIP", 300.0)
            office.ingest()
        yield office, costs


def submission(office, unit: str, name: str) -> dict:
    """The line of a file in ops.submissions."""
    [sent] = office.query("select * from ops.submissions where (unit_code, file_name) = (%s, %s)", [unit, name])
    return sent


@pytest.mark.parametrize("hostile", FILES, ids=lambda hostile: hostile.name)
def test_the_file_has_its_rule_and_its_sender_an_answer(dropped, hostile):
    office, _ = dropped
    sent = submission(office, TOWNSHIP, hostile.file_name)
    rejected = sent["receipt"]["rejections"]
    assert {entry["rule_id"] for entry in rejected} == set(hostile.rules)
    file_rules = {rule for rule in hostile.rules if rule.startswith("S")}
    assert not file_rules or (sent["outcome"], sent["accepted_count"]) == ("rejected", 0)
    if not hostile.rules:
        assert sent["outcome"] == "accepted"
        return
    said = [entry["reason"] + entry["how_to_fix"] for entry in rejected]
    assert any(hostile.says in text for text in said)
    assert all(re.search("请", text) and len(re.findall("[\u4e00-\u9fff]", text)) >= 9 for text in said)
    if hostile.cell:
        assert hostile.cell in {entry["cell"] for entry in rejected}


@pytest.mark.parametrize("hostile", FILES, ids=lambda hostile: hostile.name)
def test_reading_it_and_writing_its_slip_stay_within_bounds(dropped, hostile):
    office, costs = dropped
    sent = submission(office, TOWNSHIP, hostile.file_name)
    reading = costs["reading"][sent["file_sha256"]]
    assert reading.cpu_seconds < SECONDS and reading.megabytes < MEGABYTES
    if hostile.rules:
        slip = costs["slip"][sent["file_sha256"]]
        assert slip.cpu_seconds < SECONDS and slip.megabytes < MEGABYTES
        [path] = office.returned(TOWNSHIP, sent["submission_id"]).glob("*.xlsx")
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None


@pytest.mark.parametrize("hostile", FILES, ids=lambda hostile: hostile.name)
def test_its_neighbours_are_taken(dropped, hostile):
    office, _ = dropped
    for unit in NEIGHBOURS:
        sent = submission(office, unit, f"邻-{hostile.name}-20200624")
        assert (sent["outcome"], sent["receipt"]["rejections"], sent["receipt"]["findings"]) == ("accepted", [], [])


def test_no_child_had_to_die_for_it(dropped):
    """What is refused is refused by counting, and not by running out of memory or time."""
    office, _ = dropped
    said = office.query(
        "select reason from quarantine.rejected_rows where reason like '%%意外中止%%' or reason like '%%内存%%' or reason like '%%秒内%%'"
    )
    assert said == []


def test_the_slip_of_a_merge_over_everything_marks_the_row(dropped):
    office, _ = dropped
    [hostile] = [hostile for hostile in FILES if hostile.name == "merged-much"]
    sent = submission(office, TOWNSHIP, hostile.file_name)
    [path] = office.returned(TOWNSHIP, sent["submission_id"]).glob("*.xlsx")
    sheet = openpyxl.load_workbook(path, read_only=True)["问题台账"]
    [cell] = [cell for row in sheet.iter_rows(min_row=3, max_row=3) for cell in row if cell.value == "六月"]
    assert cell.fill.fgColor.rgb == "FFFFC7CE"


def test_a_hint_about_a_long_text_is_found_at_once():
    """Hints are looked for by the pipeline itself, outside the sandbox and its limits."""
    column, text = Column("description", "问题描述", "text", is_required=False), "漏1" * 16_000
    began = time.process_time()
    assert hint(column, text, "R10") == "超过三万个字"
    assert time.process_time() - began < 2


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
