"""The properties at the end of the ranking rule, on random histories."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from .ranking import Campaign, ProblemVersion, RankingRow, Township, current_problem, office_code, ranking, township_days
from .strategies import BUSY_DAYS, DISTRICTS, LAST_DAY, ZONE, History, histories, random_history

ZIYANG = DISTRICTS[0]
DAYS = st.sampled_from([day for day in BUSY_DAYS if day <= LAST_DAY])
SPLIT = tuple(Campaign(d, *ends) for d in DISTRICTS for ends in ((date(2020, 4, 1), date(2020, 5, 6)), (date(2020, 5, 7), LAST_DAY)))
MOST = settings(max_examples=40, deadline=None)
NEVER = datetime(2021, 1, 1, tzinfo=ZONE)


def rows_of(history: History, day: date, known_at: datetime | None = None) -> list[RankingRow]:
    return ranking(history.problems, history.visits, history.campaigns, history.townships, ZIYANG, day, known_at)


def rank_of(rows: list[RankingRow], code: str) -> int | None:
    return next(row.rank for row in rows if row.township_code == code)


def in_one_township(history: History, code: str) -> History:
    """Gives every problem of the district to one township, so that its line is the district's."""
    moved = (replace(v, township_code=code) if v.district_code == code[:6] else v for v in history.problems)
    return replace(history, problems=tuple(moved))


def with_version(history: History, version: ProblemVersion) -> History:
    return replace(history, problems=(*history.problems, version))


@MOST
@given(histories(campaigns=SPLIT) | histories(), DAYS)
def test_townships_add_up_to_the_district(history: History, day: date) -> None:
    code = history.townships[0].code
    parts = [row.figures for row in rows_of(history, day)]
    whole = next(row.figures for row in rows_of(in_one_township(history, code), day) if row.township_code == code)
    for name in ("assigned", "rectified", "open", "overdue", "reopened", "found", "closed"):
        assert sum(getattr(part, name) for part in parts) == getattr(whole, name), name
    assert max(part.oldest_open_workdays for part in parts) == whole.oldest_open_workdays


@MOST
@given(histories(), DAYS, st.randoms(use_true_random=False))
def test_the_order_of_input_is_irrelevant(history: History, day: date, random: Random) -> None:
    shuffled = replace(
        history,
        problems=tuple(random.sample(history.problems, len(history.problems))),
        visits=tuple(random.sample(history.visits, len(history.visits))),
        townships=tuple(random.sample(history.townships, len(history.townships))),
    )
    assert rows_of(shuffled, day) == rows_of(history, day)


@MOST
@given(histories(), DAYS)
def test_arrival_order_is_irrelevant_for_distinct_key_and_report_date(history: History, day: date) -> None:
    seen: dict[tuple[str, str, date], ProblemVersion] = {(v.district_code, v.problem_no, v.report_on): v for v in history.problems}
    kept = list(seen.values())
    arrivals = [v.received_at for v in kept][::-1]
    turned = tuple(replace(v, received_at=moment) for v, moment in zip(kept, arrivals, strict=True))
    once = replace(history, problems=tuple(kept))
    assert rows_of(replace(once, problems=turned), day) == rows_of(once, day)


@MOST
@given(histories(), DAYS, st.randoms(use_true_random=False))
def test_one_more_closure_never_lowers_ones_own_rank(history: History, day: date, random: Random) -> None:
    rows = rows_of(history, day)
    numbers = sorted({v.problem_no for v in history.problems if v.district_code == ZIYANG})
    random.shuffle(numbers)
    for number in numbers:
        current = current_problem([v for v in history.problems if (v.district_code, v.problem_no) == (ZIYANG, number)], day)
        if current is None or current.status == "void" or current.township_code is None:
            continue
        closure = replace(current, status="rectified", rectified_on=day, report_on=day, received_at=NEVER)
        before, after = rank_of(rows, current.township_code), rank_of(rows_of(with_version(history, closure), day), current.township_code)
        assert (before is None) == (after is None)
        assert before is None or after <= before


@MOST
@given(histories(), DAYS, st.integers(0, 30))
def test_one_more_open_problem_never_raises_ones_own_rank(history: History, day: date, age: int) -> None:
    found_on = max(date(2020, 4, 1), day - timedelta(days=age))
    for before in rows_of(history, day):
        if before.rank is None:
            continue
        code = before.township_code
        problem = ProblemVersion(ZIYANG, "WT-new", code, code, False, "open", found_on, found_on, None, day, NEVER)
        assert rank_of(rows_of(with_version(history, problem), day), code) >= before.rank


@MOST
@given(histories(), DAYS)
def test_recoding_a_unit_moves_nothing(history: History, day: date) -> None:
    old, new = history.townships[1].code, "430902999"
    recoded = replace(
        history,
        townships=tuple(Township(new, t.is_ranked, t.display_order) if t.code == old else t for t in history.townships),
        problems=tuple(replace(v, township_code=new) if v.township_code == old else v for v in history.problems),
    )
    renamed = [replace(row, township_code=new) if row.township_code == old else row for row in rows_of(history, day)]
    assert sorted(rows_of(recoded, day), key=lambda row: row.township_code) == sorted(renamed, key=lambda row: row.township_code)


@MOST
@given(histories(), DAYS, st.integers(0, 59))
def test_a_past_day_as_known_then_is_what_was_published(history: History, day: date, arrival: int) -> None:
    moment = history.arrivals()[arrival]
    assert rows_of(history, day, known_at=moment) == rows_of(history.known_at(moment), day)


@MOST
@given(histories(), DAYS, st.integers(0, 59))
def test_an_arrival_changes_no_day_before_the_first_it_speaks_of(history: History, day: date, arrival: int) -> None:
    moment = history.arrivals()[arrival]
    before = rows_of(history, day, known_at=moment - timedelta(microseconds=1))
    reported_on = [v.report_on for v in history.problems if v.received_at == moment]
    records = [(v.unit_code, v.record_no) for v in history.visits if v.received_at == moment]
    visited_on = [v.visited_on for v in history.visits if (v.unit_code, v.record_no) in records and v.received_at <= moment]
    if day < min(reported_on + visited_on):
        assert rows_of(history, day, known_at=moment) == before


@MOST
@given(histories(), DAYS)
def test_figures_hold_together(history: History, day: date) -> None:
    for figures in (row.figures for row in rows_of(history, day)):
        assert figures.assigned == figures.rectified + figures.open
        assert figures.overdue <= figures.open and figures.reopened <= figures.open
        assert figures.found <= figures.assigned and figures.closed <= figures.rectified
        assert figures.open or not figures.oldest_open_workdays


def test_a_ranking_holds_the_figures_of_its_day() -> None:
    history = random_history(1, campaigns=SPLIT)
    days = township_days(history.problems, history.visits, history.campaigns, history.townships, LAST_DAY)
    assert len(days) == 91 * (len(history.townships) + len(DISTRICTS))
    for (day, code), figures in days.items():
        if day in BUSY_DAYS and code.startswith(ZIYANG):
            assert next(row.figures for row in rows_of(history, day) if row.township_code == code) == figures


def test_the_generator_makes_what_it_promises() -> None:
    several = [random_history(seed) for seed in range(40)]
    assert several[7] == random_history(7)
    assert any(len({row.rank for row in rows}) < len(rows) for h in several if (rows := [r for r in rows_of(h, LAST_DAY) if r.rank]))
    for history in several:
        arrivals = history.arrivals()
        assert len(set(arrivals)) == len(arrivals) == 60
        for v in history.problems:
            assert v.found_on <= v.due_on and v.found_on <= v.report_on <= v.received_at.date()
            assert (v.rectified_on is None) == (v.status != "rectified")
            assert v.rectified_on is None or v.found_on <= v.rectified_on <= v.report_on
            assert v.is_office == (v.unit_code == office_code(v.district_code)) and (v.is_office or v.status != "void")
            assert v.is_office or v.unit_code == v.township_code
    versions = [v for h in several for v in h.problems]
    visits = [v for h in several for v in h.visits]
    assert any(v.status == "void" for v in versions) and any(v.township_code is None for v in versions)
    assert any(v.report_on < v.received_at.date() for v in versions) and any(v.withdrawn for v in visits)
