"""The dbt project, parsed once for all builds of a test process: what dbt remembers holds for one database, and tests have their own.

What dbt parsed names the database in every node and nowhere else, so that it serves another one under that one's name.
"""

from __future__ import annotations

import gc
import hashlib
import itertools
import os
from pathlib import Path
from typing import Any

from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest

# (database, what dbt parsed) by what the project says
_parsed: dict[str, tuple[str, bytes]] = {}


class Runner(dbtRunner):
    """As dbt's own, for builds; each gets a copy of its own, because dbt writes into it what it compiles."""

    def invoke(self, args: list[str], **more: Any) -> Any:
        """Run a command of dbt."""
        self.manifest = _manifest(args) if args[0] == "build" else None
        gc.disable()  # a fifth of a build would be spent on looking for garbage
        try:
            return super().invoke(args, **more)
        finally:
            gc.enable()


def _manifest(args: list[str]) -> Manifest | None:
    places = {name: args[args.index(name) + 1] for name in ("--project-dir", "--profiles-dir", "--target-path", "--log-path")}
    said = hashlib.sha256()
    for path in sorted(Path(places["--project-dir"]).rglob("*")):
        if path.suffix in {".sql", ".yml", ".csv", ".md"}:
            said.update(f"{path.name}\0".encode() + path.read_bytes() + b"\0")
    key, database = said.hexdigest(), os.environ["PGDATABASE"]
    if key not in _parsed:
        outcome = dbtRunner().invoke(["parse", "--quiet", "--no-write-json", *itertools.chain.from_iterable(places.items())])
        if not outcome.success:
            return None  # the build itself says what is wrong
        _parsed[key] = database, outcome.result.to_msgpack()
    parsed_for, content = _parsed[key]
    manifest = Manifest.from_msgpack(content)
    for node in itertools.chain(manifest.nodes.values(), manifest.sources.values()):
        node.database = database
        node.relation_name = (node.relation_name or "").replace(f'"{parsed_for}".', f'"{database}".') or None
    manifest.build_flat_graph()
    return manifest
