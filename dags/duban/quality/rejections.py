"""What is said about a broken rule: where, which value (masked), why, how to fix."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from duban.intake.cells import Cell, Number, StyledText, address, display
from duban.intake.reading import FileFault
from duban.intake.typed_rows import TypedRow
from duban.ledgers import Column, Expectations
from duban.quality.gate import Declared
from duban.quality.hints import hint
from duban.text.words import mask_id_number, mask_name, mask_text

_SHOWN = 200


@dataclass(frozen=True)
class Rejection:
    """One line per row × rule × column; a file rule has neither row nor ledger."""

    ledger: str
    sheet: str
    row_no: int | None
    column_name: str | None
    cell: str | None
    rule_id: str
    value_masked: str | None
    reason: str
    how_to_fix: str

    def columns(self) -> dict[str, Any]:
        """The line as columns of quarantine.rejected_rows."""
        return dict(vars(self))


@dataclass(frozen=True)
class Finding:
    """Something worth knowing about a file (W01…): it is listed and shown, it stops nothing."""

    rule_id: str
    subject: str
    text: str
    other_unit: str | None = None  # a township (or the office) that it concerns besides the sender

    def columns(self) -> dict[str, str]:
        """What is said, to whomever."""
        return {"rule_id": self.rule_id, "subject": self.subject, "text": self.text}


def finding(expectations: Expectations, rule_id: str, subject: str, case: str = "", **facts: object) -> Finding:
    """A finding in the words of `expectations/submissions/rules.yml`, with the facts of this one."""
    return Finding(rule_id, subject, mask_text(expectations.findings[rule_id, case].format(**facts)))


def row_rejections(row: TypedRow, declared: Declared, expectations: Expectations) -> Iterator[Rejection]:
    """The rejections of a row that broke a declared expectation: one per offending column."""
    names = [declared.column] if declared.column else [name for rule_id, name in row.marks if rule_id == declared.rule_id]
    for name in names:
        column, cell = row.ledger.by_name[name], row.row.cells.get(name)
        fix = expectations.cell_rules[declared.rule_id].fix_for(column.type) if declared.column is None else declared.fix
        if declared.rule_id == "R04" and column.vocabulary:
            fix = f"请从这些选项里选一个填写：{'、'.join(expectations.vocabularies[column.vocabulary].canonical)}"
        if likely := hint(column, cell, declared.rule_id, expectations.words, row.holder_of(column), row.table.factors.get(name)):
            fix = f"{fix}（{mask_text(likely, row.holder_of(column))}）"
        misplaced_at = row.row.misplaced_at
        yield Rejection(
            ledger=row.ledger.title,
            sheet=row.row.sheet,
            row_no=row.row.row_no,
            column_name=column.title,
            cell=row.table.cell(name, row.row.row_no) if misplaced_at is None else address(row.row.row_no - 1, misplaced_at),
            rule_id=declared.rule_id,
            # Of a row whose cells have lost their columns nobody knows what is personal.
            value_masked=masked(column, _as_seen(cell), row.holder_of(column)) if misplaced_at is None else "（整行）",
            reason=declared.reason,
            how_to_fix=fix,
        )


def _as_seen(cell: Cell) -> str:
    """The cell as it is stored, and as the clerk sees it where that is something else."""
    if isinstance(cell, Number | StyledText) and cell.shown != display(cell) and not getattr(cell, "is_percent", False):
        return f"{display(cell)}（显示为 {cell.shown}）"
    return display(cell)


def file_rejection(fault: FileFault, expectations: Expectations) -> Rejection:
    """The rejection of a whole file."""
    rule = expectations.file_rules[fault.rule_id]
    return Rejection(
        ledger="",
        sheet=mask_text(fault.sheet),
        row_no=None,
        column_name=mask_text(fault.column) if fault.column else None,
        cell=fault.cell,
        rule_id=fault.rule_id,
        value_masked=mask_text(fault.value)[:_SHOWN] if fault.value else None,
        reason=f"{rule.reason}：{mask_text(fault.detail)}" if fault.detail else rule.reason,
        how_to_fix=rule.fix,
    )


def masked(column: Column, text: str, holder_name: str | None = None) -> str | None:
    """A cell's text as others may see it, without the household head of its row; None when it is empty."""
    if not text:
        return None
    text = text[: 4 * _SHOWN]  # far enough: nothing that is shown is cut in the middle of a number
    if column.is_certificate:
        return mask_id_number(text)[:_SHOWN]
    if column.is_personal:
        return mask_name(text)[:_SHOWN]
    return mask_text(text, holder_name)[:_SHOWN]
