"""What it costs to refuse a file that was made to do harm, and to answer its sender: seconds, and the memory of the child that opened it.

Each file of tests/bad_input/hostile_files.py is sent through the inbox by itself, on a PostgreSQL of its own. On an otherwise idle machine:

    PYTHONPATH=dags:. .venv/bin/python bench/hostile.py [name …]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from duban.intake import inbox
from tests.bad_input.hostile_files import HOSTILE, Hostile
from tests.bad_input.measuring import Cost, watched_ingest
from tests.conftest import Office, open_office, open_server
from tests.integration.ledgers import TOWNSHIP

SECONDS, MEGABYTES = 5.0, 512.0


def main() -> int:
    """Print a line per file; 1 when one of them costs more than it may."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="only these files")
    names = set(parser.parse_args().names)
    chosen = [hostile for hostile in HOSTILE if not names or hostile.name in names]
    inbox.REST_SECONDS = 0.0
    over = 0
    head = f"{'read s':>7} {'cpu s':>6} {'MB':>5} | {'slip s':>7} {'cpu s':>6} {'MB':>5} | {'all s':>6}"
    print(f"{'file':32} {'sent MB':>8} {'outcome':>26} | {head}")
    with tempfile.TemporaryDirectory() as folder, open_server(Path(folder) / "server") as server:
        for number, hostile in enumerate(chosen):
            with open_office(server, Path(folder) / str(number)) as office:
                over += _send(office, hostile)
    return 1 if over else 0


def _send(office: Office, hostile: Hostile) -> bool:
    """Send one file, print its line; True when it cost too much."""
    content = hostile.make()
    office.send(TOWNSHIP, "台账20200624.csv", b"")  # imports and caches are not this file's
    started = time.monotonic()
    with watched_ingest() as costs:
        sent = office.send(TOWNSHIP, hostile.file_name, content)
    seconds = time.monotonic() - started
    read, slip = costs["reading"][sent["file_sha256"]], costs["slip"].get(sent["file_sha256"], Cost())
    rules = sorted({entry["rule_id"] for entry in sent["receipt"]["rejections"]})
    is_over = max(read.seconds, slip.seconds) > SECONDS or max(read.megabytes, slip.megabytes) > MEGABYTES
    spent = " | ".join(f"{cost.seconds:7.2f} {cost.cpu_seconds:6.2f} {cost.megabytes:5.0f}" for cost in (read, slip))
    outcome = " ".join([sent["outcome"], *rules])
    print(
        f"{hostile.name:32} {len(content) / 2**20:8.2f} {outcome:>26.26} | {spent} | {seconds:6.1f}{'  OVER' if is_over else ''}",
        flush=True,
    )
    return is_over


if __name__ == "__main__":
    sys.exit(main())
