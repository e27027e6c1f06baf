"""`make tidy`: clear away task logs and Airflow's runs that are old, while the system runs."""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from local.console import Console, Problem
from local.system import System

#: A run that asks a person waits ten days: what is younger is never cleared.
LEAST_DAYS = 14
# What may go with its age alone. Not `trigger` (the watchers of the inbox are as old as the installation), `dag` and `dag_version`.
TABLES = (
    "dag_run", "task_instance", "task_instance_history", "task_reschedule", "xcom", "log", "asset_event", "job", "callback",
    "import_error", "revoked_token",
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it is told."""
    parser.add_argument("--days", type=int, default=60, help=f"how many days stay, {LEAST_DAYS} at least (60)")


def run(system: System, console: Console, options: argparse.Namespace) -> None:
    """Remove task logs and Airflow's runs that are older than so many days; the system may run meanwhile. The warehouse keeps everything.

    Raises:
        Problem: too few days, or Airflow does not do it.
    """
    days = options.days
    if days < LEAST_DAYS:
        raise Problem(f"At least {LEAST_DAYS} days are kept: a run may wait ten days for a person.")
    before = datetime.now(UTC) - timedelta(days=days)
    count, size = remove_old_files(system.installation.logs / "airflow", before.timestamp())
    console.say(f"logs of tasks: {count} files older than {days} days removed, {size / 2**20:.1f} MB")
    if not system.postgres.answers():
        raise Problem(f"PostgreSQL does not answer, Airflow's runs are kept: `{system.start_command}` first.")
    cleaned = subprocess.run(
        clean_command(before), env=system.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if cleaned.returncode:
        text = cleaned.stdout.decode("utf-8", errors="replace").splitlines()[-15:]
        raise Problem("Airflow could not clean its database:\n" + "\n".join(text))
    console.say(f"Airflow's runs before {before:%Y-%m-%d} removed")


def clean_command(before: datetime) -> list[str]:
    """Airflow's own command, with the tables for which age alone decides. An error of a single table is an error of the command."""
    return [
        sys.executable, "-m", "airflow", "db", "clean", "--clean-before-timestamp", before.isoformat(), "--tables", ",".join(TABLES),
        "--skip-archive", "--yes", "--error-on-cleanup-failure",
    ]  # fmt: skip


def remove_old_files(folder: Path, before: float) -> tuple[int, int]:
    """Remove files that were written before a time, and folders of such an age that are empty then; links are left alone.

    Returns:
        How many files, and their bytes.
    """
    count = size = 0
    for place, folders, files in os.walk(folder, topdown=False):
        age = os.stat(place).st_mtime
        for name in files:
            path = Path(place, name)
            seen = path.stat(follow_symlinks=False)
            if not path.is_symlink() and seen.st_mtime < before:
                path.unlink()
                count, size = count + 1, size + seen.st_size
        # one that is new and still empty belongs to a task that begins
        if place != str(folder) and not os.listdir(place) and (age < before or files or folders):
            with contextlib.suppress(OSError):
                os.rmdir(place)
    return count, size
