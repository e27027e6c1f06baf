"""Polluted ledgers, taken in once for all tests that look at what became of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import pytest

from tests.conftest import Office, Server, open_office
from tests.fuzz.known import send_known
from tests.fuzz.ledgers import SENDERS, TEXTS, WORKBOOKS, LedgerFile, clean_file
from tests.fuzz.outcomes import Results, read_results
from tests.fuzz.polluting import polluted_files
from tests.fuzz.writing import write

SEED, POLLUTED = 7, 160


@dataclass(frozen=True)
class Drop:
    """What was sent in one drop: right files, polluted files, and what the warehouse says of them."""

    office: Office
    right: list[LedgerFile]
    polluted: list[LedgerFile]
    results: Results


@pytest.fixture(scope="package")
def drop(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drop]:
    """Many files of all ledgers and kinds, in one ingest."""
    with open_office(server, tmp_path_factory.mktemp("fuzz") / "home") as office:
        send_known(office)
        rng = Random(SEED)
        senders = [sender for sender in SENDERS for _ in (*WORKBOOKS, *TEXTS)]
        right = [clean_file(rng, 90_000 + number, sender, (*WORKBOOKS, *TEXTS)[number % 4]) for number, sender in enumerate(senders)]
        polluted = polluted_files(SEED, POLLUTED)
        for file in (*right, *polluted):
            office.drop(file.sender.code, file.name, write(file))
        office.ingest()
        yield Drop(office, right, polluted, read_results(office))
