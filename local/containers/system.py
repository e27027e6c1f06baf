"""The system of docker-compose.yml, as the operator's commands see it from a container of theirs: `docker compose run --rm cli status`."""

from __future__ import annotations

import os
import time
import urllib.error
import urllib.request

import psycopg
from psycopg.conninfo import conninfo_to_dict

from duban.settings import load_settings
from local import airflow
from local.backup.archive import Place
from local.config import Installation
from local.console import Console, Problem
from local.system import SITE, System

#: For how long an answer about the components' health holds.
HEALTH_SECONDS = 2.0


class _Server:
    """The warehouse's server, and Airflow's metadata on it."""

    def __init__(self, installation: Installation) -> None:
        self._settings = installation.settings
        self._parts = conninfo_to_dict(installation.settings.warehouse_uri)

    @property
    def address(self) -> str:
        """Where it listens, for people."""
        return f"{self._parts['host']}:{self._parts.get('port', 5432)}"

    def running_port(self) -> int | None:
        """Its port; None if it does not answer."""
        try:
            psycopg.connect(self._settings.warehouse_uri, connect_timeout=5).close()
        except psycopg.OperationalError:
            return None
        return int(self._parts.get("port", 5432))

    def answers(self) -> bool:
        """Whether it can be asked something now."""
        return self.running_port() is not None

    def connect_airflow(self) -> psycopg.Connection:
        """A connection to Airflow's metadata."""
        uri = os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("+psycopg", "", 1)
        return psycopg.connect(uri, autocommit=True, connect_timeout=5)


class _Services:
    """The services, by what they answer."""

    def __init__(self, installation: Installation) -> None:
        self._url, self._health, self._asked_at = installation.api_url, {}, float("-inf")

    def running(self, name: str) -> bool:
        """Whether a service does its work."""
        if name != SITE:
            if time.monotonic() - self._asked_at > HEALTH_SECONDS:
                self._health, self._asked_at = airflow.health(self._url), time.monotonic()
            return self._health.get(name) == "healthy"
        try:
            with urllib.request.urlopen(os.environ["DUBAN_SITE_URL"], timeout=5):
                return True
        except urllib.error.HTTPError:
            return True  # it answers; there may be no page yet
        except OSError:
            return False


class Containers(System):
    """A system whose parts are started and stopped from outside."""

    start_command = "docker compose up -d"

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.postgres = _Server(installation)
        self.processes = _Services(installation)

    @property
    def airflow_url(self) -> str:
        """Airflow's user interface, as it is reached from outside."""
        return os.environ["AIRFLOW__API__BASE_URL"]

    @property
    def airflow_password(self) -> str:
        """The password of Airflow's user admin."""
        return os.environ["DUBAN_AIRFLOW_ADMIN_PASSWORD"]

    @property
    def site_url(self) -> str:
        """The live ranking; which port it has outside is not known here."""
        return "service site"

    @property
    def bi_uri(self) -> str:
        """The connection string for BI tools, within the network of the containers."""
        return self.installation.settings.uri("bi_reader")

    def environment(self) -> dict[str, str]:
        """What a process of this system is started with: what this one was."""
        return dict(os.environ)

    def place(self) -> Place:
        """What the environment speaks of; the keys are handed over by whoever starts the containers."""
        settings = load_settings()
        keys = {"hmac_key": settings.hmac_key, "fernet_key": os.environ["AIRFLOW__CORE__FERNET_KEY"]}
        return Place(settings, keys, {}, bool(settings.admin_uri))

    def up(self, console: Console) -> None:
        """Not from in here."""
        raise Problem(f"The parts run in containers: {self.start_command}")

    def down(self, console: Console) -> None:
        """Not from in here."""
        raise Problem("The parts run in containers: docker compose down")
