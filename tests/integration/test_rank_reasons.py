"""Scores, rankings under every rule, and the reasons for a rank against the brute-force oracle, on random districts full of ties.

Most districts are ranked by a rule of their own, which is a line in `ref_ranking_rules` like any other; all share one build.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from fractions import Fraction

import pytest

from duban import warehouse
from duban.orchestration import dbt
from duban.settings import TIMEZONE
from tests.conftest import Office
from tests.integration.test_ranking_random import in_order_of_arrival, load, register
from tests.oracle.rank_reasons import INDICATORS, District, Rule
from tests.oracle.ranking import Campaign, ProblemVersion, Township, VisitVersion, office_code
from tests.oracle.rates import percent
from tests.oracle.strategies import History

FIRST_DAY, LAST_DAY = date(2020, 5, 18), date(2020, 6, 30)
# Few days, so that townships tie; the Dragon Boat holidays and the end of the campaign are among them.
EVENT_DAYS = tuple(FIRST_DAY + timedelta(days=number) for number in (0, 1, 4, 9, 10, 15, 18, 19, 25, 33, 35, 36, 38, 40, 43))
SECOND_CAMPAIGN_ON = date(2020, 6, 6)
RULES = tuple(f"ZY-2020-R{number}" for number in (1, 2, 3, 4))

WITHOUT_SCORE = "520061"

# District to the rules in force there; none is the general one.
IN_FORCE: dict[str, tuple[tuple[str, date, date | None], ...]] = {
    **{f"5200{number:02d}": () for number in range(1, 7)},
    **{f"5200{number:02d}": (("ZY-2020-R2", FIRST_DAY, None),) for number in range(11, 17)},
    **{f"5200{number:02d}": (("ZY-2020-R3", FIRST_DAY, None),) for number in (21, 22)},
    **{f"5200{number:02d}": (("ZY-2020-R4", FIRST_DAY, None),) for number in (31, 32)},
    "520041": (("ZY-2020-R2", FIRST_DAY, date(2020, 6, 20)), ("ZY-2020-R4", date(2020, 6, 10), None)),
    WITHOUT_SCORE: (("ZY-2020-R2", FIRST_DAY, None),),
}
TWO_CAMPAIGNS = ("520005", "520015")
BASELINES = (
    ("*", date(2020, 6, 2)),
    ("520011", date(2020, 5, 27)),
    ("520012", date(2020, 5, 27)),
    ("520012", date(2020, 6, 18)),
    ("520013", date(2020, 6, 22)),
    ("520015", date(2020, 5, 27)),
    ("520041", date(2020, 5, 22)),
)


class Writer:
    """Writes one random district: twins that tie, one township without problems, one with all rectified, one that is not ranked."""

    RANKED = ("101", "102", "103", "104", "105", "106", "107", "108", "110")
    TWINS = {"101": ("105", "110"), "102": ("106",)}
    ALL_RECTIFIED, UNRANKED = "107", "109"

    def __init__(self, code: str):
        self.code = code
        self.chance = random.Random(code)
        self.clock = itertools.count()
        self.problems: list[ProblemVersion] = []
        self.visits: list[VisitVersion] = []

    def write(self) -> History:
        places = self.chance.sample(range(1, 11), 10)
        suffixes = (*self.RANKED, self.UNRANKED)
        townships = tuple(Township(self.code + s, s != self.UNRANKED, place) for s, place in zip(suffixes, places, strict=True))
        numbers = itertools.count(1)
        for suffix in ("101", "102", "103", "104", self.UNRANKED, None):
            for _ in range(self.chance.randint(1, 7)):
                due_after, events = self.chance.choice((0, 3, 10, 40)), self.events(stays=suffix in self.TWINS)
                for own in (suffix, *self.TWINS.get(suffix, ())):
                    self.problem(next(numbers), own, due_after, events)
        for _ in range(self.chance.randint(1, 2)):
            self.problem(next(numbers), self.ALL_RECTIFIED, 3, [(self.chance.choice(EVENT_DAYS[:6]), "rectified")])
        campaigns = (Campaign(self.code, FIRST_DAY, LAST_DAY),)
        if self.code in TWO_CAMPAIGNS:
            campaigns = (
                Campaign(self.code, FIRST_DAY, SECOND_CAMPAIGN_ON - timedelta(days=1)),
                Campaign(self.code, SECOND_CAMPAIGN_ON, LAST_DAY),
            )
        return History(tuple(self.problems), tuple(self.visits), campaigns, townships)

    def events(self, stays: bool) -> list[tuple[date, str]]:
        """Days on which something happens to a problem: it is found on the first."""
        days = sorted(self.chance.sample(EVENT_DAYS, self.chance.randint(1, 5)))
        later = ("rectified", "rectified", "rectified", "visit", "visit", "void", "lifted") + (() if stays else ("handed over",) * 2)
        return [(days[0], self.chance.choice(("open", "open", "open", "rectified")))] + [
            (day, self.chance.choice(later)) for day in days[1:]
        ]

    def problem(self, number: int, suffix: str | None, due_after: int, events: list[tuple[date, str]]) -> None:
        office, found_on = office_code(self.code), events[0][0]
        version = ProblemVersion(
            district_code=self.code,
            problem_no=f"WT-{number:03d}",
            township_code=suffix and self.code + suffix,
            unit_code=office,
            is_office=True,
            status="open",
            found_on=found_on,
            due_on=found_on + timedelta(days=due_after),
            rectified_on=None,
            report_on=found_on,
            received_at=datetime(2020, 7, 1, tzinfo=TIMEZONE),
        )
        for day, event in events:
            received_at = datetime(day.year, day.month, day.day, tzinfo=TIMEZONE) + timedelta(seconds=next(self.clock))
            if event == "visit":
                visit = f"DD-{next(self.clock)}"
                verdict = self.chance.choice(("退回", "反弹"))
                self.visits.append(VisitVersion(self.code, f"{self.code}-D1", visit, day, version.problem_no, verdict, day, received_at))
                continue
            is_office = version.township_code is None or event in ("void", "lifted", "handed over")
            if event == "handed over":
                version = replace(version, township_code=self.code + self.chance.choice(("103", "104", self.UNRANKED)))
            else:
                status = "open" if event == "lifted" else event
                version = replace(version, status=status, rectified_on=day if status == "rectified" else None)
            unit = office if is_office else version.township_code
            version = replace(version, unit_code=unit, is_office=is_office, report_on=day, received_at=received_at)
            self.problems.append(version)


def of_counts(code: str, counts: list[tuple[int, int, int]]) -> History:
    """A district of two days, and townships with so many problems, so many of them rectified, found and fixed after so many days."""
    townships = tuple(Township(f"{code}1{number:02d}", True, number) for number in range(len(counts)))
    moment, numbers = datetime(2020, 5, 18, tzinfo=TIMEZONE), itertools.count(1)
    versions = []
    for township, (assigned, rectified, after) in zip(townships, counts, strict=True):
        day = FIRST_DAY + timedelta(days=after)
        for position in range(assigned):
            number, status = next(numbers), "rectified" if position < rectified else "open"
            fixed_on = day if status == "rectified" else None
            common = (township.code, township.code, False, status, day, LAST_DAY, fixed_on, day)
            versions.append(ProblemVersion(code, f"WT-{number:03d}", *common, moment + timedelta(seconds=number)))
    return History(tuple(versions), (), (Campaign(code, FIRST_DAY, FIRST_DAY + timedelta(days=1)),), townships)


MADE_BY_HAND = {
    # (2 + 10·8/16) / 16 = 43.75 %, (1 + 10·1/16) / 26 = 6.25 % and the like: halves of a tenth
    "520051": [(6, 2, 0), (10, 6, 0)],
    "520052": [(16, 1, 0)],
    "520053": [(16, 3, 0), (0, 0, 0)],
    "520054": [(0, 0, 0), (0, 0, 0)],
    # under R2 the first has rectified what was found since, the second had nothing open and found nothing
    WITHOUT_SCORE: [(1, 1, 1), (2, 2, 0)],
}


@dataclass(frozen=True)
class Built:
    """A warehouse with its marts, and the oracle of each district."""

    office: Office
    districts: dict[str, District]

    def rows(self, table: str, district: str) -> list[dict]:
        """All rows of a mart of one district."""
        return self.office.query(f"select * from marts.{table} where district_code = %s", [district])

    @property
    def reasons(self) -> Iterator[tuple[District, dict]]:
        """Every reason there is, with its district."""
        for code, district in self.districts.items():
            for row in self.rows("rpt_rank_reasons", code):
                yield district, row


@pytest.fixture(scope="module")
def built(shared_installed_office: Office) -> Built:
    """All districts, built once, each by the rules that are in force there."""
    office = shared_installed_office
    histories = {code: of_counts(code, counts) for code, counts in MADE_BY_HAND.items()}
    histories |= {code: Writer(code).write() for code in IN_FORCE if code not in histories}
    versions = in_order_of_arrival(list(histories.values()))
    with warehouse.connect(office.settings) as conn:
        for history in histories.values():
            register(conn, replace(history, campaigns=history.campaigns[:1]), list(history.townships))
            for campaign in history.campaigns[1:]:
                conn.execute(
                    "insert into raw.campaigns values (%s, '再回头看', %s, %s)",
                    (campaign.district_code, campaign.start_on, campaign.end_on),
                )
        load(conn, versions)
        conn.cursor().executemany("insert into ref.ref_ranking_baselines values (%s, %s)", BASELINES)
        for code, lines in IN_FORCE.items():
            conn.cursor().executemany(
                """insert into ref.ref_ranking_rules
                   select rule_code, %s, %s, %s, ordering_keys, description, wording from ref.ref_ranking_rules
                   where rule_code = %s and district_code = '*'""",
                [(code, start, end, rule) for rule, start, end in lines],
            )
    dbt.build(office.settings, "live", full_refresh=True)
    rules = [
        Rule(*list(row.values())[:4], keys=tuple(tuple(key.split()) for key in row["ordering_keys"].split(", ")))
        for row in office.query("select rule_code, district_code, effective_from, effective_to, ordering_keys from ref.ref_ranking_rules")
    ]
    baselines = [tuple(row.values()) for row in office.query("select district_code, baseline_on from ref.ref_ranking_baselines")]
    weights = {row["share_code"]: row["weight"] for row in office.query("select share_code, weight from ref.ref_score_weights")}
    districts = {}
    for code, history in histories.items():
        own = [version for version in versions if version.district_code == code]
        problems = [version for version in own if isinstance(version, ProblemVersion)]
        visits = [version for version in own if isinstance(version, VisitVersion)]
        districts[code] = District(code, problems, visits, history.campaigns, history.townships, rules, baselines, weights)
    return Built(office, districts)


def test_scores_are_the_fractions_of_the_oracle(built):
    """All indicators of all units on all days, as numerator and denominator; where nothing is to divide by there is no row."""
    missing = Counter()
    for code, district in built.districts.items():
        stored = {
            (row["township_code"], row["day_on"], row["indicator_code"]): (row["numerator"], row["denominator"])
            for row in built.rows("fct_township_scores", code)
        }
        wanted = {
            (unit, day, indicator): district.score(unit, day, indicator)
            for unit in district.units
            for day in district.days
            for indicator in INDICATORS
        }
        missing.update(indicator for (_, _, indicator), score in wanted.items() if score is None)
        wanted = {key: score for key, score in wanted.items() if score is not None}
        assert {key: (stored.get(key), score) for key, score in wanted.items() if stored.get(key) != score} == {}
        assert len(stored) == len(wanted)
    assert min(missing[name] for name in ("progress", "progress_since_baseline", "progress_on_due", "weighted_score")) > 100


def test_order_keys_order_as_the_fractions(built):
    """Over all districts and days: equal fractions have one key, a larger one has a larger key."""
    rows = built.office.query("select distinct indicator_code, numerator, denominator, order_key from marts.fct_township_scores")
    for indicator in INDICATORS:
        pairs = sorted(
            (Fraction(r["numerator"]) / Fraction(r["denominator"]), r["order_key"]) for r in rows if r["indicator_code"] == indicator
        )
        assert len(pairs) > 4
        for (fraction, key), (other, other_key) in itertools.pairwise(pairs):
            assert (key < other_key) == (fraction < other) and (key == other_key) == (fraction == other)
            assert key == int(fraction * 10**18)


def test_every_district_is_ranked_by_its_rule_in_force(built):
    """Rank, dense rank and rule of every township and day; who takes no part has none."""
    by_rule = Counter()
    for code, district in built.districts.items():
        wanted = {}
        for day in district.days:
            rule = district.rule_on(day)
            ranks = district.ranking(day, rule.keys)
            by_rule[rule.code] += len(ranks)
            wanted |= {(day, unit): (rule.code, *ranks.get(unit, (None, None))) for unit in district.units}
        rows = built.rows("rpt_township_ranking", code)
        assert {(row["ranked_on"], row["township_code"]): (row["rule_code"], row["rank"], row["dense_rank"]) for row in rows} == wanted
    assert min(by_rule[rule] for rule in RULES) > 400


def test_adjusted_rates_are_half_up_on_the_exact_ratio(built):
    """(Z + 10·p) / (A + 10), with the rate p of the whole district: townships, unranked units and departments."""
    halves = without = 0
    for code, district in built.districts.items():
        for row in built.rows("rpt_township_ranking", code):
            exact = district.adjusted(row["township_code"], row["ranked_on"])
            assert row["adjusted_pct"] == (exact and percent(exact.numerator, exact.denominator)), row
            halves += exact is not None and (exact * 1000).denominator == 2
            without += exact is None
    assert halves >= 5 and without > 5


@pytest.mark.parametrize("rule", RULES)
def test_simulated_rankings_follow_the_ordering_keys(built, rule):
    """Every rule over all days of all districts, whatever is in force there."""
    departs = 0
    for code, district in built.districts.items():
        keys = next(each.keys for each in district.rules if each.code == rule)
        rows = built.office.query("select * from marts.simulated_ranking(%s, %s, %s, %s)", [code, rule, FIRST_DAY, LAST_DAY])
        assert {row["rule_code"] for row in rows} == {rule}
        wanted = {}
        for day in district.days:
            ranks = district.ranking(day, keys)
            departs += ranks != district.ranking(day, district.rule_on(day).keys)
            wanted |= {(day, unit): ranks.get(unit, (None, None)) for unit in district.units}
        assert {(row["ranked_on"], row["township_code"]): (row["rank"], row["dense_rank"]) for row in rows} == wanted
        assert len(rows) == len(wanted)
    assert departs > 100


def test_rankings_as_of_now_are_the_rankings(built):
    """`ranking_as_of` looks back to the baseline where the rule in force does, and takes every rule as the marts do."""
    now = datetime(2100, 1, 1, tzinfo=TIMEZONE)
    for code, district in built.districts.items():
        shown = built.rows("rpt_township_ranking", code)
        for day in random.Random(code).sample(district.days, 2):
            rows = built.office.query("select * from marts.ranking_as_of(%s, %s, %s)", [code, day, now])
            assert sorted(rows, key=str) == sorted((row for row in shown if row["ranked_on"] == day), key=str)


def test_who_stands_ahead_and_which_key_decided(built):
    """For every ranked township and day: the one directly ahead, the first key in which the two differ, and both scores of it."""
    places, without_score = Counter(), 0
    for code, district in built.districts.items():
        stored = {(row["ranked_on"], row["township_code"]): row for row in built.rows("rpt_rank_reasons", code)}
        wanted = set()
        for day in district.days:
            rule = district.rule_on(day)
            for township, (rank, _) in district.ranking(day, rule.keys).items():
                reason = district.reason(township, day)
                row = stored[day, township]
                assert (row["rank"], row["rule_code"], row["ahead_township_code"]) == (rank, rule.code, reason.ahead), row
                assert (row["deciding_place"], row["deciding_indicator"]) == (reason.place, reason.indicator), row
                assert (row["own_numerator"], row["own_denominator"]) == (reason.own or (None, None)), row
                assert (row["ahead_numerator"], row["ahead_denominator"]) == (reason.other or (None, None)), row
                wanted.add((day, township))
                places[reason.place] += 1
                without_score += reason.place is not None and reason.own is None
        assert stored.keys() == wanted
    assert min(places[place] for place in (None, 1, 2, 3, 4, 5)) > 10 and without_score > 10


def first_indicator(district: District, row: dict) -> str:
    """What the rule in force asks first."""
    return district.rule_on(row["ranked_on"]).keys[0][0]


def test_closures_needed_are_the_fewest_that_the_first_keys_ask_for(built):
    """Tried one by one. On the baseline day itself closures move the second key alone; without a score no number of them helps."""
    needed, on_baseline, without_score = Counter(), 0, 0
    for district, row in built.reasons:
        township, ahead, day = row["township_code"], row["ahead_township_code"], row["ranked_on"]
        wanted = district.closures_needed(township, ahead, day) if ahead else None
        assert row["closures_needed_count"] == wanted, row
        needed[row["rule_code"], wanted] += 1
        indicator = first_indicator(district, row)
        on_baseline += ahead is not None and indicator == "progress_since_baseline" and district.baseline_on(day) == day
        without_score += ahead is not None and wanted is None and district.score(township, day, indicator) is None
    assert all(needed[rule, count] > 10 for rule in RULES[:2] for count in (None, 1, 2, 3))
    assert {rule for rule, count in needed if count is not None} == set(RULES[:2]) and all(needed[rule, None] > 10 for rule in RULES)
    assert on_baseline > 50 and without_score > 10


def test_after_the_closures_nobody_ahead_is_ahead_any_more(built):
    """The promise: whichever of its problems are rectified, the township's rank is then no worse than that of the one it stood behind."""
    chance = random.Random(7)
    kept = all_closed = 0
    for district, row in built.reasons:
        count, day, township, ahead = (row[name] for name in ("closures_needed_count", "ranked_on", "township_code", "ahead_township_code"))
        if count is None:
            continue
        still_open = district.open_numbers(township, day)
        closed = chance.sample(still_open, count)
        ranks = district.ranking(day, district.rule_on(day).keys, closed)
        assert ranks[township] <= ranks[ahead] and ranks[township][0] < row["rank"], (row, closed)
        kept += 1
        all_closed += count == len(still_open)
    assert kept > 1000 and all_closed > 100


def test_one_closure_fewer_would_not_do(built):
    """With one fewer, whichever they are, the first two keys still put it behind, or leave the matter to keys that depend on which."""
    for district, row in built.reasons:
        count, day, township, ahead = (row[name] for name in ("closures_needed_count", "ranked_on", "township_code", "ahead_township_code"))
        if count is not None:
            keys = district.rule_on(day).keys[:2]
            closed = district.open_numbers(township, day)[: count - 1]
            assert district.place(township, day, keys, closed) >= district.place(ahead, day, keys), row
