"""The long runs: `python -m tests.fuzz ledgers|reader|csv --runs N --seed S`; `make setup-dev` comes first.

* `ledgers`: N polluted files through inbox, gate and warehouse, and every slip corrected until its file is right;
* `reader`: N changed files through the sandboxed reader, and the slips of those that can be read;
* `csv`: N texts through the CSV reader, led by the lines of it that they reach.

What is not as it must be is printed; a file that the reader fails on is kept in the folder that is printed first. The exit code says
whether anything was found.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[2] / "dags"))

BATCH = 150


def main() -> int:
    """Run, print what is found, return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Long fuzzing runs.")
    parser.add_argument("what", choices=["ledgers", "reader", "csv"])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="duban-fuzz-"))
    print(f"{options.what}, {options.runs} runs, seed {options.seed}, in {folder}", flush=True)
    run = {"ledgers": fuzz_ledgers, "reader": fuzz_reader, "csv": fuzz_csv}[options.what]
    found = 0
    for said in run(options.runs, options.seed, folder):
        found += 1
        print(said, flush=True)
    print(f"{found} findings")
    return 1 if found else 0


def fuzz_ledgers(runs: int, seed: int, folder: Path) -> Iterator[str]:
    """Polluted files in batches, each batch in a warehouse of its own."""
    from duban import divisions, warehouse
    from tests.conftest import Server, open_office
    from tests.fuzz.known import send_known
    from tests.fuzz.outcomes import differences, read_results
    from tests.fuzz.polluting import polluted_files
    from tests.fuzz.slips import can_be_corrected, correct_all, sent_cells, slip_differences, slip_of, start
    from tests.fuzz.writing import write

    server = Server(folder / "server")
    server.postgres.start()
    try:
        for prepare in (warehouse.schema.migrate, divisions.register_reference):
            with warehouse.connect(server.settings) as conn:
                prepare(conn)
        for first in range(0, runs, BATCH):
            with open_office(server, folder / f"office{first}") as office:
                send_known(office)
                files = polluted_files(seed + first, min(BATCH, runs - first), first + 1)
                for file in files:
                    office.drop(file.sender.code, file.name, write(file))
                office.ingest()
                results = read_results(office)
                chains = []
                for file in files:
                    label = f"seed {seed + first}: {file.sender.code} {file.name} {file.defects}"
                    said = list(differences(file, results))
                    yield from (f"{label}: {text}" for text in said)
                    submission = results.submissions[file.sender.code, file.name]
                    rejections = results.rejections[submission["submission_id"]]
                    if rejections and not said:
                        slip = slip_of(office, file.sender.code, submission["submission_id"])
                        yield from (
                            f"{label}, slip: {text}"
                            for text in slip_differences(file, slip, sent_cells(file), rejections, submission["receipt"])
                        )
                        if can_be_corrected(file):
                            chains.append(start(file, results))
                yield from (f"seed {seed + first}: {text}" for text in correct_all(office, chains))
                print(f"{first + len(files)} files, {len(chains)} slips corrected", flush=True)
    finally:
        server.postgres.stop()


def fuzz_reader(runs: int, seed: int, folder: Path) -> Iterator[str]:
    """Changed bytes through the reader; every third file that can be read also through the writer of slips."""
    from duban.intake.sandbox import Sandbox
    from tests.fuzz.ledgers import EXPECTATIONS, SEEDS
    from tests.fuzz.mutations import mutated
    from tests.fuzz.reading import Reader, bases, slip_complaints

    rng, start = Random(seed), bases()
    with Reader(folder) as reader, Sandbox("duban.quality.return_slip", (EXPECTATIONS, SEEDS), children=1) as slips:
        for number in range(1, runs + 1):
            kind, content = rng.choice(start)
            choices = [(rng.randrange(1000), rng.getrandbits(32)) for _ in range(rng.choice((1, 1, 2, 4)))]
            changed = mutated(kind, content, choices)
            said = reader.complaints(changed)
            if not said and number % 3 == 0 and isinstance(reader.last, dict) and reader.last["kind"]:
                said = slip_complaints(slips, folder, changed, reader.last)
            if said:
                (folder / f"found-{number}.{kind}").write_bytes(changed)
                yield f"run {number}, {kind} {choices}: {'; '.join(said)}"
            if number % 1000 == 0:
                print(f"{number}: {dict(sorted(reader.seen.items()))}, longest {reader.longest:.1f} s", flush=True)


def fuzz_csv(runs: int, seed: int, folder: Path) -> Iterator[str]:
    """Texts that reach something new in the CSV reader are kept and changed further."""
    from duban.intake import csv_file
    from duban.intake.cells import Unreadable
    from duban.intake.reader import header_test
    from duban.ledgers import read_expectations
    from tests.fuzz.ledgers import EXPECTATIONS, SEEDS
    from tests.fuzz.mutations import mutated
    from tests.fuzz.reading import bases
    from tests.fuzz.texts import lost_characters

    rng, is_header = Random(seed), header_test(read_expectations(EXPECTATIONS, SEEDS))
    pool = [content for kind, content in bases() if kind == "csv"]
    reached: set[tuple[int, int]] = set()
    for number in range(1, runs + 1):
        changed = mutated("csv", rng.choice(pool), [(rng.randrange(1000), rng.getrandbits(32)) for _ in range(rng.randint(1, 3))])
        lines, said = set(), None
        with _traced(csv_file.__file__, lines):
            try:
                document = csv_file.read(changed, is_header)
            except Unreadable:
                document = None
            except Exception as error:  # whatever it is, it must not happen
                document, said = None, repr(error)
        if document is not None:
            said = lost_characters(document, changed)
        if said:
            (folder / f"found-{number}.csv").write_bytes(changed)
            yield f"run {number}: {said}"
        if not lines <= reached and len(changed) < 20_000:
            reached |= lines
            pool.append(changed)
        if number % 1000 == 0:
            print(f"{number}: {len(reached)} steps reached, {len(pool)} texts", flush=True)


class _traced:
    """Notes the steps from line to line that are taken in one file."""

    def __init__(self, path: str, steps: set[tuple[int, int]]):
        self._path, self._steps, self._last = path, steps, 0

    def __enter__(self) -> None:
        sys.settrace(lambda frame, event, _: self._line if frame.f_code.co_filename == self._path else None)

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    def _line(self, frame: object, event: str, _: object) -> object:
        if event == "line":
            self._steps.add((self._last, frame.f_lineno))
            self._last = frame.f_lineno
        return self._line


if __name__ == "__main__":
    sys.exit(main())
