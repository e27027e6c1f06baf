"""An outbox belongs to one warehouse: two that number their files from 1 must not lose what they call by one name."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from duban import install, warehouse
from duban.orchestration import steps
from duban.outbox import MARK, OutboxTaken
from duban.quality.template import write_template
from tests.conftest import open_office
from tests.integration.ledgers import TOWNSHIP, problem, problems_csv


def test_two_homes_cannot_share_an_outbox(server, tmp_path, monkeypatch, capsys):
    with open_office(server, tmp_path / "first") as first, open_office(server, tmp_path / "second") as second:
        with warehouse.connect(second.settings) as conn:
            # every warehouse is given an identity of its own when it is made; these two are copies of one template
            conn.execute("update ops.identity set warehouse_id = gen_random_uuid()")
        own = second.settings
        second.settings = replace(own, outbox=first.settings.outbox)
        sent = first.send(TOWNSHIP, "台账20200624.csv", problems_csv(problem("X-1", 发现日期="六月")))
        receipt = first.receipt(TOWNSHIP, sent["submission_id"])
        with pytest.raises(OutboxTaken, match=r"DUBAN_OUTBOX"):
            second.send(TOWNSHIP, "台账20200624.csv", problems_csv(problem("X-2", 发现日期="五月")))
        [other] = second.query("select submission_id, outcome from ops.submissions")
        assert other == {"submission_id": sent["submission_id"], "outcome": "rejected"}
        assert first.receipt(TOWNSHIP, sent["submission_id"]) == receipt
        # nor pages, templates, or a start
        monkeypatch.setattr(steps, "load_settings", lambda: second.settings)
        monkeypatch.setattr(install, "load_settings", lambda: second.settings)
        monkeypatch.setattr(install, "provide", lambda settings: None)
        with pytest.raises(OutboxTaken):
            steps.publish_live_ranking()
        with warehouse.connect(second.settings) as conn, pytest.raises(OutboxTaken):
            write_template(conn, second.settings, TOWNSHIP, date(2020, 6, 24))
        assert install.main() == 1 and "DUBAN_OUTBOX" in capsys.readouterr().err
        assert not (first.settings.outbox / "site").exists()

        # nothing is lost: with an outbox of its own, what waited is written; a mark that a full disk left empty is none
        own.outbox.mkdir(parents=True)
        (own.outbox / MARK).touch()
        second.settings = own
        second.ingest()
        assert second.receipt(TOWNSHIP, sent["submission_id"])["file_name"] == "台账20200624.csv"
        assert (own.outbox / MARK).read_text() != (first.settings.outbox / MARK).read_text()
