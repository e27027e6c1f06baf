"""What the watch found (运行监测): the newest report as it concerns a district, what changed since the one before, and the last days."""

from dataclasses import dataclass
from datetime import date, datetime

import psycopg
from psycopg.rows import class_row

from duban.statements import statement
from duban.warehouse.watch import Item
from duban.watching.checks import BY_CODE, CHECKS
from duban.watching.runbook import link

# The newest reports that are counted per check.
WATCH_DAYS = 30


@dataclass(frozen=True)
class WatchReport:
    """When was watched, and what room there is."""

    watched_on: date
    watched_at: datetime
    database_bytes: int
    free_bytes: int | None


class WatchItem(Item):
    """A finding of the newest report; or one of the report before that is gone."""

    @property
    def title(self) -> str:
        """What the check is called."""
        return _title(self.check_code)

    @property
    def what_to_do(self) -> str:
        """The first thing to do."""
        return BY_CODE[self.check_code].what_to_do if self.check_code in BY_CODE else ""

    @property
    def runbook(self) -> str:
        """Where more is said."""
        return link(self.runbook_anchor)


@dataclass(frozen=True)
class CheckDay:
    """How a check came out on a day, without what was muted."""

    watched_on: date
    check_code: str
    error_count: int
    warning_count: int
    info_count: int

    @property
    def css_class(self) -> str:
        """Shade of the day in the strip."""
        return "watch-error" if self.error_count else "watch-warning" if self.warning_count else "watch-info"


@dataclass(frozen=True)
class CheckHistory:
    """A check over the last reports, oldest first; a day on which it found nothing is ``watch-none``."""

    code: str
    days: tuple[tuple[str, int], ...]  # as ``bars.stacked_bar`` takes them
    found_days: int
    newest_on: date

    @property
    def title(self) -> str:
        """What the check is called."""
        return _title(self.code)


@dataclass(frozen=True)
class Watch:
    """The newest report and what led to it."""

    report: WatchReport
    items: tuple[WatchItem, ...]
    gone: tuple[WatchItem, ...]  # of the report before, without the muted
    compared_with: date | None  # the report before
    reported_days: int
    history: tuple[CheckHistory, ...]

    @property
    def strip_days(self) -> int:
        """How many days a strip has room for."""
        return WATCH_DAYS

    @property
    def muted(self) -> tuple[WatchItem, ...]:
        """What is known and not told."""
        return tuple(item for item in self.items if item.is_muted)

    def of(self, severity: str) -> tuple[WatchItem, ...]:
        """Findings of a severity that are not muted, newest first."""
        found = [item for item in self.items if item.severity == severity and not item.is_muted]
        return tuple(sorted(found, key=lambda item: (-item.first_seen_on.toordinal(), _position(item.check_code), item.subject)))

    @property
    def new(self) -> tuple[WatchItem, ...]:
        """Errors and warnings that the report before did not have."""
        return tuple(item for item in (*self.of("error"), *self.of("warning")) if item.is_new)


def read_watch(conn: psycopg.Connection, district_code: str) -> Watch | None:
    """What concerns the installation and a district; None: there is no report yet."""
    reports = (
        conn.cursor(row_factory=class_row(WatchReport)).execute(statement(__file__, "watch_reports"), {"watch_days": WATCH_DAYS}).fetchall()
    )
    if not reports:
        return None
    newest, before = reports[0], reports[1] if len(reports) > 1 else None
    items = _items(conn, district_code, newest)
    there = {item.key for item in items}
    where = {"district_code": district_code, "first_on": reports[-1].watched_on}
    days = conn.cursor(row_factory=class_row(CheckDay)).execute(statement(__file__, "watch_days"), where).fetchall()
    return Watch(
        report=newest,
        items=items,
        gone=tuple(
            item
            for item in (_items(conn, district_code, before) if before else ())
            if not item.is_muted and item.severity != "info" and item.key not in there
        ),
        compared_with=before and before.watched_on,
        reported_days=len(reports),
        history=_history([report.watched_on for report in reversed(reports)], days),
    )


def _items(conn: psycopg.Connection, district_code: str, report: WatchReport) -> tuple[WatchItem, ...]:
    where = {"district_code": district_code, "watched_on": report.watched_on}
    return tuple(conn.cursor(row_factory=class_row(WatchItem)).execute(statement(__file__, "watch_items"), where).fetchall())


def _history(reported: list[date], days: list[CheckDay]) -> tuple[CheckHistory, ...]:
    by_check: dict[str, dict[date, CheckDay]] = {}
    for day in days:
        by_check.setdefault(day.check_code, {})[day.watched_on] = day
    return tuple(
        CheckHistory(
            code=code,
            days=tuple((found[day].css_class if day in found else "watch-none", 1) for day in reported),
            found_days=len(found),
            newest_on=max(found),
        )
        for code, found in sorted(by_check.items(), key=lambda entry: (_position(entry[0]), entry[0]))
    )


def _title(code: str) -> str:
    # a check that was given up stays in the facts
    return BY_CODE[code].title if code in BY_CODE else code


def _position(code: str) -> int:
    codes = [check.code for check in CHECKS]
    return codes.index(code) if code in codes else len(codes)
