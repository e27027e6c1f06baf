"""`make simulate`: its figures against ones computed here from the ranks, and what it says when it cannot."""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import fmean
from typing import Any

import pytest

from local.commands import simulate as command
from local.console import Problem
from tests.integration.asked_system import AskedSystem, run

DISTRICT = "430902"
FIRST, LAST = "2020-06-22", "2020-06-30"
RULES = [f"ZY-2020-R{number}" for number in (1, 2, 3, 4)]


def options(rule: str, district: str = "", first: str = "", last: str = "") -> list[str]:
    """As the Makefile calls it: what is not named is empty."""
    return [rule, "--district", district, "--from", first, "--to", last]


def printed(office, capsys, *arguments: str) -> tuple[str, list[list[str]], list[list[str]]]:
    """What the command prints: all of it, the words of each day's line, and those of each township's line."""
    run(command, AskedSystem(office.settings), *options(*arguments))
    text = capsys.readouterr().out
    blocks = [block.splitlines() for block in text.split("\n\n")]
    days = [line.split() for line in blocks[1][1:]]
    townships = [line.split() for line in blocks[3][1:]] if len(blocks) > 3 else []
    return text, days, townships


def ranks(office, rule: str) -> dict[str, dict[str, tuple[int, int]]]:
    """Official and simulated rank, by day and township."""
    official = office.query("select * from marts.rpt_township_ranking where district_code = %s", [DISTRICT])
    simulated = office.query("select * from marts.simulated_ranking(%s, %s, '2020-04-01', '2020-06-30')", [DISTRICT, rule])
    rank_of = {(row["ranked_on"], row["township_code"]): row["rank"] for row in simulated}
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for row in official:
        if row["rank"] is not None:
            pair = row["rank"], rank_of[row["ranked_on"], row["township_code"]]
            found.setdefault(str(row["ranked_on"]), {})[row["township_name"]] = pair
    return found


def spearman(pairs: list[tuple[int, int]]) -> float | None:
    """Pearson's correlation of the places; those of equal rank share the mean of the places that they take up."""

    def places(side: tuple[int, ...]) -> list[float]:
        return [fmean(place for place, rank in enumerate(sorted(side), 1) if rank == own) for own in side]

    xs, ys = map(places, zip(*pairs, strict=True))
    x_mean, y_mean = fmean(xs), fmean(ys)
    spread = math.sqrt(sum((x - x_mean) ** 2 for x in xs) * sum((y - y_mean) ** 2 for y in ys))
    return sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True)) / spread if spread else None


@pytest.mark.parametrize("rule", RULES)
def test_the_days_are_those_computed_from_the_ranks(sample_office, capsys, rule):
    _, days, _ = printed(sample_office, capsys, rule, "", "", "")
    expected = ranks(sample_office, rule)
    assert [line[0] for line in days] == sorted(expected) and (days[0][0], days[-1][0]) == (FIRST, LAST)
    for day, official, correlation, changed, count in days:
        pairs = list(expected[day].values())
        assert official == "ZY-2020-R1"
        assert float(correlation) == pytest.approx(spearman(pairs), abs=0.0005001)
        assert (int(changed), int(count)) == (sum(before != after for before, after in pairs), len(pairs))


@pytest.mark.parametrize("rule", RULES)
def test_the_townships_are_those_that_move_most_first(sample_office, capsys, rule):
    text, _, townships = printed(sample_office, capsys, rule, DISTRICT, "2020-06-24", "2020-06-28")
    expected = {day: of_day for day, of_day in ranks(sample_office, rule).items() if "2020-06-24" <= day <= "2020-06-28"}
    assert len(expected) == 5
    moved = {}
    for name, last in expected["2020-06-28"].items():
        changes = [of_day[name][1] - of_day[name][0] for of_day in expected.values()]
        if any(changes):
            moved[name] = (*last, fmean(changes))
    said = {name: (int(official), int(simulated), float(mean)) for name, official, simulated, mean in townships}
    assert said.keys() == moved.keys() and ("No township changes" in text) == (not moved)
    for name, (official, simulated, mean) in said.items():
        assert (official, simulated) == moved[name][:2] and mean == pytest.approx(moved[name][2], abs=0.005)
    sizes = [abs(mean) for _, _, mean in said.values()]
    assert sizes == sorted(sizes, reverse=True)


def test_the_sample_has_what_makes_these_tests_strict(sample_office):
    by_rule = {rule: ranks(sample_office, rule) for rule in RULES}
    departs = [rule for rule, days in by_rule.items() if any(a != b for of_day in days.values() for a, b in of_day.values())]
    assert "ZY-2020-R3" in departs and "ZY-2020-R4" in departs and "ZY-2020-R1" not in departs
    # Equal ranks on a day when places and ranks give another correlation.
    assert any(len({a for a, _ in of_day.values()}) < len(of_day) for of_day in by_rule["ZY-2020-R3"].values())


@pytest.mark.parametrize(
    ("from_on", "to_on", "shown"), [("", "", (3, "2020-06-28")), ("", "2020-06-25", (3, "2020-06-23")), (FIRST, "", (9, FIRST))]
)
def test_without_a_first_day_the_last_ranked_days_are_shown(sample_office, capsys, monkeypatch, from_on, to_on, shown):
    monkeypatch.setattr(command, "DAYS_SHOWN", 3)
    monkeypatch.setattr(command, "TOWNSHIPS_SHOWN", 2)
    text, days, townships = printed(sample_office, capsys, "ZY-2020-R3", "", from_on, to_on)
    assert (len(days), days[0][0]) == shown and days[-1][0] == (to_on or LAST)
    assert len(townships) == 3 and townships[-1][1:] == ["more", "move", "less"]
    assert text.startswith(f"资阳区 (430902), {days[0][0]} to {days[-1][0]}, as ZY-2020-R3") and "到期问题的整改到位率从高到低" in text


@pytest.fixture
def ranking(server, office):
    """Makes rankings by hand: `ranking(official, simulated)`, ranks by township of one day."""

    def make(official: list[int], simulated: list[int | None]) -> None:
        rows = [("2020-06-01", name, before, after) for name, before, after in zip("甲乙丙丁", official, simulated, strict=False)]
        with server.superuser(office.settings.warehouse_uri.rpartition("/")[2]) as conn:
            conn.execute("drop schema if exists marts cascade; drop schema if exists ref cascade; create schema marts; create schema ref")
            conn.execute(
                """create table marts.dim_districts as select '430902' as district_code, '资阳区' as district_name;
                   create table ref.ref_ranking_rules as select 'R' as rule_code, '*' as district_code, '说明' as description;
                   create table marts.rpt_township_ranking (ranked_on date, district_code text, township_code text, township_name text,
                       rank integer, simulated integer, rule_code text, display_order integer);
                   create function marts.simulated_ranking(text, text, date, date)
                       returns table (ranked_on date, township_code text, township_name text, rank integer, display_order integer)
                       language sql as 'select ranked_on, township_code, township_name, simulated, display_order
                                        from marts.rpt_township_ranking where ranked_on between $3 and $4'"""
            )
            conn.cursor().executemany(
                "insert into marts.rpt_township_ranking values (%s, '430902', %s, %s, %s, %s, 'R', 0)",
                [(day, name, name, before, after) for day, name, before, after in rows],
            )
            conn.execute("grant usage on schema marts, ref to duban_owner; grant select on all tables in schema marts, ref to duban_owner")

    return make


@pytest.mark.parametrize(
    ("official", "simulated", "said"),
    [
        ([1, 2, 3, 4], [4, 3, 2, 1], "-1.000"),
        ([1, 1, 1, 1], [1, 2, 3, 4], "—"),
        ([1, 1, 1, 1], [1, 1, 1, 1], "—"),
        ([1], [1], "—"),
        # Places 1.5 1.5 3 4 and 1 3 3 3: 3 / √(4.5 · 3); of the ranks themselves it would be 0.577.
        ([1, 1, 3, 4], [1, 2, 2, 2], "0.544"),
    ],
)
def test_equal_ranks_share_their_places(ranking, office, capsys, official, simulated, said):
    assert said == "—" or float(said) == pytest.approx(spearman(list(zip(official, simulated, strict=True))), abs=0.0005)
    ranking(official, simulated)
    assert printed(office, capsys, "R", "", "", "")[1][0][2] == said


def test_the_command_says_what_to_do(sample_office, office, ranking):
    def problem(of: Any, *arguments: str) -> str:
        with pytest.raises(Problem) as raised:
            run(command, of, *options(*arguments))
        return str(raised.value)

    here = AskedSystem(sample_office.settings)
    for rule in ("", "ZY-2020-R9"):
        said = problem(here, rule)
        assert ("RULE=<code>" in said) == (rule == "")
        assert all(f"  {code}  " in said for code in RULES) and "加权得分从高到低" in said
    assert "430902 资阳区" in problem(here, RULES[1], "430511")
    assert "FROM=soon" in problem(here, RULES[1], "", "soon") and "TO=30.6." in problem(here, RULES[1], "", "", "30.6.")
    assert f"between {FIRST} and {LAST}" in problem(here, RULES[1], "", "2020-07-01")
    assert f"between {FIRST} and {LAST}" in problem(here, RULES[1], "", LAST, FIRST)
    assert "`make up` first" in problem(AskedSystem(sample_office.settings, port=None), RULES[1])
    gone = replace(sample_office.settings, warehouse_uri=sample_office.settings.warehouse_uri.replace("/duban_", "/absent_"))
    assert "does not answer" in problem(AskedSystem(gone, is_external=True, port=None), RULES[1])
    assert "`make up` first" in problem(AskedSystem(office.settings), RULES[1])
    ranking([], [])
    assert "Nothing is ranked yet" in problem(AskedSystem(office.settings), RULES[1])
