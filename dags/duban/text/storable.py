"""What PostgreSQL can store of the texts that senders write."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any


def storable_text(text: str) -> str:
    """Text without what PostgreSQL cannot store: NUL and lone surrogates become U+FFFD."""
    if "\x00" not in text:
        with suppress(UnicodeEncodeError):
            text.encode()
            return text
    return text.replace("\x00", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def storable_json(value: Any) -> str:
    """`storable` as JSON; a value that is storable as it is, as nearly all are, is not taken apart."""
    text = json.dumps(value, ensure_ascii=False)
    # A NUL stands escaped in JSON; so may a clerk's own \\u0000, and then the slower way changes nothing.
    return text if "\\u0000" not in text and storable_text(text) is text else json.dumps(storable(value), ensure_ascii=False)


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
