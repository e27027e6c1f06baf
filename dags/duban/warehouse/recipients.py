"""Who is told what, by which channel: the table `ops.recipients`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg


def replace_recipients(conn: psycopg.Connection, recipients: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Let these be the recipients of the districts they name; who is not among them stays known and gets nothing.

    Returns:
        How many are active there now, by channel, and as `deactivated` how many are no longer.
    """
    columns = ("district_code", "audience", "unit_code", "channel", "address", "series", "is_active")
    districts = sorted({recipient["district_code"] for recipient in recipients})
    active = "select recipient_id from ops.recipients where is_active and district_code = any(%s)"
    with conn.transaction(), conn.cursor() as cur:
        before = {number for (number,) in cur.execute(active, (districts,))}
        cur.execute("update ops.recipients set is_active = false where district_code = any(%s)", (districts,))
        cur.executemany(
            f"""insert into ops.recipients ({", ".join(columns)}) values (%s, %s, %s, %s, %s, %s, %s)
                on conflict (district_code, audience, unit_code, channel, address)
                do update set series = excluded.series, is_active = excluded.is_active""",
            [[list(value) if isinstance(value := recipient[column], tuple) else value for column in columns] for recipient in recipients],
        )
        after = {number for (number,) in cur.execute(active, (districts,))}
        by_channel = cur.execute(
            "select channel, count(*) from ops.recipients where is_active and district_code = any(%s) group by 1 order by 1", (districts,)
        ).fetchall()
    return {**dict(by_channel), "deactivated": len(before - after)}
