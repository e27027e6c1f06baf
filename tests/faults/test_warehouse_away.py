"""PostgreSQL ends, or the way to it breaks, in the middle of the work: the run fails, the next one finishes it."""

from __future__ import annotations

import signal
import threading

import psycopg
import pytest

from duban import warehouse
from tests.conftest import Office
from tests.faults.proxy import Fault, between
from tests.faults.servers import stop_at_once
from tests.integration.test_crash import assert_taken_once, drop_all

NETWORK = {
    "重置：登记之前": Fault("reset", b"insert into ops.submissions"),
    "重置：入库途中": Fault("reset", b'copy "raw"'),
    "登记的答复丢失": Fault("lost", b"COMMIT", after=b"insert into ops.submissions"),
    "入库的答复丢失": Fault("lost", b"COMMIT", after=b'copy "raw"'),
    "已退回的答复丢失": Fault("lost", b"COMMIT", after=b"set status = 'sent'"),
}


@pytest.mark.parametrize("name", NETWORK)
def test_the_network_fails_once(office, name):
    drop_all(office)
    with between(office.settings.pg_port) as proxy:
        proxy.arm(NETWORK[name])
        with pytest.raises(psycopg.OperationalError):
            Office(proxy.settings(office.settings)).ingest()
        assert proxy.happened.is_set()
    office.ingest()
    assert_taken_once(office)


def test_nothing_comes_through_any_more(office, monkeypatch):
    """Who hears nothing keeps nobody waiting: the server takes the lock back, the next run does the work, and the first one nothing."""
    monkeypatch.setattr(warehouse.locks, "SILENT_SECONDS", 2.0)
    monkeypatch.setattr(warehouse.locks, "BEAT_SECONDS", 0.4)
    drop_all(office)
    failures = []

    def run() -> None:
        try:
            Office(proxy.settings(office.settings)).ingest()
        except BaseException as error:
            failures.append(error)

    with between(office.settings.pg_port) as proxy:
        proxy.arm(Fault("stalled", b"COMMIT", after=b'copy "raw"'))
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        assert proxy.happened.wait(60)
        office.ingest()
        assert_taken_once(office)
    thread.join(60)  # the way is cut for good
    assert [type(error) for error in failures] == [psycopg.OperationalError]
    assert_taken_once(office)


@pytest.mark.parametrize("number", [signal.SIGQUIT, signal.SIGKILL], ids=["immediate", "killed"])
def test_the_server_ends_in_the_middle_of_a_copy(own_server, fragile_office, monkeypatch, number):
    drop_all(fragile_office)
    copy_rows, tables = warehouse.loading.copy_rows, []

    def cut_off(conn, table, rows):
        tables.append(table)

        def until_the_end():
            for position, row in enumerate(rows):
                if len(tables) == 4 and position == 0:
                    stop_at_once(own_server, number)
                yield row

        copy_rows(conn, table, until_the_end())

    with monkeypatch.context() as patch:
        patch.setattr(warehouse.loading, "copy_rows", cut_off)
        with pytest.raises(psycopg.OperationalError):
            fragile_office.ingest()
    own_server.postgres.start()
    fragile_office.ingest()
    assert_taken_once(fragile_office)
