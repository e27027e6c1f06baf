"""Offices and servers of their own for what does them harm; the seed and the number of rounds of the long part."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.conftest import Office, Server, open_office, open_server


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of `make test-faults`."""
    group = parser.getgroup("faults")
    group.addoption("--seed", default="", help="seed of the random rounds; printed, and chosen anew when none is given")
    group.addoption("--rounds", default="", help="how many random rounds (default 5)")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A random round is a test of its own, named by its seed: `--seed` of the first repeats all, `--rounds 1` one."""
    if "seed" in metafunc.fixturenames:
        option = metafunc.config.getoption
        first = int(option("--seed", "") or random.SystemRandom().randrange(100_000))
        metafunc.parametrize("seed", range(first, first + int(option("--rounds", "") or 5)), ids=lambda seed: f"SEED={seed}")


@pytest.fixture(scope="package")
def built(server: Server, sample_office: Office) -> str:
    """Name of a database with the sample district and its marts, to be copied."""
    return sample_office.settings.warehouse_uri.rsplit("/", 1)[1]


@pytest.fixture(scope="package")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that may be stopped: nobody else uses it."""
    with open_server(tmp_path_factory.mktemp("own_server")) as running:
        yield running


@pytest.fixture
def fragile_office(own_server: Server, tmp_path) -> Iterator[Office]:
    """An office on that server."""
    with open_office(own_server, tmp_path / "home") as opened:
        yield opened
