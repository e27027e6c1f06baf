"""Everything that a warehouse has accepted, in the oracle's words: the raw versions, before any model has seen them."""

from __future__ import annotations

import psycopg

from tests.oracle.funds import MovementVersion
from tests.oracle.publications import Accepted, PlannedProject
from tests.oracle.ranking import Campaign, ProblemVersion, Township, VisitVersion

_OWNER = "nullif(township_code, district_code || '000')"


def read_accepted(conn: psycopg.Connection) -> Accepted:
    """All versions of all districts; `conn` may read the schema `raw`."""
    return Accepted(
        campaigns=tuple(Campaign(*row) for row in conn.execute("select district_code, started_on, ended_on from raw.campaigns")),
        townships=tuple(Township(*row) for row in conn.execute("select township_code, is_ranked, display_order from raw.townships")),
        problems=tuple(
            ProblemVersion(*row)
            for row in conn.execute(
                f"""select district_code, problem_no, {_OWNER}, unit_code, is_office, status, found_on, due_on, rectified_on, report_on,
                           received_at from raw.problem_versions"""
            )
        ),
        visits=tuple(
            VisitVersion(*row)
            for row in conn.execute(
                f"""select district_code, unit_code, record_no, visited_on, problem_no, verdict, report_on, received_at,
                           void_reason is not null, {_OWNER} from raw.visit_versions"""
            )
        ),
        projects=tuple(
            PlannedProject(*row)
            for row in conn.execute(
                f"""select district_code, project_no, {_OWNER}, unit_code, is_office, actual_start_on, actual_finish_on, accepted_on,
                           report_on, received_at, void_reason is not null and is_office, planned_start_on, planned_finish_on,
                           planned_yuan from raw.project_versions"""
            )
        ),
        movements=tuple(
            MovementVersion(*row)
            for row in conn.execute(
                """select district_code, unit_code, movement_no, fund_year, tier, stage, amount_yuan, moved_on, report_on, received_at,
                          void_reason is not null from raw.fund_movement_versions"""
            )
        ),
    )
