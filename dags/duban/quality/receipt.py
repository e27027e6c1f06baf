"""The receipt of a submission: what was received, what became of it, and what to do next.

Plain JSON, masked, in Chinese where a clerk reads it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from duban.intake.reading import NOT_READ
from duban.quality.verdict import Verdict
from duban.settings import TIMEZONE
from duban.text.storable import storable
from duban.text.words import mask_text

#: More are not listed on receipt and slip: nobody corrects them one by one. The warehouse keeps them all.
MAX_LISTED = 2000
OUTCOMES = {
    "accepted": "全部收下",
    "accepted_with_rejections": "部分收下，有退回的行",
    "rejected": "全部退回",
    "duplicate": "重复报送，以前已经收下",
}


def build(verdict: Verdict, received_at: datetime) -> dict[str, Any]:
    """The receipt as stored with the submission and written to the outbox."""
    claim, reading = verdict.opened.claim, verdict.opened.reading
    return storable(
        {
            "submission_id": claim.submission_id,
            "unit_code": claim.unit_code,
            "unit_name": claim.unit_name,
            "file_name": claim.file_name,
            "file_sha256": claim.file_sha256,
            "received_at": received_at.astimezone(TIMEZONE).isoformat(),
            "report_on": verdict.report_on.isoformat() if verdict.report_on else None,
            "outcome": verdict.outcome,
            "outcome_text": OUTCOMES[verdict.outcome],
            "duplicate_of": verdict.duplicate_of,
            "corrects": verdict.corrects_id,
            "counts": {name.removesuffix("_count"): count for name, count in verdict.counts.items()},
            "read_as": {
                "kind": reading.kind,
                "encoding": reading.encoding,
                "layout": reading.layout,
                "tables": [
                    {
                        "ledger": table.ledger.title,
                        "sheet": table.sheet,
                        "header_row": table.header_row_no,
                        "rows": len(table.rows),
                        "ignored_rows": table.ignored_row_nos[:MAX_LISTED],
                        "pictures": table.pictures[:MAX_LISTED],
                        "unknown_columns": [mask_text(title) for title in table.unknown_titles],
                    }
                    for table in reading.tables
                ],
                "skipped_sheets": reading.skipped_sheets,
            },
            "rejections": [entry.columns() for entry in verdict.rejections[:MAX_LISTED]],
            "rejections_not_listed": max(0, len(verdict.rejections) - MAX_LISTED),
            "findings": [finding.columns() for finding in verdict.findings[:MAX_LISTED]],
            "findings_not_listed": max(0, len(verdict.findings) - MAX_LISTED),
            "next_step": _next_step(verdict),
        }
    )


def _next_step(verdict: Verdict) -> str:
    match verdict.outcome:
        case "accepted" if any(finding.rule_id in NOT_READ for finding in verdict.findings):
            return "收下的不用重报；提醒里说没有读入的，请看一看，要报的请补报。"
        case "accepted":
            return "不用再做什么。"
        case "duplicate":
            return "这份文件以前已经收下，不用再报。"
        case "rejected" if verdict.faults:
            return "整份文件没有读入。请按退回说明改正后，把文件放回原来的文件夹。"
        case _:
            return "请在退回单里改正标红的单元格，保存后放回原来的文件夹；没有退回的行已经收下，不用重报。"
