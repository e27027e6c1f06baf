"""The environment of this system: for the processes it starts, and as `$DUBAN_HOME/env.sh` for people."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from duban.orchestration.dbt import connection_variables
from duban.settings import PROJECT
from local.config import VARIABLES, Installation, read_variables
from local.embedded.postgres import BIN, HOST
from local.secrets import Secrets, write_airflow_passwords, write_private

#: What holds wherever Duban runs; docker-compose.yml reads it too.
COMMON = PROJECT / "deploy" / "airflow.env"
# libpq reads these too; a leftover of another system must not bend ours.
_LIBPQ = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE", "sslmode": "PGSSLMODE"}
_OURS = [name for name in VARIABLES if name.startswith("AIRFLOW_CONN_WAREHOUSE") or name == "DUBAN_HMAC_KEY"]
_FOREIGN = ("PGSERVICE", "PGPASSFILE", "PGOPTIONS", "PGHOSTADDR", "PGSSLMODE", "PGAPPNAME", "PYTHONHOME", "VIRTUAL_ENV")


def system_variables(installation: Installation, secrets: Secrets) -> dict[str, str]:
    """Every variable that makes a program address this system, PATH aside."""
    return {
        **installation.variables(),
        **_warehouse(installation),
        **_dbt(installation),
        **read_variables(COMMON),
        **_airflow(installation, secrets),
        **installation.handed_on,
        "DUBAN_BI_URI": installation.settings.uri("bi_reader"),
        "PYTHONPATH": f"{installation.settings.project / 'dags'}:{installation.settings.project}",
    }


def process_environment(installation: Installation, secrets: Secrets) -> dict[str, str]:
    """What the processes of this system get: the caller's environment, cleared of what could bend it, with ours on top."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("MAKE") and name not in _FOREIGN and name not in _OURS
    }
    # Airflow's tasks speak HTTP to 127.0.0.1; a proxy of the machine is not for that.
    hosts = [host for host in inherited.get("NO_PROXY", inherited.get("no_proxy", "")).split(",") if host]
    hosts = ",".join(dict.fromkeys([*hosts, HOST, "localhost"]))
    ours = system_variables(installation, secrets)
    path = os.pathsep.join([*map(str, _program_folders()), inherited.get("PATH", "/usr/bin:/bin")])
    return {**inherited, **ours, "PATH": path, "NO_PROXY": hosts, "no_proxy": hosts}


def write_env_file(installation: Installation, secrets: Secrets) -> Path:
    """Write `env.sh`; after `. env.sh` in any POSIX shell `airflow`, `dbt`, `psql` and `make` address this system."""
    write_airflow_passwords(installation.secrets, installation.airflow_users, secrets.airflow_admin_password)
    write_private(installation.env_file, render_env_file(system_variables(installation, secrets), _program_folders()))
    return installation.env_file


def render_env_file(variables: Mapping[str, str], folders: list[Path]) -> str:
    """The text of `env.sh`."""
    leftovers = [name for name in (*_OURS, *_FOREIGN) if name not in variables]
    lines = [
        "# Written by `make up`. Holds passwords: keep it to yourself. Use: . env.sh",
        f"unset {' '.join(leftovers)}",
        *(f"export {name}={shlex.quote(value)}" for name, value in variables.items()),
    ]
    # Always in front, even when they are on the path already: another system's programs may stand before them.
    lines.append(f'export PATH={shlex.quote(os.pathsep.join(map(str, folders)))}:"$PATH"')
    return "\n".join([*lines, ""])


def _program_folders() -> list[Path]:
    return [Path(sys.executable).parent, BIN]


def _warehouse(installation: Installation) -> dict[str, str]:
    """The warehouse for libpq, as its operator."""
    parts = conninfo_to_dict(installation.settings.warehouse_uri)
    return {_LIBPQ[name]: str(value) for name, value in parts.items() if name in _LIBPQ}


def _dbt(installation: Installation) -> dict[str, str]:
    project = installation.settings.project / "dbt_project"
    return {
        "DBT_PROJECT_DIR": str(project),
        "DBT_PROFILES_DIR": str(project),
        "DBT_TARGET_PATH": str(installation.dbt_state / "target"),
        "DBT_LOG_PATH": str(installation.dbt_state / "logs"),
        **{name: value for name, value in connection_variables(installation.settings).items() if name.startswith("DBT_")},
    }


def _airflow(installation: Installation, secrets: Secrets) -> dict[str, str]:
    settings = installation.settings
    url = f"http://{HOST}:{settings.airflow_port}"
    metadata = f"postgresql+psycopg://airflow:{secrets.airflow_db_password}@{HOST}:{settings.pg_port}/airflow?sslmode=disable"
    options = {
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__DAGS_FOLDER": str(settings.project / "dags"),
        "CORE__PLUGINS_FOLDER": str(settings.project / "deploy" / "plugins"),
        "CORE__FERNET_KEY": secrets.fernet_key,
        "CORE__AUTH_MANAGER": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
        "CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{name}:{role}" for name, role in installation.airflow_users.items()),
        "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(installation.secrets / "airflow_passwords.json"),
        "CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "DATABASE__SQL_ALCHEMY_CONN": metadata,
        "DATABASE__SQL_ALCHEMY_CONN_ASYNC": metadata,
        "API__HOST": HOST,
        "API__PORT": str(settings.airflow_port),
        "API__BASE_URL": url,
        "API__SECRET_KEY": secrets.api_secret_key,
        "API_AUTH__JWT_SECRET": secrets.jwt_secret,
        "LOGGING__BASE_LOG_FOLDER": str(installation.logs / "airflow"),
        "LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(installation.logs / "airflow" / "dag_processor"),
    }
    return {"AIRFLOW_HOME": str(installation.airflow_home), **{f"AIRFLOW__{name}": value for name, value in options.items()}}
