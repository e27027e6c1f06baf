"""The sample district as a BI tool and as its owner see it."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from duban import warehouse
from tests.conftest import Office, Server


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
