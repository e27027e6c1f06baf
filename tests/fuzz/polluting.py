"""Right files made wrong: one to three defects of the catalogue per file, on one row or on several."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from random import Random

from tests.fuzz.defects import CATALOGUE, Defect, NotPossible, senders_of
from tests.fuzz.ledgers import Break, LedgerFile, Row, Sender, Sheet, clean_file

_ORDER = {"row": 0, "sheet": 1, "cell": 2, "file": 3}


def polluted_file(seed: int, number: int, wanted: Sequence[Defect]) -> LedgerFile:
    """A file with the first defect that is wanted, and up to two more: wanted ones that fit, else any of the catalogue."""
    rng = Random(seed)
    for _ in range(50):
        first = wanted[0]
        sender, kind = rng.choice(senders_of(first)), rng.choice(first.kinds)
        file = clean_file(rng, number, sender, kind, rng.choice([ledger for ledger in sender.ledgers if ledger in first.ledgers]))
        if not first.fits(file):
            continue
        chosen, count = [first], rng.randint(1, 3)
        for defect in [*wanted[1:], *rng.sample(CATALOGUE, 12)]:
            hiders = [other for other in _hiders(chosen[-1]) if other.fits(file)]
            if len(chosen) < count and hiders and rng.random() < 0.5:
                chosen.append(rng.choice(hiders))
            elif len(chosen) < count and defect.fits(file) and defect not in chosen and "file" not in {defect.scope, first.scope}:
                chosen.append(defect)
        for defect in sorted(chosen, key=lambda entry: _ORDER[entry.scope]):
            pollute(rng, file, defect)
        if first.name in file.defects:
            return file
    raise AssertionError(f"no file can have the defect {wanted[0].name!r}")


def file_with(number: int, sender: Sender, kind: str, ledger: str, names: Sequence[str]) -> LedgerFile:
    """A file with exactly these defects; those of cells stand on one row."""
    defects = [next(defect for defect in CATALOGUE if defect.name == name) for name in names]
    for seed in range(1000):
        rng = Random(seed)
        file = clean_file(rng, number, sender, kind, ledger)
        for defect in sorted(defects, key=lambda entry: _ORDER[entry.scope]):
            if defect.fits(file):
                pollute(rng, file, defect)
        of_cells = {defect.title for defect in defects if defect.scope == "cell"}
        if set(file.defects) == set(names) and any(of_cells <= row.spoiled for row in file.rows):
            return file
    raise AssertionError(f"no file can have {names} together")


def _hiders(defect: Defect) -> list[Defect]:
    """Defects that make a cell unreadable which the rule of this one needs: it is told only when that cell is right again."""
    needs = defect.needs - {defect.title}
    return [other for other in CATALOGUE if other.title in needs and Break(other.rule, other.title).hides]


def polluted_files(seed: int, count: int = 0, first_number: int = 1) -> list[LedgerFile]:
    """At least so many files, and as many as it takes until every defect of the catalogue took part."""
    rng = Random(seed)
    files, waiting = [], rng.sample(CATALOGUE, len(CATALOGUE))
    while waiting or len(files) < count:
        waiting = waiting or rng.sample(CATALOGUE, len(CATALOGUE))
        file = polluted_file(rng.getrandbits(32), first_number + len(files), waiting)
        waiting = [defect for defect in waiting if defect.name not in file.defects]
        files.append(file)
    return files


def pollute(rng: Random, file: LedgerFile, defect: Defect) -> None:
    """Give a file one defect more, if it goes with those it has."""
    sheets = [sheet for sheet in file.sheets if sheet.ledger in defect.ledgers]
    sheet = rng.choice(sheets)
    try:
        if defect.scope in {"sheet", "file"}:
            defect.spoil(file, sheet, rng)
        elif not _spoil_row(rng, file, sheet, defect):
            return
    except NotPossible:
        return
    file.defects.append(defect.name)


def _spoil_row(rng: Random, file: LedgerFile, sheet: Sheet, defect: Defect) -> bool:
    rows = [row for row in sheet.rows if row.is_whole]
    fresh = [row for row in rows if not row.spoiled and not row.arranged]
    if defect.scope == "row":
        if len(fresh) < 2:
            return False
        defect.spoil(file, sheet, rng.choice(fresh), rng)
        return True
    taken = [row for row in rows if row not in fresh]
    hiding = [row for row in taken if defect.rule and any(defect.title in entry.needs for entry in row.breaks)]
    for row in [*hiding, *(rng.sample(taken, len(taken)) if rng.random() < 0.5 else []), *rng.sample(fresh, len(fresh))]:
        if _goes_with(file, sheet, row, defect):
            defect.spoil(file, sheet, row, rng)
            return True
    return False


def _goes_with(file: LedgerFile, sheet: Sheet, row: Row, defect: Defect) -> bool:
    """True when the row can have the defect besides those it has, and what is expected of it stays plain to see.

    A cell is changed once. A cell that another defect's rule needs may only become unreadable: that rule is then hidden behind it.
    """
    trial = copy.copy(row)
    trial.cells, trial.values, trial.right, trial.shown = dict(row.cells), dict(row.values), dict(row.right), dict(row.shown)
    trial.breaks, trial.arranged, trial.spoiled = [], set(), set()
    rows, position = sheet.rows, sheet.rows.index(row)
    sheet.rows = [*rows[:position], trial, *rows[position + 1 :]]
    try:
        defect.spoil(file, sheet, trial, Random(0))
    finally:
        sheet.rows = rows
    if any(title not in sheet.columns for title in trial.arranged | trial.spoiled):
        return False
    hidden = {entry.title for entry in trial.breaks if entry.hides}
    if trial.arranged & (row.arranged | row.spoiled) or trial.spoiled & row.spoiled or (trial.spoiled - hidden) & row.arranged:
        return False
    return _hides_only(row, trial) and _hides_only(trial, row)


def _hides_only(one: Row, other: Row) -> bool:
    """True when `one` changes nothing that a rule broken by `other` needs, except by making it unreadable."""
    needs = {title for entry in other.breaks for title in entry.needs}
    hidden = {entry.title for entry in one.breaks if entry.hides}
    return not (one.arranged & needs) and not ((one.spoiled - hidden) & needs)
