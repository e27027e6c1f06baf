"""What must be true of the frozen rows before they are issued. A check that fails holds the issue until the reason is gone or a person
releases it; docs/publications.md says what each protects from.

A check is a query beside this file that returns one sentence per fault, for the office to read; and last, what SQL cannot tell: whether a
text holds a name. They look at the rows of an issue that is not yet committed.
"""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from duban import warehouse
from duban.ledgers import read_name_words
from duban.publishing.issues.issue import Issue
from duban.publishing.issues.parts import PARTS
from duban.settings import PROJECT
from duban.statements import statement
from duban.text.names import Masks, openings


class Held(Exception):
    """A check failed: the issue is not published. `reasons` are sentences in Chinese, each beginning with what was checked."""

    def __init__(self, reasons: tuple[str, ...]):
        super().__init__("；".join(reasons))
        self.reasons = reasons


@dataclass(frozen=True)
class Check:
    """A promise of every issue, and the query that returns a sentence for each breach of it."""

    name: str
    query: str


def failed_checks(conn: psycopg.Connection, issue: Issue) -> tuple[str, ...]:
    """What the checks find about an issue within its own transaction: sentences that begin with the name of the check."""
    asked = {
        "issue": issue.publication_id,
        "district": issue.district_code,
        "series": issue.series,
        "day": issue.business_on,
        "period_start": issue.period_start_on,
        "known_at": issue.known_at,
    }
    found = [f"{check.name}：{fault}" for check in CHECKS for (fault,) in conn.execute(check.query, asked)]
    return (*found, *suspected_names(conn, issue))


def suspected_names(conn: psycopg.Connection, issue: Issue) -> tuple[str, ...]:
    """At most one sentence: where an issue would print the name of a household head, or what looks like one before 户; never the name.

    Texts are masked when they are loaded. What is left: keys, names of files and sheets, which are not masked, rows that were loaded when
    less was masked. In those that are no text a name of two characters is more often a word.
    """
    printed = conn.execute(_PRINTED, {"issue": issue.publication_id}).fetchall()
    known = warehouse.personal.names_that_open(conn, issue.district_code, openings({text for *_, text in printed}))
    words = read_name_words(PROJECT / "expectations")
    masks = {True: Masks(known, words), False: Masks([name for name in known if len(name) > 2], words)}
    places = dict.fromkeys(
        f"{masks[False].mask(subject)}的{title}" for subject, title, is_text, text in printed if masks[is_text].mask(text) != text
    )
    if not places:
        return ()
    listed = "、".join(list(places)[:5]) + ("等" if len(places) > 5 else "")
    return (f"疑似姓名：有{len(places)}处像是户主姓名，请核对并更正原台账：{listed}",)


CHECKS = tuple(
    Check(name, statement(__file__, file))
    for name, file in (
        ("乡镇齐全", "townships"),
        ("数字相符", "totals"),
        ("比率范围", "rates"),
        ("增减相符", "chain"),
        ("问题不减", "nothing_lost"),
        ("数据及时", "judged"),
    )
)

_PRINTED = f"""
select subject, title, is_text, text
from ({" union all ".join(query for part in PARTS for query in part.printed())}) as printed (subject, title, is_text, text)
where text is not null
order by 1, 2
"""
