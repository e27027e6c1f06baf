"""Which installation a command is about: its settings, and where its own files lie.

A variable comes from the environment, else from `.env` in the checkout, else from what the home was last started with, else from
its default. So `make status` finds a system that was started on other ports without being told again.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from duban.settings import LOGINS, PROJECT, Settings, load_settings
from local.console import Problem
from local.secrets import ADMIN, write_private

VARIABLES = (
    "DUBAN_HOME",
    "DUBAN_INBOX",
    "DUBAN_OUTBOX",
    "DUBAN_PG_PORT",
    "DUBAN_AIRFLOW_PORT",
    "DUBAN_SITE_PORT",
    "AIRFLOW_CONN_WAREHOUSE",
    *(f"AIRFLOW_CONN_WAREHOUSE_{login.upper()}" for login in LOGINS),
    "DUBAN_HMAC_KEY",
    "DUBAN_AIRFLOW_USERS",
    "DUBAN_AIRFLOW_URL",
)
#: Who may do what in Airflow, from least to most.
AIRFLOW_ROLES = ("viewer", "user", "op", "admin")
# Handed to every process as they are: connections of the mail server and the group robots, and where metrics go. They may hold
# passwords: read anew each time, never remembered.
HANDED_ON = ("AIRFLOW_CONN_DUBAN_", "AIRFLOW__METRICS__", "OTEL_")


@dataclass(frozen=True)
class Installation:
    """One home: the project's settings and the places only the local runtime knows."""

    settings: Settings
    is_external_warehouse: bool
    is_external_hmac_key: bool
    # name → role of everybody who may log in to Airflow
    airflow_users: Mapping[str, str]
    handed_on: Mapping[str, str]
    # where Airflow's API server answers
    api_url: str
    # whether the parts of the system run in containers of their own, and only its commands here
    is_in_containers: bool = False

    @property
    def secrets(self) -> Path:
        """Passwords and keys."""
        return self.settings.home / "secrets"

    @property
    def run(self) -> Path:
        """Which processes were started."""
        return self.settings.home / "run"

    @property
    def logs(self) -> Path:
        """One log per process."""
        return self.settings.home / "logs"

    @property
    def pgdata(self) -> Path:
        """The embedded server's data."""
        return self.settings.home / "postgres"

    @property
    def airflow_home(self) -> Path:
        """Airflow's own folder."""
        return self.settings.home / "airflow"

    @property
    def site(self) -> Path:
        """The live ranking's pages."""
        return self.settings.outbox / "site"

    @property
    def dbt_state(self) -> Path:
        """dbt's compiled files; outside the checkout, so that two homes do not share them."""
        return self.settings.home / "dbt"

    @property
    def env_file(self) -> Path:
        """The file to source."""
        return self.settings.home / "env.sh"

    @property
    def memory(self) -> Path:
        """The variables this home was last started with."""
        return self.run / "variables.json"

    def variables(self) -> dict[str, str]:
        """This installation's own variables, complete, so that any process given them addresses it."""
        settings = self.settings
        values = {
            "DUBAN_HOME": str(settings.home),
            "DUBAN_INBOX": str(settings.inbox),
            "DUBAN_OUTBOX": str(settings.outbox),
            "DUBAN_PG_PORT": str(settings.pg_port),
            "DUBAN_AIRFLOW_PORT": str(settings.airflow_port),
            "DUBAN_SITE_PORT": str(settings.site_port),
        }
        if self.is_external_warehouse:
            values["AIRFLOW_CONN_WAREHOUSE"] = settings.warehouse_uri
            values |= {f"AIRFLOW_CONN_WAREHOUSE_{login.upper()}": uri for login, uri in settings.login_uris.items()}
        if self.is_external_hmac_key:
            values["DUBAN_HMAC_KEY"] = settings.hmac_key
        if more := [f"{name}:{role}" for name, role in self.airflow_users.items() if name != ADMIN]:
            values["DUBAN_AIRFLOW_USERS"] = ",".join(more)
        return values

    def remembered(self) -> dict[str, str]:
        """The variables this home was last started with, apart from those that had their default place."""
        return _read_memory(self.memory) or {}

    def remember(self) -> None:
        """Keep the variables for later commands that do not name them."""
        # Places under the home are left out: a home that is moved keeps its inbox inside.
        kept = {
            name: value
            for name, value in self.variables().items()
            if name != "DUBAN_HOME" and value not in (str(self.settings.home / "inbox"), str(self.settings.home / "outbox"))
        }
        write_private(self.memory, json.dumps(kept, indent=1) + "\n")


def load_installation(*, must_exist: bool) -> Installation:
    """The installation the environment, `.env` and its own memory speak of.

    Raises:
        Problem: `must_exist` and nothing was ever started there, or a variable makes no sense.
    """
    given = read_dotenv(PROJECT / ".env")
    given.update((name, value) for name, value in os.environ.items() if _is_ours(name))
    home = Path(os.path.abspath(PROJECT / Path(given.get("DUBAN_HOME") or "var").expanduser()))
    remembered = _read_memory(home / "run" / "variables.json")
    is_in_containers = bool(given.get("DUBAN_AIRFLOW_URL"))
    if must_exist and remembered is None and not is_in_containers:
        raise Problem(f"Nothing was started in {home} yet: `make up` first (or name another home by DUBAN_HOME).")
    values = {**(remembered or {}), **given, "DUBAN_HOME": str(home)}
    try:
        settings = load_settings(values)
    except ValueError as error:
        raise Problem(str(error)) from None
    except PermissionError:
        raise Problem(f"{home} cannot be written: work as its owner, or name another home by DUBAN_HOME.") from None
    ports = {"DUBAN_PG_PORT": settings.pg_port, "DUBAN_AIRFLOW_PORT": settings.airflow_port, "DUBAN_SITE_PORT": settings.site_port}
    if len(set(ports.values())) < len(ports):
        raise Problem(f"Three different ports are needed: {ports}")
    return Installation(
        settings=settings,
        is_external_warehouse=bool(values.get("AIRFLOW_CONN_WAREHOUSE")),
        is_external_hmac_key=bool(values.get("DUBAN_HMAC_KEY")),
        airflow_users=_airflow_users(values.get("DUBAN_AIRFLOW_USERS") or ""),
        handed_on={name: value for name, value in given.items() if name.startswith(HANDED_ON)},
        api_url=given.get("DUBAN_AIRFLOW_URL") or f"http://127.0.0.1:{settings.airflow_port}",
        is_in_containers=is_in_containers,
    )


def _airflow_users(text: str) -> dict[str, str]:
    """`wang:op,li:viewer`, and the administrator, whom the commands of this project work as."""
    users = {ADMIN: ADMIN}
    for user in filter(None, (part.strip() for part in text.split(","))):
        name, _, role = user.partition(":")
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9._-]*", name) or role not in AIRFLOW_ROLES or (name == ADMIN and role != ADMIN):
            raise Problem(f"DUBAN_AIRFLOW_USERS: {user!r} is not name:role with a role of {', '.join(AIRFLOW_ROLES)}")
        users[name] = role
    return users


def _is_ours(name: str) -> bool:
    return name in VARIABLES or name.startswith(HANDED_ON)


def _read_memory(path: Path) -> dict[str, str] | None:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except PermissionError:
        raise Problem(f"{path} belongs to another user: work as that user, or name another home by DUBAN_HOME.") from None


def read_dotenv(path: Path) -> dict[str, str]:
    """Those variables of a `.env` file that are ours."""
    return {name: value for name, value in read_variables(path).items() if _is_ours(name)} if path.is_file() else {}


def read_variables(path: Path) -> dict[str, str]:
    """The variables of a file: NAME=value per line, quotes around the value optional, `#` begins a comment line."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if not equals or name.startswith("#"):
            continue
        value = value.strip()
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        found[name.strip()] = value
    return found
