"""Issues with files, put into `published` as publishing would leave them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from pathlib import PurePosixPath

import psycopg

from duban.settings import TIMEZONE

MEDIA_TYPES = {".html": "text/html", ".docx": "application/msword", ".xlsx": "application/vnd.ms-excel", ".json": "application/json"}


def documents(words: str) -> dict[str, bytes]:
    """The four files of an issue."""
    head = f'<meta charset="utf-8"><link rel="icon" href="data:,"><title>{words}</title>'
    page = f'<!DOCTYPE html><html lang="zh-CN"><head>{head}</head><body><h1>{words}</h1></body></html>'
    return {
        f"{words}.html": page.encode(),
        f"{words}.docx": b"PK\x03\x04" + words.encode() * 500,
        f"{words}.xlsx": b"PK\x03\x04" + bytes(range(256)) * 8,
        "manifest.json": b'{"numbers": []}',
    }


def insert_issue(
    conn: psycopg.Connection,
    number: int,
    day: date,
    *,
    district: str = "430902",
    series: str = "daily",
    period_start: date | None = None,
    corrects: int | None = None,
    files: Mapping[str, bytes] | None = None,
) -> str:
    """One issue, published at 17:30 of its day; returns its id."""
    identity = f"{district}-{series}-{day.year}-{number}"
    conn.execute(
        """insert into published.publications
               (publication_id, district_code, series, issue_year, issue_no, business_on, known_at, rule_code, data_fingerprint,
                published_at, corrects_issue_no, period_start_on, compared_on)
           values (%s, %s, %s, %s, %s, %s, now(), 'ZY-2020-R1', 'made up', %s, %s, %s, %s)""",
        [
            *[identity, district, series, day.year, number, day],
            datetime.combine(day, time(17, 30), TIMEZONE),
            corrects,
            period_start or day,
            (period_start or day) - timedelta(days=1),
        ],
    )
    for name, content in (documents(f"{series}第{number}期") if files is None else files).items():
        conn.execute(
            "insert into published.documents (publication_id, file_name, media_type, sha256, content) values (%s, %s, %s, %s, %s)",
            [identity, name, MEDIA_TYPES[PurePosixPath(name).suffix], hashlib.sha256(content).hexdigest(), content],
        )
    return identity


def insert_six_days(conn: psycopg.Connection) -> None:
    """Six daily issues, a correction of the fifth, a weekly and a monthly one."""
    for number, day in enumerate((22, 23, 24, 28, 29, 30), start=1):
        insert_issue(conn, number, date(2020, 6, day))
    insert_issue(conn, 7, date(2020, 6, 29), corrects=5)
    insert_issue(conn, 1, date(2020, 6, 28), series="weekly", period_start=date(2020, 6, 22))
    insert_issue(conn, 1, date(2020, 6, 30), series="monthly", period_start=date(2020, 6, 1))
