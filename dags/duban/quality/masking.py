"""Names of household heads that other rows name: masked in what a round loads, and in what was loaded before.

Who is known is kept in `personal.known_names`, by district: the loader asks it for the names that begin with two characters of a text that
it has before it, and adds those that the round brings. Texts in which a new name may stand are found by an index of pairs of characters, so
that no file costs more because others came before it. All of it is part of the load transaction, under the load lock: whatever the order in
which a name and a text arrive, and whatever is killed in between, no text keeps a name that is known.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import psycopg

from duban import warehouse
from duban.intake.cells import display
from duban.intake.typed_rows import TypedRow
from duban.ledgers import Expectations
from duban.quality.verdict import Verdict
from duban.text.names import Masks, NameWords, names_to_know, openings


@dataclass(frozen=True)
class DistrictNames:
    """What a round needs of a district: the masks for its texts, and the names that nobody knew before it."""

    masks: Masks
    new: tuple[str, ...]


#: By district.
Names = Mapping[str, DistrictNames]


def of_round(conn: psycopg.Connection, verdicts: Sequence[Verdict], expectations: Expectations) -> dict[str, DistrictNames]:
    """Keep the names that the rows of a round bring, accepted or not, and get those that its texts may hold; what its rejections quote is
    masked at once. In the load transaction.
    """
    names, words = {}, expectations.name_words
    for district in sorted({verdict.opened.claim.district_code for verdict in verdicts}):
        of_district = [verdict for verdict in verdicts if verdict.opened.claim.district_code == district]
        new = warehouse.personal.keep_names(conn, district, brought) if (brought := _brought(of_district, words)) else []
        known = warehouse.personal.names_that_open(conn, district, openings(set(_texts(of_district))))
        names[district] = DistrictNames(masks := Masks(known, words), tuple(new))
        for verdict in of_district:
            verdict.rejections = [
                replace(entry, value_masked=masks.mask(entry.value_masked))
                if entry.value_masked and entry.column_name not in expectations.titles_of_officials
                else entry
                for entry in verdict.rejections
            ]
    return names


def _brought(verdicts: Iterable[Verdict], words: NameWords) -> set[str]:
    cells: set[tuple[str, bool]] = set()
    for verdict in verdicts:
        for row in verdict.rows:
            for holder in row.ledger.holders:
                if (cell := display(row.row.cells.get(holder.name))).strip():
                    certificate = row.ledger.certificate
                    cells.add((cell, bool(certificate and row.values[certificate.name])))
    return {name for cell, is_beside_number in cells for name in names_to_know(cell, words, is_beside_number)}


def _texts(verdicts: Iterable[Verdict]) -> Iterator[str]:
    for verdict in verdicts:
        for row in verdict.rows:
            yield from _texts_of(row)
        yield from (entry.value_masked for entry in verdict.rejections if entry.value_masked)


def _texts_of(row: TypedRow) -> Iterator[str]:
    ledger = row.ledger
    for name in ledger.free_texts:
        column = ledger.by_name[ledger.as_written.get(name, name)]
        if value := row.values[column.name]:
            yield value if column.is_free_text else display(row.row.cells[column.name])


def mask_earlier(conn: psycopg.Connection, names: Names, expectations: Expectations, as_of: datetime) -> None:
    """Mask the new names of a round in the texts that were loaded before, as of its arrival. In the load transaction."""
    for district, of_district in names.items():
        if of_district.new:
            _mask_texts(conn, district, of_district.new, expectations, as_of)


def mask_history(conn: psycopg.Connection, expectations: Expectations) -> None:
    """Keep the names of everything that was loaded before names were kept, and mask them. Does so once, in one transaction."""
    with warehouse.loading.load_transaction(conn):
        known: dict[str, set[str]] = {}
        for ledger in expectations.ledgers.values():
            for district, cell, is_beside_number in warehouse.personal.cells_of_names(conn, ledger):
                known.setdefault(district, set()).update(names_to_know(cell, expectations.name_words, is_beside_number))
        [as_of] = warehouse.loading.next_received_at(conn, 1)
        for district, names in known.items():
            _mask_texts(conn, district, warehouse.personal.keep_names(conn, district, names), expectations, as_of, everywhere=True)


def _mask_texts(
    conn: psycopg.Connection,
    district: str,
    names: Collection[str],
    expectations: Expectations,
    as_of: datetime,
    *,
    everywhere: bool = False,
) -> None:
    """Mask the names in the texts of a district; `everywhere` also what looks like a name in texts that hold none of them."""
    masks = Masks(names, expectations.name_words)
    where, officials = None if everywhere else names, expectations.titles_of_officials
    of_ledgers = [(ledger.target, ledger.free_texts) for ledger in expectations.ledgers.values() if ledger.free_texts]
    for table, columns in (*of_ledgers, warehouse.personal.REJECTED):
        changed: dict[str, dict[int, str]] = {column: {} for column in columns}
        for row_id, texts in warehouse.personal.texts_that_may_hold(conn, table, columns, district, where, officials):
            for column, text in zip(columns, texts, strict=True):
                if text and (masked := masks.mask(text)) != text:
                    changed[column][row_id] = masked
        for column, masked_texts in changed.items():
            if masked_texts and warehouse.personal.mask_again(conn, table, column, masked_texts, as_of) != len(masked_texts):
                raise RuntimeError(f"{table}.{column}: a mask changed more than characters into stars")
