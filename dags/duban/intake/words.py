"""Text compared and text shown: folding for comparison, masking for everybody but the sender."""

from __future__ import annotations

import re
import unicodedata

_SPACE = re.compile(r"[\s\u200b-\u200f\u2060\ufeff]+")
# 18 digits (the last may be X), the 15 digits of old numbers, and mobile numbers; none of them inside a longer run of digits.
_ID_NUMBER = re.compile(r"(?<![0-9])([0-9]{4})[0-9]{7,10}([0-9]{3}[0-9Xx])(?![0-9])")
_PHONE = re.compile(r"(?<![0-9])(1[3-9][0-9])[0-9]{4}([0-9]{4})(?![0-9])")


def fold(text: str) -> str:
    """Text as headers, sheet names, keys and vocabulary are compared: NFKC, no white space, no zero-width characters."""
    return _SPACE.sub("", unicodedata.normalize("NFKC", text))


def mask_text(text: str) -> str:
    """Free text with identity and phone numbers masked: `4309********1234`, `138****5678`."""
    masked = _ID_NUMBER.sub(lambda m: m[1] + "*" * (len(m[0]) - 8) + m[2], text)
    return _PHONE.sub(r"\1****\2", masked)


def mask_name(text: str) -> str:
    """A person's name as others may see it: the first character, then stars."""
    return text[:1] + "*" * (len(text) - 1)


def mask_id_number(text: str) -> str:
    """An identity number, right or wrong, as others may see it: first and last four characters when it is long, else the first two."""
    kept = 4 if len(text) >= 15 else 0
    return text[:kept] + "*" * (len(text) - 2 * kept) + text[len(text) - kept :] if kept else text[:2] + "*" * max(0, len(text) - 2)
