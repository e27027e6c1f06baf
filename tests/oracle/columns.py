"""The ledgers as data (columns.yml): who sends each, what kind each column is, what is required, which words are accepted."""

from __future__ import annotations

from pathlib import Path

import yaml

_SAID = yaml.load(Path(__file__).with_name("columns.yml").read_text(encoding="utf-8"), yaml.BaseLoader)
_LEDGERS = _SAID["ledgers"]

KEY_COLUMN = {ledger: said["key"] for ledger, said in _LEDGERS.items()}
SENDERS = {ledger: tuple(said["senders"]) for ledger, said in _LEDGERS.items()}
REQUIRED = {ledger: tuple(said["required"]) for ledger, said in _LEDGERS.items()}
KINDS = {ledger: said["kinds"] for ledger, said in _LEDGERS.items()}
WORDS = {
    column: {accepted: word for word, others in words.items() for accepted in (word, *others)} for column, words in _SAID["words"].items()
}
