"""What the operator's commands work on: one installation with its running parts, wherever these run."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import psycopg

from duban.warehouse import connect
from local.airflow import COMPONENTS
from local.backup.archive import Place
from local.config import Installation
from local.console import Console, Problem

SITE = "site"


class System:
    """The running parts of one installation; `embedded` and `containers` say what is specific to them."""

    #: What starts it, for people.
    start_command: str
    installation: Installation
    #: The server: `running_port`, `answers`, `address`, `connect_airflow`.
    postgres: Any
    #: Airflow's components and the page's server: `running`, by name.
    processes: Any
    #: Where people find Airflow and the live ranking; the password of Airflow's user admin; the connection of BI tools.
    airflow_url: str
    airflow_password: str
    site_url: str
    bi_uri: str

    def environment(self) -> dict[str, str]:
        """What a process of this system is started with."""
        raise NotImplementedError

    def up(self, console: Console) -> None:
        """Start whatever does not run or does not work, and wait until it does. Idempotent."""
        raise NotImplementedError

    def down(self, console: Console) -> None:
        """Stop whatever runs, in the order in which nothing is lost. Idempotent."""
        raise NotImplementedError

    def place(self) -> Place:
        """What a backup is taken of, and restored into."""
        raise NotImplementedError

    def show_places(self, console: Console) -> None:
        """Say where everything is, if that is known here."""

    def down_parts(self) -> list[str]:
        """The parts that do not run."""
        down = [] if self.postgres.running_port() else ["PostgreSQL"]
        return down + [name for name in (*COMPONENTS, SITE) if not self.processes.running(name)]

    def require_warehouse(self) -> None:
        """Make sure that there is a server to ask; one of others is not ours to look after.

        Raises:
            Problem: PostgreSQL does not run.
        """
        if not self.installation.is_external_warehouse and self.postgres.running_port() is None:
            raise Problem(f"PostgreSQL does not run: `{self.start_command}` first.")

    def require_running(self) -> None:
        """Make sure that files are judged and runs begin.

        Raises:
            Problem: a part that this needs does not run.
        """
        if down := [part for part in self.down_parts() if part != SITE]:
            raise Problem(f"Nothing will be done: {', '.join(down)} does not run. Start it by `{self.start_command}`, then try again.")


@contextlib.contextmanager
def open_warehouse(system: System) -> Iterator[psycopg.Connection]:
    """A connection to the warehouse of a system that should be running, for commands that ask it something.

    Raises:
        Problem: PostgreSQL does not run or does not answer, or the warehouse was never prepared.
    """
    system.require_warehouse()
    try:
        with connect(system.installation.settings) as conn:
            yield conn
    except psycopg.OperationalError as error:
        reason = str(error).partition("\n")[0]
        raise Problem(f"The warehouse does not answer ({reason}). See that it runs, then try again.") from None
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedFunction):
        raise Problem(f"The warehouse is not prepared yet: `{system.start_command}` first.") from None


def rebuild_marts(system: System, console: Console) -> None:
    """Let the marts follow at once what was registered.

    Raises:
        Problem: they could not; the next build does it.
    """
    console.say("rebuilding the marts, so that they follow at once")
    if subprocess.run([sys.executable, "-m", "duban.install", "--rebuild"], env=system.environment()).returncode:
        raise Problem("It is registered, but the marts could not be rebuilt: DAG build_warehouse will do it.")
    console.say("done")
