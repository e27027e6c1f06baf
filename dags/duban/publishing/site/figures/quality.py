"""How well ledgers are filled in (操作失误): what became of files and rows. Nothing here is a problem of the field, and nothing ranks."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import psycopg
from psycopg.rows import class_row

from duban.statements import statement
from duban.text.display import half_up_pct

# The newest report dates whose files are counted: on the page of its own, and on the district's page.
QUALITY_DAYS = 30
SUMMARY_DAYS = 6
# Files of one unit that its page lists.
UNIT_FILES = 8


@dataclass(frozen=True)
class Outcomes:
    """What became of some files and of their rows."""

    accepted_files: int
    partly_files: int
    rejected_files: int
    duplicate_files: int
    judged_rows: int  # accepted or sent back: totals, notes and what a slip leaves aside are no base of a rate
    rejected_rows: int

    @property
    def file_count(self) -> int:
        """All files."""
        return self.accepted_files + self.partly_files + self.rejected_files + self.duplicate_files

    @property
    def rejected_pct(self) -> Decimal | None:
        """Rows sent back of all rows judged."""
        return half_up_pct(self.rejected_rows, self.judged_rows)


@dataclass(frozen=True)
class QualityDay(Outcomes):
    """The files of one report date; None: files whose report date could not be told."""

    report_on: date | None


@dataclass(frozen=True)
class QualityUnit(Outcomes):
    """The files of one sender."""

    unit_code: str
    unit_name: str
    has_page: bool  # a township; groups and the office as a sender have no page


@dataclass(frozen=True)
class BrokenRule:
    """A rule and how much of the files was sent back by it."""

    rule_id: str
    ledger: str  # empty for a rule over the whole file
    reason: str  # as the clerks read it; the most frequent wording, where a rule has several
    file_count: int
    row_count: int  # 0 for a rule over the whole file
    received_at: datetime  # of the newest such file


@dataclass(frozen=True)
class Clash:
    """A number that two units use (W33), and which they are."""

    day_on: date
    text: str
    unit_codes: tuple[str, ...]


@dataclass(frozen=True)
class Quality:
    """Outcomes of the files of the newest report dates."""

    days: tuple[QualityDay, ...]  # newest first; those without a date last
    units: tuple[QualityUnit, ...]
    rules: tuple[BrokenRule, ...]

    @property
    def summary(self) -> tuple[QualityDay, ...]:
        """The newest days alone."""
        dated = [day for day in self.days if day.report_on is not None]
        return (*dated[:SUMMARY_DAYS], *(day for day in self.days if day.report_on is None))

    @property
    def total(self) -> Outcomes:
        """All files together."""
        names = ("accepted_files", "partly_files", "rejected_files", "duplicate_files", "judged_rows", "rejected_rows")
        return Outcomes(*(sum(getattr(day, name) for day in self.days) for name in names))


@dataclass(frozen=True)
class SentFile:
    """A file that a unit sent."""

    unit_code: str
    file_name: str
    received_at: datetime
    report_on: date | None
    outcome: str
    judged_count: int
    rejected_count: int


def read_quality(conn: psycopg.Connection, district_code: str) -> Quality:
    """Outcomes by day, unit and rule."""
    where = {"district_code": district_code, "quality_days": QUALITY_DAYS}
    return Quality(
        days=tuple(conn.cursor(row_factory=class_row(QualityDay)).execute(_about_files("days"), where).fetchall()),
        units=tuple(conn.cursor(row_factory=class_row(QualityUnit)).execute(_about_files("units"), where).fetchall()),
        rules=tuple(conn.cursor(row_factory=class_row(BrokenRule)).execute(_about_files("rules"), where).fetchall()),
    )


def read_clashes(conn: psycopg.Connection, district_code: str) -> tuple[Clash, ...]:
    """Numbers that two units use, newest first: for both of them to see, whoever else gets their page."""
    found = conn.execute(_about_files("clashes"), {"district_code": district_code, "quality_days": QUALITY_DAYS})
    return tuple(Clash(day_on, text, tuple(unit_codes)) for day_on, text, unit_codes in found)


def read_sent_files(conn: psycopg.Connection, district_code: str) -> dict[str, tuple[SentFile, ...]]:
    """The newest files of each township and of the office, by unit."""
    files: dict[str, list[SentFile]] = {}
    where = {"district_code": district_code, "unit_files": UNIT_FILES}
    for file in conn.cursor(row_factory=class_row(SentFile)).execute(statement(__file__, "quality_sent_files"), where):
        files.setdefault(file.unit_code, []).append(file)
    return {unit_code: tuple(sent) for unit_code, sent in files.items()}


def _about_files(name: str) -> str:
    """A statement about the files that are counted."""
    return statement(__file__, "quality_files") + statement(__file__, f"quality_{name}")
