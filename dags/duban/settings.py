"""The only reader of the environment.

Every other module receives a `Settings`; nothing else looks at `os.environ`. Variables and defaults: `.env.example`.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

PROJECT = Path(__file__).resolve().parents[2]
TIMEZONE = ZoneInfo("Asia/Shanghai")
#: Who logs in to the warehouse beside its operator, as PostgreSQL calls them; what each may do: `duban/access.py`.
LOGINS = {
    "loader": "duban_loader",
    "transformer": "duban_transformer",
    "publisher": "duban_publisher",
    "bi_reader": "bi_reader",
    "personal_reader": "personal_reader",
}


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
    login_uris: Mapping[str, str]
    hmac_key: str
    # for `duban.install` on a server of our own, and for nobody else: its superuser, and Airflow's metadata
    admin_uri: str = ""
    metadata_uri: str = ""

    def uri(self, login: str) -> str:
        """How to reach the warehouse as one of `LOGINS`, or as the operator.

        Raises:
            LookupError: the operator is not known here.
        """
        if login == "operator":
            if not self.warehouse_uri:
                raise LookupError("this process does the pipeline's work: it has no connection of the operator (AIRFLOW_CONN_WAREHOUSE)")
            return self.warehouse_uri
        if login in self.login_uris:
            return self.login_uris[login]
        server = urlsplit(self.warehouse_uri)
        password = secret_file(self.home / "secrets" / f"{login}_password", new_token)
        place = server.netloc.rpartition("@")[2]
        return server._replace(netloc=f"{LOGINS[login]}:{quote(password, safe='')}@{place}").geturl()

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
        login_uris=_login_uris(env),
        hmac_key=env.get("DUBAN_HMAC_KEY") or secret_file(home / "secrets" / "hmac_key", new_token),
        admin_uri=env.get("DUBAN_PG_ADMIN_URI") or "",
        metadata_uri=env.get("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN") or "",
    )


def _path(value: str, base: Path) -> Path:
    return Path(os.path.abspath(base / Path(value).expanduser()))


def _port(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name) or str(default)
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise ValueError(f"{name}={text!r} is not a port number between 1 and 65535")
    return int(text)


def _login_uris(env: Mapping[str, str]) -> dict[str, str]:
    """Connections of single logins, where the environment names them; others reach the operator's server by a password of the home."""
    return {login: _uri(uri) for login in LOGINS if (uri := env.get(f"AIRFLOW_CONN_WAREHOUSE_{login.upper()}"))}


def _uri(text: str) -> str:
    """Airflow writes postgres://, libpq understands both; one spelling from here on."""
    return "postgresql://" + text.split("://", 1)[1]


def _warehouse_uri(env: Mapping[str, str], home: Path, pg_port: int) -> str:
    if uri := env.get("AIRFLOW_CONN_WAREHOUSE"):
        return _uri(uri)
    if len(_login_uris(env)) >= len(("loader", "transformer", "publisher")):
        return ""  # a worker of a larger installation: whoever does the pipeline's work is not its operator
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
