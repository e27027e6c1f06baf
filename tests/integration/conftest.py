"""The sample district, taken in day by day and built once for all tests that only look at it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from duban import warehouse
from duban.intake import inbox
from duban.orchestration import dbt
from local.sample import write_sample
from tests.conftest import Office, Server

BEITA = Path(__file__).parents[2] / "local" / "sample" / "beita_2020_central_batch1.csv"


@pytest.fixture(scope="session")
def sample_files(tmp_path_factory: pytest.TempPathFactory):
    """The sample district's files, by day."""
    return sorted(write_sample(tmp_path_factory.mktemp("sample")), key=lambda file: file.day)


@pytest.fixture(scope="session")
def sample_office(server: Server, sample_files, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A warehouse that took the sample and the real table of 北塔区 in, with its marts. To look at, not to change."""
    uri = server.copy_of("duban")
    home = tmp_path_factory.mktemp("sample_home")
    settings = replace(
        server.settings, home=home, inbox=home / "inbox", outbox=home / "outbox", landing=home / "landing", warehouse_uri=uri
    )
    office = Office(settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inbox, "REST_SECONDS", 0.0)
        office.drop("430511000", BEITA.name, BEITA.read_bytes())
        for _, files in itertools.groupby(sample_files, key=lambda file: file.day):
            for file in files:
                office.drop(file.unit_code, file.path.name, file.path.read_bytes())
            office.ingest()
    dbt.build(settings, "all")
    yield office
    server.drop(uri)


@pytest.fixture
def bi_reader(server: Server, sample_office: Office) -> Iterator[psycopg.Connection]:
    """What a BI tool sees: a connection to the sample warehouse as `bi_reader`."""
    with psycopg.connect(
        sample_office.settings.warehouse_uri, user="bi_reader", password=server.secrets.bi_reader_password, autocommit=True
    ) as conn:
        yield conn


@pytest.fixture
def owner(sample_office: Office) -> Iterator[psycopg.Connection]:
    """The sample warehouse as its owner."""
    with warehouse.connect(sample_office.settings) as conn:
        yield conn
