"""Two pieces of the pipeline's work, as `duban.orchestration.steps` does them: a drop of files, and an evening. Each may be ended anywhere
and done again; what must be there afterwards is the same.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from duban import outbox, warehouse
from duban.publishing import delivery
from duban.publishing.issues import publishing, writing
from duban.publishing.issues.series import DAILY, WEEKLY
from duban.publishing.messages import Message
from duban.publishing.site.pages import render_site
from duban.watching import report
from tests.conftest import Office
from tests.integration.test_crash import assert_taken_once, drop_all
from tests.integration.test_delivery import add_recipient

DISTRICT = "430902"
ISSUES = [(DAILY, date(2020, 6, 24)), (DAILY, date(2020, 6, 29)), (WEEKLY, date(2020, 6, 28))]


@dataclass(frozen=True)
class Flow:
    """A piece of work: what is made ready, what is done, and what must hold after it was done again."""

    prepare: Callable[[Office], None]
    work: Callable[[Office], None]
    check: Callable[[Office], None]


class Mailbox:
    """A channel that writes down what is handed over in a file beside the home, which outlives the process."""

    def __init__(self, office: Office):
        self._file = office.settings.home.with_name(f"{office.settings.home.name}.mailbox")

    def missing(self, address: str) -> None:
        """All is configured."""

    def send(self, message: Message) -> None:
        """Take a message."""
        with self._file.open("a", encoding="utf-8") as file:
            file.write(f"{message.message_id}\n")

    @property
    def received(self) -> Counter[str]:
        """How often each message came."""
        return Counter(self._file.read_text(encoding="utf-8").splitlines() if self._file.exists() else ())


def _expect_an_evening(office: Office) -> None:
    office.settings.home.mkdir(parents=True, exist_ok=True)
    for audience in ("internal", "operators"):
        add_recipient(office, f"{audience}@ziyang.example.cn", audience=audience)


def _evening(office: Office) -> None:
    """Issues, page, watch, messages."""
    settings = office.settings
    with warehouse.connect(settings, "publisher") as conn:
        for series, day in ISSUES:
            issue = publishing.publish(conn, series, DISTRICT, day, settle_seconds=0)
            writing.keep_in_folder(conn, settings, issue.publication_id)
        build_id = warehouse.builds.latest_build(conn)
        render_site(conn, settings.outbox)
        warehouse.builds.record_page(conn, build_id)
        report.watch(conn, settings)
        delivery.deliver_due(conn, settings, {"email": Mailbox(office)})


def check_issues(office: Office) -> None:
    """Numbers without gaps; of each issue four documents, the same in the warehouse, in its folder and on the page."""
    numbers: dict[tuple, list[int]] = {}
    for row in office.query("select district_code, series, issue_year, issue_no from published.publications order by issue_no"):
        numbers.setdefault((row["district_code"], row["series"], row["issue_year"]), []).append(row["issue_no"])
    assert all(found == list(range(1, len(found) + 1)) for found in numbers.values()), numbers
    kept: dict[str, dict[str, str]] = {}
    for row in office.query("select publication_id, file_name, sha256 from published.documents"):
        kept.setdefault(row["publication_id"], {})[row["file_name"]] = row["sha256"]
    for row in office.query("select publication_id, district_code, series, issue_year, issue_no from published.publications"):
        place = Path(row["series"], str(row["issue_year"]), str(row["issue_no"]))
        documents = kept.pop(row["publication_id"])
        assert len(documents) == 4
        for folder in ("publications", row["district_code"]), ("site", row["district_code"], "issues"):
            assert _hashes(office.settings.outbox.joinpath(*folder) / place) == documents, row["publication_id"]
    assert kept == {}


def _hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def _check_evening(office: Office) -> None:
    check_issues(office)
    assert len(office.query("select 1 from published.publications")) == len(ISSUES)
    [row] = office.query("select max(build_id) = (select max(build_id) from ops.builds where is_success) as is_shown from ops.live_pages")
    assert row["is_shown"]
    messages = office.query("select message_id, status, channel from ops.deliveries where subject_kind in ('issue', 'watch')")
    assert {row["status"] for row in messages if row["channel"] == "folder"} == {"sent"}
    received = Mailbox(office).received
    assert set(received.values()) <= {1}, "twice"
    letters = {row["message_id"]: row["status"] for row in messages if row["channel"] == "email"}
    assert len(letters) >= len(ISSUES) + 1 and set(letters.values()) <= {"sent", "uncertain"}
    assert {message for message, status in letters.items() if status == "sent"} <= set(received)
    assert list(letters.values()).count("uncertain") <= 1
    assert {path.name for path in office.settings.outbox.rglob(".*")} <= {outbox.MARK}, "left behind"


INTAKE = Flow(drop_all, Office.ingest, assert_taken_once)
EVENING = Flow(_expect_an_evening, _evening, _check_evening)
FLOWS = {"intake": INTAKE, "evening": EVENING}
