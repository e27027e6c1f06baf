"""`make backup`: everything that cannot be made again, as of one moment, in one file, while the system goes on working.

`duban-<time>.tar` holds the warehouse, Airflow's metadata, the files that were sent, the returns and issues in the outbox, and the two keys
without which pseudonyms and stored connections mean nothing; last a manifest with the hash of each. It appears under its name whole or not
at all. It holds personal data and keys: mode 0600, and as secret as the home it comes from.

One transaction decides what belongs to the moment: `pg_dump` reads in its snapshot, and only the files that it knows are taken. Files that
arrive later are left out on purpose: after a restore their submission numbers are given to others.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import os
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO

import psycopg

from duban import access, warehouse
from duban.durable import sync_filesystem
from duban.intake.inbox import landed
from duban.quality.returns import return_folder
from duban.settings import TIMEZONE
from local.backup.archive import AIRFLOW, FORMAT, MANIFEST, WAREHOUSE, Hashing, Manifest, Place, client_environment, count_rows, schemas
from local.console import Console, Problem, bar
from local.embedded.postgres import BIN

KEEP = 14
_STEP = 10_000_000
_DRAFT_PREFIX = ".duban-backup-"


def write_backup(place: Place, folder: Path, console: Console, keep: int = KEEP) -> Path:
    """Take a backup into a folder; returns the file. Of its folder's backups the newest `keep` stay (0: all).

    Raises:
        Problem: it could not be written, and no file appeared; or it was written, and files that the warehouse knows are missing in it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _alone(folder):
            for leftover in folder.glob(f"{_DRAFT_PREFIX}*"):
                shutil.rmtree(leftover)
            with tempfile.TemporaryDirectory(prefix=_DRAFT_PREFIX, dir=folder) as drafts:
                draft = Path(drafts) / "backup.tar"
                manifest = _write(place, Path(drafts), draft, console)
                while (target := folder / f"duban-{datetime.now(TIMEZONE):%Y%m%dT%H%M%S}.tar").exists():
                    time.sleep(0.1)
                sync_filesystem(folder)
                draft.rename(target)
            sync_filesystem(folder)
            for old in sorted(folder.glob("duban-*.tar"))[: -keep if keep else 0]:
                old.unlink()
                console.say(f"{old.name} removed: the newest {keep} are kept")
    except OSError as error:
        raise Problem(f"The backup could not be written to {folder}: {error.strerror or error}. Nothing was changed.") from None
    console.say(f"{target} is complete: {_megabytes(target.stat().st_size)}, {len(manifest.members)} parts")
    if manifest.missing:
        shown = ", ".join(manifest.missing[:3]) + (" …" if len(manifest.missing) > 3 else "")
        raise Problem(
            f"{target} was written, but {len(manifest.missing)} files that the warehouse knows are lost or damaged on this disk and so "
            f"in the backup: {shown}. An earlier backup may hold them."
        )
    return target


def _write(place: Place, drafts: Path, target: Path, console: Console) -> Manifest:
    settings = place.settings
    dumps: dict[str, Path] = {}
    if place.metadata_uri:
        # Before the warehouse: what Airflow knows less than the warehouse it does again, and that changes nothing.
        dumps[AIRFLOW] = drafts / AIRFLOW
        _dump(place.metadata_uri, dumps[AIRFLOW], [], console)
    console.say("waiting for a build that runs; files go on arriving")
    # A build replaces tables: it would wait for the dump, and readers for the build.
    with warehouse.connect(settings) as conn, warehouse.builds.build_lock(conn):
        conn.isolation_level, conn.read_only = psycopg.IsolationLevel.REPEATABLE_READ, True
        with conn.transaction():
            _never_time_out(conn)
            snapshot, taken_at = conn.execute("select pg_export_snapshot(), clock_timestamp()").fetchone()
            names = schemas(conn)
            dumps[WAREHOUSE] = drafts / WAREHOUSE
            options = [f"--snapshot={snapshot}", f"--role={access.OWNER}", *(f"--schema={name}" for name in names)]
            _dump(settings.warehouse_uri, dumps[WAREHOUSE], options, console)
            counts = count_rows(conn)
            hashes = [sha256 for (sha256,) in conn.execute("select distinct file_sha256 from ops.submissions order by 1")]
            folders = _folders(conn)
            migrations = tuple(name for (name,) in conn.execute("select version from ops.schema_migrations order by 1"))
            postgres = conn.execute("show server_version").fetchone()[0]
    built_from = settings.home / "dbt" / "built-from"
    packed = _Packed(target)
    with packed.opened():
        for name, path in dumps.items():
            packed.add(name, path)
            path.unlink()
        for name, key in place.keys.items():
            packed.add_bytes(f"secrets/{name}", key.encode("ascii"))
        for number, sha256 in enumerate(hashes, 1):
            packed.add(f"landing/{sha256[:2]}/{sha256}", landed(settings.landing, sha256), expected=sha256)
            if number % 50 == 0 or number == len(hashes):
                console.progress(f"files that were sent  {bar(number, len(hashes))} {number}/{len(hashes)}")
        for number, folder in enumerate(folders, 1):
            for path in sorted((settings.outbox / folder).rglob("*")):
                # A clerk may be at work there: what is gone or not a file is nobody's loss.
                if path.is_file() and not path.is_symlink() and not path.name.startswith("."):
                    with contextlib.suppress(FileNotFoundError):
                        packed.add_bytes(f"outbox/{path.relative_to(settings.outbox)}", path.read_bytes(), path.stat())
            if number % 50 == 0 or number == len(folders):
                console.progress(f"returns and issues    {bar(number, len(folders))} {number}/{len(folders)}")
        manifest = Manifest(
            format=FORMAT,
            taken_at=taken_at.isoformat(),
            snapshot=snapshot,
            postgres=postgres,
            airflow=version("apache-airflow-core") if place.metadata_uri else None,
            migrations=migrations,
            built_from=built_from.read_text(encoding="ascii") if built_from.exists() else "",
            counts=counts,
            members=dict(packed.members),
            missing=tuple(packed.missing),
        )
        packed.add_bytes(MANIFEST, manifest.to_bytes())
    return manifest


class _Packed:
    """The archive while it is written: what lies in it, and what should have."""

    def __init__(self, path: Path):
        self._path = path
        self.members: dict[str, tuple[str, int]] = {}
        self.missing: list[str] = []

    @contextlib.contextmanager
    def opened(self) -> Iterator[None]:
        with open(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as self._tar:
                yield
            file.flush()
            os.fsync(file.fileno())

    def add(self, name: str, path: Path, expected: str | None = None) -> None:
        """Add a file that nobody changes; one that is expected and not there, or other than expected, is missing."""
        try:
            with path.open("rb") as file:
                if expected and hashlib.file_digest(file, "sha256").hexdigest() != expected:
                    self.missing.append(name)
                    return
                file.seek(0)
                self._add(name, file, os.fstat(file.fileno()))
        except FileNotFoundError:
            if not expected:
                raise
            self.missing.append(name)

    def add_bytes(self, name: str, content: bytes, status: os.stat_result | None = None) -> None:
        """Add what is in memory, with mode and time of a file if it comes from one."""
        self._add(name, io.BytesIO(content), status, len(content))

    def _add(self, name: str, file: BinaryIO, status: os.stat_result | None, size: int | None = None) -> None:
        entry = tarfile.TarInfo(name)
        entry.size = status.st_size if size is None else size
        entry.mode = status.st_mode & 0o777 if status else 0o600
        entry.mtime = int(status.st_mtime if status else time.time())
        hashing = Hashing(file)
        self._tar.addfile(entry, hashing)
        self.members[name] = hashing.digest.hexdigest(), entry.size


def _dump(uri: str, target: Path, options: list[str], console: Console) -> None:
    command = [str(BIN / "pg_dump"), "--format=custom", "--no-password", f"--file={target}", *options]
    with tempfile.TemporaryFile() as said:
        dump = subprocess.Popen(command, env=client_environment(uri), stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        try:
            while dump.poll() is None:
                time.sleep(0.05)
                if target.exists() and (size := target.stat().st_size // _STEP * _STEP):
                    console.progress(f"{target.stem}: {size / 1e6:.0f} MB so far")
        finally:
            dump.kill()
            dump.wait()
        said.seek(0)
        if dump.returncode:
            raise Problem(f"{target.stem} could not be dumped:\n{said.read().decode('utf-8', errors='replace').strip()}")


def _folders(conn: psycopg.Connection) -> list[Path]:
    """What lies in the outbox for good; what is not yet recorded as there is written again after a restore."""
    sent = "status = 'sent' and channel = 'folder' and subject_kind"
    returned = conn.execute(
        f"select unit_code, submission_id from ops.deliveries join ops.submissions on submission_id = subject_id where {sent} = 'return'"
    )
    folders = [return_folder(*row) for row in returned]
    issued = conn.execute(
        f"""select district_code, series, issue_year, issue_no from ops.deliveries
            join published.publications using (district_code) where publication_id = subject_id and {sent} = 'issue'"""
    )
    return sorted([*folders, *(Path("publications", *map(str, row)) for row in issued)])


def _never_time_out(conn: psycopg.Connection) -> None:
    """This transaction is idle as long as the dump takes."""
    conn.execute("set local idle_in_transaction_session_timeout = 0")
    if conn.info.server_version >= 170000:
        conn.execute("set local transaction_timeout = 0")


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One backup at a time into a folder: another one would take this one's draft for a leftover."""
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
