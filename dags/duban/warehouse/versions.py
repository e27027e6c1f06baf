"""The current version of each record of a ledger: who owns it, and what its sender wrote."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg
from psycopg.rows import dict_row

from duban.warehouse.divisions import Unit

_OWNERS = {
    "problems": "select distinct on (problem_no) problem_no, township_code from raw.problem_versions "
    "where district_code = %(district)s and problem_no = any(%(keys)s) order by problem_no, report_on desc, received_at desc",
    "projects": "select distinct on (project_no) project_no, township_code from raw.project_versions "
    "where district_code = %(district)s and project_no = any(%(keys)s) order by project_no, report_on desc, received_at desc",
    "funds": "select distinct on (movement_no) movement_no, township_code from raw.fund_movement_versions "
    "where unit_code = %(unit)s and movement_no = any(%(keys)s) order by movement_no, report_on desc, received_at desc",
}


def owners(conn: psycopg.Connection, ledger: str, district_code: str, unit_code: str, keys: Iterable[str]) -> dict[str, str | None]:
    """Township code of the current version of each key that is known; a visit's keys are problem numbers."""
    query = _OWNERS["problems" if ledger == "visits" else ledger]
    return dict(conn.execute(query, {"district": district_code, "unit": unit_code, "keys": list(keys)}).fetchall())


# What a township or the office answers for: rows of its township code. What the office has withdrawn stays withdrawn until the office
# itself reports otherwise, whatever a township sends after it.
_OWNED = """
    with current_versions as (
        select distinct on ({key}) * from {table} where district_code = %(district)s
        order by {key}, report_on desc, received_at desc, version_id desc
    ),
    office_versions as (
        select distinct on ({key}) {key}, {withdrawn} as is_withdrawn from {table} where district_code = %(district)s and is_office
        order by {key}, report_on desc, received_at desc, version_id desc
    )
    select version.*, cells as original from current_versions version left join office_versions using ({key})
    join personal.original_rows original
        on (original.submission_id, sheet, row_no) = (version.submission_id, source_sheet, source_row)
    where township_code = %(unit)s and is_withdrawn is not true"""
# What belongs to its sender alone, who withdraws it himself.
_SENT = """
    with current_versions as (
        select distinct on ({key}) * from {table} where unit_code = %(unit)s
        order by {key}, report_on desc, received_at desc, version_id desc
    )
    select version.*, cells as original{more} from current_versions version
    join personal.original_rows original
        on (original.submission_id, sheet, row_no) = (version.submission_id, source_sheet, source_row)
    where void_reason is null"""
_PROBLEM_OWNER = """, coalesce((
        select problem.township_code from raw.problem_versions problem
        where (problem.district_code, problem.problem_no) = (version.district_code, version.problem_no)
        order by problem.report_on desc, problem.received_at desc limit 1
    ), version.township_code) as problem_owner"""
_CURRENT_ROWS = {
    "problems": _OWNED.format(table="raw.problem_versions", key="problem_no", withdrawn="status = 'void'"),
    "projects": _OWNED.format(table="raw.project_versions", key="project_no", withdrawn="void_reason is not null"),
    "funds": _SENT.format(table="raw.fund_movement_versions", key="movement_no", more=""),
    "visits": _SENT.format(table="raw.visit_versions", key="record_no", more=_PROBLEM_OWNER),
}


def current_rows(conn: psycopg.Connection, ledger: str, unit: Unit) -> list[dict[str, Any]]:
    """The rows of a ledger that a unit answers for, as they stand: the version that is current, and as `original` what its sender wrote.

    Withdrawn rows are left out. A visit has `problem_owner` besides: the township code of its problem now.
    """
    with conn.cursor(row_factory=dict_row) as cur:
        return cur.execute(_CURRENT_ROWS[ledger], {"district": unit.district_code, "unit": unit.unit_code}).fetchall()
