"""`make compose-env`: every secret that docker-compose.yml demands, fresh, for the owner's eyes only; what is there stays as it is."""

from __future__ import annotations

import base64
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from local.config import read_dotenv
from local.containers import compose_env
from local.containers.compose_env import COMPOSE_FILE, demanded, write_compose_env

PROJECT = Path(__file__).parents[2]


def values(path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#"))


@pytest.fixture
def env(tmp_path):
    return tmp_path / ".env"


def test_it_writes_what_the_compose_file_demands(env):
    added = write_compose_env(env)
    assert set(added) == set(values(env)) == set(re.findall(r"\$\{(\w+):\?", COMPOSE_FILE.read_text(encoding="utf-8")))
    assert len(added) > 10 and all(name.startswith("DUBAN_SECRET_") for name in added)


def test_secrets_are_long_different_and_fit_into_a_connection_string(env, tmp_path):
    write_compose_env(env)
    write_compose_env(tmp_path / "other")
    ours, others = list(values(env).values()), list(values(tmp_path / "other").values())
    assert len({*ours, *others}) == len(ours) + len(others)
    for name, value in values(env).items():
        assert len(value) >= 23
        # docker-compose.yml writes them into URIs as they are
        assert name == "DUBAN_SECRET_FERNET_KEY" or re.fullmatch(r"[A-Za-z0-9_-]+", value)
    assert len(base64.urlsafe_b64decode(values(env)["DUBAN_SECRET_FERNET_KEY"])) == 32


def test_only_the_owner_reads_it(env):
    env.write_text("DUBAN_HOME=elsewhere\n", encoding="utf-8")
    env.chmod(0o644)
    write_compose_env(env)
    assert stat.S_IMODE(env.stat().st_mode) == 0o600


def test_what_is_there_is_never_changed(env):
    text = "# mine\nDUBAN_PG_PORT=6000\nexport DUBAN_SECRET_JWT='kept by me'\nDUBAN_SECRET_LOADER=\nno newline at the end=1"
    env.write_text(text, encoding="utf-8")
    added = write_compose_env(env)
    assert env.read_text(encoding="utf-8").startswith(text + "\n")
    assert not {"DUBAN_SECRET_JWT", "DUBAN_SECRET_LOADER"} & set(added) and len(added) == len(demanded()) - 2
    before = env.read_bytes()
    assert write_compose_env(env) == [] and env.read_bytes() == before


def test_a_secret_of_a_later_version_is_added(env, monkeypatch):
    write_compose_env(env)
    before = env.read_text(encoding="utf-8")
    monkeypatch.setattr(compose_env, "demanded", lambda: [*demanded(), "DUBAN_SECRET_NEW"])
    assert write_compose_env(env) == ["DUBAN_SECRET_NEW"]
    assert env.read_text(encoding="utf-8").startswith(before)


def test_no_package_is_needed_to_run_it():
    """A machine with nothing but an engine has no virtual environment; without `-S` Python would find ours."""
    environment = {"PYTHONPATH": f"{PROJECT / 'dags'}:{PROJECT}"}
    ran = subprocess.run(
        [sys.executable, "-S", "-c", "import local.containers.compose_env"], env=environment, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr


def test_celery_is_asked_for_once(env):
    write_compose_env(env, is_celery=True)
    text = env.read_text(encoding="utf-8")
    assert "\nDUBAN_EXECUTOR=CeleryExecutor\nCOMPOSE_PROFILES=celery\n" in text
    write_compose_env(env, is_celery=True)
    assert env.read_text(encoding="utf-8") == text


def test_the_embedded_default_does_not_notice_it(env):
    write_compose_env(env, is_celery=True)
    assert read_dotenv(env) == {}
