"""Slips of polluted files, corrected in exactly the cells that are told and sent back, until everything is taken.

What is told of a correction is only what could not be seen before. In the end the warehouse holds each row once, with the values of the
right file and the report date of the first one.
"""

from __future__ import annotations

import copy
import shutil
import subprocess

import pytest

from tests.fuzz.ledgers import PROBLEMS, TEXTS, XLSX
from tests.fuzz.slips import can_be_corrected, correct_all, start

CHAINS = 20


def chosen(drop, count):
    """Files to correct: those that are always looked at, then those that add most rules not seen yet."""
    waiting = [copy.deepcopy(file) for file in drop.polluted if can_be_corrected(file)]
    files = [file for file in waiting if file.number in {always.number for always in drop.chosen}]
    seen = {rule for file in files for rule in rules_of(file)}
    while len(files) < count:
        best = max((file for file in waiting if file not in files), key=lambda file: len(rules_of(file) - seen))
        files.append(best)
        seen |= rules_of(best)
    return files


def rules_of(file):
    return {fault[0] for fault in file.faults} or {(entry.rule, file.kind in TEXTS) for row in file.rows for entry in row.breaks}


def test_correcting_what_is_told_is_enough(drop):
    files = chosen(drop, CHAINS)
    chains = [start(file, drop.results) for file in files]
    assert list(correct_all(drop.office, chains)) == []
    assert sum(len(chain.submissions) > 2 for chain in chains) >= 3, "no rules came to light behind others"


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed: slips are not saved by another program")
@pytest.mark.parametrize("extension", ["xlsx", "xls"])
def test_a_slip_corrected_in_libreoffice_is_taken(drop, tmp_path, extension):
    kind = XLSX if extension == "xlsx" else "utf-8"
    file = next(
        file
        for file in map(copy.deepcopy, drop.polluted)
        if file.kind == kind
        and not file.faults
        and PROBLEMS in [sheet.ledger for sheet in file.sheets]
        and sum(bool(row.told) for row in file.rows) > 1
    )

    def save_in_libreoffice(content: bytes) -> bytes:
        source, target = tmp_path / "in" / "slip.xlsx", tmp_path / "out"
        source.parent.mkdir(exist_ok=True)
        source.write_bytes(content)
        profile = f"-env:UserInstallation=file://{tmp_path / 'profile'}"
        command = ["soffice", profile, "--headless", "--convert-to", extension, "--outdir", str(target), str(source)]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        return (target / f"slip.{extension}").read_bytes()

    assert list(correct_all(drop.office, [start(file, drop.results)], save_in_libreoffice, extension)) == []
