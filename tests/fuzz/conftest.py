"""Polluted ledgers, taken in once for all tests that look at what became of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import pytest

from tests.conftest import Office, Server, open_office
from tests.fuzz.known import send_known
from tests.fuzz.ledgers import (
    FUNDS,
    OFFICE,
    PROBLEMS,
    PROJECTS,
    SENDERS,
    TEXTS,
    TOWNSHIPS,
    UTF8,
    WORKBOOKS,
    XLS,
    XLSX,
    LedgerFile,
    clean_file,
)
from tests.fuzz.outcomes import Results, read_results
from tests.fuzz.polluting import file_with, polluted_files
from tests.fuzz.writing import write

SEED = 7
# What long runs found, and rules that hide behind each other: these are always looked at.
CHOSEN = [
    (TOWNSHIPS[0], XLS, PROJECTS, ["a hidden sheet", "计划总投资: the other unit"]),
    (TOWNSHIPS[1], UTF8, FUNDS, ["a control character in a text", "金额: about"]),
    (TOWNSHIPS[0], XLSX, FUNDS, ["金额: a day"]),
    (OFFICE, UTF8, PROBLEMS, ["no character in a text"]),
    (TOWNSHIPS[2], XLSX, PROBLEMS, ["due before it was found", "a part of a month"]),
    (TOWNSHIPS[0], UTF8, PROBLEMS, ["a problem of a township", "another township"]),
    (TOWNSHIPS[1], XLS, PROJECTS, ["计划开工日期 after 计划完工日期", "two days in a cell"]),
]


@dataclass(frozen=True)
class Drop:
    """What was sent in one drop: right files, polluted files, and what the warehouse says of them."""

    office: Office
    right: list[LedgerFile]
    polluted: list[LedgerFile]
    chosen: list[LedgerFile]
    results: Results


@pytest.fixture(scope="package")
def drop(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drop]:
    """Many files of all ledgers and kinds, in one ingest."""
    with open_office(server, tmp_path_factory.mktemp("fuzz") / "home") as office:
        send_known(office)
        rng = Random(SEED)
        senders = [sender for sender in SENDERS for _ in (*WORKBOOKS, *TEXTS)]
        right = [clean_file(rng, 90_000 + number, sender, (*WORKBOOKS, *TEXTS)[number % 4]) for number, sender in enumerate(senders)]
        chosen = [file_with(80_000 + number, *what) for number, what in enumerate(CHOSEN)]
        polluted = [*polluted_files(SEED), *chosen]
        for file in (*right, *polluted):
            office.drop(file.sender.code, file.name, write(file))
        office.ingest()
        yield Drop(office, right, polluted, chosen, read_results(office))
