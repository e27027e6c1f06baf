"""The documents of an issue: made once, kept byte for byte in `published.documents`, and copied into the outbox.

`make_documents` belongs to the transaction that freezes the issue: there is no issue without its documents. The folder is a copy of them:
`publications/<district>/<series>/<year>/<issue_no>/` appears whole, and writing it again restores what was lost or changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg

from duban import warehouse
from duban.durable import sync_filesystem
from duban.outbox import claim_outbox
from duban.publishing.documents.letterhead import Letterhead
from duban.publishing.documents.official import render_docx
from duban.publishing.documents.page import render_html
from duban.publishing.documents.workbook import Detail, render_xlsx
from duban.publishing.issues.content import Content, write_content
from duban.publishing.issues.figures import Figures, count_figures
from duban.publishing.issues.freezing import Issue
from duban.publishing.issues.frozen import Frozen, Row, read_frozen, read_issue
from duban.publishing.issues.series import SERIES
from duban.settings import TIMEZONE, Settings

MANIFEST = "manifest.json"
MEDIA_TYPES = {
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".html": "text/html",
    ".json": "application/json",
}
LABELS = {".docx": "Word 文档（.docx）", ".xlsx": "Excel 工作簿（.xlsx）"}
STATES = {True: "整改到位", False: "未整改"}
EARLIER_STATES = {**STATES, None: "未计入"}
STAGES = {"not_started": "未开工", "started": "在建", "finished": "已完工", "accepted": "已验收"}


def make_documents(conn: psycopg.Connection, issue: Issue) -> None:
    """Write the documents of an issue and keep them with it. Call in the transaction that freezes it."""
    frozen = read_frozen(conn, issue)
    for name, content in render_documents(frozen).items():
        conn.execute(
            "insert into published.documents (publication_id, file_name, media_type, sha256, content) values (%s, %s, %s, %s, %s)",
            [issue.publication_id, name, MEDIA_TYPES[Path(name).suffix], hashlib.sha256(content).hexdigest(), content],
        )


def render_documents(frozen: Frozen) -> dict[str, bytes]:
    """The files of an issue by name, the manifest last. Same rows, same bytes."""
    figures = count_figures(frozen)
    content = write_content(frozen, figures)
    head = letterhead(frozen.issue, content.title)
    stem = f"{head.series_name}{head.year}年第{head.issue_no}期"
    files = {
        f"{stem}.docx": render_docx(content.fragment, head),
        f"{stem}.xlsx": render_xlsx(content.fragment, head, details(frozen)),
    }
    files[f"{stem}.html"] = render_html(content.fragment, head, files=[(LABELS[Path(name).suffix], name) for name in files]).encode()
    files[MANIFEST] = _manifest(frozen, figures, content, files)
    return files


def letterhead(issue: Issue, title: str) -> Letterhead:
    """Head and foot of an issue. It is dated with its business day, a correction with the day on which it was published."""
    series = SERIES[issue.series]
    is_correction = issue.corrects_issue_no is not None
    return Letterhead(
        family=issue.document_family,
        series_name=f"{issue.district_name}{series.name}",
        issuer_name=issue.issuer_name,
        issue_no=issue.issue_no,
        year=issue.issue_year,
        # numbers begin anew in each series, and a 发文字号 must be one of its kind
        document_word=issue.document_word and f"{issue.document_word}{series.word}",
        title=title,
        issued_on=issue.published_at.astimezone(TIMEZONE).date() if is_correction else issue.business_on,
        recipients=issue.recipients,
        copies_to=issue.copies_to,
        data_label=issue.data_label,
        made_at=issue.published_at,
    )


def write_issue(conn: psycopg.Connection, settings: Settings, publication_id: str) -> Path:
    """Put the files of an issue into its folder in the outbox; what is there and right stays untouched. Call under `issues_lock`.

    Returns:
        The folder.

    Raises:
        ValueError: there is no such issue.
        OSError: the outbox cannot be written.
    """
    issue = read_issue(conn, publication_id)
    if issue is None:
        raise ValueError(f"there is no issue {publication_id}")
    claim_outbox(conn, settings)
    files = dict(conn.execute("select file_name, content from published.documents where publication_id = %s", [publication_id]))
    folder = settings.outbox / "publications" / issue.district_code / issue.series / str(issue.issue_year) / str(issue.issue_no)
    folder.parent.mkdir(parents=True, exist_ok=True)
    if not folder.exists():
        for left in folder.parent.glob(f".{folder.name}.*"):
            shutil.rmtree(left)  # of a run that was killed
        # All files, then the name: whoever looks finds the whole issue or none.
        draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        try:
            draft.chmod(0o755)
            for name, content in files.items():
                (draft / name).write_bytes(content)
            sync_filesystem(draft)
            draft.rename(folder)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
    for name, content in files.items():
        path = folder / name
        if not path.is_file() or path.read_bytes() != content:
            draft = path.with_name(f".{name}.draft")
            draft.unlink(missing_ok=True)  # of a run that was killed
            with draft.open("xb") as file:  # not what a link points at
                file.write(content)
            os.replace(draft, path)
    sync_filesystem(folder)
    return folder


def keep_in_folder(conn: psycopg.Connection, settings: Settings, publication_id: str) -> Path:
    """Put an issue into its folder, also one that was there before and was lost; returns the folder.

    Raises:
        OSError: the outbox cannot be written. The issue stands; its folder is written as soon as it can be.
    """
    with warehouse.issues.issues_lock(conn):
        folder = write_issue(conn, settings, publication_id)
        warehouse.deliveries.record_in_folder(conn, "issue", [publication_id])
    return folder


def details(frozen: Frozen) -> list[Detail]:
    """The rows behind the figures, each with the file, sheet and row it came from."""

    def place(row: Row) -> str:
        return frozen.place(row.township_code) if row.township_code else ""

    def source(row: Row) -> tuple[Any, ...]:
        return row.source_file, row.source_sheet, row.source_row, row.submission_id

    problems = (
        (row.problem_no, place(row), row.village_name, row.source, row.category, row.description, row.department, row.measures,
         row.leader_name, row.found_on, row.due_on, STATES[row.is_rectified], _yes(row.is_overdue), _yes(row.is_reopened), *source(row))
        for row in frozen.problems
    )  # fmt: skip
    withdrawn = (
        (row.problem_no, place(row), row.withdrawn_on, EARLIER_STATES[row.was_rectified], row.void_reason, row.found_on, *source(row))
        for row in frozen.withdrawn
    )
    visits = (
        (row.record_no, row.group_code, row.visited_on, place(row), row.problem_no, row.verdict, *source(row)) for row in frozen.visits
    )
    projects = (
        (row.project_no, row.project_name, row.category, place(row), row.place, row.responsible_unit, _wan(row.planned_yuan),
         row.planned_start_on, row.planned_finish_on, row.actual_start_on, row.actual_finish_on, row.accepted_on, STAGES[row.stage],
         *source(row))
        for row in frozen.projects
    )  # fmt: skip
    movements = (
        (row.unit_code, row.movement_no, row.fund_year, row.tier, row.stage, _wan(row.amount_yuan), row.moved_on, row.document_no,
         row.project_no, place(row), *source(row))
        for row in frozen.movements
    )  # fmt: skip
    came_from = ("文件", "工作表", "行", "报送编号")
    sheets = [
        ("问题明细", ("编号", "乡镇（街道）", "村（社区）", "来源", "类别", "问题", "行业部门", "整改措施", "责任领导", "发现日期",
                  "整改时限", "状态", "超期", "退回反弹", *came_from), problems),
        ("撤销明细", ("编号", "乡镇（街道）", "撤销日期", "期初", "撤销原因", "发现日期", *came_from), withdrawn),
        ("督导明细", ("记录编号", "督导组", "督导日期", "乡镇（街道）", "问题编号", "核查结论", *came_from), visits),
        ("项目明细", ("项目编号", "项目名称", "类别", "乡镇（街道）", "地点", "责任单位", "计划总投资（万元）", "计划开工", "计划完工",
                  "实际开工", "实际完工", "验收", "进度", *came_from), projects),
        ("资金明细", ("报送单位", "流水号", "资金年度", "层级", "环节", "金额（万元）", "发生日期", "文号", "项目编号", "乡镇（街道）",
                  *came_from), movements),
    ]  # fmt: skip
    found = [(name, columns, tuple(rows)) for name, columns, rows in sheets]
    return [Detail(name=name, columns=columns, rows=rows, note=None) for name, columns, rows in found if rows]


def _yes(value: bool) -> str:
    return "是" if value else ""


def _wan(yuan: Decimal) -> Decimal:
    return yuan / 10_000


def _manifest(frozen: Frozen, figures: Figures, content: Content, files: Mapping[str, bytes]) -> bytes:
    """What an issue is, in a form for programs: every figure it prints, and the fingerprints of rows and files."""
    issue = frozen.issue
    document = {
        "publication_id": issue.publication_id,
        "district_code": issue.district_code,
        "district_name": issue.district_name,
        "series": issue.series,
        "issue_year": issue.issue_year,
        "issue_no": issue.issue_no,
        "corrects_issue_no": issue.corrects_issue_no,
        "title": content.title,
        "summary": content.summary,
        "business_on": issue.business_on.isoformat(),
        "period_start_on": issue.period_start_on.isoformat(),
        "known_at": issue.known_at.isoformat(),
        "published_at": issue.published_at.isoformat(),
        "rule_code": issue.rule_code,
        "is_provisional_calendar": issue.is_provisional,
        "data_label": issue.data_label,
        "held_for": issue.held_for,
        "released_by": issue.released_by,
        "release_reason": issue.release_reason,
        "data_fingerprint": issue.data_fingerprint,
        "counts": {name: len(rows) for name, rows in _frozen_rows(frozen)},
        "figures": {
            figure.code: {"label": figure.label, "unit": figure.unit, "value": _plain(figure.value), "text": str(figure)}
            for figure in figures.values()
        },
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    return json.dumps(document, ensure_ascii=False, indent=2).encode()


def _frozen_rows(frozen: Frozen) -> Iterable[tuple[str, Any]]:
    names = ("ranking", "problems", "withdrawn", "supervision", "visits", "files", "projects", "movements", "findings", "targets")
    return ((name, getattr(frozen, name)) for name in names)


def _plain(value: int | Decimal | None) -> int | str | None:
    """Whole numbers as numbers, decimals as text: no reader must turn them into floats."""
    return f"{value:f}" if isinstance(value, Decimal) else value
