"""Right ledgers, polluted by one to three defects of the catalogue: each file has exactly the outcome that the catalogue says it deserves.

Compared are, per file: outcome and counts, every message with its address, rule and quoted value, findings, the rows of the raw tables
value by value, the rows kept as written, and 分 of money: read = accepted + rejected + ignored.
"""

from __future__ import annotations

from tests.fuzz.defects import CATALOGUE
from tests.fuzz.ledgers import SENDERS
from tests.fuzz.outcomes import differences
from tests.fuzz.slips import sent_cells, slip_differences, slip_of


def complaints(files, say) -> list[str]:
    return [f"{file.sender.code} {file.name} {file.defects}: {said}" for file in files for said in say(file)]


def test_every_defect_took_part(drop):
    assert {name for file in drop.polluted for name in file.defects} == {defect.name for defect in CATALOGUE}
    rules = {fault[0] for file in drop.polluted for fault in file.faults}
    rules |= {entry.rule for file in drop.polluted for row in file.rows for entry in row.breaks}
    ledgers = {"R": 11, "P": 12, "F": 5, "J": 7, "V": 3, "S": 10}
    assert rules == {f"{letter}{number:02d}" for letter, count in ledgers.items() for number in range(1, count + 1)}


def test_right_files_are_taken_whole(drop):
    assert {file.sender for file in drop.right} == set(SENDERS)
    assert complaints(drop.right, lambda file: differences(file, drop.results)) == []
    assert {drop.results.submissions[file.sender.code, file.name]["outcome"] for file in drop.right} == {"accepted"}


def test_polluted_files_have_the_outcome_they_deserve(drop):
    assert complaints(drop.polluted, lambda file: differences(file, drop.results)) == []


def test_slips_show_what_was_sent_and_mark_what_is_told(drop):
    def say(file):
        submission = drop.results.submissions[file.sender.code, file.name]
        rejections = drop.results.rejections[submission["submission_id"]]
        folder = drop.office.returned(file.sender.code, submission["submission_id"])
        if drop.office.receipt(file.sender.code, submission["submission_id"]) != submission["receipt"]:
            yield "the receipt in the outbox is not that of the warehouse"
        if bool(list(folder.glob("*.xlsx"))) != bool(rejections):
            yield "there is a slip and nothing was sent back, or the other way round"
        if rejections:
            slip = slip_of(drop.office, file.sender.code, submission["submission_id"])
            yield from slip_differences(file, slip, sent_cells(file), rejections, submission["receipt"])

    assert complaints((*drop.right, *drop.polluted), say) == []
