"""The divisions of the districts, their units and campaigns, as intake asks for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import psycopg
from psycopg.rows import class_row

from duban.text.storable import storable_text


@dataclass(frozen=True)
class Unit:
    """A registered sender."""

    unit_code: str
    district_code: str
    unit_kind: str
    unit_name: str


def registered_units(conn: psycopg.Connection) -> dict[str, Unit]:
    """Every unit that may send, by code."""
    with conn.cursor(row_factory=class_row(Unit)) as cur:
        return {unit.unit_code: unit for unit in cur.execute("select unit_code, district_code, unit_kind, unit_name from raw.units")}


def townships_and_villages(conn: psycopg.Connection, district_code: str) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """(code, name) of the townships and of the villages of a district."""
    townships = conn.execute("select township_code, township_name from raw.townships where district_code = %s", (district_code,)).fetchall()
    villages = conn.execute(
        "select village_code, village_name from raw.villages join raw.townships using (township_code) where district_code = %s",
        (district_code,),
    ).fetchall()
    return townships, villages


def unit_names(conn: psycopg.Connection, codes: Iterable[str]) -> dict[str, str]:
    """The names of units by their codes; a code that is no unit stands for itself."""
    codes = list(codes)
    if not codes:
        return {}
    return {code: code for code in codes} | dict(
        conn.execute("select unit_code, unit_name from raw.units where unit_code = any(%s)", (codes,)).fetchall()
    )


def township_codes(conn: psycopg.Connection, names: Iterable[str]) -> dict[str, set[str]]:
    """The codes of all townships of these (folded) names, by name; names of no township are left out."""
    codes: dict[str, set[str]] = {}
    query = "select township_name, township_code from raw.townships where township_name = any(%s)"
    for name, code in conn.execute(query, (list(map(storable_text, names)),)):
        codes.setdefault(name, set()).add(code)
    return codes


def campaigns(conn: psycopg.Connection, district_code: str) -> list[tuple[str, date, date]]:
    """Campaigns of a district: name, first day, last day."""
    query = "select campaign_name, started_on, ended_on from raw.campaigns where district_code = %s order by started_on"
    return conn.execute(query, (district_code,)).fetchall()
