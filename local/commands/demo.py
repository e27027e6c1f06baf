"""`make demo`: replay a sample district through the real DAGs, print the ranking, leave the system running.

The days are those from 22 to 30 June 2020, beside a real table of another district.

Each working day ends with its bulletin; the week ends with its dispatch on Sunday 28 June, a working day, and the month on 30 June.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import time
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import groupby
from pathlib import Path

from duban import warehouse
from duban.warehouse import connect
from local.commands.publish import publish
from local.commands.wait import wait
from local.console import Console, Problem, bar, table
from local.sample import write_sample
from local.system import System

DISTRICT, REAL_DISTRICT = "430902", "430511"
LABEL = "合成样例数据，仅供演示"
ISSUER = "资阳区扶贫办"
DISPATCHES = {date(2020, 6, 28): "weekly", date(2020, 6, 30): "monthly"}
LAST_DAY = date(2020, 6, 30)
REAL_FILE = Path(__file__).parents[1] / "sample" / "beita_2020_central_batch1.csv"
DAY_TIMEOUT_SECONDS = 180.0


IS_FIRST = True


def run(system: System, console: Console, options: argparse.Namespace) -> None:
    """Start the system, replay the sample, print what came of it, leave everything running.

    Raises:
        Problem: this home holds real data of the sample's district, or a file is not judged in time.
    """
    system.up(console)
    _claim_home_for_samples(system)
    folder = system.installation.settings.home / "sample"
    shutil.rmtree(folder, ignore_errors=True)
    files = sorted(write_sample(folder), key=lambda file: file.day)
    console.say(f"{len(files)} sample files written; dropping them, and one real table, into the inbox day by day")
    real = [(f"{REAL_DISTRICT}000", REAL_FILE)]
    began_at = _clock(system)
    for day, of_day in groupby(files, key=lambda file: file.day):
        drops = [(file.unit_code, file.path) for file in of_day]
        # The real table comes along with the first day.
        _replay(system, console, f"{day:%d %B %Y}", [*drops, *real])
        real = []
        for series in filter(None, ("daily" if _is_working_day(system, day) else None, DISPATCHES.get(day))):
            console.progress(f"{day:%d %B %Y}  publishing the {series} issue …")
            for issue in publish(system, series, day.isoformat(), DISTRICT):
                console.say(f"{issue.publication_id}  {issue.summary}")
    wait(system, console, 180)
    _await_page(system, console)
    _show(system, console, began_at)
    system.show_places(console)


def _claim_home_for_samples(system: System) -> None:
    """Mark the sample's district as synthetic, unless this home holds real data."""
    digest = hashlib.sha256(REAL_FILE.read_bytes()).hexdigest()
    with connect(system.installation.settings) as conn:
        label, issuer = conn.execute("select data_label, issuer_name from raw.districts where district_code = %s", (DISTRICT,)).fetchone()
        used = conn.execute("select exists (select from ops.submissions where district_code = %s)", (DISTRICT,)).fetchone()[0]
        other = conn.execute(
            "select exists (select from ops.submissions where district_code = %s and file_sha256 <> %s)", (REAL_DISTRICT, digest)
        ).fetchone()[0]
        if (used and label is None) or other:
            raise Problem(
                f"{system.installation.settings.home} holds real submissions; the demo would mix samples among them. "
                "Use another home: `DUBAN_HOME=demo DUBAN_PG_PORT=… DUBAN_AIRFLOW_PORT=… DUBAN_SITE_PORT=… make demo`."
            )
        warehouse.divisions.record_issuer(conn, DISTRICT, {"data_label": LABEL, "issuer_name": issuer or ISSUER})


def _is_working_day(system: System, day: date) -> bool:
    with connect(system.installation.settings) as conn:
        return conn.execute("select is_working_day from marts.dim_dates where date_on = %s", (day,)).fetchone()[0]


def _await_page(system: System, console: Console) -> None:
    """Wait until the page lists every issue: one that was being rendered when the last came out does not know of it."""
    end = time.monotonic() + DAY_TIMEOUT_SECONDS
    with connect(system.installation.settings) as conn:
        ids = conn.execute("select publication_id from published.publications where district_code = %s", (DISTRICT,)).fetchall()
    places = ["/".join(publication_id.split("-")[1:]) for (publication_id,) in ids]
    page = system.installation.settings.outbox / "site" / DISTRICT / "issues.html"
    while not (page.exists() and all(f"{place}/" in page.read_text(encoding="utf-8") for place in places)):
        console.progress("the page is being refreshed")
        if time.monotonic() > end:
            raise Problem(f"the page does not show the issues; see {system.airflow_url}")
        time.sleep(0.25)


def _clock(system: System):
    with connect(system.installation.settings) as conn:
        return conn.execute("select clock_timestamp()").fetchone()[0]


def _replay(system: System, console: Console, day: str, drops: Sequence[tuple[str, Path]]) -> None:
    """Drop one day's files and wait until all are judged; the marts may follow later."""
    inbox = system.installation.settings.inbox
    since = _clock(system)
    paths = []
    for unit, path in drops:
        target = inbox / unit / path.name
        target.parent.mkdir(exist_ok=True)
        # Under a name that is ignored, then renamed: the file appears whole.
        draft = target.with_name(f".{path.name}.part")
        shutil.copyfile(path, draft)
        os.replace(draft, target)
        paths.append(os.fsencode(f"{unit}/{path.name}"))
    end = time.monotonic() + DAY_TIMEOUT_SECONDS
    with connect(system.installation.settings) as conn:
        while True:
            judged, accepted, rejected, duplicates = conn.execute(
                """select count(*), coalesce(sum(accepted_count), 0), coalesce(sum(rejected_count), 0),
                          count(*) filter (where outcome = 'duplicate')
                   from ops.submissions where inbox_path = any(%s) and claimed_at >= %s and outcome is not null""",
                (paths, since),
            ).fetchone()
            counts = f"{accepted} rows accepted, {rejected} sent back" + (f", {duplicates} files known already" if duplicates else "")
            console.progress(f"{day}  {bar(judged, len(paths))} {judged}/{len(paths)} files, {counts}")
            if judged >= len(paths):
                return
            if down := system.down_parts():
                raise Problem(f"{', '.join(down)} ended; see {system.installation.logs}")
            if time.monotonic() > end:
                raise Problem(f"the files of {day} are not judged after {DAY_TIMEOUT_SECONDS:.0f} s; see {system.airflow_url}")
            time.sleep(0.25)


def _show(system: System, console: Console, began_at) -> None:
    settings = system.installation.settings
    with connect(settings) as conn:
        name = conn.execute("select district_name from marts.dim_districts where district_code = %s", (DISTRICT,)).fetchone()[0]
        ranking = conn.execute(
            """select rank, r.township_name, assigned_count, rectified_count, open_count, overdue_count, oldest_open_workdays,
                      rectified_pct, is_reported
               from marts.rpt_township_ranking r join marts.dim_townships t using (township_code)
               where r.district_code = %s and ranked_on = %s order by rank nulls last, t.display_order""",
            (DISTRICT, LAST_DAY),
        ).fetchall()
        assigned, rectified, open_ = (sum(row[column] for row in ranking) for column in (2, 3, 4))
        projects, started = conn.execute(
            "select count(*), count(*) filter (where stage <> 'not_started') from marts.fct_projects where district_code = %s", (DISTRICT,)
        ).fetchone()
        funds = conn.execute(
            """select tier, received_yuan, allocated_yuan, allocated_pct, spent_pct from (
                   select distinct on (tier) * from marts.rpt_fund_tiers
                   where district_code = %s and fund_year = 2020 order by tier, day_on desc
               ) newest order by received_yuan desc""",
            (DISTRICT,),
        ).fetchall()
        outcomes = conn.execute(
            "select outcome, count(*), sum(row_count), sum(accepted_count), sum(rejected_count), sum(ignored_count) "
            "from ops.submissions where claimed_at >= %s group by 1 order by 1",
            (began_at,),
        ).fetchall()
        real = conn.execute(
            """select s.accepted_count, s.rejected_count, coalesce((select sum(amount_yuan) from marts.fct_fund_movements
                      where district_code = %s and submission_id = s.submission_id), 0)
               from ops.submissions s where s.district_code = %s and s.outcome <> 'duplicate' order by s.received_at limit 1""",
            (REAL_DISTRICT, REAL_DISTRICT),
        ).fetchone()
        slip = conn.execute(
            """select unit_code, submission_id from ops.submissions where district_code = %s and outcome = 'accepted_with_rejections'
               order by rejected_count desc, received_at limit 1""",
            (DISTRICT,),
        ).fetchone()

    console.show(f"\n{name} · {LAST_DAY} · 整改进度排名（{LABEL}）\n")
    header = ("名次", "乡镇", "问题数", "已整改", "未整改", "超期", "最久未整改(工作日)", "整改率%", "当日")
    console.show(table(header, [("—" if row[0] is None else row[0], *row[1:8], "" if row[8] else "未报") for row in ranking]))
    console.show(f"\n问题 {assigned} = 已整改 {rectified} + 未整改 {open_}，整改率 {_percent(rectified, assigned)}")
    console.show(f"项目 {projects}，已开工 {started}，开工率 {_percent(started, projects)}\n")
    tiers = [(tier, _wan(received), _wan(allocated), share, spent) for tier, received, allocated, share, spent in funds]
    received, allocated = sum(row[1] for row in funds), sum(row[2] for row in funds)
    total = ("合计", _wan(received), _wan(allocated), _percent(allocated, received).rstrip("%"), "")
    console.show(table(("资金层级", "下达(万元)", "分配(万元)", "分配率%", "支出率%"), [*tiers, total]))
    if real:
        passed, returned, amount = real[0], real[1], _wan(real[2])
        console.show(f"\n北塔区 2020 年中央资金第一批（公开的真实表格）：{passed} 行通过，{returned} 行退回，通过金额 {amount} 万元")
    console.show("\n" + table(("outcome", "files", "rows", "accepted", "sent back", "ignored"), outcomes))
    if slip:
        returned = settings.outbox / "returns" / slip[0] / slip[1]
        workbook = next(iter(sorted(returned.glob("*.xlsx"))), returned)
        console.show(f"\n  Return slip    {workbook}")
    console.show(f"  Returns        {settings.outbox / 'returns'}")
    with connect(settings) as conn:
        issues = conn.execute(
            """select series, count(*), (array_agg(publication_id order by issue_no desc))[1]
               from published.publications where district_code = %s group by 1 order by 1""",
            (DISTRICT,),
        ).fetchall()
    folder = settings.outbox / "publications"
    console.show(f"  Publications   {folder}: {', '.join(f'{count} {series}' for series, count, _ in issues)}")
    if newest := next((last for series, _, last in issues if series == "daily"), None):
        for document in sorted(folder.joinpath(*newest.split("-")).glob("*.docx")):
            console.show(f"  Bulletin       {document}")
        console.show(f"  Trace          make trace ISSUE={newest} FIGURE=total.open_count")


def _percent(part, whole) -> str:
    """Half-up on the exact ratio, one decimal; integers only, as everywhere."""
    if not whole:
        return "—"
    tenths = (int(part * 100) * 2000 // int(whole * 100) + 1) // 2
    return f"{tenths // 10}.{tenths % 10}%"


def _wan(yuan) -> str:
    """Yuan as 万元, exactly, without empty decimals."""
    text = f"{Decimal(yuan) / 10000:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
