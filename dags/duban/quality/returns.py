"""Puts receipts and return slips into the outbox: `returns/<unit>/<submission>/`. Writing again gives the same files.

Clerks may write in these folders: no link that lies there is followed, and what cannot be written holds up no other return.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import psycopg

from duban import warehouse
from duban.durable import sync_filesystem
from duban.intake.inbox import landed
from duban.intake.sandbox import ChildFailed, Job, Sandbox
from duban.outbox import claim_outbox
from duban.settings import Settings

log = logging.getLogger(__name__)
SECONDS_PER_SLIP = 60
_SLIPS = "duban.quality.return_slip"


def return_folder(unit_code: str, submission_id: str) -> Path:
    """Folder of a return, below the outbox."""
    return Path("returns", unit_code, submission_id)


def slip_name(submission_id: str) -> str:
    """File name of a slip."""
    return f"退回单-{submission_id}.xlsx"


def write_returns(conn: psycopg.Connection, settings: Settings, *, apart: bool = False) -> list[Path]:
    """Write what is missing in the outbox; returns the folders written.

    Every outcome but `duplicate` has a receipt, and a slip where something was rejected. `apart`: those of large files, and no others.

    Raises:
        RuntimeError: some could not be written, and wait; all others are. OutboxTaken: all wait.
    """
    claim_outbox(conn, settings)
    root = settings.outbox / "returns"
    # Slips carry the senders' own rows: whoever shares the folder opens it to the right persons.
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    with warehouse.returns.returns_lock(conn, apart=apart):
        waiting = warehouse.returns.unreturned(conn, apart=apart)
        if not waiting:
            return []
        folders = {row["submission_id"]: settings.outbox / return_folder(row["unit_code"], row["submission_id"]) for row in waiting}
        failed = {}
        slips = [row for row in waiting if row["receipt"]["rejections"]]
        jobs = [_job(row, settings) for row in slips]
        with Sandbox(_SLIPS, (settings.expectations, settings.seeds)) if slips else nullcontext() as sandbox:
            # The children begin with the slips while the receipts are written.
            answers = sandbox.map(jobs) if slips else ()
            for row in waiting:
                receipt = json.dumps(row["receipt"], ensure_ascii=False, indent=2)
                with _noted(failed, row["submission_id"]):
                    _write(root, folders[row["submission_id"]] / "receipt.json", receipt.encode())
            for row, job, answer in zip(slips, jobs, answers, strict=True):
                if slip := _slip(sandbox, row["submission_id"], job, answer):
                    with _noted(failed, row["submission_id"]):
                        _write(root, folders[row["submission_id"]] / slip_name(row["submission_id"]), slip)
        sync_filesystem(root)  # what is recorded as returned will not be written again
        warehouse.deliveries.record_in_folder(conn, "return", [submission_id for submission_id in folders if submission_id not in failed])
    if failed:
        some = "; ".join(f"{folders[submission_id]}: {error}" for submission_id, error in list(failed.items())[:3])
        raise RuntimeError(f"{len(failed)} of {len(folders)} returns could not be written: {some}")
    return list(folders.values())


def slip_again(submission: dict[str, Any], settings: Settings) -> bytes | None:
    """The slip of a submission as it was made; None when none could be. What lies in the outbox by now is the clerk's to change.

    Args:
        submission: `submission_id`, `file_sha256` and `receipt` of a submission with rejections.
        settings: Where the sender's bytes and the expectations lie.
    """
    with Sandbox(_SLIPS, (settings.expectations, settings.seeds), children=1) as sandbox:
        job = _job(submission, settings)
        [answer] = sandbox.map([job])
        return _slip(sandbox, submission["submission_id"], job, answer)


def _job(row: dict[str, Any], settings: Settings) -> Job:
    # of a file that could not be read nothing is shown
    source = landed(settings.landing, row["file_sha256"]) if row["receipt"]["read_as"]["kind"] else None
    return Job({"receipt": row["receipt"], "keeps_format": True}, source, SECONDS_PER_SLIP)


def _slip(sandbox: Sandbox, submission_id: str, job: Job, answer: dict[str, Any] | ChildFailed) -> bytes | None:
    """The slip in an answer. A sender's workbook that cannot be opened for formatting is written as plain cells, else only explained."""
    if isinstance(answer, ChildFailed) and job.source:
        log.warning("%s: the slip is written without the sender's formatting", submission_id)
        [answer] = sandbox.map([job._replace(arguments={**job.arguments, "keeps_format": False})])
    if isinstance(answer, ChildFailed):
        log.warning("%s: the slip is written without the sender's sheets", submission_id)
        [answer] = sandbox.map([job._replace(source=None)])
    if isinstance(answer, ChildFailed) or "content" not in answer:
        log.error("%s: no slip could be written; its receipt says what is wrong", submission_id)
        return None
    return answer["content"]


@contextmanager
def _noted(failed: dict[str, str], submission_id: str) -> Iterator[None]:
    """Note that a return could not be written, and go on with the next one."""
    try:
        yield
    except OSError as error:
        failed.setdefault(submission_id, f"{error.filename or ''} {error.strerror}".strip())


def _write(root: Path, path: Path, content: bytes) -> None:
    """Write a file that others see whole or not at all. It is not yet on the disk: see `sync_filesystem`."""
    draft = path.with_suffix(".draft").name
    with _opened(root, path.parent) as folder:
        with suppress(FileNotFoundError):
            os.unlink(draft, dir_fd=folder)  # of a run that was killed, or a clerk's
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with open(os.open(draft, flags, 0o666, dir_fd=folder), "wb") as file:
            file.write(content)
        os.replace(draft, path.name, src_dir_fd=folder, dst_dir_fd=folder)


@contextmanager
def _opened(root: Path, folder: Path) -> Iterator[int]:
    """A folder below the root, made where it is missing, as a descriptor. A link in the place of one of its parts is refused."""
    descriptor = os.open(root, os.O_DIRECTORY)
    try:
        for name in folder.relative_to(root).parts:
            with suppress(FileExistsError):
                os.mkdir(name, dir_fd=descriptor)
            outer, descriptor = descriptor, os.open(name, os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=descriptor)
            os.close(outer)
        yield descriptor
    finally:
        os.close(descriptor)
