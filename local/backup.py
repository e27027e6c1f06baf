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
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import quote

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from duban import access, warehouse
from duban.durable import sync_filesystem
from duban.intake.inbox import landed
from duban.quality.returns import return_folder
from duban.settings import TIMEZONE, Settings, load_settings
from local.console import Console, Problem, bar
from local.postgres import BIN, HOST, SUPERUSER

if TYPE_CHECKING:
    from local.lifecycle import System

FORMAT = 1
WAREHOUSE, AIRFLOW, MANIFEST = "warehouse.dump", "airflow.dump", "manifest.json"
KEEP = 14
_STEP = 10_000_000
_DRAFT_PREFIX = ".duban-backup-"


@dataclass(frozen=True)
class Place:
    """What a backup is taken of, and what one is restored into.

    `settings.admin_uri` is a superuser of the server that is ours ("": none is), `settings.metadata_uri` Airflow's metadata on it ("": not
    ours to keep).
    """

    settings: Settings
    # hmac_key, and with Airflow's metadata fernet_key
    keys: Mapping[str, str]
    # where keys lie; those that lie nowhere are handed over by whoever starts the system
    key_files: Mapping[str, Path]
    # whether the warehouse is on the server that is ours
    is_own_warehouse: bool

    @property
    def metadata_uri(self) -> str:
        """Airflow's metadata, as libpq writes it."""
        return self.settings.metadata_uri.replace("+psycopg://", "://", 1)


def place_of(system: System) -> Place:
    """A home with its embedded server, on which at least Airflow's metadata lie; or what the environment of a container speaks of."""
    installation = system.installation
    if installation.is_in_containers:
        settings = load_settings()
        keys = {"hmac_key": settings.hmac_key, "fernet_key": os.environ["AIRFLOW__CORE__FERNET_KEY"]}
        return Place(settings, keys, {}, bool(settings.admin_uri))

    def uri(user: str, password: str, database: str) -> str:
        return f"postgresql://{user}:{quote(password, safe='')}@{HOST}:{installation.settings.pg_port}/{database}"

    settings = replace(
        installation.settings,
        admin_uri=uri(SUPERUSER, system.secrets.postgres_password, "postgres"),
        metadata_uri=uri("airflow", system.secrets.airflow_db_password, "airflow"),
    )
    keys = {"hmac_key": settings.hmac_key, "fernet_key": system.secrets.fernet_key}
    own = [name for name in keys if name != "hmac_key" or not installation.is_external_hmac_key]
    return Place(settings, keys, {name: installation.secrets / name for name in own}, not installation.is_external_warehouse)


@dataclass(frozen=True)
class Manifest:
    """What a backup says about itself. Times are ISO 8601; `members` maps names to (sha256, bytes)."""

    format: int
    taken_at: str
    snapshot: str
    postgres: str
    airflow: str | None
    migrations: tuple[str, ...]
    # what the marts were built from, as `duban.install` remembers it
    built_from: str
    counts: Mapping[str, int]
    members: Mapping[str, tuple[str, int]]
    # files that the warehouse knows and the disk did not give, or gave with other bytes
    missing: tuple[str, ...]

    @property
    def seal(self) -> str:
        """A hash of all the rest."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    def to_bytes(self) -> bytes:
        """As it lies in the file."""
        return json.dumps({**asdict(self), "seal": self.seal}, indent=1).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> Manifest:
        """Raises ValueError, KeyError or TypeError when it is none, or was changed."""
        values = json.loads(content)
        seal = values.pop("seal")
        members = {name: (sha256, size) for name, (sha256, size) in values.pop("members").items()}
        lists = {name: tuple(values.pop(name)) for name in ("migrations", "missing")}
        manifest = cls(**values, **lists, members=members)
        if manifest.seal != seal:
            raise ValueError("the manifest was changed")
        return manifest


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
            schemas = _schemas(conn)
            dumps[WAREHOUSE] = drafts / WAREHOUSE
            options = [f"--snapshot={snapshot}", f"--role={access.OWNER}", *(f"--schema={name}" for name in schemas)]
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


class Hashing:
    """A file to read from that hashes what is read."""

    def __init__(self, file: BinaryIO):
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """As of any file."""
        content = self._file.read(size)
        self.digest.update(content)
        return content


def count_rows(conn: psycopg.Connection) -> dict[str, int]:
    """Rows of every table of the warehouse, by name."""
    tables = conn.execute(
        """select nspname, relname from pg_class join pg_namespace on pg_namespace.oid = relnamespace
           where relkind = 'r' and nspname = any(%s) order by 1, 2""",
        [_schemas(conn)],
    ).fetchall()
    count = sql.SQL("select count(*) from {}")
    return {".".join(table): conn.execute(count.format(sql.Identifier(*table))).fetchone()[0] for table in tables}


def subject_of(name: str) -> str | None:
    """The folder that a member of the outbox belongs to, which comes and goes as a whole: that of a return or of an issue."""
    parts = PurePosixPath(name).parts[1:]
    depth = {"returns": 3, "publications": 5}.get(parts[0] if parts else "", 0)
    return "/".join(parts[:depth]) if depth and len(parts) > depth else None


def client_environment(uri: str) -> dict[str, str]:
    """The environment for PostgreSQL's own programs: a password belongs on no command line."""
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE", "sslmode": "PGSSLMODE"}
    parts = conninfo_to_dict(uri)
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), **{names[name]: str(value) for name, value in parts.items() if name in names}}


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


def _schemas(conn: psycopg.Connection) -> list[str]:
    # By name: rights on the system's own functions belong to the server, and only its superuser could restore them.
    query = "select nspname from pg_namespace where nspname !~ '^pg_' and nspname not in ('information_schema', 'public') order by 1"
    return [name for (name,) in conn.execute(query)]


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


def backup_home(system: System, console: Console, to: str, keep: int) -> None:
    """Take a backup of a home, or of what a container's environment speaks of, while it works."""
    system.require_warehouse()
    place = place_of(system)
    write_backup(place, Path(to).expanduser().absolute() if to else place.settings.home / "backups", console, keep)
