"""The figures of the site: the only place of it that speaks SQL, a module per subject.

Queries read ``marts`` and ``published``; ``ops.builds`` says how old the marts are, ``ops.watch_reports`` when was watched,
``raw.districts`` whom a district's pages are for, ``raw.units`` what senders are called, ``raw.shown_ledgers`` what ledgers declare.
Nothing is computed here that the warehouse already holds, and what an audience does not get is not read. One query per kind and district,
however many townships it has.
"""

from dataclasses import dataclass
from datetime import date, datetime

import psycopg
from psycopg.rows import class_row, scalar_row

from duban.publishing.audience import Part, gets
from duban.publishing.site.figures.funds import Funds
from duban.publishing.site.figures.issues import Issues
from duban.publishing.site.figures.ledgers import LedgerFigures, read_ledgers
from duban.publishing.site.figures.problems import OpenProblem, WithdrawnProblem, read_open_problems, read_withdrawn_problems
from duban.publishing.site.figures.projects import Projects
from duban.publishing.site.figures.quality import Clash, Quality, SentFile, read_clashes, read_sent_files
from duban.publishing.site.figures.ranking import Ranking, read_ranking
from duban.publishing.site.figures.subjects import SUBJECTS, Asked
from duban.publishing.site.figures.watch import Watch
from duban.statements import statement


@dataclass(frozen=True)
class District:
    """A registered district, whom its pages are for, and how recent its accepted data is."""

    district_code: str
    district_name: str
    data_label: str | None  # set when the figures are made up; printed wherever they are shown
    audience: str
    file_count: int
    received_at: datetime | None  # newest accepted file; None: nothing accepted so far
    report_on: date | None

    @property
    def is_public(self) -> bool:
        """Whether anybody gets pages of it."""
        return gets(self.audience, Part.PAGES)


@dataclass(frozen=True)
class DistrictFigures:
    """Everything the pages of a district show."""

    district: District
    ranking: Ranking | None  # None: no campaign has begun
    problems: dict[str, tuple[OpenProblem, ...]]  # open ones by township
    funds: Funds
    projects: Projects
    quality: Quality | None  # None: the audience does not get it
    sent_files: dict[str, tuple[SentFile, ...]] | None  # by unit; None: likewise
    issues: Issues
    watch: Watch | None = None  # None: the audience does not get it, or nothing was watched yet
    withdrawn: tuple[WithdrawnProblem, ...] = ()  # newest first
    clashes: tuple[Clash, ...] = ()  # newest first
    ledgers: tuple[LedgerFigures, ...] = ()  # those that are shown by declaration

    @property
    def has_problems(self) -> bool:
        """Whether there is anything to rank."""
        return self.ranking is not None and self.ranking.first_data_on is not None


@dataclass(frozen=True)
class Build:
    """The build of the marts that the figures come from, and the newest one since that failed."""

    built_at: datetime | None
    through_received_at: datetime | None  # the newest arrival that it holds
    failed_at: datetime | None


@dataclass(frozen=True)
class Figures:
    """All districts at one moment."""

    read_at: datetime
    build: Build
    file_count: int  # files taken of any district that has pages, whatever became of them
    is_withheld: bool  # whether there is data of a district whose pages nobody gets
    districts: tuple[DistrictFigures, ...]  # those with pages and accepted data, by code


def read_figures(conn: psycopg.Connection) -> Figures:
    """Read everything the pages show from one snapshot of the warehouse.

    Args:
        conn: A connection with no transaction open, allowed to read what the module names.

    Returns:
        The figures of all districts that have accepted data and an audience.

    Raises:
        psycopg.Error: The marts have not been built, or a transaction is already open.
    """
    with conn.transaction():
        conn.execute("set transaction isolation level repeatable read, read only")
        read_at = conn.cursor(row_factory=scalar_row).execute("select transaction_timestamp()").fetchone()
        build = conn.cursor(row_factory=class_row(Build)).execute(statement(__file__, "build")).fetchone()
        districts = conn.cursor(row_factory=class_row(District)).execute(statement(__file__, "districts")).fetchall()
        return Figures(
            read_at=read_at,
            build=build,
            file_count=sum(district.file_count for district in districts if district.is_public),
            is_withheld=any(district.received_at is not None and not district.is_public for district in districts),
            districts=tuple(
                _district_figures(conn, district, build)
                for district in districts
                if district.is_public and district.received_at is not None
            ),
        )


def _district_figures(conn: psycopg.Connection, district: District, build: Build) -> DistrictFigures:
    code, audience = district.district_code, district.audience
    ranking = read_ranking(conn, code)
    ranked = (conn, code, audience, ranking and ranking.ranked_on, build.through_received_at)
    as_of = max(filter(None, (district.report_on, ranking and ranking.ranked_on)), default=None)
    asked = Asked(conn, code, audience, as_of)
    return DistrictFigures(
        district=district,
        ranking=ranking,
        problems=read_open_problems(*ranked) if ranking else {},
        withdrawn=read_withdrawn_problems(*ranked) if ranking else (),
        sent_files=read_sent_files(conn, code) if gets(audience, Part.SUBMISSIONS) else None,
        clashes=read_clashes(conn, code),
        ledgers=read_ledgers(conn, code, as_of, build.through_received_at),
        **{subject.name: subject.read(asked) if gets(audience, subject.part) else None for subject in SUBJECTS if subject.read},
    )
