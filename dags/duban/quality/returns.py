"""Puts receipts and return slips into the outbox: `returns/<unit>/<submission>/`. Writing again gives the same files."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import psycopg

from duban import warehouse
from duban.intake.inbox import landed
from duban.intake.sandbox import ChildFailed, Job, Sandbox
from duban.settings import Settings

log = logging.getLogger(__name__)
SECONDS_PER_SLIP = 60


def write_returns(conn: psycopg.Connection, settings: Settings) -> list[Path]:
    """Write what is missing in the outbox; returns the folders written.

    Every outcome but `duplicate` has a receipt, and a slip where something was rejected.
    """
    written = []
    # Slips carry the senders' own rows: whoever shares the folder opens it to the right persons.
    (settings.outbox / "returns").mkdir(parents=True, exist_ok=True, mode=0o700)
    with warehouse.returns_lock(conn), Sandbox("duban.quality.return_slip") as sandbox:
        waiting = warehouse.unreturned(conn)
        folders = {row["submission_id"]: settings.outbox / "returns" / row["unit_code"] / row["submission_id"] for row in waiting}
        slips = [row for row in waiting if row["receipt"]["rejections"]]
        for row in slips:
            folders[row["submission_id"]].mkdir(parents=True, exist_ok=True)
        jobs = [
            {
                "source": str(landed(settings.landing, row["file_sha256"])),
                "target": str(folders[row["submission_id"]] / f"退回单-{row['submission_id']}.xlsx"),
                "receipt": row["receipt"],
                "expectations": str(settings.expectations),
                "seeds": str(settings.seeds),
            }
            for row in slips
        ]
        for row in waiting:
            if row["outcome"] != "duplicate":
                _write_json(folders[row["submission_id"]] / "receipt.json", row["receipt"])
                written.append(folders[row["submission_id"]])
        for row, job, answer in zip(slips, jobs, sandbox.map(Job(job, SECONDS_PER_SLIP) for job in jobs), strict=True):
            if isinstance(answer, ChildFailed):
                # The sender's workbook cannot be opened for formatting; the explanation alone can.
                log.warning("%s: the slip is written without the sender's sheets", row["submission_id"])
                if isinstance(next(sandbox.map([Job({**job, "source": None}, SECONDS_PER_SLIP)])), ChildFailed):
                    log.error("%s: no slip could be written; its receipt says what is wrong", row["submission_id"])
        for row in waiting:
            warehouse.record_returned(conn, row["submission_id"])
    return written


def _write_json(path: Path, document: dict) -> None:
    """Write a file that is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    with open(draft, "w", encoding="utf-8") as file:
        json.dump(document, file, ensure_ascii=False, indent=2)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
