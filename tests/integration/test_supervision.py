"""Supervision coverage against the oracle, and the chain of each problem, on random histories that arrive in parts."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from datetime import date

import pytest

from duban import warehouse
from duban.orchestration import dbt
from tests.integration.test_ranking_random import in_order_of_arrival, in_own_districts, load, register
from tests.oracle import ranking
from tests.oracle.strategies import random_history
from tests.oracle.supervision import SupervisionDay, supervision_days

# days of the builds between which parts of the histories arrive; the last lies behind the campaign
DAYS = (date(2020, 5, 20), date(2020, 6, 25), date(2020, 7, 2))


@pytest.fixture(scope="module")
def supervised(shared_installed_office):
    """A warehouse built in parts, and the histories it was built from."""
    histories = [in_own_districts(random_history(500 + number, event_count=200), number) for number in range(4)]
    with warehouse.connect(shared_installed_office.settings) as conn:
        for history, townships in histories:
            register(conn, history, townships)
    versions = in_order_of_arrival([history for history, _ in histories])
    size = -(-len(versions) // len(DAYS))
    for number, day in enumerate(DAYS):
        with warehouse.connect(shared_installed_office.settings) as conn:
            load(conn, versions[number * size : (number + 1) * size])
        dbt.build(shared_installed_office.settings, "live" if number else "nightly", today=day)
    return shared_installed_office, histories


def test_coverage_of_every_day_and_group(supervised):
    """To be visited is who was not at zero the evening before; each is counted once, by whomever and however often it was visited."""
    office, histories = supervised
    columns = (
        "day_on, {group}, due_count, visited_count, coverage_pct, visit_count, confirmed_count, returned_count, relapsed_count, found_count"
    )
    compared = covered = 0
    for history, townships in histories:
        for campaign in history.campaigns:
            days = ranking.township_days(history.problems, history.visits, [campaign], townships, today=DAYS[-1])
            rows = [
                SupervisionDay(*row.values())
                for table, group in (("fct_supervision_days", "null as group_code"), ("fct_supervision_group_days", "group_code"))
                for row in office.query(
                    f"select {columns.format(group=group)} from marts.{table} where district_code = %s", [campaign.district_code]
                )
            ]
            expected = supervision_days(days, history.visits, campaign, DAYS[-1])
            assert set(rows) - expected == set() and expected - set(rows) == set()
            assert len(rows) == len(expected)
            compared += len(rows)
            covered += sum(row.visited > 0 and row.visited < row.due for row in rows)
    assert compared > 2000 and covered > 20


def test_coverage_as_it_was_known(supervised):
    """`marts.supervision_as_of` at times between the arrivals: what came later, or was withdrawn later, is not there yet."""
    office, histories = supervised
    chance, covered = random.Random(3), 0
    versions = in_order_of_arrival([history for history, _ in histories])
    for history, townships in histories:
        for campaign in history.campaigns:
            own = [version for version in versions if version.district_code == campaign.district_code]
            visits = [version for version in own if isinstance(version, ranking.VisitVersion)]
            problems = [version for version in own if isinstance(version, ranking.ProblemVersion)]
            for _ in range(5):
                known_at = chance.choice(visits).received_at
                day = chance.choice([visit.visited_on for visit in visits if campaign.start_on < visit.visited_on <= campaign.end_on])
                known = [visit for visit in visits if visit.received_at <= known_at]
                days = ranking.township_days(problems, visits, [campaign], townships, today=day, known_at=known_at)
                expected = {row for row in supervision_days(days, known, campaign, day) if row.day == day}
                rows = office.query("select * from marts.supervision_as_of(%s, %s, %s)", [campaign.district_code, day, known_at])
                assert {
                    SupervisionDay(row.pop("day_on"), *[row[name] for name in row if name != "district_code"]) for row in rows
                } == expected
                covered += sum(row.visited for row in expected)
    assert covered > 20


def test_chains_lead_to_the_figures_of_every_day(supervised):
    """Following every change of every problem from an empty campaign gives assigned and open of each township on each day."""
    office, histories = supervised
    chains = defaultdict(list)
    for row in office.query("select * from marts.fct_problem_changes order by day_on"):
        chains[row["district_code"], row["problem_no"]].append(row)
    changes = Counter(row["change"] for chain in chains.values() for row in chain)
    assert all(changes[kind] > 5 for kind in ("found", "closed", "reopened", "moved", "removed"))
    assert max(sum(row["change"] == "reopened" for row in chain) for chain in chains.values()) > 1
    for history, townships in histories:
        expected = ranking.township_days(history.problems, history.visits, history.campaigns, townships, today=DAYS[-1])
        assigned, still_open = Counter(), Counter()
        for (district, _), chain in chains.items():
            if district in {campaign.district_code for campaign in history.campaigns}:
                for day, township, is_open in _follow(chain, sorted({day for day, _ in expected})):
                    assigned[day, township] += 1
                    still_open[day, township] += is_open
        assert assigned == {key: figures.assigned for key, figures in expected.items() if figures.assigned}
        assert +still_open == {key: figures.open for key, figures in expected.items() if figures.open}


def _follow(chain, days):
    """The problem's township and whether it is open, for each day on which it is assigned."""
    township, is_open = None, False
    for day in days:
        kinds = {row["change"]: row for row in chain if row["day_on"] == day}
        if "found" in kinds:
            assert township is None
            township, is_open = kinds["found"]["township_code"], True
        if "moved" in kinds:
            assert kinds["moved"]["from_township_code"] == township
            township = kinds["moved"]["township_code"]
        if "closed" in kinds:
            assert is_open
            is_open = False
        if "reopened" in kinds:
            assert not is_open
            is_open = True
        assert {row["township_code"] for row in kinds.values()} <= {township}
        if "removed" in kinds:
            township, is_open = None, False
        if township:
            yield day, township, is_open
