"""Text in the cells of a workbook that Duban writes: it stays text, whatever it begins with."""

from __future__ import annotations

import re

from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell

MAX_CELL = 32_767
# What XML cannot hold: openpyxl's own pattern knows the control characters, and a workbook with one of these opens nowhere.
_UNFIT = re.compile(f"{ILLEGAL_CHARACTERS_RE.pattern}|[\ud800-\udfff\ufffe\uffff]")
_ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f]")


def set_text(cell: Cell, text: str) -> None:
    """Text stays text, whatever it begins with; characters a workbook cannot hold become visible."""
    text = fit(text)[:MAX_CELL]
    cell.value = text
    cell.data_type = "s"  # openpyxl takes a leading = for a formula and #N/A for an error
    if text.startswith(("=", "+", "-", "@")):
        cell.quotePrefix = True  # a clerk who edits the cell does not turn it into a formula either


def fit(text: str) -> str:
    """The text with U+FFFD for every character that a workbook cannot hold."""
    return _UNFIT.sub("\ufffd", text)


def escaped(text: str) -> str:
    """Text in a workbook's own notation: read back it is the same, also where it holds control characters or looks like one (`_x000D_`)."""
    return _CONTROL.sub(lambda match: f"_x{ord(match[0]):04X}_", _ESCAPE.sub("_x005F_", text))
