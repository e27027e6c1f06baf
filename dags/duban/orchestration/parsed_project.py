"""The dbt project as dbt reads it, once a version: in `$DUBAN_HOME/dbt/parsed`, and in the memory of this process.

dbt keeps what it parsed as well, but looks through all files anew for each build, and does not notice what a hook needs by way of
another macro.
"""

from __future__ import annotations

import hashlib
import itertools
import os
from pathlib import Path
from typing import TYPE_CHECKING

from psycopg.conninfo import conninfo_to_dict

from duban.settings import Settings

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

#: What dbt parsed, by what the project says.
_parsed: dict[str, bytes] = {}
#: A manifest made in advance, and of what.
_ready: list[tuple[bytes, Manifest]] = []


class NotParsed(RuntimeError):
    """dbt cannot read the project; the message is dbt's."""


def options(settings: Settings) -> list[str]:
    """Options of every command of dbt: where its files lie, and that it writes no log (whoever calls it hears of events)."""
    project, own = str(settings.dbt_project), settings.home / "dbt"
    places = {"project-dir": project, "profiles-dir": project, "target-path": str(own / "target"), "log-path": str(own / "logs")}
    said = {**places, "log-level": "none", "log-level-file": "none"}
    return [word for name, value in said.items() for word in (f"--{name}", value)]


def digest(dbt_project: Path) -> str:
    """What the marts are made from: another digest means that the project was updated and the marts are of another shape."""
    said = hashlib.sha256((dbt_project / "dbt_project.yml").read_bytes())
    for folder in ("macros", "models", "seeds", "snapshots", "tests"):
        for file in sorted((dbt_project / folder).rglob("*")):
            if file.is_file():
                said.update(f"{file.relative_to(dbt_project)}\0".encode() + file.read_bytes())
    return said.hexdigest()


def make_ready(settings: Settings) -> None:
    """Make a manifest in advance; of several processes that fork from this one, each has it for its first build.

    Raises:
        NotParsed: the project is wrong.
    """
    _ready[:] = [_made(_content(settings))]


def manifest(settings: Settings) -> Manifest:
    """A manifest for one build: dbt writes into it what it compiles.

    What dbt parsed names the database in every node and nowhere else, so that it serves another one under that one's name.

    Raises:
        NotParsed: the project is wrong.
    """
    content = _content(settings)
    ready_of, made = _ready.pop() if _ready else (b"", None)
    if made is None or ready_of != content:
        _, made = _made(content)
    database = conninfo_to_dict(settings.uri("transformer"))["dbname"]
    for node in itertools.chain(made.nodes.values(), made.sources.values()):
        if node.database != database:
            node.relation_name = (node.relation_name or "").replace(f'"{node.database}".', f'"{database}".') or None
            node.database = database
    made.build_flat_graph()
    return made


def _made(content: bytes) -> tuple[bytes, Manifest]:
    from dbt.contracts.graph.manifest import Manifest  # takes seconds

    return content, Manifest.from_msgpack(content)


def _content(settings: Settings) -> bytes:
    """What dbt parsed: in this process, in an earlier one, or now."""
    from dbt.version import __version__

    project, file = settings.dbt_project, settings.home / "dbt" / "parsed"
    # seeds are named by where they lie
    key = f"{__version__} {digest(project)} {project}"
    if key not in _parsed:
        said, _, content = file.read_bytes().partition(b"\n") if file.exists() else (b"", b"", b"")
        _parsed[key] = content if said == os.fsencode(key) else _parse(settings, key, file)
    return _parsed[key]


def _parse(settings: Settings, key: str, file: Path) -> bytes:
    from dbt.cli.main import dbtRunner

    outcome = dbtRunner().invoke(["parse", "--no-write-json", "--no-partial-parse", *options(settings)])
    if not outcome.success:
        raise NotParsed(str(outcome.exception))
    content = outcome.result.to_msgpack()
    file.parent.mkdir(parents=True, exist_ok=True)
    written = file.with_suffix(f".{os.getpid()}")
    with written.open("wb") as kept:
        kept.write(os.fsencode(key) + b"\n" + content)
        kept.flush()
        os.fsync(kept.fileno())
    written.replace(file)
    return content
