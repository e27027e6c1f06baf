"""The figures the district printed for the first half of 2020, reproduced from row-level ledgers and read as a BI tool reads them.

The expected numbers stand in the district's work summary (273 = 237 + 36, 145 projects, 140 started, funds by tier); the rates
follow from them, half-up. The ranking is compared, every day and every township, with a brute-force computation that shares no
code with the warehouse.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

import psycopg
import pytest

from duban import warehouse
from duban.publishing.issues.publishing import publish
from duban.publishing.issues.series import SERIES
from duban.publishing.issues.writing import keep_in_folder
from duban.publishing.site.pages import render_site
from duban.settings import PROJECT
from local.sample.daily import build_groups, build_senders
from local.sample.mistakes import VISITS
from tests.conftest import open_office
from tests.integration.accepted_rows import read_accepted
from tests.integration.canaries import Canary, Search
from tests.ledgers import IDENTITIES, LEDGERS
from tests.oracle import funds, projects, publications, ranking, supervision

ZIYANG = "430902"
LAST_DAY = date(2020, 6, 30)


def test_problems(bi_reader):
    row = bi_reader.execute(
        """select sum(assigned_count), sum(rectified_count), sum(open_count) from marts.fct_township_days
           where district_code = %s and day_on = %s""",
        (ZIYANG, LAST_DAY),
    ).fetchone()
    assert row == (273, 237, 36)
    facts = bi_reader.execute(
        """select count(*) filter (where status <> 'void'), count(*) filter (where is_closed) from marts.fct_problems
           where district_code = %s""",
        (ZIYANG,),
    ).fetchone()
    assert facts == (273, 237)
    assert ranking.percent(237, 273) == Decimal("86.8")


def test_projects(bi_reader):
    rows = bi_reader.execute("select stage, project_name, place from marts.fct_projects where district_code = %s", (ZIYANG,)).fetchall()
    not_started = [name for stage, name, _ in rows if stage == "not_started"]
    assert len(rows) == 145 and len(not_started) == 5 and all(not_started)
    assert ranking.percent(140, 145) == Decimal("96.6")


def test_funds(bi_reader):
    rows = bi_reader.execute(
        """select distinct on (tier) tier, received_yuan, allocated_yuan, allocated_pct from marts.rpt_fund_tiers
           where district_code = %s and fund_year = 2020 order by tier, day_on desc""",
        (ZIYANG,),
    ).fetchall()
    wan = Decimal(10_000)
    assert {tier: (received / wan, allocated / wan, share) for tier, received, allocated, share in rows} == {
        "中央": (838, 662, Decimal("79.0")),
        "省级": (801, 237, Decimal("29.6")),
        "市级": (142, 100, Decimal("70.4")),
    }
    received, allocated = sum(row[1] for row in rows), sum(row[2] for row in rows)
    assert (received / wan, allocated / wan, ranking.percent(int(allocated), int(received))) == (1781, 999, Decimal("56.1"))


def test_the_real_table(bi_reader):
    row = bi_reader.execute("select count(*), sum(amount_yuan) from marts.fct_fund_movements where district_code = '430511'").fetchone()
    assert row == (13, Decimal("3610000.00"))
    findings = bi_reader.execute("select count(*) from marts.fct_findings where district_code = '430511' and rule_id = 'W02'").fetchone()
    assert findings == (2,)


def test_the_joins_of_the_docs_hold(bi_reader):
    """docs/warehouse.md, Joins: "always" leaves no row without its partner; the others name columns that are there."""
    text = (PROJECT / "docs" / "warehouse.md").read_text(encoding="utf-8")
    lines = [line.split("|")[1:5] for line in text.split("\n## Joins\n")[1].split("\n## ")[0].splitlines() if line.startswith("| `")]
    assert len(lines) > 14
    orphans = {}
    for tables, columns, refers_to, always in lines:
        own = re.findall(r"`(\w+)`", columns)
        to, _, field = refers_to.strip(" `").partition(".")
        pairs = " and ".join(f"many.{name} = one.{field or name}" for name in own)
        for table in re.findall(r"`(\w+)`", tables):
            missing = f"{own[-1]} is not null and not exists (select from {to} as one where {pairs})"
            found = bi_reader.execute(f"select count(*) from {table} as many where {missing}").fetchone()
            orphans[table, to, always.strip()[:3]] = found[0]
    assert {join: count for join, count in orphans.items() if count and join[2] == "yes"} == {}
    assert {join[2] for join in orphans} == {"yes", "no:"}  # the others name what is there, too


def test_no_amount_of_the_samples_is_out_of_proportion(bi_reader):
    assert bi_reader.execute("select subject from marts.fct_findings where rule_id = 'W30'").fetchall() == []


@pytest.fixture(scope="module")
def accepted(sample_office) -> publications.Accepted:
    """Everything accepted, in the oracle's words."""
    with warehouse.connect(sample_office.settings) as conn:
        return read_accepted(conn)


def test_ranking_of_every_day(accepted, bi_reader):
    townships = [township for township in accepted.townships if township.code.startswith(ZIYANG)]
    assert len(accepted.visits) > 100
    compared = 0
    days = [
        day for (day,) in bi_reader.execute("select distinct ranked_on from marts.rpt_township_ranking where district_code = %s", (ZIYANG,))
    ]
    assert len(days) == 91 and max(days) == LAST_DAY
    for day in days:
        expected = {
            row.township_code: row
            for row in ranking.ranking(accepted.problems, accepted.visits, accepted.campaigns, townships, ZIYANG, day)
        }
        actual = bi_reader.execute(
            """select township_code, rank, dense_rank, rectified_pct, assigned_count, rectified_count, open_count, overdue_count,
                      reopened_count, oldest_open_workdays from marts.rpt_township_ranking where district_code = %s and ranked_on = %s""",
            (ZIYANG, day),
        ).fetchall()
        assert {row[0] for row in actual} == set(expected)
        for code, rank, dense, rate, *figures in actual:
            wanted = expected[code]
            f = wanted.figures
            assert (rank, dense, rate) == (wanted.rank, wanted.dense_rank, wanted.rectified_pct), (day, code)
            assert tuple(figures) == (f.assigned, f.rectified, f.open, f.overdue, f.reopened, f.oldest_open_workdays), (day, code)
            compared += 1
    assert compared == 91 * 10
    ranks = bi_reader.execute(
        "select count(distinct rank), count(rank) from marts.rpt_township_ranking where district_code = %s and ranked_on = %s",
        (ZIYANG, LAST_DAY),
    ).fetchone()
    assert ranks[1] == 8


def test_days_found_and_closed(accepted, bi_reader):
    expected = ranking.township_days(accepted.problems, accepted.visits, accepted.campaigns, accepted.townships, today=date(2020, 7, 1))
    actual = {
        (day, code): tuple(counts)
        for day, code, *counts in bi_reader.execute("select day_on, township_code, found_count, closed_count from marts.fct_township_days")
    }
    assert actual == {key: (figures.found, figures.closed) for key, figures in expected.items()}
    assert sum(found for found, _ in actual.values()) > 273 - 1 and sum(closed for _, closed in actual.values()) >= 237


def test_supervision_of_every_day(accepted, bi_reader):
    """The groups see most of the townships that are not at zero, on one day all; what they send back and find is counted."""
    (campaign,) = [campaign for campaign in accepted.campaigns if campaign.district_code == ZIYANG]
    days = ranking.township_days(accepted.problems, accepted.visits, [campaign], accepted.townships, today=date(2020, 7, 1))
    expected = supervision.supervision_days(days, accepted.visits, campaign, today=date(2020, 7, 1))
    columns = "due_count, visited_count, coverage_pct, visit_count, confirmed_count, returned_count, relapsed_count, found_count"
    rows = bi_reader.execute(
        f"""select day_on, null as group_code, {columns} from marts.fct_supervision_days where district_code = %(district)s
            union all select day_on, group_code, {columns} from marts.fct_supervision_group_days where district_code = %(district)s""",
        {"district": ZIYANG},
    ).fetchall()
    assert {supervision.SupervisionDay(*row) for row in rows} == expected
    by_day = {row[0].day: row for row in rows if row[1] is None and row[0].month == 6 and row[0].day >= 22}
    assert {day: (row[2], row[3], row[4]) for day, row in by_day.items() if row[5]} == {
        22: (0, 0, None),
        23: (9, 6, Decimal("66.7")),
        24: (9, 9, Decimal("100.0")),
        28: (9, 7, Decimal("77.8")),
        29: (8, 7, Decimal("87.5")),
        30: (9, 8, Decimal("88.9")),
    }
    # 退回, 反弹, 新发现
    assert {day: tuple(row[7:]) for day, row in by_day.items() if any(row[7:])} == {
        24: (2, 0, 0),
        28: (1, 1, 1),
        29: (0, 1, 0),
        30: (1, 0, 1),
    }
    assert sum(row[6] for row in by_day.values()) > 50


def test_what_visits_undo_is_open_until_it_is_rectified_again(bi_reader):
    undone = bi_reader.execute(
        """select township_code, status, is_closed, reopened_count from marts.fct_problems
           where district_code = %s and reopened_count > 0 order by township_code""",
        (ZIYANG,),
    ).fetchall()
    assert undone == [
        ("430902000", "rectified", True, 1),
        ("430902102", "rectified", True, 1),
        ("430902104", "rectified", True, 1),
        ("430902105", "rectified", False, 1),
        ("430902107", "rectified", True, 1),
        ("430902203", "in_progress", False, 1),
    ]
    # 沙头镇 falls below 100 % on the 29th and is back on the 30th.
    shatou = bi_reader.execute(
        """select ranked_on, open_count, reopened_count, rank from marts.rpt_township_ranking
           where township_code = '430902104' and ranked_on >= '2020-06-28' order by ranked_on"""
    ).fetchall()
    assert [row[1:3] for row in shatou] == [(0, 0), (1, 1), (0, 0)] and shatou[-1][3] == 1
    # What 长春镇 was told on the 28th is in its ledger on the 29th; what was found on the 30th is in none yet.
    found = bi_reader.execute(
        "select township_code, day_on from marts.fct_findings where district_code = %s and rule_id = 'W09'", (ZIYANG,)
    )
    assert found.fetchall() == [("430902401", LAST_DAY)]
    listed = bi_reader.execute(
        """select v.township_code, p.found_on, p.first_reported_on, p.source from marts.fct_visits v
           join marts.fct_problems p using (district_code, problem_no) where v.district_code = %s and v.verdict = '新发现'""",
        (ZIYANG,),
    ).fetchall()
    assert listed == [("430902106", date(2020, 6, 28), date(2020, 6, 29), "督导发现")]


def test_visits_that_were_sent_wrongly_are_right_in_the_end(bi_reader):
    rules = bi_reader.execute(
        "select rule_id, count(*) from marts.fct_rejected_rows where ledger = '督导记录' and unit_code like %s group by 1",
        (f"{ZIYANG}-D%",),
    ).fetchall()
    assert dict(rules) == {"R01": 1, "R02": 1, "R04": 2, "V01": 1, "V02": 1, "V03": 1}
    visits, confirmed = bi_reader.execute(
        "select count(*), count(problem_no) filter (where verdict = '属实') from marts.fct_visits where district_code = %s", (ZIYANG,)
    ).fetchone()
    # Every record but the one that was entered twice.
    records = [visit for group in build_groups(build_senders(2020), 2020) for visit in group.items[VISITS]]
    assert visits == len(records) - 1 and confirmed == sum(visit.verdict == "属实" for visit in records)


def test_fund_tiers_of_every_day(accepted, bi_reader):
    expected = funds.fund_tiers(accepted.movements)
    actual = {
        (district, year, day, tier): funds.FundTier(*figures)
        for district, year, day, tier, *figures in bi_reader.execute(
            """select district_code, fund_year, day_on, tier, received_yuan, allocated_yuan, disbursed_yuan, spent_yuan,
                      allocated_pct, spent_pct from marts.rpt_fund_tiers"""
        )
    }
    assert actual == expected and len(actual) > 20


def test_project_stages(accepted, bi_reader):
    expected = {key: projects.stage_of(project) for key, project in projects.current_projects(accepted.projects).items()}
    actual = {(d, no): stage for d, no, stage in bi_reader.execute("select district_code, project_no, stage from marts.fct_projects")}
    assert actual == expected


def test_what_the_publications_must_print(accepted, bi_reader):
    """The oracle of the publications on the figures that the source prints, and on those that it leaves out."""
    figures = publications.issue_figures(accepted, "monthly", ZIYANG, LAST_DAY)
    printed = {
        "total.assigned_count": 273, "total.rectified_count": 237, "total.open_count": 36, "total.rectified_pct": Decimal("86.8"),
        "total.reopened_count": 2, "projects.total_count": 145, "projects.started_count": 140, "projects.started_pct": Decimal("96.6"),
        "projects.not_started_count": 5, "funds.2020.中央.received_yuan": 8_380_000, "funds.2020.中央.allocated_pct": Decimal("79.0"),
        "funds.2020.省级.received_yuan": 8_010_000, "funds.2020.省级.allocated_pct": Decimal("29.6"),
        "funds.2020.市级.received_yuan": 1_420_000, "funds.2020.市级.allocated_pct": Decimal("70.4"),
        "funds.2020.total.allocated_yuan": 9_990_000, "funds.2020.total.unallocated_yuan": 7_820_000,
        "funds.2020.total.allocated_pct": Decimal("56.1"),
    }  # fmt: skip
    assert {code: figures[code] for code in printed} == printed
    assert publications.worst_tier(figures, 2020) == "省级"
    named = bi_reader.execute("select project_no from marts.fct_projects where district_code = %s and stage = 'not_started'", (ZIYANG,))
    assert {number for (number,) in named} == publications.not_started(accepted, ZIYANG, LAST_DAY)
    # What a bulletin must say of the days after the first ones: what came back, and who rose and fell since the working day before.
    daily = [publications.issue_figures(accepted, "daily", ZIYANG, date(2020, 6, day)) for day in (24, 28, 29, 30)]
    assert [one["total.relapsed_count"] for one in daily] == [1, 1, 1, 0]
    # Two problems that 长春镇 closed in the file of Saturday the 27th, a holiday: in the bulletin of the 28th, beside its own.
    rest = [tuple(one[f"total.rest_{name}_count"] for name in ("found", "closed", "relapsed")) for one in daily]
    assert rest == [(0, 0, 0), (0, 2, 0), (0, 0, 0), (0, 0, 0)]
    assert [one["township.430902104.open_count"] for one in daily] == [4, 0, 1, 0]
    assert [(one["township.430902005.previous_rank"], one["township.430902005.rank"]) for one in daily[1:]] == [(5, 2), (2, 4), (4, 3)]


def test_nothing_is_lost_on_the_way(bi_reader):
    rows = bi_reader.execute(
        "select submission_id, outcome, row_count, accepted_count, rejected_count, ignored_count from marts.fct_submissions"
    )
    outcomes = set()
    for submission, outcome, read, accepted, rejected, ignored in rows.fetchall():
        outcomes.add(outcome)
        assert read == accepted + rejected + ignored, submission
    assert outcomes == {"accepted", "accepted_with_rejections", "rejected", "duplicate"}


@pytest.mark.parametrize("schema", ["raw", "personal", "quarantine", "ops", "staging", "intermediate", "ref"])
def test_bi_reads_marts_and_published_only(bi_reader, owner, schema):
    tables = owner.execute(
        "select format('%%I.%%I', table_schema, table_name) from information_schema.tables where table_schema = %s", (schema,)
    )
    tables = [name for (name,) in tables.fetchall()]
    assert tables
    for name in tables:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            bi_reader.execute(f"select * from {name} limit 1")


def test_every_mart_is_commented(bi_reader):
    missing = bi_reader.execute(
        """select c.relname, a.attname from pg_class c join pg_namespace n on n.oid = c.relnamespace
           join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
           where n.nspname = 'marts' and c.relkind in ('r', 'v')
             and (col_description(c.oid, a.attnum) is null or obj_description(c.oid) is null)"""
    ).fetchall()
    assert missing == []


def test_the_page_shows_the_figures(sample_office):
    with warehouse.connect(sample_office.settings) as conn:
        pages = render_site(conn, sample_office.settings.outbox)
    index = next(page for page in pages if page.name == "index.html").read_text(encoding="utf-8")
    for text in ("273", "237", "36", "86.8", "145", "96.6", "29.6", "56.1"):
        assert text in index, text
    assert "http://" not in index.replace("http://www.w3.org/2000/svg", "") and "https://" not in index


def test_no_identity_number_leaves_the_personal_schema(owner, sample_office):
    numbers = [number for (number,) in owner.execute("select id_number from personal.households")]
    names = {name for (name,) in owner.execute("select distinct holder_name from personal.households where length(holder_name) >= 2")}
    assert len(numbers) > 50 and names
    tables = owner.execute(
        """select format('%I.%I', table_schema, table_name) from information_schema.tables
           where table_schema !~ '^pg_' and table_schema not in ('personal', 'information_schema')"""
    ).fetchall()
    assert len(tables) > 30
    for (table,) in tables:
        text = "\n".join(row for (row,) in owner.execute(f"select t::text from {table} t"))
        assert [number for number in numbers if number in text] == [], table
    receipts = list(sample_office.settings.outbox.rglob("receipt.json"))
    assert receipts and all(number not in receipt.read_text(encoding="utf-8") for receipt in receipts for number in numbers)


def test_no_household_is_named_where_others_read(server, sample_office, tmp_path):
    """Of everybody in a personal column, whichever ledger it was: nothing but `personal` and the senders' own returns names one."""
    template = sample_office.settings.warehouse_uri.rsplit("/", 1)[1]
    with open_office(server, tmp_path / "home", template=template) as office:
        titles = {column.title for ledger in LEDGERS.values() for column in ledger.personal if column.type not in IDENTITIES}
        cells = office.query(
            "select distinct value as name from personal.original_rows, jsonb_each_text(cells) where key = any(%s)", [[*titles]]
        )
        names = {row["name"] for row in cells if row["name"] and len(row["name"]) > 1}
        assert len(names) > 100
        with warehouse.connect(office.settings, "publisher") as conn:
            for series in SERIES.values():
                issue = publish(conn, series, ZIYANG, LAST_DAY, settle_seconds=0)
                assert issue.held_for == []
                keep_in_folder(conn, office.settings, issue.publication_id)
            render_site(conn, office.settings.outbox)
        search = Search(Canary("name", name, "", "personal column") for name in names)
        with warehouse.connect(office.settings) as conn:
            kept = Search(search.canaries)
            kept.text("personal", "\n".join(text for (text,) in conn.execute("select cells::text from personal.original_rows")))
            assert len(kept.found) == len(names)
            search.database("warehouse", conn, "personal")
        search.tree("outbox", office.settings.outbox)
        assert search.report() == []
        assert search.looked["warehouse"] > 10_000 and search.looked["outbox"] > 50
