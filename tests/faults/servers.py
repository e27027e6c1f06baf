"""Stopping the PostgreSQL of a test, and nobody else's, from one moment to the next."""

from __future__ import annotations

import os
import signal

import psutil

from tests.conftest import Server


def stop_at_once(server: Server, number: signal.Signals = signal.SIGQUIT) -> None:
    """End a server without any order: an immediate shutdown, or by force. It recovers when it is started again."""
    data = server.settings.home / "postgres"
    process = psutil.Process(int((data / "postmaster.pid").read_text(encoding="utf-8").split()[0]))
    assert process.name() == "postgres" and os.path.samefile(process.cwd(), data)
    process.send_signal(number)
    psutil.wait_procs([process], timeout=60)


def is_up(server: Server) -> bool:
    """Whether it runs."""
    return server.postgres.running_port() is not None
