"""What a backup holds, what it is taken of, and what it is restored into: `duban-<time>.tar`, written and read by the modules beside it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from duban.settings import Settings

FORMAT = 1
WAREHOUSE, AIRFLOW, MANIFEST = "warehouse.dump", "airflow.dump", "manifest.json"


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
        [schemas(conn)],
    ).fetchall()
    count = sql.SQL("select count(*) from {}")
    return {".".join(table): conn.execute(count.format(sql.Identifier(*table))).fetchone()[0] for table in tables}


def schemas(conn: psycopg.Connection) -> list[str]:
    """Names of the schemas that are ours."""
    # By name: rights on the system's own functions belong to the server, and only its superuser could restore them.
    query = "select nspname from pg_namespace where nspname !~ '^pg_' and nspname not in ('information_schema', 'public') order by 1"
    return [name for (name,) in conn.execute(query)]


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
