"""`make template`: writes a unit's own workbook, filled with what is known now, into the outbox."""

from __future__ import annotations

from datetime import datetime

import psycopg

from duban.quality.template import UnknownUnit, write_template
from duban.settings import TIMEZONE
from duban.warehouse import connect
from local.console import Console, Problem
from local.lifecycle import System


def write(system: System, console: Console, unit_code: str) -> None:
    """Write the template of a unit, and say where it lies.

    Raises:
        Problem: no unit is named, or an unknown one; or the warehouse cannot be asked.
    """
    installation = system.installation
    unit_code = unit_code.strip()
    if not unit_code:
        raise Problem("Say which unit: make template UNIT=<unit code> (its folder in the inbox bears the code)")
    if not installation.is_external_warehouse and system.postgres.running_port() is None:
        raise Problem("PostgreSQL does not run: `make up` first.")
    try:
        with connect(installation.settings) as conn:
            written = write_template(conn, installation.settings, unit_code, datetime.now(TIMEZONE).date())
    except UnknownUnit as error:
        raise Problem(f"{unit_code} is no registered unit. Registered are {error}; `make district` registers more.") from None
    except psycopg.OperationalError as error:
        reason = str(error).partition("\n")[0]
        raise Problem(f"The warehouse does not answer ({reason}). See that it runs, then try again.") from None
    except psycopg.errors.UndefinedTable:
        raise Problem("The warehouse is not prepared yet: `make up` first.") from None
    console.say("; ".join(f"{title} {count} rows" for title, count in written.counts.items()))
    if written.left_out:
        console.say(f"left out: {written.left_out} visits whose problem was handed to another township; they stay as they are")
    console.show(str(written.path))
