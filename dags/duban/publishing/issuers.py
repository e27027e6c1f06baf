"""Who issues the publications of a district, in which form, for whom; and the key targets they list.

An issue keeps what was set when it was frozen.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

import psycopg
from psycopg import sql

from duban import warehouse
from duban.publishing.audience import Audience
from duban.publishing.documents.letterhead import SERIAL, STATUTORY

COLUMNS = ("issuer_name", "document_family", "document_word", "recipients", "copies_to", "audience")
TARGETS = Path(__file__).parents[1] / "reference" / "key_targets.csv"
_TARGET_COLUMNS = ("district_code", "target_year", "display_order", "level", "target_name", "target_count", "unit")


def set_issuer(conn: psycopg.Connection, district_code: str, values: Mapping[str, str]) -> dict[str, str | None]:
    """Set how a district publishes, and that it does; what is not named stays, an empty value takes back what was set.

    Args:
        conn: A connection with no transaction open.
        district_code: Six digits.
        values: By the names in COLUMNS.

    Returns:
        Everything that is set now.

    Raises:
        ValueError: no such district, a family or audience that does not exist, or a statutory head without the word of its office.
    """
    for name, allowed in (("document_family", (SERIAL, STATUTORY)), ("audience", tuple(Audience))):
        if name in values and values[name] not in allowed:
            raise ValueError(f"{name} is one of {', '.join(allowed)}, not {values[name]!r}")
    shown = sql.SQL("select {} from raw.districts where district_code = %s").format(sql.SQL(", ").join(map(sql.Identifier, COLUMNS)))
    with conn.transaction():
        now = conn.execute(shown, [district_code]).fetchone()
        if now is None:
            raise ValueError(f"no district {district_code!r} is registered")
        settings = {**dict(zip(COLUMNS, now, strict=True)), **{name: value.strip() or None for name, value in values.items()}}
        if settings["document_family"] == STATUTORY and not settings["document_word"]:
            raise ValueError("a statutory document head needs the word of its office (机关代字), for example 资扶办")
        if values:
            warehouse.divisions.record_issuer(conn, district_code, settings)
    return settings


def register_targets(conn: psycopg.Connection, rows: Iterable[Mapping[str, str]]) -> int:
    """Register key targets; those of a district and year replace what was registered for them. Returns how many.

    Raises:
        ValueError: a column is missing, or a number is none; nothing is registered.
    """
    found = []
    for number, row in enumerate(rows, start=2):
        if missing := [name for name in _TARGET_COLUMNS if not (row.get(name) or "").strip()]:
            raise ValueError(f"line {number}: {', '.join(missing)} is missing")
        values = {name: row[name].strip() for name in _TARGET_COLUMNS}
        for name in ("target_year", "display_order", "target_count"):
            if not values[name].isdigit():
                raise ValueError(f"line {number}: {name} {values[name]!r} is no whole number")
        found.append(values)
    warehouse.divisions.replace_targets(conn, found)
    return len(found)


def register_reference_targets(conn: psycopg.Connection) -> None:
    """Register the targets that every installation starts with, unless some of that district are there."""
    known = {code for (code,) in conn.execute("select distinct district_code from raw.key_targets")}
    with open(TARGETS, encoding="utf-8-sig", newline="") as file:
        register_targets(conn, [row for row in csv.DictReader(file) if row["district_code"] not in known])
