"""The moments at which the product is killed are all there are: whatever writes is among them, or is named here with the reason."""

from __future__ import annotations

import re

import pytest

from tests.conftest import open_office
from tests.faults.flows import FLOWS
from tests.faults.moments import changing
from tests.faults.writers import writers

# What writes and belongs to no flow. Everything else must be met by one.
ELSEWHERE = {
    r"duban\.(access|divisions|install|settings)\..*"
    r"|duban\.warehouse\.(schema\.migrate|(calendar|divisions|tables|sources)\..*)": "prepares a warehouse or a home; may be run again",
    r"duban\.warehouse\.(recipients\.replace_recipients|watch\.add_mute)"
    r"|duban\.warehouse\.deliveries\.(decide_delivery|record_uncertain)": "an operator's command, one transaction",
    r"duban\.quality\.template\..*": "a file that is made on demand",
    r"duban\.warehouse\.deliveries\.(end_delivery|postpone_\w+|record_interrupted)": "tests/integration/test_delivery.py kills at each",
    r"duban\.warehouse\.issues\.((record|end)_hold|replace_shown_ledgers)": "one statement; tests/integration/test_publishing.py",
    r"duban\.warehouse\.personal\.(upsert_households|keep_names)": "statements of the load transaction, which has others before and after",
    r"duban\.warehouse\.builds\.close_builds": "one statement, which the next build repeats",
    r"duban\.(warehouse\.watch|orchestration\.failures)\.record_(failure|recovery)": "one statement about a task that has ended",
    r"duban\.orchestration\.parsed_project\._parse": "a file that is made anew when it is not there",
    r"duban\.intake\.inbox\._Marks\.\w+": "marks that only say since when",
    r"duban\.publishing\.site\.folder\.(_remove|SiteFolder\.place_issues)": "removes what is shown no more",
    r"duban\.publishing\.issues\.freezing\._statement": "the text of what `freeze` runs, which is met",
    r"duban\.watching\.messages\.write|duban\.publishing\.site\.figures\..*": "a text that begins like a statement",
}


@pytest.fixture(scope="module")
def met(server, built, tmp_path_factory) -> set[str]:
    """The functions that change something while the flows go through undisturbed."""
    found = set()
    for name, flow in FLOWS.items():
        template = {"evening": built}.get(name, "duban")
        with open_office(server, tmp_path_factory.mktemp(name) / "home", template=template) as office:
            flow.prepare(office)
            run = changing(lambda flow=flow, office=office: flow.work(office), office.settings.home)
            assert run.exitcode == 0
            flow.work(office)
            flow.check(office)
            found |= {change.split()[0] for change in run.changes}
    return found


def test_everything_that_writes_is_met(met):
    unmet = {writer for writer in writers() if writer not in met}
    assert {writer for writer in unmet if not any(re.fullmatch(pattern, writer) for pattern in ELSEWHERE)} == set()
    assert [pattern for pattern in ELSEWHERE if not any(re.fullmatch(pattern, writer) for writer in unmet)] == [], "no reason any more"
    assert {"duban.intake.inbox._remove", "duban.warehouse.submissions.record_claims", "duban.publishing.issues.freezing.freeze"} <= met
