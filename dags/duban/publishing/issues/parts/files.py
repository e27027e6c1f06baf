"""The files of a period, and what senders and offices should look at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from duban.publishing.issues.figures import Figures
from duban.publishing.issues.issue import Frozen
from duban.publishing.issues.parts.part import Part


def _reporting(figures: Figures, frozen: Frozen) -> None:
    silent = tuple(line for line in frozen.townships if not line.is_reported)
    figures.count("reporting.unreported_count", "未报单位数", silent)
    taken = [file for file in frozen.files if file.outcome != "duplicate"]
    returned = [file for file in taken if file.rejected_count or file.outcome == "rejected"]
    figures.count("files.total_count", "收到文件数", taken)
    figures.count("files.returned_count", "有退回的文件数", returned)
    figures.sum("files.accepted_rows", "入库行数", taken, "accepted_count")
    figures.sum("files.returned_rows", "退回行数", returned, "rejected_count")
    figures.count("findings.total_count", "提示条数", frozen.findings)
    for unit in dict.fromkeys(file.unit_code for file in returned):
        own = [file for file in returned if file.unit_code == unit]
        figures.count(f"files.{unit}.returned_count", f"{own[0].unit_name}有退回的文件数", own)
        figures.sum(f"files.{unit}.returned_rows", f"{own[0].unit_name}退回行数", own, "rejected_count")


def _wording(frozen: Frozen, figures: Figures) -> Mapping[str, Any]:
    senders = {file.unit_code: file.unit_name for file in frozen.files}
    return {
        "senders_of_returned": [(code, name) for code, name in senders.items() if f"files.{code}.returned_count" in figures],
        "sender_of": {file.submission_id: file.unit_name for file in frozen.files},
    }


FILES = Part(
    name="files",
    row="file",
    order="unit_code, received_at",
    said=lambda frozen, row: f"{row.unit_name}报送的文件",
    figures=_reporting,
    wording=_wording,
    subject="unit_name || '报送'",
    marks={"文件名": "file_name"},
)
FINDINGS = Part(
    name="findings",
    row="finding",
    order="finding_no",
    said=lambda frozen, row: row.text,
    subject="rule_id || ' ' || subject",
    marks={"说明": "text"},
)
