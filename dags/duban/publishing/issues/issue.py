"""An issue: its line in `published.publications`, and every row that was frozen for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from duban.publishing.shown import Shown

#: A row of a frozen table: a named tuple whose fields are the columns and whose class is called as its part calls a row.
Row = Any


@dataclass(frozen=True)
class Issue:
    """A line of `published.publications`."""

    publication_id: str
    district_code: str
    series: str
    issue_year: int
    issue_no: int
    business_on: date
    known_at: datetime
    rule_code: str
    data_fingerprint: str
    published_at: datetime
    corrects_issue_no: int | None
    period_start_on: date
    compared_on: date
    district_name: str
    data_label: str | None
    issuer_name: str
    document_family: str
    document_word: str | None
    recipients: str | None
    copies_to: str | None
    is_provisional: bool
    due_soon_on: date
    held_for: list[str]
    released_by: str | None
    release_reason: str | None
    has_chain: bool
    previous_issue_no: int | None
    previous_open_count: int | None
    rule_wording: str | None
    shown_ledgers: list[dict[str, Any]]


@dataclass(frozen=True)
class Frozen:
    """An issue with every row that was frozen for it, by part, in the order in which they are printed: `frozen.problems`."""

    issue: Issue
    rows: Mapping[str, Sequence[Row]]
    #: The issue that this one corrects.
    corrected: Frozen | None

    def __getattr__(self, name: str) -> Sequence[Row]:
        try:
            return self.__dict__["rows"][name]
        except KeyError:
            raise AttributeError(name) from None

    @cached_property
    def ledgers(self) -> tuple[tuple[Shown, Sequence[Row]], ...]:
        """The ledgers that are printed by what their folders declared when the issue was frozen, each with its rows."""
        shown = [Shown.of(spec) for spec in self.issue.shown_ledgers]
        return tuple((ledger, [row for row in self.rows["ledger_rows"] if row.ledger == ledger.name]) for ledger in shown)

    @property
    def office_code(self) -> str:
        """Code of the line of what belongs to no township."""
        return f"{self.issue.district_code}000"

    @property
    def townships(self) -> list[Row]:
        """The ranking without the departments' line."""
        return [line for line in self.ranking if line.township_code != self.office_code]

    @property
    def whole(self) -> str:
        """All of the district in one word: 全区, 全县, 全市."""
        last = self.issue.district_name[-1:]
        return f"全{last}" if last in "区县市旗" and last else "全区"

    def place(self, township_code: str | None) -> str:
        """Name of a township, or what is said of the departments; nothing where none is named."""
        return next((line.township_name for line in self.ranking if line.township_code == township_code), "其他") if township_code else ""
