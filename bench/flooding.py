"""How long one unit's file waits for its answer while others flood the inbox, against how long it waits when nothing else is there.

Makes its own ledgers, its own PostgreSQL and home, and leaves nothing behind. The two runs of the intake go as Airflow runs them, side by
side and each in a process of its own, one run after the other, but for Airflow's own seconds of scheduling, which both sides would have:

    python bench/flooding.py                      # 10,000 files of one township
    python bench/flooding.py --large              # a workbook of 30 MB, and a CSV of 100,000 rows
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import os
import shutil
import statistics
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from random import Random

PROJECT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(PROJECT), str(PROJECT / "dags")]

from bench.throughput import _free_ports, make_csv  # noqa: E402 — the path comes first, here and below

SENDER, FLOODER = "430902104", "430902102"
PATIENCE_SECONDS = 600.0


def small_ledger(number: int) -> bytes:
    """A CSV of one right row."""
    header = "问题编号,村(社区),问题来源,发现日期,问题类别,问题描述,责任领导,整改时限,整改状态,整改措施\n"
    return (header + f"测{number:06},,日常发现,2020-06-20,饮水安全,水压不足没有水,李四,2020-08-01,整改中,正在维修\n").encode()


def large_workbook(path: Path) -> None:
    """A workbook of 30 MB: a ledger with a long text in every row, which does not repeat itself."""
    import openpyxl

    rng = Random(1)
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("问题台账")
    sheet.append(small_ledger(0).decode().splitlines()[0].split(","))
    for number in range(10_000):
        text = "".join(chr(rng.randrange(0x4E00, 0x9FA5)) for _ in range(1_200))
        cells = small_ledger(900_000 + number).decode().splitlines()[1].split(",")
        sheet.append([*cells[:5], text, *cells[6:]])
    book.save(path)


def run_for_ever(large: bool) -> None:
    """One run of a DAG after the other: files at rest are claimed, judged and answered; or large files are judged."""
    from duban import warehouse
    from duban.quality import returns, rounds
    from duban.settings import load_settings

    settings = load_settings()
    with warehouse.connect(settings, "loader") as conn:
        while True:
            if large:
                rounds.take_in_large(conn, settings)
            else:
                rounds.take_in(conn, settings)
            returns.write_returns(conn, settings, apart=large)
            time.sleep(0.5)


def waits(settings, numbers, count: int, pause: float) -> list[float]:
    """Seconds from the drop of a small file to its receipt, for some of them one after the other."""
    folder, answers = settings.inbox / SENDER, settings.outbox / "returns" / SENDER
    taken = []
    for _ in range(count):
        before = len(list(answers.glob("*/receipt.json")))
        draft = folder / ".draft.tmp"
        draft.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(small_ledger(next(numbers)))
        dropped = time.monotonic()
        draft.rename(folder / f"单份{dropped}-20200624.csv")
        while len(list(answers.glob("*/receipt.json"))) == before:
            if time.monotonic() - dropped > PATIENCE_SECONDS:
                sys.exit(f"no answer after {PATIENCE_SECONDS:.0f} s")
            time.sleep(0.05)
        taken.append(time.monotonic() - dropped)
        time.sleep(pause)
    return taken


@contextmanager
def system():
    """A home with a server and the two runs; yields its settings."""
    home = Path(tempfile.mkdtemp(prefix="duban-flooding-"))
    os.environ.update(DUBAN_HOME=str(home), AIRFLOW_CONN_WAREHOUSE="", DUBAN_INBOX="", DUBAN_OUTBOX="")
    os.environ.update({f"DUBAN_{name}_PORT": str(port) for name, port in zip(("PG", "AIRFLOW", "SITE"), _free_ports(3), strict=True)})
    from duban import access, divisions, warehouse
    from local.config import load_installation
    from local.embedded.postgres import Postgres
    from local.secrets import load_secrets

    installation = load_installation(must_exist=False)
    for folder in (installation.run, installation.logs):
        folder.mkdir(parents=True)
    server = Postgres(installation, load_secrets(installation.secrets))
    server.start()
    runs = [multiprocessing.get_context("spawn").Process(target=run_for_ever, args=(large,)) for large in (False, True)]
    try:
        with warehouse.connect(installation.settings) as conn:
            warehouse.schema.migrate(conn)
            access.apply_rights(conn)
            divisions.register_reference(conn)
        for run in runs:
            run.start()
        yield installation.settings
    finally:
        for run in runs:
            run.kill()
            run.join()
        server.stop()
        shutil.rmtree(home)


def main() -> None:
    """Measure and print idle, flooded, and how many times as long that is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000, metavar="N", help="files of the flood (10,000)")
    parser.add_argument("--large", action="store_true", help="two large files instead of a flood")
    parser.add_argument("--runs", type=int, default=9, help="files that wait, one after the other (9)")
    options = parser.parse_args()
    numbers = itertools.count()
    with system() as settings, tempfile.TemporaryDirectory() as made:
        waits(settings, numbers, 1, 0)  # the libraries are loaded
        idle = waits(settings, numbers, options.runs, 1.0)
        if options.large:
            make_csv(Path(made), 100_000, 2020)
            [table] = Path(made).rglob("*.csv")
            large_workbook(Path(made) / "大.xlsx")
            folder = settings.inbox / FLOODER
            folder.mkdir(parents=True, exist_ok=True)
            for name, path in (("大20200624.xlsx", Path(made) / "大.xlsx"), (table.name, table)):
                print(f"{name}: {path.stat().st_size / 2**20:.0f} MB")
                shutil.move(path, folder / f"{name}.tmp")
                (folder / f"{name}.tmp").rename(folder / name)
        else:
            folder = settings.inbox / FLOODER
            folder.mkdir(parents=True, exist_ok=True)
            for number in range(options.files):
                (folder / f"{number:06}-20200624.csv").write_bytes(small_ledger(100_000 + number))
        time.sleep(3)  # it is being worked on
        flooded = waits(settings, numbers, options.runs, 2.0)
    for name, seconds in (("idle", idle), ("flooded", flooded)):
        print(f"{name:8} median {statistics.median(seconds):5.1f} s   max {max(seconds):5.1f} s   ({len(seconds)} files)")
    print(f"flooded / idle: median {statistics.median(flooded) / statistics.median(idle):.1f}, worst {max(flooded) / max(idle):.1f}")


if __name__ == "__main__":
    main()
