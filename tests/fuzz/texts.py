"""What the cells of a CSV must hold: every character of its text that is no mark, quote, separator or line end, in order."""

from __future__ import annotations

import re

from duban.intake.cells import Document, display

GLUE = re.compile('[",;\t，\r\n]')
# Where the standards of GB18030 differ, a character may have another code.
_MOVED = re.compile("[\ue000-\uf8ff\u1e3f\u9fb4-\u9fbb\ufe10-\ufe19\U00020087-\U0002298f]")


def lost_characters(document: Document, data: bytes) -> str | None:
    """Which characters are not in the cells, or are there and were not in the file; None when it is as it must be."""
    text = data.decode(document.encoding).replace("\x00", "\x01")
    if not text.strip():
        return None
    held = "".join(display(cell) for sheet in document.sheets for row in sheet.rows for cell in row)
    wanted, found = (_MOVED.sub("", GLUE.sub("", part)) for part in (text, held))
    if wanted == found:
        return None
    at = next((at for at, (one, other) in enumerate(zip(wanted, found, strict=False)) if one != other), min(len(wanted), len(found)))
    return f"{len(wanted)} characters were sent, {len(found)} are held; they part at {wanted[at : at + 20]!r} / {found[at : at + 20]!r}"
