"""Ends a task that is stopped or stuck: a process beside each task, which sees by the kernel's counters whether it still runs.

Airflow's own limit is a signal that the task must handle, and its heartbeat is another process's: a task that was stopped, or waits
in one call for a file system that does not answer, would hold its run for ever. The guardian looks at it every few seconds. When the
kernel has not run the watched thread once in `STUCK_SECONDS`, or the task is over its time, it kills the task; Airflow tries it again
as after any failure.

Whoever waits for PostgreSQL wakes ten times a second (psycopg), so a long query is not taken for a stop. The main thread of a build waits
by other means (dbt's psycopg2), and does not: of a build any thread counts, as the one that keeps its lock.

This file is run as a program, without any other module, so that it costs next to nothing: `python -S guardian.py PID THREADS …`.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time

#: Longer than any one call may take: flushing a slow disk, an answer of a mail server.
STUCK_SECONDS = 90.0
LOOK_SECONDS = 5.0
#: Airflow ends a task in time by itself; the guardian does when that is of no use.
GRACE_SECONDS = 60.0


def guard(context, *, threads: str = "main") -> None:
    """Start a guardian for the task that is about to run in this process; Airflow calls this before each (`on_execute_callback`).

    Args:
        context: Airflow's, of the task.
        threads: What must run: the "main" thread, or "any".
    """
    if not os.path.exists(f"/proc/{os.getpid()}/task"):
        return
    task, limit = context["ti"], context["task"].execution_timeout
    seconds = limit.total_seconds() + GRACE_SECONDS if limit else float("inf")
    names = (task.dag_id, task.task_id, task.run_id, task.map_index, task.try_number)
    start(os.getpid(), threads, seconds, *map(str, names))


def guard_any_thread(context) -> None:
    """`guard`, for a task whose main thread may wait for PostgreSQL without waking."""
    guard(context, threads="any")


def start(pid: int, threads: str, seconds: float, *names: str) -> None:
    """Start a guardian of a process: a child of nobody, so that what stops the tree of a task does not stop it. It ends with the task."""
    subprocess.run(
        [sys.executable, "-S", __file__, str(pid), threads, str(seconds), str(STUCK_SECONDS), str(LOOK_SECONDS), *names],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        check=False,  # a task runs without its guardian rather than not at all
    )


def main() -> None:
    """Watch until the process ends; end it when it must be."""
    pid, threads, *numbers = sys.argv[1:6]
    seconds, stuck_seconds, look_seconds = map(float, numbers)
    process = os.pidfd_open(int(pid))
    if os.fork():
        os._exit(0)  # whoever started this waited until the process was known
    ended = select.poll()
    ended.register(process, select.POLLIN)
    over_at, before, looks = time.monotonic() + seconds, None, 0
    # looks are counted, not seconds: a machine that slept has looked at nothing meanwhile
    while not ended.poll(look_seconds * 1000):
        now = _counters(int(pid), threads)
        looks = looks + 1 if now == before else 0
        before = now
        if looks * look_seconds >= stuck_seconds or time.monotonic() > over_at:
            signal.pidfd_send_signal(process, signal.SIGKILL)
            _tell("Frozen" if looks else "Overdue", *sys.argv[6:])
            return


def _counters(pid: int, threads: str) -> list[list[str]]:
    """How often and how long the kernel has run the threads that count; it changes with every step that they make."""
    counters = []
    for thread in [str(pid)] if threads == "main" else sorted(os.listdir(f"/proc/{pid}/task")):
        try:
            with open(f"/proc/{pid}/task/{thread}/status", encoding="ascii", errors="replace") as status:
                switches = [line for line in status if "ctxt_switches" in line]
            with open(f"/proc/{pid}/task/{thread}/stat", encoding="ascii", errors="replace") as stat:
                times = stat.read().rpartition(")")[2].split()[11:13]
        except OSError:
            continue  # it has just ended
        counters.append([thread, *switches, *times])
    return counters


def _tell(kind: str, *names: str) -> None:
    """Have the warehouse told; that needs libraries."""
    program = "import sys; from duban.orchestration.failures import record_ended; record_ended(*sys.argv[1:])"
    subprocess.run([sys.executable, "-c", program, kind, *names], timeout=120)


if __name__ == "__main__":
    main()
