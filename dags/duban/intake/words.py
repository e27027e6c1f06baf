"""Text compared and text shown: folding for comparison, masking for everybody but the sender."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_SPACE = re.compile(r"[\s\u200b-\u200f\u2060\ufeff]+")
# Digits as clerks write them, full-width ones too. Contiguous: 15 to 18 of them (the last may be X) are an identity number, right or wrong.
_DIGIT = "[0-9０-９]"
_ID_NUMBER = re.compile(f"(?<!{_DIGIT}){_DIGIT}{{14,17}}[0-9０-９XxＸｘ](?!{_DIGIT})")
_PHONE = re.compile(f"(?<!{_DIGIT})[1１][3-9３-９]{_DIGIT}{{9}}(?!{_DIGIT})")
# In groups, as on a card (430902 19900101 1234, 138-1234-5678).
_GROUPED = re.compile(f"(?<!{_DIGIT}){_DIGIT}+(?:[ -]{_DIGIT}+)+[XxＸｘ]?(?!{_DIGIT})")


def fold(text: str) -> str:
    """Text as headers, sheet names, keys and vocabulary are compared: NFKC, no white space, no zero-width characters."""
    return _folded(text) if len(text) <= 64 else _folded.__wrapped__(text)


@lru_cache(maxsize=8192)  # of short texts: the words of a ledger repeat in every row
def _folded(text: str) -> str:
    return _SPACE.sub("", unicodedata.normalize("NFKC", text))


def visible(text: str) -> str:
    """The text with every character that cannot be seen, or turns others around, written out: `\\u202e`."""
    return "".join(c.encode("unicode_escape").decode() if unicodedata.category(c) in {"Cc", "Cf", "Zl", "Zp"} else c for c in text)


def mask_text(text: str) -> str:
    """Free text with identity and phone numbers masked: `4309**********1234`, `138****5678`."""
    text = _ID_NUMBER.sub(lambda match: _starred(match[0], 4), text)
    text = _PHONE.sub(lambda match: _starred(match[0], 3), text)
    return _GROUPED.sub(lambda match: _mask_grouped(match[0]), text)


def _mask_grouped(text: str) -> str:
    digits = re.sub("[ -]", "", text)
    if len(digits) in {15, 18}:
        return _starred(digits, 4)
    return _starred(digits, 3) if _PHONE.fullmatch(digits) else text


def _starred(text: str, kept: int) -> str:
    """The first `kept` characters and the last four, stars between them."""
    return text[:kept] + "*" * (len(text) - kept - 4) + text[-4:]


def mask_name(text: str) -> str:
    """A person's name as others may see it: the first character, then stars."""
    return text[:1] + "*" * (len(text) - 1)


def mask_id_number(text: str) -> str:
    """An identity number, right or wrong, as others may see it: first and last four characters when it is long, else the first two."""
    kept = 4 if len(text) >= 15 else 0
    return text[:kept] + "*" * (len(text) - 2 * kept) + text[len(text) - kept :] if kept else text[:2] + "*" * max(0, len(text) - 2)
