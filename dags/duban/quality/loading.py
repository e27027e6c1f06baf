"""Verdicts → the warehouse: what every table of the load transaction receives, and nothing personal outside `personal`."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import psycopg

from duban import warehouse
from duban.intake.cells import display
from duban.intake.reading import DataRow
from duban.intake.typed_rows import TypedRow
from duban.ledgers import Expectations, Ledger
from duban.quality import masking, receipt
from duban.quality.verdict import Verdict
from duban.settings import Settings
from duban.text.names import Masks
from duban.text.storable import storable_json
from duban.text.words import mask_text

_Hide = Callable[[str, str | None, bool], str]
_TEXTS_REMEMBERED = 4096
_Arrivals = Sequence[tuple[Verdict, datetime]]


def load(conn: psycopg.Connection, verdicts: Sequence[Verdict], expectations: Expectations, settings: Settings) -> None:
    """Store the verdicts of a round: outcomes and receipts, and that they are to be returned; accepted rows, rejections, findings.

    Call inside `load_transaction`. One statement per table, whatever the number of files; what a table receives is made row by
    row while it is sent. Names that the round brings are masked in what was loaded before, too.
    """
    arrivals = list(zip(verdicts, warehouse.loading.next_received_at(conn, len(verdicts)), strict=True))
    names = masking.of_round(conn, verdicts, expectations)
    warehouse.submissions.record_outcomes(conn, (_outcome(verdict, received_at) for verdict, received_at in arrivals))
    warehouse.deliveries.enqueue_deliveries(conn, "return", [verdict.opened.claim.submission_id for verdict in verdicts])
    for target in sorted({row.ledger.target for verdict in verdicts for row in verdict.rows}):
        warehouse.loading.copy_rows(conn, target, _accepted(arrivals, target, names, settings))
    warehouse.personal.upsert_households(conn, _households(verdicts, settings))
    warehouse.loading.copy_rows(conn, "personal.original_rows", _originals(verdicts))
    warehouse.loading.copy_rows(conn, "quarantine.rejected_rows", _rejected(verdicts))
    warehouse.loading.copy_rows(conn, "quarantine.findings", _findings(verdicts))
    masking.mask_earlier(conn, names, expectations, arrivals[0][1])


def _outcome(verdict: Verdict, received_at: datetime) -> dict[str, Any]:
    return {
        "submission_id": verdict.opened.claim.submission_id,
        "outcome": verdict.outcome,
        "received_at": received_at,
        "report_on": verdict.report_on,
        "corrects_id": verdict.corrects_id,
        "duplicate_of": verdict.duplicate_of,
        "is_demanded": any(row.ledger.is_demanded for row in verdict.accepted),
        **verdict.counts,
        "receipt": storable_json(receipt.build(verdict, received_at)),
    }


def _accepted(arrivals: _Arrivals, target: str, names: masking.Names, settings: Settings) -> Iterator[dict[str, Any]]:
    """The rows of a raw table, with where they come from."""
    hiding = {district: _hiding(of_district.masks) for district, of_district in names.items()}
    for verdict, received_at in arrivals:
        claim = verdict.opened.claim
        of_file = {
            "submission_id": claim.submission_id,
            "district_code": claim.district_code,
            "unit_code": claim.unit_code,
            "is_office": claim.unit_kind == "office",
            "report_on": verdict.report_on,
            "received_at": received_at,
            "source_file": claim.file_name,
        }
        for row in verdict.accepted:
            if row.ledger.target == target:
                lineage = {**of_file, "source_sheet": row.row.sheet, "source_row": row.row.row_no}
                yield {**lineage, **_stored(row, claim.district_code, hiding[claim.district_code], settings)}


def _hiding(masks: Masks) -> _Hide:
    """What hides, in a text of a row with these household heads, numbers and names, or numbers alone where officials are named; of texts
    that are met again, as many are, it remembers what became of them.
    """

    @lru_cache(maxsize=_TEXTS_REMEMBERED)
    def hide(text: str, holder_name: str | None, names_officials: bool) -> str:
        text = mask_text(text, holder_name)
        return text if names_officials else masks.mask(text)

    return hide


def _households(verdicts: Sequence[Verdict], settings: Settings) -> dict[str, tuple[str, str | None]]:
    households: dict[str, tuple[str, str | None]] = {}
    for verdict in verdicts:
        for row in verdict.accepted:
            certificate, holders = row.ledger.certificate, row.ledger.holders
            if certificate and (number := row.values[certificate.name]):
                key = household_key(settings.hmac_key, number)
                _, known_name = households.get(key, (number, None))
                households[key] = (number[:18], next(filter(None, (row.values[holder.name] for holder in holders)), known_name))
    return households


def _rejected(verdicts: Sequence[Verdict]) -> Iterator[dict[str, Any]]:
    for verdict in verdicts:
        claim = verdict.opened.claim
        keys = {(row.row.sheet, row.row.row_no): row.key for row in verdict.rows} if verdict.rejections else {}
        for entry in verdict.rejections:
            of_row = {"submission_id": claim.submission_id, "unit_code": claim.unit_code, "row_key": keys.get((entry.sheet, entry.row_no))}
            yield {**of_row, **entry.columns()}


def _findings(verdicts: Sequence[Verdict]) -> Iterator[dict[str, Any]]:
    for verdict in verdicts:
        claim = verdict.opened.claim
        own = claim.unit_code if claim.unit_kind == "township" else None
        for finding in verdict.findings:
            for township in dict.fromkeys((own, finding.other_unit or own)):
                yield {
                    "submission_id": claim.submission_id,
                    "district_code": claim.district_code,
                    "township_code": township,
                    "day_on": verdict.report_on,
                    **finding.columns(),
                }


def _stored(row: TypedRow, district_code: str, hide: _Hide, settings: Settings) -> dict[str, Any]:
    """The columns of the raw table that a row fills; nothing that identifies a person is among them."""
    stored: dict[str, Any] = {}
    ledger, named = row.ledger, row.holders_named
    if ledger.township != "none":
        stored["township_code"] = ledger.township_stored(row.values["township_code"], district_code)
    for column in ledger.columns:
        value = row.values[column.name]
        match column.type:
            case "township":
                pass
            case "village":
                stored["village_code"] = row.values["village_code"]
            case "villages":
                stored["village_codes"] = list(row.values["village_codes"])
            case "id_number" | "certificate":
                stored["household_key"] = household_key(settings.hmac_key, value) if value else None
            case "text" | "name" | "person":
                if not column.is_personal:
                    holder_name = None if column.type == "person" else named
                    stored[column.name] = hide(value, holder_name, column.names_officials) if value else None
            case _:
                stored[column.name] = value
    for name, source in ledger.as_written.items():
        stored[name] = hide(display(row.row.cells[source]).strip(), None, False) if row.values[source] else None
    return stored


def _originals(verdicts: Sequence[Verdict]) -> Iterator[dict[str, Any]]:
    """Whole rows as the sender wrote them, also those that were taken together with another one."""
    for verdict in verdicts:
        for row in verdict.rows:
            yield _original(row.submission_id, row.ledger, row.row)
        for table in verdict.opened.reading.tables if verdict.rows else ():
            for member in table.collapsed:
                yield _original(verdict.opened.claim.submission_id, table.ledger, member)


def _original(submission_id: str, ledger: Ledger, row: DataRow) -> dict[str, Any]:
    cells = {ledger.by_name[name].title: display(cell) for name, cell in row.cells.items()}
    cells |= {header: display(cell) for header, cell in row.extras.items()}
    of_row = {"submission_id": submission_id, "ledger": ledger.name, "sheet": row.sheet, "row_no": row.row_no}
    return {**of_row, "cells": storable_json(cells)}


@lru_cache(maxsize=65536)
def household_key(secret: str, id_number: str) -> str:
    """Pseudonym of a household: keyed HMAC-SHA256 of the identity number, hexadecimal. The same number always gives the same key; of a
    certificate of disability the first 18 characters are one.
    """
    return hmac.new(secret.encode(), id_number[:18].encode(), "sha256").hexdigest()
