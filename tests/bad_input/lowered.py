"""The limits of intake, so low that a small and harmless file goes beyond them: a guard for a gigabyte shows itself at some kilobytes.

The guards, their order and their words are the product's own; only the numbers are these. Children of a `LoweredSandbox` work under them.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from duban.intake import limits
from duban.intake.sandbox import Handler, Sandbox

KB = 1 << 10
LOWERED = {
    "duban.intake.limits": {
        "MAX_BYTES": 1500 * KB,
        "MAX_ROWS": 2_000,
        "MAX_COLUMNS": 40,
        "MAX_CELLS": 30_000,
        "MAX_MERGED_CELLS": 2_000,
        "MAX_SHEETS": 20,
        "MAX_FILLED_ROWS": 300,
        "MAX_FILLED_CELLS": 3_000,
        "MAX_INFLATED": 1000 * KB,
        "MAX_ENTRIES": 40,
        "MAX_PART_READ_WHOLE": 32 * KB,
        "MAX_STRINGS": 1_000,
        "MAX_STRING_BYTES": 256 * KB,
        "MAX_CHARACTERS": 100_000,
        "MAX_MARKS": 100,
        "MAX_TOKEN": 64 * KB,
        "MAX_RUN_OF_TEXT": 200 * KB,
        "MAX_RECORDS": 5_000,
        "MAX_FORMATS": 100,
        "MAX_RATIO": 20,
        "RATIO_MATTERS_FROM": 400 * KB,
    },
    "duban.intake.csv_file": {"MAX_LINES_OF_RECORD": 200, "SEARCHED_ANYWAY": KB, "MAX_FIELDS": 1_000},
    "duban.intake.workbook_xml": {"_CHUNK": 16 * KB},
    "duban.quality.return_slip": {
        "MAX_FORMATTED": 64 * KB,
        "MAX_STYLES": 8 * KB,
        "MAX_MERGED_AREAS": 20,
        "MAX_SHEETS": 5,
        "MAX_CELLS": 500,
    },
}


class LoweredSandbox(Sandbox):
    """A sandbox whose children work under the lowered limits."""

    def __init__(self, module: str, known: Sequence[Path] = (), children: int = 2):
        super().__init__(__name__, (Path(module), *known), children)


def lower(patch: pytest.MonkeyPatch) -> None:
    """Lower the limits in this process too."""
    for module, values in LOWERED.items():
        for name, value in values.items():
            patch.setattr(f"{module}.{name}", value)


def prepare(module: str, *known: str) -> Handler:
    """The handler of another module, in a process of which all limits are these."""
    for owner, numbers in LOWERED.items():
        vars(importlib.import_module(owner)).update(numbers)
    assert LOWERED["duban.intake.limits"]["MAX_SHEETS"] == limits.MAX_SHEETS
    return importlib.import_module(module).prepare(*known)
