"""The doors into schema `personal`, and the texts in which a person's name may stand."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

import psycopg
from psycopg import sql

from duban.ledgers import Ledger
from duban.statements import statement
from duban.warehouse import versions


def upsert_households(conn: psycopg.Connection, households: Mapping[str, tuple[str, str | None]]) -> None:
    """Keep identity number and name of households, by key, in the personal schema; a newer name replaces an older one."""
    if households:
        conn.execute(
            "select personal.keep_households(%s, %s, %s)",
            (list(households), [number for number, _ in households.values()], [name for _, name in households.values()]),
        )


def keep_names(conn: psycopg.Connection, district_code: str, names: Collection[str]) -> list[str]:
    """Keep names of household heads of a district; returns those that were not known. Call inside `load_transaction`."""
    return [name for (name,) in conn.execute("select personal.keep_names(%s, %s)", (district_code, sorted(names)))]


def names_that_open(conn: psycopg.Connection, district_code: str, openings: Collection[str]) -> list[str]:
    """The known names of a district that begin with one of these two characters each."""
    return [name for (name,) in conn.execute("select personal.names_that_open(%s, %s)", (district_code, list(openings)))]


#: Where free texts lie besides the tables of the ledgers (`Ledger.free_texts`): in this table, in one column.
REJECTED = ("quarantine.rejected_rows", ("value_masked",))


def texts_that_may_hold(
    conn: psycopg.Connection,
    table: str,
    columns: Sequence[str],
    district_code: str,
    names: Collection[str] | None,
    officials: Collection[str],
) -> Iterator[tuple[int, tuple[str | None, ...]]]:
    """Id and free texts of the rows of a district in which the first and the last two characters of names stand; of all its rows without
    names. What was quoted from the columns `officials` is left out.
    """
    is_ledger = table != REJECTED[0]
    conditions = ["district_code = %(district)s" if is_ledger else _OF_UNITS]
    if names is not None:
        conditions += ["raw.pairs({texts}) && %(openings)s", "raw.pairs({texts}) && %(endings)s"]
    statement = sql.SQL("select {id}, array[{texts}] from {table} where " + " and ".join(conditions)).format(
        id=sql.Identifier("version_id" if is_ledger else "rejection_id"),
        texts=sql.SQL(", ").join(map(sql.Identifier, columns)),
        table=sql.Identifier(*table.split(".")),
    )
    openings, endings = ({name[part] for name in names or ()} for part in (slice(2), slice(-2, None)))
    with conn.cursor(name="texts") as cur:
        yield from cur.execute(
            statement, {"district": district_code, "openings": list(openings), "endings": list(endings), "officials": list(officials)}
        )


_OF_UNITS = """
    unit_code in (select unit_code from raw.units where district_code = %(district)s)
    and coalesce(column_name, '') <> all(%(officials)s)
"""


def cells_of_names(conn: psycopg.Connection, ledger: Ledger) -> list[tuple[str, str, bool]]:
    """District, cell of household heads, and whether it stands beside a right identity number, of all rows of a ledger; nothing once names
    are kept.
    """
    if not ledger.holders:
        return []
    query = statement(__file__, "personal_titles")
    if ledger.certificate:
        query += "union\n" + statement(__file__, "personal_holders")
    asked = {"titles": [holder.title for holder in ledger.holders], "ledger": ledger.name}
    return conn.execute(versions.query_about(query, ledger), asked).fetchall()


def mask_again(conn: psycopg.Connection, table: str, column: str, masked: Mapping[int, str], as_of: datetime) -> int:
    """Put stars in the place of characters in a text column, by id of the row; returns how many rows changed. Nothing else can change."""
    asked = (table, column, list(masked), list(masked.values()), as_of)
    return conn.execute("select personal.mask_again(%s, %s, %s, %s, %s)", asked).fetchone()[0]
