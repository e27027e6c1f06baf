"""Starting and stopping the system: PostgreSQL, Airflow's four processes, and the page server."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import psycopg

from local.airflow import COMPONENTS
from local.backup.archive import Place
from local.backup.note import Note
from local.config import Installation
from local.console import Console, Problem
from local.embedded import components
from local.embedded.environment import process_environment, write_env_file
from local.embedded.postgres import HOST, SUPERUSER, Postgres, require_free
from local.embedded.processes import Processes, fingerprint, rotate, tail
from local.secrets import ADMIN, Secrets, load_secrets
from local.system import SITE, System

SITE_VARIABLES = ("PATH", "PYTHONPATH", "PYTHONUTF8", "LANG", "LC_ALL", "TZ")
# A component that runs and is not healthy is given this long to recover; then it is started anew.
UNWELL_SECONDS = 60.0
# How often `make up` begins anew when PostgreSQL crashes while it works.
ATTEMPTS = 3
# A task that runs is given this long to end; what takes longer is run again after the next start. A trigger holds no state.
PATIENCE = {"scheduler": 60.0, "triggerer": 3.0, "dag-processor": 20.0, "api-server": 20.0, SITE: 5.0}


class Embedded(System):
    """A system whose parts are processes of this machine."""

    start_command = "make up"

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        for folder in (
            installation.run, installation.logs, installation.airflow_home, installation.dbt_state,
            installation.settings.inbox, installation.settings.landing, installation.site,
        ):  # fmt: skip
            # Ledgers and logs may name persons: they are for the user who runs this.
            folder.mkdir(parents=True, exist_ok=True, mode=0o755 if folder == installation.site else 0o700)
        self.secrets: Secrets = load_secrets(installation.secrets)
        self.postgres = Postgres(installation, self.secrets)
        self.processes = Processes(installation.run, installation.logs)

    @property
    def airflow_url(self) -> str:
        """Airflow's user interface."""
        return self.installation.api_url

    @property
    def airflow_password(self) -> str:
        """The password of Airflow's user admin."""
        return self.secrets.airflow_admin_password

    @property
    def site_url(self) -> str:
        """The live ranking."""
        return f"http://{HOST}:{self.installation.settings.site_port}/"

    @property
    def bi_uri(self) -> str:
        """The connection string for BI tools; without a password where the role was made by somebody else."""
        uri = self.installation.settings.uri("bi_reader")
        try:
            psycopg.connect(uri, connect_timeout=5).close()
        except psycopg.OperationalError:
            return re.sub(r"(?<=//bi_reader):[^@]*", "", uri)
        return uri

    def environment(self) -> dict[str, str]:
        """What a process of this system is started with."""
        return process_environment(self.installation, self.secrets)

    def place(self) -> Place:
        """A home with its embedded server, on which at least Airflow's metadata lie."""

        def uri(user: str, password: str, database: str) -> str:
            return f"postgresql://{user}:{quote(password, safe='')}@{HOST}:{self.installation.settings.pg_port}/{database}"

        settings = replace(
            self.installation.settings,
            admin_uri=uri(SUPERUSER, self.secrets.postgres_password, "postgres"),
            metadata_uri=uri("airflow", self.secrets.airflow_db_password, "airflow"),
        )
        keys = {"hmac_key": settings.hmac_key, "fernet_key": self.secrets.fernet_key}
        own = [name for name in keys if name != "hmac_key" or not self.installation.is_external_hmac_key]
        key_files = {name: self.installation.secrets / name for name in own}
        return Place(settings, keys, key_files, not self.installation.is_external_warehouse)

    def show_places(self, console: Console) -> None:
        """Page, Airflow, folders, and how a shell is led here."""
        settings = self.installation.settings
        others = [f"{name} ({role})" for name, role in self.installation.airflow_users.items() if name != ADMIN]
        more = f"; also {', '.join(others)}: {self.installation.secrets / 'airflow_passwords.json'}" if others else ""
        console.show(
            f"""
  Live ranking   {self.site_url}  ({self.installation.site / "index.html"})
  Airflow        {self.airflow_url}  user admin, password {self.airflow_password}{more}
  Inbox          {settings.inbox}/<unit code>/
  Outbox         {settings.outbox}
  BI             {self.bi_uri}
  Shell          . {shlex.quote(str(self.installation.env_file))}
"""
        )

    def up(self, console: Console) -> None:
        """Start whatever does not run or does not work, and wait until it does. Idempotent."""
        with self.alone(console):
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    return self._up(console)
                except psycopg.OperationalError as error:
                    # it crashed under us, and its postmaster is bringing it back
                    reason = str(error).partition("\n")[0]
                    if attempt == ATTEMPTS:
                        raise Problem(f"PostgreSQL went away ({reason}); see {self.installation.logs / 'postgres.log'}") from None
                    console.say(f"PostgreSQL went away ({reason}); once more from the beginning")

    def down(self, console: Console) -> None:
        """Stop whatever runs, in the order in which nothing is lost. Idempotent."""
        with self.alone(console):
            stopped = self.stop_processes(console)
            if self.postgres.stop():
                console.say("PostgreSQL stopped")
                stopped = True
            console.say("everything is stopped; nothing is lost" if stopped else "nothing was running")

    def _up(self, console: Console) -> None:
        settings, postgres = self.installation.settings, self.postgres
        if (note := Note.read(settings.home)) and not note.is_placed:
            raise Problem("A restore was begun and not finished here: run the same `make restore` again, it goes on.")
        self._require_ports()
        if postgres.is_outdated():
            console.say("the port or the options of PostgreSQL have changed: restarting everything")
            self.stop_processes(console)
            postgres.stop()
        if was_away := postgres.start(console):
            console.say(f"PostgreSQL 18 runs on {HOST}:{settings.pg_port}")
        for log in self.installation.logs.glob("*.log"):
            rotate(log)
        self.installation.remember()
        environment = self.environment()
        write_env_file(self.installation, self.secrets)

        wanted = self._commands()
        given = self._environments(environment)
        marks = {name: fingerprint(argv, _lasting(given[name]), self._sources(name)) for name, argv in wanted.items()}
        running = {name: self.processes.running(name) for name in wanted}
        # A component whose database went away may be about to end of it.
        unwell = COMPONENTS if was_away else components.unwell(self.installation, self.processes, console, UNWELL_SECONDS)
        due = [name for name, record in running.items() if record is None or record.fingerprint != marks[name] or name in unwell]

        # Before the warehouse changes: what runs was written for the old one. Backwards: a component finds the API server while it ends.
        for name in reversed(due):
            if self.processes.stop(name, PATIENCE[name]):
                console.say(f"{name} stopped, to be started anew")
        started = time.time()
        migration = components.migrate_metadata(self.installation, postgres, environment)
        console.say("preparing the warehouse and Airflow's database" if migration else "preparing the warehouse")
        with self._preparing_warehouse(environment):
            components.finish_migration(self.installation, migration)
            with postgres.connect_airflow() as conn:
                for name in due:
                    components.forget_former_jobs(conn, name)
            # these two do nothing with the warehouse, and take long
            early = [name for name in due if name in ("api-server", "dag-processor")]
            for name in early:
                self.processes.start(name, wanted[name], given[name], marks[name])
        if not due:
            components.await_health(self.installation, self.processes, 60)
            console.say("everything is running")
            return

        for name in due:
            if name not in early:
                self.processes.start(name, wanted[name], given[name], marks[name])
        console.say(f"starting {', '.join(due)}")
        components.await_health(self.installation, self.processes, 120)
        if "dag-processor" in due:
            dags = components.await_dags(self.installation, postgres, started, 120)
            console.say(f"Airflow is healthy; DAGs: {', '.join(dags)}")
        if "scheduler" in due:
            state = components.warm_up(self.installation.api_url, self.airflow_password, 60)
            if state == "failed":
                console.say(f"the first run of {components.FIRST_DAG} failed: see {self.airflow_url}")
            elif state != "success":
                how = "still running" if state else "not taken yet"
                console.say(f"the first run of {components.FIRST_DAG} is {how}; it goes on by itself")
        if not self.processes.running(SITE):
            raise Problem(f"The page server ended; the end of its log:\n{tail(self.processes.log_of(SITE))}")
        console.say("everything is running")

    def _require_ports(self) -> None:
        """Make sure, before anything is changed, that no other program has a port that we are about to take."""
        settings, before = self.installation.settings, self.installation.remembered()
        if self.postgres.running_port() not in (None, settings.pg_port):
            require_free(settings.pg_port, "DUBAN_PG_PORT")
        for name, port, variable in (
            ("api-server", settings.airflow_port, "DUBAN_AIRFLOW_PORT"),
            (SITE, settings.site_port, "DUBAN_SITE_PORT"),
        ):
            if not self.processes.running(name):
                self.processes.stop(name, 0)
            elif before.get(variable) == str(port):
                continue
            require_free(port, variable)

    @contextlib.contextmanager
    def _preparing_warehouse(self, environment: dict[str, str]) -> Iterator[None]:
        """Prepare it beside what is done meanwhile; at the end it is ready."""
        log = self.installation.logs / "prepare-warehouse.log"
        with log.open("wb") as output:
            preparing = subprocess.Popen(
                [sys.executable, "-m", "duban.install"],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            yield
        finally:
            code = preparing.wait()
        if code:
            if not self.postgres.answers():
                raise psycopg.OperationalError("while the warehouse was prepared")
            raise Problem(f"The warehouse could not be prepared; the end of {log}:\n{tail(log)}")

    def _environments(self, everything: dict[str, str]) -> dict[str, dict[str, str]]:
        """What each part is started with. The page server reads one folder: it knows no secret."""
        plain = {name: everything[name] for name in SITE_VARIABLES if name in everything}
        return {**dict.fromkeys(COMPONENTS, everything), SITE: plain}

    def _commands(self) -> dict[str, list[str]]:
        site = [sys.executable, "-m", "local.embedded.site", str(self.installation.site), str(self.installation.settings.site_port)]
        return {**{name: components.command(name) for name in COMPONENTS}, SITE: site}

    def _sources(self, name: str) -> str:
        """A digest of what a long-lived process has loaded and would not notice to have changed."""
        project = self.installation.settings.project
        files = [project / "requirements.txt"]
        if name == SITE:
            files += [project / "local" / "embedded" / "site.py"]
        else:
            files += sorted((project / "deploy" / "plugins").glob("*.py"))
        # the triggers, and what workers fork with
        if name in ("scheduler", "triggerer"):
            files += sorted(file for file in (project / "dags").rglob("*") if file.suffix in (".py", ".sql", ".yml"))
        return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()

    def stop_processes(self, console: Console) -> bool:
        """Stop all but PostgreSQL; returns whether anything ran. For whoever holds `alone`."""
        stopped = False
        for name in (SITE, *reversed(COMPONENTS)):
            if self.processes.stop(name, PATIENCE[name]):
                console.say(f"{name} stopped")
                stopped = True
        return stopped

    @contextlib.contextmanager
    def alone(self, console: Console) -> Iterator[None]:
        """One command at a time changes an installation; another one waits."""
        with Path(self.installation.run / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                console.say("another command is starting or stopping this system; waiting for it")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _lasting(environment: dict[str, str]) -> dict[str, str]:
    """The part of the environment that decides how a process behaves; what else the caller's shell holds does not."""
    return {name: value for name, value in environment.items() if name.startswith(("DUBAN_", "AIRFLOW_", "OTEL_", "PG", "DBT_"))}
