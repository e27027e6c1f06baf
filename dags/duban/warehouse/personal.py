"""The doors into schema `personal`, and the texts in which a person's name may stand."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime

import psycopg
from psycopg import sql


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


#: Where free texts lie, by table: those that the index of its pairs is made of (migration 0010), in that order.
FREE_TEXTS = {
    "raw.problem_versions": ("feedback_batch", "description", "department", "measures", "evidence", "void_reason", "remark"),
    "raw.fund_movement_versions": ("document_no", "fund_name", "void_reason", "remark"),
    "raw.project_versions": (
        *("project_name", "construction_kind", "place", "content", "responsible_unit", "issues", "void_reason", "remark"),
    ),
    "raw.visit_versions": ("description", "void_reason", "remark"),
    "quarantine.rejected_rows": ("value_masked",),
}


def texts_that_may_hold(
    conn: psycopg.Connection, table: str, district_code: str, names: Collection[str] | None, officials: Collection[str]
) -> Iterator[tuple[int, tuple[str | None, ...]]]:
    """Id and `FREE_TEXTS` of the rows of a district in which the first and the last two characters of names stand; of all its rows without
    names. What was quoted from the columns `officials` is left out.
    """
    is_ledger = table.startswith("raw.")
    conditions = ["district_code = %(district)s" if is_ledger else _OF_UNITS]
    if names is not None:
        conditions += ["raw.pairs({texts}) && %(openings)s", "raw.pairs({texts}) && %(endings)s"]
    statement = sql.SQL("select {id}, array[{texts}] from {table} where " + " and ".join(conditions)).format(
        id=sql.Identifier("version_id" if is_ledger else "rejection_id"),
        texts=sql.SQL(", ").join(map(sql.Identifier, FREE_TEXTS[table])),
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


def cells_of_names(conn: psycopg.Connection, title: str) -> list[tuple[str, str, bool]]:
    """District, cell of household heads, and whether it stands beside a right identity number, of all rows; nothing once names are kept."""
    query = """
        select submission.district_code, original.cells ->> %(title)s as cell, false
        from personal.original_rows as original join ops.submissions as submission using (submission_id)
        where coalesce(original.cells ->> %(title)s, '') <> '' and not exists (select from personal.known_names)
        union
        select version.district_code, household.holder_name, true
        from personal.households as household join raw.problem_versions as version using (household_key)
        where household.holder_name is not null and not exists (select from personal.known_names)
    """
    return conn.execute(query, {"title": title}).fetchall()


def mask_again(conn: psycopg.Connection, table: str, column: str, masked: Mapping[int, str], as_of: datetime) -> int:
    """Put stars in the place of characters in a text column, by id of the row; returns how many rows changed. Nothing else can change."""
    asked = (table, column, list(masked), list(masked.values()), as_of)
    return conn.execute("select personal.mask_again(%s, %s, %s, %s, %s)", asked).fetchone()[0]
