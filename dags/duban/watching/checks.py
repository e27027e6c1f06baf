"""The checks of `checks.yml`: what is looked at, how bad it is, from when on, what to do first. Each has a chapter in docs/runbook.md.

An error must be mended or decided by a person now; a warning is counted, and told when it comes and when it goes; an info is for the page.
A check reports what is so at the moment it is asked. What it reports is gone from the next report when its reason is.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import yaml

from duban.ledgers import load_expectations
from duban.settings import Settings
from duban.watching import facts
from duban.watching.facts import Found, Scene
from duban.watching.folders import folders_of, silent_folders

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Check:
    """One thing that is watched. `code` is public: mutes, the runbook and `marts.fct_watch_items` name it.

    What is found says either a function of `facts`, or the query of this code. That returns, per finding: subject, district_code, severity
    (null: that of the check), text in Chinese. A text names units, rules, days and numbers. It holds no person, no file name and nothing
    that a sender wrote: it goes to groups and to BI. Parameters beside those of `Scene.ask`: `reported_before` (day of the report before,
    or null), `rules` and `ledgers` (wording by id, as JSON).
    """

    code: str
    title: str
    severity: str
    what_to_do: str
    thresholds: Mapping[str, Any] = field(default_factory=dict)
    find: Callable[[Scene], Iterable[Found]] | None = None
    is_deadline: bool = False  # looked at all the time, and told at once
    needs_marts: bool = False  # asks the working calendar, which the first build makes


def _told() -> Iterator[Check]:
    for code, told in yaml.safe_load(Path(__file__).with_suffix(".yml").read_text(encoding="utf-8")).items():
        find = getattr(facts, told.pop("find")) if "find" in told else None
        yield Check(code, find=find, **told)


#: A check that could not be asked stands last; no entry of its own finds it.
*CHECKS, CHECK_FAILED = _told()
BY_CODE = {check.code: check for check in (*CHECKS, CHECK_FAILED)}
DEADLINES = tuple(check for check in CHECKS if check.is_deadline)


def run_checks(
    conn: psycopg.Connection, settings: Settings, now: datetime, reported_before: date | None, checks: Iterable[Check] = CHECKS
) -> list[tuple[Check, Found]]:
    """Ask every check; one that cannot be asked is a finding itself, and stops no other.

    Args:
        conn: A connection, in a transaction or not.
        settings: Where the folders are.
        now: The moment to go by.
        reported_before: Day of the report before this one.
        checks: Which; all unless given.

    Raises:
        psycopg.OperationalError: the warehouse is not there any more.
    """
    wording = _wording(settings)
    silent = cache(lambda: silent_folders(folders_of(settings)))  # asked once, and only by checks that look into folders
    has_marts = conn.execute("select to_regclass('marts.dim_dates') is not null").fetchone()[0]
    found: list[tuple[Check, Found]] = []
    for check in checks:
        if check.needs_marts and not has_marts:
            continue
        scene = Scene(conn, settings, now, check.thresholds, silent)
        try:
            with conn.transaction():
                if check.find is None:
                    lines = scene.ask(check.code, reported_before=reported_before, **wording)
                    results = [Found(subject, text, district, severity) for subject, district, severity, text in lines]
                else:
                    results = list(check.find(scene))
        except psycopg.OperationalError:
            raise
        except Exception as error:
            log.error("the check %s could not be asked: %s", check.code, type(error).__name__)
            found.append((CHECK_FAILED, Found(check.code, f"“{check.title}”没有能检查（{type(error).__name__}）")))
        else:
            found += [(check, result) for result in results]
    return found


def _wording(settings: Settings) -> dict[str, str]:
    """What rules and ledgers are called, as JSON; nothing where the rules cannot be read, which the gate says louder."""
    rules: dict[str, str] = {}
    ledgers: dict[str, str] = {}
    try:
        expectations = load_expectations(settings)
    except Exception as error:
        log.warning("the rules cannot be read: %s", type(error).__name__)
    else:
        texts = [*expectations.file_rules.values(), *expectations.cell_rules.values()]
        for rule in (*texts, *(rule for ledger in expectations.ledgers.values() for rule in ledger.rules)):
            rules.setdefault(rule.id, rule.reason)
        ledgers = {ledger.name: ledger.title for ledger in expectations.ledgers.values()}
    return {"rules": json.dumps(rules, ensure_ascii=False), "ledgers": json.dumps(ledgers, ensure_ascii=False)}
