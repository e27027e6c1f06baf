"""The published issues of a district: which there are, and the files of each."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import PurePosixPath

import psycopg
from psycopg.rows import class_row, dict_row

from duban.publishing.audience import Part, gets
from duban.publishing.issues.series import SERIES
from duban.statements import statement

# What an office reads or sends on; whatever else an issue has is for programs.
DOCUMENTS = {".html": "网页", ".docx": "Word", ".xlsx": "Excel"}


@dataclass(frozen=True)
class Document:
    """A file of an issue; its bytes stay in the warehouse until the site lacks them."""

    publication_id: str
    file_name: str
    size: int  # bytes

    @property
    def suffix(self) -> str:
        """Lower case, with the dot."""
        return PurePosixPath(self.file_name).suffix.lower()

    @property
    def kind(self) -> str:
        """What readers call such a file."""
        return DOCUMENTS.get(self.suffix, "数据清单")


@dataclass(frozen=True)
class Issue:
    """A published issue with the files that the audience gets."""

    publication_id: str
    series: str
    issue_year: int
    issue_no: int
    business_on: date
    period_start_on: date
    published_at: datetime
    corrects_issue_no: int | None
    corrected_by_no: int | None  # a later issue that corrects this one
    documents: tuple[Document, ...]
    withheld: tuple[Document, ...]  # files that the audience does not get

    @property
    def folder(self) -> str:
        """Folder of its files below the folder of the district."""
        return f"issues/{self.series}/{self.issue_year}/{self.issue_no}"

    @property
    def kind(self) -> str:
        """What people call the series."""
        return SERIES[self.series].kind

    @property
    def page(self) -> Document | None:
        """The document to read in a browser."""
        return next((document for document in self.documents if document.suffix == ".html"), None)


@dataclass(frozen=True)
class Issues:
    """The issues of a district, newest first within series and year."""

    issues: tuple[Issue, ...]

    @property
    def newest(self) -> tuple[Issue, ...]:
        """Of each series that has any, the issue of the newest business day as it was last published."""
        of_series = ([issue for issue in self.issues if issue.series == series] for series in SERIES)
        return tuple(max(issues, key=lambda issue: (issue.business_on, issue.issue_no)) for issues in of_series if issues)

    @property
    def by_series(self) -> tuple[tuple[str, tuple[tuple[int, tuple[Issue, ...]], ...]], ...]:
        """Name of the series, and its years with their issues."""
        return tuple((SERIES[series].kind, years) for series in SERIES if (years := self._years(series)))

    def _years(self, series: str) -> tuple[tuple[int, tuple[Issue, ...]], ...]:
        years: dict[int, list[Issue]] = {}
        for issue in self.issues:
            if issue.series == series:
                years.setdefault(issue.issue_year, []).append(issue)
        return tuple((year, tuple(issues)) for year, issues in years.items())


def read_issues(conn: psycopg.Connection, district_code: str, audience: str) -> Issues:
    """The issues of a district, with those files of each that the audience gets."""
    where = {"district_code": district_code}
    documents: dict[str, list[Document]] = {}
    for document in conn.cursor(row_factory=class_row(Document)).execute(statement(__file__, "issues_documents"), where):
        documents.setdefault(document.publication_id, []).append(document)
    lines = conn.cursor(row_factory=dict_row).execute(statement(__file__, "issues"), where).fetchall()
    return Issues(tuple(_issue(line, documents.get(line["publication_id"], []), audience) for line in lines))


def _issue(line: dict, documents: list[Document], audience: str) -> Issue:
    kinds = list(DOCUMENTS)
    gotten = list(documents) if gets(audience, Part.DOCUMENTS) else []
    gotten.sort(key=lambda document: (kinds.index(document.suffix) if document.suffix in kinds else len(kinds), document.file_name))
    return Issue(**line, documents=tuple(gotten), withheld=tuple(document for document in documents if document not in gotten))
