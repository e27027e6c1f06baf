"""What PostgreSQL can store of the texts that senders write."""

from __future__ import annotations

import json
from typing import Any

_ENCODER = json.JSONEncoder(ensure_ascii=False)


def is_storable(text: str) -> bool:
    """True for what PostgreSQL can store as it is, as nearly all texts are."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in text


def storable_text(text: str) -> str:
    """Text without what PostgreSQL cannot store: NUL and lone surrogates become U+FFFD."""
    if is_storable(text):
        return text
    return text.replace("\x00", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def storable_json(value: Any) -> str:
    """`storable` as JSON; a value that is storable as it is, as nearly all are, is not taken apart."""
    text = _ENCODER.encode(value)
    # A NUL stands escaped in JSON; so may a clerk's own \\u0000, and then the slower way changes nothing.
    return text if "\\u0000" not in text and is_storable(text) else _ENCODER.encode(storable(value))


def storable(value: Any) -> Any:
    """The value with every text in it made storable."""
    match value:
        case str():
            return storable_text(value)
        case dict():
            return {storable(key): storable(entry) for key, entry in value.items()}
        case list() | tuple():
            return [storable(entry) for entry in value]
        case _:
            return value
