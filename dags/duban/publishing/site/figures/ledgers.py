"""The ledgers that are shown by what their folders declare (`duban.publishing.shown`), counted as issues count them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import psycopg
from psycopg.rows import namedtuple_row

from duban.publishing.issues.figures import Figures
from duban.publishing.issues.parts.ledgers import LEDGERS
from duban.publishing.shown import Shown, exact_json
from duban.statements import statement


@dataclass(frozen=True)
class LedgerFigures:
    """What is shown of one ledger on a day."""

    shown: Shown
    as_of: date
    figures: Figures
    places: dict[str, str]  # names of the townships by code, in their order


def read_ledgers(conn: psycopg.Connection, district_code: str, as_of: date | None, known_at: datetime | None) -> tuple[LedgerFigures, ...]:
    """The ledgers of which the district has rows on the day `as_of`, as known at a time."""
    if as_of is None or known_at is None:
        return ()
    asked = {"district": district_code, "day": as_of, "known_at": known_at, "series": None}
    rows = exact_json(conn.cursor(row_factory=namedtuple_row)).execute(LEDGERS.query, asked).fetchall()
    places = dict(conn.execute(statement(__file__, "ledgers_places"), asked).fetchall())
    found = []
    for (spec,) in conn.execute("select spec from raw.shown_ledgers order by ledger"):
        shown, figures = Shown.of(spec), Figures()
        if own := [row for row in rows if row.ledger == shown.name]:
            shown.add_figures(figures, own, "合计", places)
            found.append(LedgerFigures(shown, as_of, figures, places))
    return tuple(found)
