"""From a workbook in the inbox to the refreshed page: how many seconds, on a running and otherwise idle system.

Writes made-up problems of 30 rows each, so it wants a home of its own:

    DUBAN_HOME=var/bench DUBAN_PG_PORT=5633 DUBAN_AIRFLOW_PORT=8280 DUBAN_SITE_PORT=8290 make up
    . var/bench/env.sh && python bench/latency.py --runs 7
"""

from __future__ import annotations

import argparse
import io
import os
import statistics
import sys
import time
from datetime import UTC, date, datetime

import openpyxl

from duban.settings import load_settings
from duban.warehouse import connect

UNIT = "430902102"
HEADER = [
    "问题编号",
    "村(社区)",
    "问题来源",
    "发现日期",
    "问题类别",
    "问题描述",
    "整改措施",
    "责任领导",
    "整改时限",
    "整改状态",
    "完成日期",
    "印证资料",
]
ROWS = 30
PATIENCE_SECONDS = 120


def workbook(run: int) -> bytes:
    """A township's problem ledger with a title, a report date and 30 rows, new ones in every run."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "问题台账"
    sheet.append(["迎风桥镇问题台账"])
    sheet.append(["填报日期：2020-06-24"])
    sheet.append(HEADER)
    for number in range(ROWS):
        sheet.append(
            [
                f"测-{run:03d}-{number:03d}",
                "",
                "日常发现",
                date(2020, 6, 1),
                "其他",
                "测速用的问题，不是真的",
                "",
                "张三",
                date(2020, 7, 1),
                "未整改",
                "",
                "",
            ]
        )
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def measure(runs: int) -> list[dict[str, float]]:
    """Seconds from the rename into the inbox to: outcome, marts, page. One entry per run."""
    settings = load_settings()
    results = []
    with connect(settings) as conn:
        if conn.execute("select exists (select from ops.submissions where file_name not like 'latency-%')").fetchone()[0]:
            sys.exit(f"{settings.home} holds submissions that are not of this benchmark: use a home of its own.")
        offset = conn.execute("select count(*) from ops.submissions").fetchone()[0]
        for run in range(offset, offset + runs):
            folder = settings.inbox / UNIT
            draft = folder / f".latency-{run}.tmp"
            draft.write_bytes(workbook(run))
            dropped = datetime.now(UTC)
            os.replace(draft, folder / f"latency-{run}.xlsx")
            deadline = time.monotonic() + PATIENCE_SECONDS
            while True:
                moments = conn.execute(
                    """select s.received_at, b.finished_at, p.rendered_at from ops.submissions s
                       join ops.builds b on b.is_success and b.through_received_at >= s.received_at
                       join ops.live_pages p on p.through_received_at >= s.received_at
                       where s.file_name = %s order by b.finished_at, p.rendered_at limit 1""",
                    (f"latency-{run}.xlsx",),
                ).fetchone()
                if moments:
                    break
                if time.monotonic() > deadline:
                    sys.exit(f"run {run}: no page after {PATIENCE_SECONDS} s; `make status` says what is wrong")
                time.sleep(0.1)
            results.append(dict(zip(("outcome", "marts", "page"), ((moment - dropped).total_seconds() for moment in moments), strict=True)))
            time.sleep(5)  # let the system come to rest
    return results


def main() -> None:
    """Measure and print minimum, median and maximum."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7)
    results = measure(parser.parse_args().runs)
    print(f"{len(results)} workbooks of {ROWS} rows, one after the other; seconds after the file lay in the inbox")
    for stage in results[0]:
        values = [result[stage] for result in results]
        print(f"{stage:8} min {min(values):5.1f}   median {statistics.median(values):5.1f}   max {max(values):5.1f}")


if __name__ == "__main__":
    main()
