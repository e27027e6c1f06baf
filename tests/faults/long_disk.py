"""Disks that are full of bytes or of names: of the folders, of the outbox alone, of PostgreSQL. Freed, everything goes on."""

from __future__ import annotations

import psycopg
import pytest

from duban.intake import inbox
from tests.conftest import open_office, open_server
from tests.faults.disks import full, small_disk
from tests.faults.servers import is_up
from tests.integration.test_crash import assert_taken_once, drop_all


@pytest.mark.parametrize("inodes", [False, True], ids=["bytes", "names"])
@pytest.mark.parametrize("place", ["", "landing", "outbox"], ids=["home", "landing", "outbox"])
def test_a_full_disk_costs_no_file(server, tmp_path, monkeypatch, place, inodes):
    monkeypatch.setattr(inbox, "UNREADABLE_SECONDS", 0.0)
    home = tmp_path / "home"
    with small_disk(home / place, "8m", 2000) as disk, open_office(server, home) as office:
        drop_all(office)
        with full(disk, inodes=inodes):
            for _ in range(3):
                with pytest.raises((OSError, RuntimeError), match="No space left"):
                    office.ingest()
            files = [path for path in office.settings.inbox.rglob("*") if path.is_file()]
            assert len(files) == (0 if place == "outbox" else 5)
        office.ingest()
        assert_taken_once(office)


def test_the_disk_of_postgresql_is_full(tmp_path):
    with small_disk(tmp_path / "server", "400m") as disk, open_server(disk / "home") as own, open_office(own, tmp_path / "home") as office:
        drop_all(office)
        with full(disk):
            for _ in range(3):
                with pytest.raises(psycopg.Error):
                    office.ingest()
        if not is_up(own):
            own.postgres.start()
        office.ingest()
        assert_taken_once(office)
