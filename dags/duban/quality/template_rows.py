"""Current rows → what stands in the cells of a template, so that the same rows are read from it again.

Numbers, dates and code words are those the warehouse holds. Free text and what identifies a person are the sender's own: raw keeps
them masked, and a masked text sent back would replace the real one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

from duban.intake import values
from duban.intake.places import Places
from duban.intake.values import CellContext, read_cell
from duban.ledgers import MONEY_UNITS, Column, Ledger, Vocabulary, Words
from duban.text.words import fold
from duban.warehouse.divisions import Unit

#: The unit of every money column of a template.
MONEY_UNIT = "万元"


@dataclass(frozen=True)
class Percent:
    """A percentage that must be formatted as one: the bare number would be refused as doubtful."""

    of_hundred: Decimal


Content = str | int | Decimal | date | Percent | None


@dataclass(frozen=True)
class Known:
    """What is known of a unit on a day: its district's divisions as (code, name), and its current rows by ledger."""

    unit: Unit
    townships: Sequence[tuple[str, str]]
    villages: Sequence[tuple[str, str]]
    places: Places
    rows: Mapping[str, Sequence[Mapping[str, Any]]]
    on: date
    words: Words

    @cached_property
    def names(self) -> Mapping[str, str]:
        """Official names by code."""
        return dict([*self.townships, *self.villages])

    @property
    def own_townships(self) -> list[str]:
        """The townships that the unit may name: its own, or all of the district."""
        return [name for code, name in self.townships if self.unit.unit_kind != "township" or code == self.unit.unit_code]

    @property
    def own_villages(self) -> list[str]:
        """The villages of a township; those of a whole district are too many to choose from."""
        return [name for code, name in self.villages if code.startswith(self.unit.unit_code)]


def contents(column: Column, row: Mapping[str, Any], ledger: Ledger, known: Known, vocabularies: Mapping[str, Vocabulary]) -> Content:
    """What the cell of a current row holds; None is blank."""
    match column.type:
        case "township":
            return _township(_written(row, column), row["township_code"], known)
        case "village":
            codes = (row["village_code"],) if row["village_code"] else ()
            return _places(column, row, codes, ledger, known)
        case "villages":
            return _places(column, row, tuple(row["village_codes"]), ledger, known)
        case "vocabulary":
            return canonical_word(vocabularies[column.vocabulary], row[column.name], known.on)
        case "money":
            return None if row[column.name] is None else row[column.name] / MONEY_UNITS[MONEY_UNIT]
        case "percent":
            found = row[column.name]
            return Percent(found) if found is not None and 0 < found <= 1 else found
        case "key" | "date" | "month" | "number" | "count" | "year":
            return row[column.name]
        case _:
            return read_cell(_written(row, column), column, CellContext(known.on, known.words)).value


def canonical_word(vocabulary: Vocabulary, stored: str | None, on: date) -> str | None:
    """The word for a stored value; one that may be used on that day, if there is one."""
    words = [word for word in vocabulary.canonical if any(entry[0] == stored for entry in vocabulary.words.get(fold(word), ()))]
    return next((word for word in words if vocabulary.stored(word, on) == stored), words[0] if words else stored)


def _written(row: Mapping[str, Any], column: Column) -> str | None:
    """The cell as the sender wrote it."""
    return row["original"].get(column.title)


def _township(written: str | None, code: str | None, known: Known) -> str | None:
    """The official name. Where another sender than a township left the cell blank it stays blank: it has a meaning of its own."""
    name = known.names.get(code)
    if known.unit.unit_kind != "township" and values.is_blank(written, known.words):
        return None
    return name if name is not None and known.places.township(fold(name)) == code else None


def _places(column: Column, row: Mapping[str, Any], codes: tuple[str, ...], ledger: Ledger, known: Known) -> str | None:
    """The villages in words that mean them still: one village by its official name, several as they were written."""
    written = _written(row, column)
    if values.is_blank(written, known.words):
        return None
    written = written.strip()
    official = "、".join(known.names[code] for code in codes)
    spellings = [official, written] if column.type == "village" else [written, official]
    township = next((column for column in ledger.columns if column.type == "township"), None)
    is_named = known.unit.unit_kind == "township" or (township is not None and not values.is_blank(_written(row, township), known.words))
    return next((text for text in spellings if _found(text, column, row["township_code"], is_named, known) == codes), spellings[0] or None)


def _found(text: str, column: Column, township: str | None, is_named: bool, known: Known) -> tuple[str, ...] | None:
    """What a cell of that text would be read as: where no township is named the whole district is searched first."""
    for within in (township,) if is_named else (None, township):
        if column.type == "villages":
            codes = known.places.village_list(fold(text), known.on, within)
        else:
            code = known.places.village(fold(text), known.on, within)
            codes = None if code is None else (code,)
        if codes is not None:
            return codes
    return None
