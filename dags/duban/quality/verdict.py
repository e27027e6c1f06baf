"""What is known of one file on its way through the gate: what the sandbox found in it, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from duban.intake import values
from duban.intake.reading import FileFault, Reading
from duban.intake.typed_rows import Sender, TypedRow
from duban.quality.rejections import Finding, Rejection
from duban.warehouse.submissions import Claim


@dataclass
class OpenedFile:
    """A claimed file after the sandbox: what it holds, or why it could not be read."""

    claim: Claim
    reading: Reading

    @property
    def sender(self) -> Sender:
        """Who sent it."""
        return Sender(self.claim.unit_code, self.claim.unit_kind, self.claim.district_code)

    @property
    def row_count(self) -> int:
        """Data rows of all its ledgers."""
        return sum(len(table.rows) for table in self.reading.tables)

    def row_keys(self) -> set[tuple[str, str, str]]:
        """(district, ledger, key) of every data row: what later files of a round are compared with."""
        return {
            (self.claim.district_code, table.ledger.name, key)
            for table in self.reading.tables
            for row in table.rows
            if (key := values.key_text(row.cells.get(table.ledger.key)))
        }


@dataclass
class Verdict:
    """What becomes of one file."""

    opened: OpenedFile
    report_on: date | None = None
    outcome: str = ""
    duplicate_of: str | None = None
    corrects_id: str | None = None
    rows: list[TypedRow] = field(default_factory=list)  # judged rows
    ignored_count: int = 0
    faults: list[FileFault] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def rejected_rows(self) -> set[tuple[str, int]]:
        """(sheet, row) of every rejected row."""
        return {(entry.sheet, entry.row_no) for entry in self.rejections if entry.row_no is not None}

    @property
    def accepted(self) -> list[TypedRow]:
        """Rows that go on."""
        if self.faults:
            return []
        rejected = self.rejected_rows
        return [row for row in self.rows if (row.row.sheet, row.row.row_no) not in rejected] if rejected else self.rows

    @property
    def counts(self) -> dict[str, int]:
        """Rows read, accepted, rejected, ignored (docs/rules.md, Counting); under a file rule every data row counts as rejected."""
        accepted, rejected = len(self.accepted), self.opened.row_count if self.faults else len(self.rejected_rows)
        return {
            "row_count": accepted + rejected + self.ignored_count,
            "accepted_count": accepted,
            "rejected_count": rejected,
            "ignored_count": self.ignored_count,
        }
