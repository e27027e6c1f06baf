"""Taking files in round by round: claim what is at rest, judge it, answer it, claim what has come to rest meanwhile.

Each round takes a few seconds, whatever waits: the answer to one file does not wait for the ten thousand of another sender.
"""

from __future__ import annotations

import logging
import time
from collections import Counter

import psycopg

from duban import warehouse
from duban.intake import inbox
from duban.quality import judging, returns
from duban.settings import Settings

log = logging.getLogger(__name__)
#: After so long nothing more is claimed: what was accepted is to be built and shown. The rest is for the next run.
ROUNDS_SECONDS = 20.0


def take_in(conn: psycopg.Connection, settings: Settings) -> Counter[str]:
    """Claim what is at rest in the inbox, judge all that is claimed but large files, and what comes to rest meanwhile.

    While more waits, each round is answered. The answers of the last one are left to `write_returns`: marts need not wait for slips.

    Returns:
        How many had each outcome.

    Raises:
        OSError: the landing area cannot take copies; nothing was claimed.
        GateClosed: as `judging.judge_waiting`.
    """
    began = time.monotonic()
    units = warehouse.divisions.registered_units(conn)
    since = dict.fromkeys(inbox.look(settings.inbox, units), began)

    def answer_and_claim() -> None:
        if time.monotonic() - began < ROUNDS_SECONDS and inbox.look(settings.inbox, units):
            _answer(conn, settings, apart=False)
            try:
                inbox.claim_files(conn, settings, since)
            except OSError as error:  # what was judged is announced; the next run fails where it begins
                log.error("no more files can be taken: %s", error)

    log.info("%s files taken", len(inbox.claim_files(conn, settings, since)))
    return judging.judge_waiting(conn, settings, after_batch=answer_and_claim)


def take_in_large(conn: psycopg.Connection, settings: Settings) -> Counter[str]:
    """Judge and answer the large files that were claimed, one after the other, and then what had to wait for them.

    Raises:
        GateClosed: as `judging.judge_waiting`.
    """
    counts = judging.judge_waiting(conn, settings, apart=True, after_batch=lambda: _answer(conn, settings, apart=True))
    if counts:
        counts += take_in(conn, settings)
        _answer(conn, settings, apart=False)
    return counts


def _answer(conn: psycopg.Connection, settings: Settings, *, apart: bool) -> None:
    """Write receipts and slips. What cannot be written waits for `write_returns` at the end of the run, which says so."""
    try:
        returns.write_returns(conn, settings, apart=apart)
    except (OSError, RuntimeError) as error:
        log.warning("%s", error)
