"""`make restore`: bring a backup back, beside what is there, and start."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

import psycopg

from local.backup.archive import Place
from local.backup.note import Note
from local.backup.restoring import restore
from local.config import load_installation
from local.console import Console
from local.embedded.system import Embedded
from local.system import System

IS_FIRST = True
REQUIRED = ("file",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it is told."""
    parser.add_argument("file", help="the backup")
    parser.add_argument("--confirm", action="store_true", help="what is there may be put aside")


def run(system: System, console: Console, options: argparse.Namespace) -> None:
    """Bring a backup back into a home, and start it; in a container all but the start, which is for whoever runs the containers."""
    path = Path(options.file).expanduser()
    if system.installation.is_in_containers:
        place = system.place()
        note = restore(place, path, console, is_confirmed=options.confirm)
        console.say("everything has its place; now start the services: docker compose up -d")
    else:
        with system.alone(console):
            system.postgres.start()
            place = system.place()
            note = restore(place, path, console, is_confirmed=options.confirm, stop=lambda: system.stop_processes(console))
        # read again: keys may be others now
        system = Embedded(load_installation(must_exist=False))
        system.up(console)
    note.finish()
    console.show(_what_was_put_aside(place, note, is_in_containers=system.installation.is_in_containers))
    system.show_places(console)


def _what_was_put_aside(place: Place, note: Note, *, is_in_containers: bool) -> str:
    """What the restore kept of the former state, and how to be rid of it."""
    psql, rm, before = "psql", "rm", " (after `. env.sh` of this home)"
    if is_in_containers:
        psql, rm, before = "docker compose exec postgres psql -U postgres", "docker compose run --rm --entrypoint rm cli", ""
    with psycopg.connect(place.settings.admin_uri, autocommit=True) as conn:
        query = "select datname from pg_database where datname like %s order by 1"
        databases = [name for (name,) in conn.execute(query, [f"%\\_before\\_{note.at}"])]
    kept = [f'{psql} -c "drop database {name}"' for name in databases]
    if (folder := place.settings.outbox / f".before-{note.at}").exists():
        kept.append(f"{rm} -r {shlex.quote(str(folder))}")
    kept += [f"{rm} {shlex.quote(str(path))}" for path in place.settings.home.glob(f"secrets/*.before-{note.at}")]
    if not kept:
        return ""
    return "\n".join(["", f"What was there before is kept. When nobody misses it{before}:", *(f"  {line}" for line in kept), ""])
