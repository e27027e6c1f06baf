"""`make compose-env`: writes `.env` for docker-compose.yml with fresh secrets. What is there is never changed; what is missing is added."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

from duban.settings import PROJECT, new_token
from local.secrets import fernet_key, readable_password, write_private

COMPOSE_FILE = PROJECT / "docker-compose.yml"
_MAKERS: dict[str, Callable[[], str]] = {"DUBAN_SECRET_FERNET_KEY": fernet_key, "DUBAN_SECRET_AIRFLOW_ADMIN": readable_password}
CELERY = "# tasks run on workers\nDUBAN_EXECUTOR=CeleryExecutor\nCOMPOSE_PROFILES=celery\n"


def demanded(compose_file: Path = COMPOSE_FILE) -> list[str]:
    """The secrets without which docker-compose.yml does not start, in the order of their names."""
    return sorted(set(re.findall(r"\$\{(\w+):\?", compose_file.read_text(encoding="utf-8"))))


def write_compose_env(path: Path, *, is_celery: bool = False) -> list[str]:
    """Add to a `.env` every secret that it lacks; returns the names of those added."""
    text = (
        path.read_text(encoding="utf-8")
        if path.exists()
        else "# Secrets of docker-compose.yml, made by `make compose-env`. Keep it to yourself.\n"
    )
    there = set(re.findall(r"^(?:export )?(\w+)=", text, flags=re.MULTILINE))
    added = [name for name in demanded() if name not in there]
    # A secret that was made before would no longer fit the database it opened: only new ones are written.
    new = "".join(f"{name}={_MAKERS.get(name, new_token)()}\n" for name in added)
    if is_celery and "DUBAN_EXECUTOR" not in there:
        new += CELERY
    if new or not path.exists():
        write_private(path, text + ("" if text.endswith("\n") else "\n") + new)
    os.chmod(path, 0o600)
    return added


def main() -> int:
    """`python -m local.containers.compose_env [celery]`: needs no package, so that a machine with nothing but an engine can run it."""
    is_celery = "celery" in sys.argv[1:]
    path = PROJECT / ".env"
    added = write_compose_env(path, is_celery=is_celery)
    print(f"{path}: {len(added)} secrets made" if added else f"{path}: every secret is there and stays as it is")
    if is_celery:
        print("tasks run on workers (DUBAN_EXECUTOR, COMPOSE_PROFILES)")
    print("next: docker compose up -d --build   (docker-compose with older engines)")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
