"""The only reader of the environment.

Every other module receives a `Settings`; nothing else looks at `os.environ`. Variables and defaults: `.env.example`.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote
from zoneinfo import ZoneInfo

PROJECT = Path(__file__).resolve().parents[2]
TIMEZONE = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class Settings:
    """Where things are and how to reach them. Paths are absolute; ports are on the loopback interface."""

    project: Path
    home: Path
    inbox: Path
    outbox: Path
    landing: Path
    pg_port: int
    airflow_port: int
    site_port: int
    warehouse_uri: str
    hmac_key: str

    @property
    def expectations(self) -> Path:
        """Folder of the rules: what the district demands of a ledger."""
        return self.project / "expectations"

    @property
    def dbt_project(self) -> Path:
        """Folder of the dbt project."""
        return self.project / "dbt_project"

    @property
    def seeds(self) -> Path:
        """Folder of the code lists, which the gate reads too."""
        return self.dbt_project / "seeds"


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from `environ` (default: the process environment).

    Raises:
        ValueError: a port is not a number between 1 and 65535.
    """
    env = os.environ if environ is None else environ
    home = _path(env.get("DUBAN_HOME") or "var", PROJECT)
    pg_port = _port(env, "DUBAN_PG_PORT", 5433)
    return Settings(
        project=PROJECT,
        home=home,
        inbox=_path(env.get("DUBAN_INBOX") or "inbox", home),
        outbox=_path(env.get("DUBAN_OUTBOX") or "outbox", home),
        landing=home / "landing",
        pg_port=pg_port,
        airflow_port=_port(env, "DUBAN_AIRFLOW_PORT", 8080),
        site_port=_port(env, "DUBAN_SITE_PORT", 8090),
        warehouse_uri=_warehouse_uri(env, home, pg_port),
        hmac_key=env.get("DUBAN_HMAC_KEY") or secret_file(home / "secrets" / "hmac_key", new_token),
    )


def _path(value: str, base: Path) -> Path:
    return Path(os.path.abspath(base / Path(value).expanduser()))


def _port(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name) or str(default)
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise ValueError(f"{name}={text!r} is not a port number between 1 and 65535")
    return int(text)


def _warehouse_uri(env: Mapping[str, str], home: Path, pg_port: int) -> str:
    uri = env.get("AIRFLOW_CONN_WAREHOUSE")
    if uri:
        # Airflow writes postgres://, libpq understands both; one spelling from here on.
        return "postgresql://" + uri.split("://", 1)[1]
    password = secret_file(home / "secrets" / "warehouse_password", new_token)
    return f"postgresql://duban:{quote(password, safe='')}@127.0.0.1:{pg_port}/duban"


def secret_file(path: Path, make: Callable[[], str]) -> str:
    """The secret in a file, made once. The file appears whole or not at all, readable by its owner only; two first readers agree."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(make())
            file.flush()
            os.fsync(file.fileno())
        try:
            # A link, not a rename: whoever comes second keeps the first one's secret.
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text(encoding="ascii").strip()


def new_token() -> str:
    """A secret nobody can guess."""
    return secrets.token_urlsafe(32)
