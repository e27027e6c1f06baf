"""The only door to PostgreSQL: connections, migrations, locks, and every statement that changes state outside dbt.

A module for each subject, named `warehouse.<subject>`; each table is written by one of them alone.
"""

# ruff: noqa: F401 (its modules are what it offers)
from __future__ import annotations

import psycopg

from duban.settings import TIMEZONE, Settings
from duban.warehouse import (
    builds,
    calendar,
    deliveries,
    divisions,
    issues,
    loading,
    locks,
    personal,
    recipients,
    returns,
    schema,
    submissions,
    tables,
    versions,
    watch,
)

#: For every session of ours, on whatever server: a side that is gone is noticed within a minute, and no transaction waits for ever.
LOST_CLIENT = {
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "60s",
    "client_connection_check_interval": "10s",
}
_LOST_SERVER = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 60_000}


def connect(settings: Settings, login: str = "operator") -> psycopg.Connection:
    """A connection to the warehouse with autocommit: what belongs together says so by `conn.transaction()`.

    Args:
        settings: Where the warehouse is.
        login: Whose rights: a name of `settings.LOGINS`, or the operator, who acts as the owner.
    """
    # the operator's commands may rest in a transaction: a backup copies files under its snapshot
    more = {"role": "duban_owner"} if login == "operator" else {"idle_in_transaction_session_timeout": f"{locks.SILENT_SECONDS:.0f}s"}
    options = " ".join(f"-c {name}={value}" for name, value in {"timezone": TIMEZONE.key, **LOST_CLIENT, **more}.items())
    return psycopg.connect(settings.uri(login), autocommit=True, application_name="duban", options=options, **_LOST_SERVER)
