"""Who gets what outside the folder: the table `ops.recipients`, registered from a CSV file.

Columns: district_code, audience (internal, leaders, townships; operators: watch reports and nothing else), channel (email, wecom,
dingtalk), address, and optionally unit_code, series (daily, weekly, monthly, several joined by `;`; blank: all; none: no issue, return
slips only) and is_active (true unless said).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg

from duban import warehouse
from duban.publishing.audience import Audience
from duban.publishing.issues.series import SERIES

#: Who keeps the system running; no audience of a district's figures.
OPERATORS = "operators"
AUDIENCES, CHANNELS = (*(audience for audience in Audience if audience != Audience.OFF), OPERATORS), ("email", "wecom", "dingtalk")
_REQUIRED, _OPTIONAL = ("district_code", "audience", "channel", "address"), ("unit_code", "series", "is_active")
_TRUE, _FALSE = {"", "true", "1", "yes", "是"}, {"false", "0", "no", "否"}
_MAILBOX = re.compile(r"[A-Za-z0-9_%+-]+(\.[A-Za-z0-9_%+-]+)*@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z0-9-]{2,}")
_CONNECTION = re.compile(r"[a-z][a-z0-9_]*")
MAX_SHOWN = 20


class RecipientsInvalid(ValueError):
    """The file of recipients cannot be used; every line that is wrong is named, and nothing was registered."""


@dataclass(frozen=True)
class Recipient:
    """A line of `ops.recipients`. `series`: None means all, none at all means return slips only."""

    district_code: str
    audience: str
    unit_code: str | None
    channel: str
    address: str
    series: tuple[str, ...] | None
    is_active: bool


def register_recipients(conn: psycopg.Connection, path: Path) -> dict[str, int]:
    """Register the recipients of a file. For every district it names, the file is the whole list: who is missing gets nothing from now on.

    Args:
        conn: A connection with no transaction open; districts and units are known already.
        path: CSV in UTF-8.

    Returns:
        How many recipients are active in these districts now, by channel, and as `deactivated` how many were until now.

    Raises:
        RecipientsInvalid: the file is not such a file, or lines of it are wrong.
        OSError: it cannot be read.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            _check_header(reader.fieldnames or ())
            rows = list(reader)
    except UnicodeDecodeError:
        raise RecipientsInvalid("not UTF-8; save the file as CSV UTF-8") from None
    if not rows:
        raise RecipientsInvalid("the file has no lines; to stop sending, write is_active false")
    units = {code: (unit.district_code, unit.unit_kind) for code, unit in warehouse.divisions.registered_units(conn).items()}
    districts = {code for (code,) in conn.execute("select district_code from raw.districts")}
    recipients, wrong, seen = [], [], {}
    for line, row in enumerate(rows, start=2):
        try:
            recipient = _recipient(row, districts, units)
            first = seen.setdefault(
                (recipient.district_code, recipient.audience, recipient.unit_code, recipient.channel, recipient.address), line
            )
            if first != line:
                raise RecipientsInvalid(f"the same as line {first}")
        except RecipientsInvalid as error:
            wrong.append(f"line {line}: {error}")
        else:
            recipients.append(recipient)
    if wrong:
        more = f"\n… and {len(wrong) - MAX_SHOWN} more" if len(wrong) > MAX_SHOWN else ""
        raise RecipientsInvalid("\n".join(wrong[:MAX_SHOWN]) + more)
    return warehouse.recipients.replace_recipients(conn, [vars(recipient) for recipient in recipients])


def _check_header(names: tuple[str, ...] | list[str]) -> None:
    if missing := [name for name in _REQUIRED if name not in names]:
        raise RecipientsInvalid(f"the header lacks {', '.join(missing)}")
    if unknown := [str(name) for name in names if name not in _REQUIRED + _OPTIONAL]:
        raise RecipientsInvalid(f"columns that are not known: {', '.join(unknown)}")


def _recipient(row: Mapping[str | None, str | None], districts: set[str], units: Mapping[str, tuple[str, str]]) -> Recipient:
    if None in row or None in row.values():
        raise RecipientsInvalid("not as many cells as the header has columns")
    cell = {name: (text or "").strip() for name, text in row.items()}
    district, unit, channel = cell["district_code"], cell.get("unit_code") or None, cell["channel"].lower()
    audience, active = cell["audience"].lower(), cell.get("is_active", "").lower()
    if district not in districts:
        raise RecipientsInvalid(f"district {district!r} is not registered")
    if audience not in AUDIENCES:
        raise RecipientsInvalid(f"audience {audience!r} is none of {', '.join(AUDIENCES)}")
    if channel not in CHANNELS:
        raise RecipientsInvalid(f"channel {channel!r} is none of {', '.join(CHANNELS)}")
    if active not in _TRUE | _FALSE:
        raise RecipientsInvalid(f"is_active {active!r} is neither true nor false")
    if audience == OPERATORS and (unit is not None or cell.get("series")):
        raise RecipientsInvalid("operators get watch reports, neither a unit's slips nor issues: leave unit_code and series blank")
    if unit is not None:
        if units.get(unit, ("", ""))[0] != district:
            raise RecipientsInvalid(f"{unit!r} is no unit of district {district}")
        if units[unit][1] == "township" and audience != Audience.TOWNSHIPS:
            raise RecipientsInvalid(f"{unit} is a township: its audience is townships")
    return Recipient(
        district, audience, unit, channel, _address(channel, cell["address"]), _series(cell.get("series", "").lower()), active in _TRUE
    )


def _address(channel: str, address: str) -> str:
    if channel == "email":
        if not _MAILBOX.fullmatch(address) or len(address) > 254:
            raise RecipientsInvalid(f"{address!r} is no e-mail address (one per line, without a name)")
        return address.lower()  # one mailbox however it is written: nobody gets a thing twice
    if _CONNECTION.fullmatch(address):
        return address
    # What was written may be a robot's address, and hold its key: it is not repeated.
    raise RecipientsInvalid(
        f"the address of a {channel} robot is the id of its Airflow connection (like duban_{channel}: lower case, digits, _); "
        "its web address holds a key and belongs into that connection"
    )


def _series(text: str) -> tuple[str, ...] | None:
    if not text:
        return None
    if text == "none":
        return ()
    names = tuple(dict.fromkeys(name.strip() for name in re.split("[;；]", text) if name.strip()))
    if unknown := [name for name in names if name not in SERIES]:
        raise RecipientsInvalid(f"series {', '.join(unknown)}: {', '.join(SERIES)} joined by ;, or none, or blank for all")
    return names
