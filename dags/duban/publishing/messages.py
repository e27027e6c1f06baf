"""What a delivery says: the letter with its attachments for a mailbox, a few neutral lines for a group.

A group may hold anybody: it is told what there is and where it lies, and nothing of a person, a file name or a sender's text. A mailbox
whose audience does not get the documents of issues is told of an issue what a group is told.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from duban.publishing.audience import Part, gets
from duban.quality import receipt as receipts
from duban.quality.returns import return_folder, slip_again, slip_name
from duban.settings import Settings
from duban.text import display
from duban.text.words import mask_text
from duban.warehouse.deliveries import Delivery

ISSUE_FILES = (".docx", ".xlsx", ".html")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
#: More rejections are not listed in a letter; the slip lists them.
MAX_LISTED = 30


@dataclass(frozen=True)
class Attachment:
    """A file that goes with a message."""

    file_name: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class Message:
    """One message to one address. `text` is plain, one paragraph per line."""

    message_id: str
    address: str
    subject: str
    text: str
    attachments: tuple[Attachment, ...] = ()


def compose(conn: psycopg.Connection, settings: Settings, delivery: Delivery) -> Message:
    """The message of a delivery.

    Raises:
        ValueError: what it is about is not there, or is not complete.
    """
    return {"issue": _issue, "return": _return, "watch": _watch}[delivery.subject_kind](conn, settings, delivery)


def _watch(conn: psycopg.Connection, settings: Settings, delivery: Delivery) -> Message:
    """A watch report says what it said when it was written, however long it waits."""
    row = conn.execute("select subject, text from ops.watch_messages where message_key = %s", [delivery.subject_id]).fetchone()
    if row is None:
        raise ValueError(f"there is no message {delivery.subject_id}")
    return Message(delivery.message_id, delivery.address, *row)


def _issue(conn: psycopg.Connection, settings: Settings, delivery: Delivery) -> Message:
    with conn.cursor(row_factory=dict_row) as cur:
        issue = cur.execute(
            "select district_code, series, issue_year, issue_no, data_label from published.publications where publication_id = %s",
            [delivery.subject_id],
        ).fetchone()
        files = cur.execute(
            "select file_name, media_type, content from published.documents where publication_id = %s order by file_name",
            [delivery.subject_id],
        ).fetchall()
    manifest = next((json.loads(file["content"]) for file in files if file["file_name"] == "manifest.json"), None)
    if issue is None or manifest is None:
        raise ValueError(f"{delivery.subject_id} has no manifest")
    folder = Path("publications", issue["district_code"], issue["series"], str(issue["issue_year"]), str(issue["issue_no"]))
    label = [f"【{issue['data_label']}】"] if issue["data_label"] else []
    lines = [*label, mask_text(manifest["summary"]), f"全文：发文目录 {folder}/"]
    if delivery.channel != "email" or not _gets_documents(conn, delivery):
        return Message(delivery.message_id, delivery.address, manifest["title"], "\n".join(lines))
    attachments = tuple(Attachment(**file) for file in files if Path(file["file_name"]).suffix in ISSUE_FILES)
    lines.append(f"附件：{'、'.join(attachment.file_name for attachment in attachments)}")
    return Message(delivery.message_id, delivery.address, manifest["title"], "\n".join(lines), attachments)


def _gets_documents(conn: psycopg.Connection, delivery: Delivery) -> bool:
    """Whether the address belongs to an audience that gets documents. Of several the narrowest counts."""
    registered = conn.execute(
        "select audience from ops.recipients where district_code = %s and channel = %s and address = %s and is_active",
        [delivery.district_code, delivery.channel, delivery.address],
    )
    return any(gets(audience, Part.DOCUMENTS) for (audience,) in registered)


def _return(conn: psycopg.Connection, settings: Settings, delivery: Delivery) -> Message:
    with conn.cursor(row_factory=dict_row) as cur:
        submission = cur.execute(
            "select submission_id, unit_code, file_sha256, rejected_count, receipt from ops.submissions where submission_id = %s",
            [delivery.subject_id],
        ).fetchone()
    if submission is None:
        raise ValueError(f"there is no submission {delivery.subject_id}")
    receipt = submission["receipt"]
    what = "整份退回" if receipt["outcome"] == "rejected" else f"退回 {submission['rejected_count']} 行"
    subject = f"{receipt['unit_name']}报送的台账{what}（{delivery.subject_id}）"
    folder = return_folder(submission["unit_code"], delivery.subject_id)
    if delivery.channel != "email":
        text = f"{_received_at(receipt)}收到的文件{what}。\n退回单：{folder}/，改好后放回原来的文件夹。"
        return Message(delivery.message_id, delivery.address, subject, text)
    slip = slip_again(submission, settings) if receipt["rejections"] else None
    attachments = (Attachment(slip_name(delivery.subject_id), XLSX, slip),) if slip else ()
    lines = [*_receipt_lines(receipt), f"退回单{'见附件，也' if slip else ''}在 {folder}/"]
    return Message(delivery.message_id, delivery.address, subject, "\n".join(lines), attachments)


def _receipt_lines(receipt: dict[str, Any]) -> list[str]:
    """The receipt in words; it is masked already."""
    counts = receipt["counts"]
    lines = [
        f"单位：{receipt['unit_name']}",
        f"文件：{receipt['file_name']}",
        f"收到：{_received_at(receipt)}",
        f"填报日期：{receipt['report_on'] or display.NOTHING}",
        f"结果：{receipts.OUTCOMES[receipt['outcome']]}",
        f"共 {counts['row']} 行：收下 {counts['accepted']} 行，退回 {counts['rejected']} 行，不计 {counts['ignored']} 行。",
    ]
    for number, entry in enumerate(receipt["rejections"][:MAX_LISTED], start=1):
        place = " ".join(filter(None, (entry["sheet"], entry["cell"] or (f"第 {entry['row_no']} 行" if entry["row_no"] else ""))))
        lines.append(f"{number}. {place + '：' if place else ''}{entry['reason']}（{entry['rule_id']}）{entry['how_to_fix']}")
    more = len(receipt["rejections"]) - MAX_LISTED + receipt["rejections_not_listed"]
    if more > 0:
        lines.append(f"另有 {more} 处，见退回单。")
    return [*lines, receipt["next_step"]]


def _received_at(receipt: dict[str, Any]) -> str:
    return display.moment(datetime.fromisoformat(receipt["received_at"]))
