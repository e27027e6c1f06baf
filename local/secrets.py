"""The installation's secrets: made once, kept under `$DUBAN_HOME/secrets`, readable by their owner only."""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from pathlib import Path

from duban.settings import LOGINS, new_token, secret_file


def fernet_key() -> str:
    return base64.urlsafe_b64encode(os.urandom(32)).decode("ascii")


def readable_password() -> str:
    """For typing into a login page: no characters that look alike."""
    return "-".join("".join(secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(5)) for _ in range(4))


ADMIN = "admin"


@dataclass(frozen=True)
class Secrets:
    """Every secret of an installation, each in a file of its field's name."""

    postgres_password: str
    warehouse_password: str
    loader_password: str
    transformer_password: str
    publisher_password: str
    bi_reader_password: str
    personal_reader_password: str
    airflow_db_password: str
    airflow_admin_password: str
    fernet_key: str
    jwt_secret: str
    api_secret_key: str
    hmac_key: str

    def login_passwords(self) -> dict[str, str]:
        """Passwords of the logins of the embedded warehouse, as `duban.access` wants them."""
        return {"operator": self.warehouse_password, **{login: getattr(self, f"{login}_password") for login in LOGINS}}


_MAKERS: dict[str, Callable[[], str]] = {"fernet_key": fernet_key, "airflow_admin_password": readable_password}


def load_secrets(directory: Path) -> Secrets:
    """Read the secrets in `directory`; those that are missing are made first."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    directory.chmod(0o700)
    values = {field.name: secret_file(directory / field.name, _MAKERS.get(field.name, new_token)) for field in fields(Secrets)}
    for name in values:
        (directory / name).chmod(0o600)
    return Secrets(**values)


def write_airflow_passwords(directory: Path, users: Iterable[str], admin_password: str) -> Path:
    """The password file of Airflow's SimpleAuthManager: a new user gets a password, the others keep theirs, who is gone loses it."""
    path = directory / "airflow_passwords.json"
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    passwords = {user: kept.get(user) or readable_password() for user in users}
    write_private(path, json.dumps({**passwords, ADMIN: admin_password}, indent=1) + "\n")
    return path


def write_private(path: Path, text: str) -> None:
    """Replace `path` at once with a file only its owner can read."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
