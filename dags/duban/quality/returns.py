"""Puts receipts and return slips into the outbox: `returns/<unit>/<submission>/`. Writing again gives the same files."""

from __future__ import annotations

import json
import logging
from contextlib import nullcontext
from pathlib import Path

import psycopg

from duban import warehouse
from duban.durable import sync_filesystem
from duban.intake.inbox import landed
from duban.intake.sandbox import ChildFailed, Job, Sandbox
from duban.settings import Settings

log = logging.getLogger(__name__)
SECONDS_PER_SLIP = 60


def write_returns(conn: psycopg.Connection, settings: Settings) -> list[Path]:
    """Write what is missing in the outbox; returns the folders written.

    Every outcome but `duplicate` has a receipt, and a slip where something was rejected.
    """
    root = settings.outbox / "returns"
    # Slips carry the senders' own rows: whoever shares the folder opens it to the right persons.
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    with warehouse.returns_lock(conn):
        waiting = warehouse.unreturned(conn)
        if not waiting:
            return []
        folders = {row["submission_id"]: root / row["unit_code"] / row["submission_id"] for row in waiting if row["outcome"] != "duplicate"}
        for folder in folders.values():
            folder.mkdir(parents=True, exist_ok=True)
        slips = [row for row in waiting if row["receipt"]["rejections"]]
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
        with Sandbox("duban.quality.return_slip") if slips else nullcontext() as sandbox:
            # The children begin with the slips while the receipts are written.
            answers = sandbox.map(Job(job, SECONDS_PER_SLIP) for job in jobs) if slips else ()
            for row in waiting:
                if folder := folders.get(row["submission_id"]):
                    _write_json(folder / "receipt.json", row["receipt"])
            for row, job, answer in zip(slips, jobs, answers, strict=True):
                if isinstance(answer, ChildFailed):
                    # The sender's workbook cannot be opened for formatting; the explanation alone can.
                    log.warning("%s: the slip is written without the sender's sheets", row["submission_id"])
                    if isinstance(next(sandbox.map([Job({**job, "source": None}, SECONDS_PER_SLIP)])), ChildFailed):
                        log.error("%s: no slip could be written; its receipt says what is wrong", row["submission_id"])
        sync_filesystem(root)  # what is recorded as returned will not be written again
        warehouse.record_returned(conn, [row["submission_id"] for row in waiting])
    return list(folders.values())


def _write_json(path: Path, document: dict) -> None:
    """Write a file that others see whole or not at all. It is not yet on the disk: see `sync_filesystem`."""
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(document, ensure_ascii=False, indent=2), encoding="utf-8")
    draft.replace(path)
