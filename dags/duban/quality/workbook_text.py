"""Text in the cells of a workbook that Duban writes: it stays text, whatever it begins with."""

from __future__ import annotations

import re

from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell

MAX_CELL = 32_767
_ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")


def set_text(cell: Cell, text: str) -> None:
    """Text stays text, whatever it begins with; characters a workbook cannot hold become visible."""
    text = ILLEGAL_CHARACTERS_RE.sub("\ufffd", text)[:MAX_CELL]
    cell.value = text
    cell.data_type = "s"  # openpyxl takes a leading = for a formula and #N/A for an error
    if text.startswith(("=", "+", "-", "@")):
        cell.quotePrefix = True  # a clerk who edits the cell does not turn it into a formula either


def escaped(text: str) -> str:
    """Text in a workbook's own notation: read back it is the same, also where it holds a carriage return or looks like one (`_x000D_`)."""
    return _ESCAPE.sub("_x005F_", text).replace("\r", "_x000D_")
