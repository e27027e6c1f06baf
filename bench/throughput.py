"""A drop of many workbooks, from the inbox to the receipts: wall time, processor time and memory of each part.

Makes its own ledgers (30 rows each, `local/sample` under new numbers), its own PostgreSQL and home, and leaves nothing behind:

    python bench/throughput.py
    python bench/throughput.py --csv-rows 100000    # one long CSV instead

Whatever else the machine does lengthens wall time much and processor time less. Loading the libraries is timed apart: in Airflow's
processes they are loaded already. The first claim takes a second at least: so long a file must lie still.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import os
import re
import resource
import shutil
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import psutil

PROJECT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(PROJECT), str(PROJECT / "dags")]

from local.sample.daily import Sender, build_senders  # noqa: E402 — the path comes first, here and below
from local.sample.files import workbook_bytes  # noqa: E402
from local.sample.mistakes import FUNDS, MISTAKES, PROBLEMS, PROJECTS, spoiled  # noqa: E402
from local.sample.places import OFFICE  # noqa: E402
from local.sample.sheets import Sheet, ledger_sheet  # noqa: E402
from local.sample.story import LAST_DAY  # noqa: E402

ROWS = 30
VISITS = "督导记录"
KEYS = {PROBLEMS: "问题编号", PROJECTS: "项目编号", FUNDS: "流水号"}
GROUPS = ("430902-D1", "430902-D2", "430902-D3")
SHARES = {PROBLEMS: 50, PROJECTS: 20, FUNDS: 20, VISITS: 10}  # of a hundred files
WRONG_FILES, WRONG_ROWS = 0.05, 3
VISIT_HEADER = ("序号", "记录编号", "督导日期", "乡镇", "村(社区)", "问题编号", "核查结论", "情况说明", "督导人员")
VISIT_TEXTS = (("属实", "现场核实，整改属实"), ("已巡查", "按期整改中"), ("退回", "印证资料与现场不符，退回重报"))


# ── what is sent ─────────────────────────────────────────────────────────────────────────────────────────────────────


def make_workbooks(inbox: Path, count: int, seed: int) -> None:
    """Workbooks of all ledgers from the townships and the supervision groups, each row under a number of its own."""
    rng = Random(seed)
    senders = [sender for sender in build_senders(seed) if sender.unit != OFFICE]
    problems: list[dict[str, Any]] = []  # what the visits are about
    drawn = [PROBLEMS, *rng.choices(list(SHARES), list(SHARES.values()), k=count - 1)]
    for number, ledger in enumerate(sorted(drawn, key=lambda ledger: ledger == VISITS)):
        sender = senders[number % len(senders)]
        if ledger == VISITS:
            unit, sheet = GROUPS[number % len(GROUPS)], _visits(number, problems, rng)
        else:
            rows = _rows(sender, ledger, number, rng)
            problems += rows[WRONG_ROWS:] if ledger == PROBLEMS else []
            if rng.random() < WRONG_FILES:
                kinds = [mistake for mistake in MISTAKES if (mistake.ledger, mistake.kind) == (ledger, "new")]
                wrong = [copy for row in rows[:WRONG_ROWS] for copy in spoiled(row, rng.choice(kinds))]
                rows = wrong + rows[WRONG_ROWS:]
            unit, sheet = sender.unit, ledger_sheet(ledger, rows, sender.style, sender.unit, sender.name, LAST_DAY, rng)
        path = inbox / unit / f"{ledger}{number:05}-{LAST_DAY:%Y%m%d}.xlsx"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(workbook_bytes([sheet]))


def _rows(sender: Sender, ledger: str, number: int, rng: Random) -> list[dict[str, Any]]:
    items = rng.choices(sender.items[ledger], k=ROWS)
    rows = [item.row(LAST_DAY) for item in items]
    return [{**row, KEYS[ledger]: f"测{number:05}-{at:02}", "乡镇": sender.name} for at, row in enumerate(rows)]


def _visits(number: int, problems: list[dict[str, Any]], rng: Random) -> Sheet:
    sheet = Sheet(VISITS)
    beside = [None] * (len(VISIT_HEADER) - 1)
    sheet.add("资阳区脱贫攻坚督导记录（样例数据）", *beside)
    sheet.add(f"填报日期：{LAST_DAY}", *beside)
    sheet.header_rows = [sheet.add(*VISIT_HEADER)]
    for at in range(ROWS):
        problem = rng.choice(problems)
        day, (verdict, text) = LAST_DAY - timedelta(days=rng.randint(0, 6)), rng.choice(VISIT_TEXTS)
        sheet.add(at + 1, f"督{number:05}-{at:02}", f"{day}", problem["乡镇"], None, problem["问题编号"], verdict, text, "李督察、王督察")
    return sheet


def make_csv(inbox: Path, row_count: int, seed: int) -> None:
    """One CSV of a township's problems, all of them right."""
    rng = Random(seed)
    sender = build_senders(seed)[0]
    rows = [problem.row(LAST_DAY) for problem in sender.items[PROBLEMS] if not problem.is_void]
    path = inbox / sender.unit / f"{PROBLEMS}-{LAST_DAY:%Y%m%d}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows({**rng.choice(rows), KEYS[PROBLEMS]: f"测-{number:06}"} for number in range(row_count))


# ── what is measured ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Part:
    """What one part of the work took, in seconds; children are all processes of the sandbox, the database is the connection's own."""

    wall: float = 0.0
    own: float = 0.0
    children: float = 0.0
    database: float = 0.0

    @property
    def processor(self) -> float:
        """Processor time of the whole process group, PostgreSQL apart."""
        return self.own + self.children


def measure(report: Any) -> None:
    """Take everything in the inbox in, in this fresh process; sends what it took over the pipe."""
    started = time.perf_counter()
    from duban import divisions, warehouse
    from duban.intake import inbox
    from duban.quality import gate, judging, returns, rounds
    from duban.settings import load_settings

    parts = {"libraries": Part(wall=time.perf_counter() - started, own=time.process_time())}
    settings = load_settings()
    with warehouse.connect(settings) as conn:
        warehouse.schema.migrate(conn)
        divisions.register_reference(conn)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    with warehouse.connect(settings) as conn:
        backend, itself = psutil.Process(conn.info.backend_pid), psutil.Process()

        @contextmanager
        def part(name: str) -> Iterator[None]:
            first = _clocks(backend, itself)
            try:
                yield
            finally:
                taken = parts.setdefault(name, Part())
                for field, begin, end in zip(vars(taken), first, _clocks(backend, itself), strict=True):
                    setattr(taken, field, getattr(taken, field) + end - begin)

        def within(name: str, function: Callable) -> Callable:
            def timed(*arguments: Any, **named: Any) -> Any:
                with part(name):
                    return function(*arguments, **named)

            return timed

        inbox.claim_files = within("claim", inbox.claim_files)
        judging._settle = within("judge and load", judging._settle)
        gate.judge = within("  of this the gate", gate.judge)
        returns.write_returns = within("return", returns.write_returns)
        rounds.ROUNDS_SECONDS = float("inf")
        with part("read"):  # and everything else that is not timed inside
            judged = rounds.take_in(conn, settings) + rounds.take_in_large(conn, settings)
            for apart in (False, True):
                returns.write_returns(conn, settings, apart=apart)
        for name in vars(Part()):
            inside = sum(getattr(parts[inner], name) for inner in ("claim", "judge and load", "return"))
            setattr(parts["read"], name, getattr(parts["read"], name) - inside)
    report.send((parts, dict(judged), before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def _clocks(backend: Any, itself: Any) -> tuple[float, float, float, float]:
    # A nursery of the sandbox lives on; what its children took is counted with it once they have ended, as they have between parts.
    of_children = sum(sum(child.cpu_times()[:4]) for child in itself.children())
    times = backend.cpu_times()
    return time.perf_counter(), time.process_time(), of_children, times.user + times.system


def _watch_memory(process: Any, peaks: dict[str, float], done: threading.Event) -> None:
    """Keep the largest memory of all processes together in `peaks`, pages that they share counted once, and of a single child."""
    while not done.wait(0.1):
        together = 0.0
        with suppress(OSError, psutil.Error):
            for member in (process, *process.children(recursive=True)):
                with suppress(OSError, TypeError):  # it has ended meanwhile
                    rollup = Path(f"/proc/{member.pid}/smaps_rollup").read_text(encoding="ascii")
                    together += int(re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)[1]) / 1024
                    if member != process:
                        status = Path(f"/proc/{member.pid}/status").read_text(encoding="ascii")
                        peaks["child"] = max(peaks["child"], int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024)
        peaks["together"] = max(peaks["together"], together)


def run(make: Callable[[Path], None]) -> tuple:
    """Make the files and a server, measure in a process of its own, take everything away again."""
    home = Path(tempfile.mkdtemp(prefix="duban-throughput-"))
    os.environ.update(DUBAN_HOME=str(home), AIRFLOW_CONN_WAREHOUSE="", DUBAN_INBOX="", DUBAN_OUTBOX="")
    os.environ.update({f"DUBAN_{name}_PORT": str(port) for name, port in zip(("PG", "AIRFLOW", "SITE"), _free_ports(3), strict=True)})
    from local.config import load_installation
    from local.embedded.postgres import Postgres
    from local.secrets import load_secrets

    installation = load_installation(must_exist=False)
    for folder in (installation.run, installation.logs):
        folder.mkdir(parents=True)
    make(installation.settings.inbox)
    server = Postgres(installation, load_secrets(installation.secrets))
    try:
        server.start()
        receiver, sender = multiprocessing.Pipe(duplex=False)
        # A fresh process: its memory is what the work needs, and its children are the sandbox's alone.
        process = multiprocessing.get_context("spawn").Process(target=measure, args=(sender,))
        process.start()
        sender.close()
        peaks, done = {"together": 0.0, "child": 0.0}, threading.Event()
        watch = threading.Thread(target=_watch_memory, args=(psutil.Process(process.pid), peaks, done))
        watch.start()
        try:
            return (*receiver.recv(), peaks)
        finally:
            done.set()
            watch.join()
            process.join()
    finally:
        server.stop()
        shutil.rmtree(home)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for probe in sockets:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in sockets]
    finally:
        for probe in sockets:
            probe.close()


def main() -> None:
    """Measure and print the parts as a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1000, metavar="N", help="workbooks to make (1000)")
    parser.add_argument("--csv-rows", type=int, metavar="N", help="instead of workbooks one CSV of N good rows")
    parser.add_argument("--inputs", type=Path, metavar="DIR", help="keep the files there, and use them again the next time")
    parser.add_argument("--seed", type=int, default=2020)
    options = parser.parse_args()

    def make(inbox: Path) -> None:
        made = options.inputs or inbox
        if not made.exists():
            print("making the files …", file=sys.stderr, flush=True)
            if options.csv_rows:
                make_csv(made, options.csv_rows, options.seed)
            else:
                make_workbooks(made, options.files, options.seed)
        if made != inbox:
            shutil.copytree(made, inbox)

    parts, judged, before, peak, peaks = run(make)
    total = Part()
    print(f"{'seconds':20} {'wall':>7} {'processor':>10} {'= parent':>9} {'+ children':>11} {'+ database':>11}")
    for name, part in parts.items():
        if name == "libraries" or name.startswith(" "):
            continue
        for field, value in vars(part).items():
            setattr(total, field, getattr(total, field) + value)
    for name, part in {**parts, "total, no libraries": total}.items():
        print(f"{name:20} {part.wall:7.2f} {part.processor:10.2f} {part.own:9.2f} {part.children:11.2f} {part.database:11.2f}")
    print(f"peak memory: parent {peak:.0f} MB ({before:.0f} MB before the first file), largest child {peaks['child']:.0f} MB,", end=" ")
    print(f"all together {peaks['together']:.0f} MB")
    count, what = (options.csv_rows, "row") if options.csv_rows else (options.files, "workbook")
    print(f"processor time, PostgreSQL apart: {total.processor / count * 1e6:.0f} µs a {what}")
    print(", ".join(f"{count} {name}" for name, count in sorted(judged.items())))


if __name__ == "__main__":
    main()
