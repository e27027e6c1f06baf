"""`make simulate`: compare another ranking rule with the official ranking, on days gone by."""

from __future__ import annotations

import argparse
from datetime import date

import psycopg

from duban.statements import statement
from local.console import Console, Problem, table
from local.system import System, open_warehouse

DAYS_SHOWN = 30
TOWNSHIPS_SHOWN = 10

_BOTH = statement(__file__, "simulate_ranks")
_DAYS = _BOTH + statement(__file__, "simulate_days")
_TOWNSHIPS = _BOTH + statement(__file__, "simulate_townships")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it is told."""
    parser.add_argument("rule", nargs="?", default="", help="code of a rule in dbt_project/seeds/ref_ranking_rules.csv")
    parser.add_argument("--district", default="", metavar="CODE", help="district (the only one that is ranked)")
    parser.add_argument("--from", default="", dest="from_on", metavar="DAY", help="first day (the last 30 ranked days)")
    parser.add_argument("--to", default="", dest="to_on", metavar="DAY", help="last day (the last ranked one)")


def run(system: System, console: Console, options: argparse.Namespace) -> None:
    """Print, per ranked day, how far a rule departs from the official ranking, and the townships that it moves most.

    An empty district is the only one with ranked days; without a first day the last 30 ranked days are shown.

    Raises:
        Problem: the rule is not named or unknown, the district is not clear, there are no such days, or the warehouse cannot be asked.
    """
    wanted_from, wanted_to = _day("FROM", options.from_on), _day("TO", options.to_on)
    with open_warehouse(system) as conn:
        district, name, known_first, known_last = _district(conn, options.district)
        description = _rule(conn, district, options.rule)
        days = conn.execute(
            """select distinct ranked_on from marts.rpt_township_ranking
               where district_code = %s and rank is not null
                   and ranked_on between coalesce(%s, date '-infinity') and coalesce(%s, date 'infinity')
               order by 1 desc limit %s""",
            (district, wanted_from, wanted_to, None if wanted_from else DAYS_SHOWN),
        ).fetchall()
        if not days:
            raise Problem(f"No day in that time is ranked: the ranked days of {name} lie between {known_first} and {known_last}.")
        of = {"district": district, "rule": options.rule, "first": days[-1][0], "last": days[0][0]}
        by_day = conn.execute(_DAYS, of).fetchall()
        moved = conn.execute(_TOWNSHIPS, of).fetchall()
    console.show(f"{name} ({district}), {of['first']} to {of['last']}, as {options.rule} would have ranked it: {description}\n")
    header = ("day", "official rule", "rank correlation", "change rank", "of townships")
    console.show(table(header, [["—" if cell is None else cell for cell in row] for row in by_day]))
    if not moved:
        console.show("\nNo township changes its rank on any of these days.")
        return
    console.show(f"\nWho moves most: ranks on {of['last']}, and mean change over the days (minus: further up)\n")
    rows = [["—" if cell is None else cell for cell in row] for row in moved[:TOWNSHIPS_SHOWN]]
    console.show(table(("township", "official", "simulated", "mean change"), rows))
    if more := len(moved[TOWNSHIPS_SHOWN:]):
        console.show(f"{more} more move less")


def _day(variable: str, text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip()) if text.strip() else None
    except ValueError:
        raise Problem(f"{variable}={text} is no day: write it as 2020-06-22.") from None


def _district(conn: psycopg.Connection, district_code: str) -> tuple[str, str, date, date]:
    """Code, name, first and last ranked day of the district that is meant."""
    ranked = conn.execute(
        """select district_code, district_name, min(ranked_on), max(ranked_on)
           from marts.rpt_township_ranking join marts.dim_districts using (district_code)
           where rank is not null group by 1, 2 order by 1"""
    ).fetchall()
    if not ranked:
        raise Problem("Nothing is ranked yet, so there is nothing to compare with.")
    meant = [row for row in ranked if district_code in ("", row[0])]
    if len(meant) != 1:
        raise Problem(f"Say which district, DISTRICT=<code>. Ranked are {', '.join(f'{row[0]} {row[1]}' for row in ranked)}.")
    return meant[0]


def _rule(conn: psycopg.Connection, district_code: str, rule_code: str) -> str:
    """What a rule says that the district may be ranked by; its own before the general one of the same code."""
    rules = conn.execute(
        """select distinct on (rule_code) rule_code, description from ref.ref_ranking_rules
           where district_code in (%s, '*') order by rule_code, district_code = '*'""",
        (district_code,),
    ).fetchall()
    if rule_code not in dict(rules):
        unknown = f"{rule_code} is no rule." if rule_code else "Say which rule: make simulate RULE=<code>."
        raise Problem(f"{unknown} The rules are\n" + "\n".join(f"  {code}  {text}" for code, text in rules))
    return dict(rules)[rule_code]
