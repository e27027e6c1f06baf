"""What rows refer to: the row of another ledger that a cell names, as it stands on their report date, or now where a ledger says so.

Known is what was loaded before, and what the round accepts of the row's own file and of those before it. A row that was first reported
later is known as it was first reported: nobody can refer to it earlier, but a record may be sent late.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import psycopg

from duban import warehouse
from duban.intake import values
from duban.intake.typed_rows import Referred, TypedRow
from duban.ledgers import Expectations, Ledger, Reference
from duban.quality.verdict import Verdict
from duban.text.words import fold


def refer(
    conn: psycopg.Connection,
    ledger: Ledger,
    files: Sequence[tuple[Verdict, Sequence[TypedRow]]],
    verdicts: Sequence[Verdict],
    expectations: Expectations,
) -> None:
    """Find what the rows of a ledger refer to, file by file. The ledgers they refer to have been judged: `verdicts`, in their order."""
    for reference in ledger.references:
        of = expectations.ledgers[reference.ledger]
        named = [(verdict, [(row, _named(row.values[reference.column], of, reference)) for row in rows]) for verdict, rows in files]
        known = _known(conn, of, reference, named)
        stated = _stated(of, reference, verdicts)
        order = {id(verdict): number for number, verdict in enumerate(verdicts)}
        for verdict, rows in named:
            district, day, number = verdict.opened.claim.district_code, reference.asked_of(verdict.report_on), order[id(verdict)]
            for row, name in rows:
                versions = [version for at, version in stated.get((district, name), ()) if at <= number]
                if earlier := known.get((district, name, day)):
                    versions.insert(0, earlier)
                row.referred = {**row.referred, reference.column: _as_of(versions, day)}


def _named(text: str | None, of: Ledger, reference: Reference) -> str | None:
    """What a cell names, as the referred column is compared."""
    if text is None:
        return None
    return values.key_text(text) if of.by_name[reference.by].type == "key" else fold(text)


def _known(
    conn: psycopg.Connection, of: Ledger, reference: Reference, named: Iterable[tuple[Verdict, Sequence[tuple[TypedRow, str | None]]]]
) -> dict[tuple[str, str, date], Referred]:
    asked: dict[str, set[tuple[str, date]]] = {}
    for verdict, rows in named:
        names = {(name, reference.asked_of(verdict.report_on)) for _, name in rows if name is not None}
        asked.setdefault(verdict.opened.claim.district_code, set()).update(names)
    return {
        (district, name, report_on): Referred(*version)
        for district, names in asked.items()
        for (name, report_on), version in warehouse.versions.referred_versions(conn, of, reference.by, district, names).items()
    }


def _stated(of: Ledger, reference: Reference, verdicts: Sequence[Verdict]) -> dict[tuple[str, str], list[tuple[int, Referred]]]:
    """The rows of the referred ledger that the round accepts, by district and name, with the number of their file."""
    found: dict[tuple[str, str], list[tuple[int, Referred]]] = {}
    for number, verdict in enumerate(verdicts):
        district = verdict.opened.claim.district_code
        for row in verdict.accepted:
            if row.ledger is of and (name := _named(row.values[reference.by], of, reference)) is not None:
                version = Referred(verdict.report_on, of.township_stored(row.values["township_code"], district))
                found.setdefault((district, name), []).append((number, version))
    return found


def _as_of(versions: Iterable[Referred], report_on: date) -> Referred | None:
    """Of versions in the order of arrival the newest of the day or before; else the first one after it."""
    found: Referred | None = None
    for version in versions:
        is_nearer = found is None or (
            found.report_on <= version.report_on <= report_on or (found.report_on > report_on and version.report_on < found.report_on)
        )
        if is_nearer:
            found = version
    return found
