"""`make restore`: brings a backup back beside what is there, and changes over in one step.

Nothing that was there is lost: the former warehouse stays as a database `duban_before_<time>`, the former outbox below `.before-<time>`,
former keys beside the new ones. A note in `run/` says how far a restore has come, so that one that was killed goes on when it is run again:

1. the file is read to its end and compared with its manifest, before anything is touched;
2. databases are restored under other names, files that were sent are added, the outbox is laid out aside;
3. databases change their names, all in one transaction, and bear the mark of the backup from then on;
4. keys, returns and issues take their places.

Then the system starts as after an update: migrations, rights, pages. What waits in the inbox stays there.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from duban import access, install, warehouse
from duban.durable import sync_filesystem
from duban.install import account_of
from duban.intake.inbox import landed
from duban.outbox import MARK
from duban.settings import LOGINS
from local.backup.archive import AIRFLOW, FORMAT, MANIFEST, WAREHOUSE, Hashing, Manifest, Place, client_environment, count_rows, subject_of
from local.backup.note import Note, laid_aside
from local.console import Console, Problem
from local.embedded.postgres import BIN
from local.secrets import write_private

#: How long whoever works there may take to end.
PATIENCE_SECONDS = 15.0
MAYBE_SENT = "从备份恢复：备份之后可能已经发出，请人工确认"
_NAME = re.compile(
    r"warehouse\.dump|airflow\.dump|manifest\.json|secrets/(hmac_key|fernet_key)|landing/([0-9a-f]{2})/\2[0-9a-f]{62}"
    r"|outbox/(returns|publications)/[^\0]+"
)


@dataclass(frozen=True)
class _Database:
    """A database that is restored beside the present one: what that is called, from which part, and who logs in to it."""

    name: str
    member: str
    uri: str


def read_backup(path: Path, console: Console) -> Manifest:
    """Read a backup to its end and compare every part with its manifest.

    Raises:
        Problem: it is no backup, not complete, or was changed; or it comes from a newer version.
    """
    console.say(f"reading {path} to its end")
    found: dict[str, tuple[str, int]] = {}
    manifest = None
    try:
        with path.open("rb") as file, tarfile.open(fileobj=file, mode="r:") as tar:
            for entry in tar:
                if not entry.isreg() or not _NAME.fullmatch(entry.name) or ".." in entry.name.split("/") or entry.name in found:
                    raise ValueError(f"{entry.name!r} does not belong there")
                content = Hashing(tar.extractfile(entry))
                if entry.name == MANIFEST:
                    manifest = Manifest.from_bytes(content.read())
                    continue
                while content.read(1 << 20):
                    pass
                found[entry.name] = content.digest.hexdigest(), entry.size
                if entry.name.startswith("landing/") and not entry.name.endswith(found[entry.name][0]):
                    raise ValueError(f"{entry.name} holds other bytes")
    except FileNotFoundError:
        raise Problem(f"There is no file {path}.") from None
    except (OSError, tarfile.TarError, EOFError, ValueError, KeyError, TypeError) as error:
        raise Problem(f"{path} is no backup that can be used: {error}. Nothing was changed.") from None
    if manifest is None:
        raise Problem(f"{path} ends before its manifest: it is not complete. Nothing was changed.")
    if found != manifest.members:
        wrong = sorted(name for name in found.keys() | manifest.members.keys() if found.get(name) != manifest.members.get(name))
        raise Problem(
            f"{path} was changed after it was written: {', '.join(wrong[:3])}{' …' if len(wrong) > 3 else ''}. Nothing was changed."
        )
    unknown = sorted(set(manifest.migrations) - {migration.stem for migration in warehouse.schema.MIGRATIONS.glob("*.sql")})
    if manifest.format > FORMAT or unknown:
        raise Problem(f"{path} was written by a newer version ({', '.join(unknown) or manifest.format}): update this checkout first.")
    return manifest


def restore(place: Place, path: Path, console: Console, *, is_confirmed: bool, stop: Callable[[], None] = lambda: None) -> Note:
    """Bring a backup back, up to where the system can be started; `finish` the note when it has.

    Args:
        place: Where to.
        path: The backup.
        console: Told what goes on.
        is_confirmed: Whether what the place holds may be put aside.
        stop: Ends whatever works there; called when nothing speaks against the restore any more.

    Raises:
        Problem: the file cannot be used, or something must be decided first; nothing was changed. Or PostgreSQL or the disk refused: run it
            again.
    """
    manifest = read_backup(path, console)
    note = Note.of(place, manifest)
    if note and note.is_placed:
        return note.placed(place)
    _require_same_keys(place, path)
    if note is None:
        _require_fit(place, manifest, is_confirmed)
    stop()
    _require_quiet(place)
    note = note or Note.begin(place, manifest)
    databases = _databases(place, manifest)
    try:
        if place.is_own_warehouse:
            install.provide_server(place.settings)
        with path.open("rb") as file, tarfile.open(fileobj=file, mode="r:") as tar:
            is_swapped = bool(databases) and _bear_mark(place, databases, _mark(manifest, note))
            # Beside what is there, and again from the beginning if it was interrupted.
            for database in [] if is_swapped else databases:
                _restore_beside(place, database, manifest, tar, console)
            if not place.is_own_warehouse:
                _restore_elsewhere(place, manifest, tar, console)
            if not (laid_aside(place) / manifest.seal).exists():
                _lay_out(place, tar, manifest, console)
            if databases and not is_swapped:
                _swap_databases(place, databases, manifest, note)
                console.say("the restored databases have taken their names")
            _place_keys(place, tar, note)
        _place_outbox(place, manifest, note)
        _remember_what_marts_are_made_of(place, manifest)
    except OSError as error:
        raise Problem(f"The disk refused: {error}. See to it and run the same command again.") from None
    except psycopg.OperationalError as error:
        raise Problem(f"The server does not answer any more: {error}. Run the same command again.") from None
    return note.placed(place)


# ── before anything is touched ───────────────────────────────────────────────────────────────────────────────────────


def _require_fit(place: Place, manifest: Manifest, is_confirmed: bool) -> None:
    """Nothing is put aside unasked; somebody else's database must be empty, for we may not rename it."""
    with _warehouse_if_there(place) as conn:
        if conn is None:
            return
        if conn.info.server_version // 10000 < int(manifest.postgres.split(".")[0]):
            raise Problem(
                f"The backup is of PostgreSQL {manifest.postgres}; the server is older. A server of that version or newer takes it."
            )
        if conn.execute("select to_regclass('ops.submissions') is null").fetchone()[0]:
            return
        if not place.is_own_warehouse:
            raise Problem("The warehouse is not empty. On somebody else's server a backup goes into an empty database: name one.")
        held = conn.execute("select count(*) from ops.submissions").fetchone()[0]
        if held and not is_confirmed:
            raise Problem(
                f"This home holds {held} submissions. They would be put aside, not lost, and the backup of {manifest.taken_at[:16]} "
                "would take their place. If that is meant: CONFIRM=yes."
            )


def _require_same_keys(place: Place, path: Path) -> None:
    """Keys that are handed over from outside must be those of the backup, or nothing in it could be understood."""
    with path.open("rb") as file, tarfile.open(fileobj=file, mode="r:") as tar:
        wrong = sorted(name for name, key in _keys(place, tar).items() if key != place.keys[name] and name not in place.key_files)
    if wrong:
        raise Problem(
            f"The environment has another {' and '.join(wrong)} than the backup: pseudonyms and stored connections could not be read. "
            f"Take them over first (tar -xOf {path.name} secrets/{wrong[0]}), as DUBAN_HMAC_KEY and AIRFLOW__CORE__FERNET_KEY."
        )


def _require_quiet(place: Place) -> None:
    """Nobody may be at work on what is to be put aside."""
    if not place.settings.admin_uri:
        return
    workers = [LOGINS["loader"], LOGINS["transformer"], LOGINS["publisher"], account_of(place.metadata_uri).role]
    databases = [account_of(place.settings.warehouse_uri).database, account_of(place.metadata_uri).database]
    end = time.monotonic() + PATIENCE_SECONDS
    with psycopg.connect(place.settings.admin_uri, autocommit=True) as conn:
        while busy := conn.execute(
            """select distinct usename::text from pg_stat_activity
               where usename = any(%s) and datname = any(%s) and pid <> pg_backend_pid()""",
            [workers, databases],
        ).fetchall():
            if time.monotonic() > end:
                raise Problem(
                    f"Somebody is still at work ({', '.join(name for (name,) in busy)}): stop Airflow first. Nothing was changed."
                )
            time.sleep(0.2)


# ── databases ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _databases(place: Place, manifest: Manifest) -> list[_Database]:
    """The databases that are restored beside the present ones."""
    found = []
    if place.is_own_warehouse:
        found.append(_Database(account_of(place.settings.warehouse_uri).database, WAREHOUSE, place.settings.warehouse_uri))
    if place.metadata_uri and AIRFLOW in manifest.members:
        found.append(_Database(account_of(place.metadata_uri).database, AIRFLOW, place.metadata_uri))
    return found


def _mark(manifest: Manifest, note: Note) -> str:
    """Of this restore, not of the backup: the same one may be brought back a second time."""
    return f"restored {note.at} from the backup of {manifest.taken_at}"


def _bear_mark(place: Place, databases: list[_Database], mark: str) -> bool:
    query = "select count(*) from pg_database where datname = any(%s) and shobj_description(oid, 'pg_database') = %s"
    with psycopg.connect(place.settings.admin_uri, autocommit=True) as conn:
        return conn.execute(query, [[database.name for database in databases], mark]).fetchone()[0] == len(databases)


def _restore_beside(place: Place, database: _Database, manifest: Manifest, tar: tarfile.TarFile, console: Console) -> None:
    beside = f"{database.name}_restoring"
    uri = _at(place.settings.admin_uri, beside)
    console.say(f"restoring {database.member} as {beside}")
    with psycopg.connect(place.settings.admin_uri, autocommit=True) as conn:
        conn.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(beside)))
        if database.member == WAREHOUSE:
            access.provide_database(conn, beside)
        else:
            access.provide_airflow(conn, replace(account_of(database.uri), database=beside))
    if database.member == WAREHOUSE:
        with psycopg.connect(uri, autocommit=True) as conn:
            access.close_side_doors(conn)
    _pg_restore(uri, tar, database.member, [])
    with psycopg.connect(uri, autocommit=True) as conn:
        if database.member == WAREHOUSE:
            _require_all_rows(conn, manifest)
            _ask_about_messages(conn, manifest)
        conn.execute("analyze")


def _restore_elsewhere(place: Place, manifest: Manifest, tar: tarfile.TarFile, console: Console) -> None:
    """Into an empty database of somebody else's server: all of it in one transaction, or nothing."""
    with psycopg.connect(place.settings.warehouse_uri, autocommit=True) as conn:
        conn.execute("set role none")
        if missing := access.missing_roles(conn):
            raise Problem(f"The server has no role {', '.join(missing)}: make them first (docs/operations.md), then run this again.")
        is_there = conn.execute("select to_regclass('ops.schema_migrations') is not null").fetchone()[0]
    if not is_there:
        console.say("restoring warehouse.dump")
        # Owners are given by the install that follows: whom a table is given to must have rights that come last in a dump.
        _pg_restore(place.settings.warehouse_uri, tar, WAREHOUSE, ["--single-transaction", "--no-owner", f"--role={access.OWNER}"])
    with warehouse.connect(place.settings) as conn:
        _require_all_rows(conn, manifest)
        _ask_about_messages(conn, manifest)


def _pg_restore(uri: str, tar: tarfile.TarFile, member: str, options: list[str]) -> None:
    command = [str(BIN / "pg_restore"), "--exit-on-error", "--no-password", f"--dbname={account_of(uri).database}", *options]
    with tempfile.TemporaryFile() as said:
        run = subprocess.Popen(command, env=client_environment(uri), stdin=subprocess.PIPE, stdout=said, stderr=said)
        # It ends early when it fails; what it says is worth more than the broken pipe.
        with contextlib.suppress(BrokenPipeError), run.stdin:
            shutil.copyfileobj(tar.extractfile(member), run.stdin, 1 << 20)
        if run.wait():
            said.seek(0)
            reason = said.read().decode("utf-8", errors="replace").strip().partition("\n")[0]
            raise Problem(f"{member} could not be restored: {reason}. What was there is untouched; run the same command again.")


def _require_all_rows(conn: psycopg.Connection, manifest: Manifest) -> None:
    counted = count_rows(conn)
    wrong = sorted(table for table in counted.keys() | manifest.counts.keys() if counted.get(table) != manifest.counts.get(table))
    if wrong:
        raise Problem(f"Not all rows came back: {', '.join(wrong[:3])}. What was there is untouched.")


def _ask_about_messages(conn: psycopg.Connection, manifest: Manifest) -> None:
    """Whether a message went out after the backup was taken nobody here can know: a person decides, nothing is sent twice."""
    warehouse.deliveries.record_uncertain(conn, datetime.fromisoformat(manifest.taken_at), MAYBE_SENT)


def _swap_databases(place: Place, databases: list[_Database], manifest: Manifest, note: Note) -> None:
    """Old names for new databases, in one transaction. A reader who comes in between is sent away and may come again."""
    for database in databases:
        _drop_if_empty(place, database.name)
    for attempt in range(50):
        with psycopg.connect(place.settings.admin_uri) as conn:
            try:
                for database in databases:
                    names = [database.name, f"{database.name}_restoring"]
                    conn.execute("select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = any(%s)", [names])
                    if conn.execute("select 1 from pg_database where datname = %s", [database.name]).fetchone():
                        former = f"{database.name}_before_{note.at}"
                        _alter(conn, database.name, "rename to", former)
                        # the operator drops it one day
                        _alter(conn, former, "owner to", access.OWNER)
                    _alter(conn, f"{database.name}_restoring", "rename to", database.name)
                    mark = sql.SQL("comment on database {} is {}").format(sql.Identifier(database.name), sql.Literal(_mark(manifest, note)))
                    conn.execute(mark)
                return
            except psycopg.errors.ObjectInUse:
                conn.rollback()
        time.sleep(0.1 * min(attempt, 10))
    raise Problem("Somebody keeps connecting to the warehouse: end their session, then run the same command again.")


def _drop_if_empty(place: Place, database: str) -> None:
    """A database without a table, as a server makes it that has none, is nothing to keep."""
    with psycopg.connect(place.settings.admin_uri, autocommit=True) as conn:
        if not conn.execute("select 1 from pg_database where datname = %s", [database]).fetchone():
            return
        with psycopg.connect(_at(place.settings.admin_uri, database), autocommit=True) as inside:
            [tables] = inside.execute("select count(*) from pg_stat_user_tables").fetchone()
        if tables == 0:
            conn.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(database)))


def _alter(conn: psycopg.Connection, database: str, what: str, name: str) -> None:
    conn.execute(sql.SQL("alter database {} " + what + " {}").format(sql.Identifier(database), sql.Identifier(name)))


# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _lay_out(place: Place, tar: tarfile.TarFile, manifest: Manifest, console: Console) -> None:
    """Add the files that were sent, which never change; lay returns and issues out aside. Whole when the folder has its last name."""
    landing, aside = place.settings.landing, laid_aside(place)
    shutil.rmtree(aside, ignore_errors=True)
    draft = aside / "draft"
    for folder in (draft, landing):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    console.say("laying out files")
    for entry in tar:
        if entry.name.startswith("landing/"):
            target, mode = landed(landing, entry.name.rpartition("/")[2]), 0o400
            if _is_whole(target):
                continue
        elif entry.name.startswith("outbox/"):
            target, mode = draft / entry.name.removeprefix("outbox/"), entry.mode
        else:
            continue
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700 if mode == 0o400 else 0o755)
        part = target.with_name(f".{target.name}.part")
        part.unlink(missing_ok=True)
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            shutil.copyfileobj(tar.extractfile(entry), file)
            os.fchmod(file.fileno(), mode)
        os.utime(part, (entry.mtime, entry.mtime))
        part.replace(target)
    sync_filesystem(landing)
    sync_filesystem(aside)
    draft.rename(aside / manifest.seal)
    sync_filesystem(aside)


def _is_whole(path: Path) -> bool:
    """Whether a file holds the bytes that its name says."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == path.name
    except FileNotFoundError:
        return False


def _place_outbox(place: Place, manifest: Manifest, note: Note) -> None:
    """Returns and issues that are there go aside; those of the backup take their places, folder by folder. Pages are made again.

    The folders of units stay: who may read them was settled by whoever shares them.
    """
    outbox, laid_out = place.settings.outbox, laid_aside(place) / manifest.seal
    before = outbox / f".before-{note.at}"
    restored = {subject for name in manifest.members if (subject := subject_of(name))}
    for subject in list(_subjects(outbox)):
        if subject in restored and not (laid_out / subject).exists():
            continue  # it is the restored one already
        target = before / subject
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if target.exists():
            target = Path(tempfile.mkdtemp(prefix=f"{target.name}.", dir=target.parent)) / target.name
        (outbox / subject).rename(target)
    for subject in sorted(restored):
        if (laid_out / subject).exists():
            (outbox / subject).parent.mkdir(parents=True, exist_ok=True)
            (laid_out / subject).rename(outbox / subject)
    if before.exists():
        before.chmod(0o700)
    # Perhaps on a disk of its own, so that it could not go aside; and it holds nothing that the warehouse does not.
    (outbox / MARK).unlink(missing_ok=True)  # it is the restored warehouse's from now on
    for path in (outbox / "site").glob("*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    sync_filesystem(outbox)


def _subjects(outbox: Path) -> Iterator[str]:
    """The folders of returns and issues that are there."""
    for pattern in ("returns/*/*", "publications/*/*/*/*"):
        for path in outbox.glob(pattern):
            yield str(path.relative_to(outbox))


def _place_keys(place: Place, tar: tarfile.TarFile, note: Note) -> None:
    for name, key in _keys(place, tar).items():
        path = place.key_files.get(name)
        former = path.read_text(encoding="ascii").strip() if path and path.exists() else None
        if path is None or former == key:
            continue
        if former:
            write_private(path.with_name(f"{name}.before-{note.at}"), former + "\n")
        write_private(path, key)


def _keys(place: Place, tar: tarfile.TarFile) -> dict[str, str]:
    """The keys that a backup holds and the place has a use for."""
    held = set(tar.getnames())
    return {name: _read(tar, f"secrets/{name}").decode("ascii") for name in place.keys if f"secrets/{name}" in held}


def _remember_what_marts_are_made_of(place: Place, manifest: Manifest) -> None:
    """An install builds the marts anew where they were made by another version; Airflow's metadata likewise."""
    built_from = place.settings.home / "dbt" / "built-from"
    built_from.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    built_from.write_text(manifest.built_from, encoding="ascii")
    for stamp in (place.settings.home / "airflow").glob("migrated-to-*"):
        stamp.unlink()


# ── small things ─────────────────────────────────────────────────────────────────────────────────────────────────────


@contextlib.contextmanager
def _warehouse_if_there(place: Place) -> Iterator[psycopg.Connection | None]:
    """The warehouse as whoever may look at it; None when there is none yet."""
    uri = (
        _at(place.settings.admin_uri, account_of(place.settings.warehouse_uri).database)
        if place.is_own_warehouse
        else place.settings.warehouse_uri
    )
    try:
        conn = psycopg.connect(uri, autocommit=True)
    except psycopg.OperationalError as error:
        if not place.is_own_warehouse or "does not exist" not in str(error):
            raise Problem(f"The server does not answer: {error}".strip()) from None
        yield None
        return
    with conn:
        yield conn


def _read(tar: tarfile.TarFile, name: str) -> bytes:
    file: BinaryIO = tar.extractfile(name)
    return file.read()


def _at(uri: str, database: str) -> str:
    return urlsplit(uri)._replace(path=f"/{database}").geturl()
