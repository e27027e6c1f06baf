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
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import psycopg

from duban import warehouse
from duban.durable import sync_filesystem
from duban.outbox import claim_outbox
from duban.publishing.documents.letterhead import Letterhead
from duban.publishing.documents.official import render_docx
from duban.publishing.documents.page import render_html
from duban.publishing.documents.workbook import Detail, render_xlsx
from duban.publishing.issues.content import Content, write_content
from duban.publishing.issues.figures import Figures
from duban.publishing.issues.frozen import read_frozen, read_issue
from duban.publishing.issues.issue import Frozen, Issue
from duban.publishing.issues.parts import PARTS, count_figures
from duban.publishing.issues.parts.part import CAME_FROM
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
    return [
        Detail(sheet.name, (*sheet.columns, *CAME_FROM), [sheet.line(frozen, row) for row in rows], note=None)
        for part in PARTS
        for sheet, rows in part.sheets(frozen)
        if rows
    ]


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
        "counts": {name: count for part in PARTS for name, count in part.counts(frozen).items()},
        "figures": {
            figure.code: {"label": figure.label, "unit": figure.unit, "value": _plain(figure.value), "text": str(figure)}
            for figure in figures.values()
        },
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    return json.dumps(document, ensure_ascii=False, indent=2).encode()


def _plain(value: int | Decimal | None) -> int | str | None:
    """Whole numbers as numbers, decimals as text: no reader must turn them into floats."""
    return f"{value:f}" if isinstance(value, Decimal) else value
