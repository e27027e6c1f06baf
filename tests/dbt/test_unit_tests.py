"""The unit tests of the dbt project, which look at the SQL and never at the data: once a run."""

from __future__ import annotations

from duban.orchestration import dbt
from tests.conftest import open_office


def test_every_unit_test_passes(server, sample_office, tmp_path):
    with open_office(server, tmp_path / "home", sample_office.settings.warehouse_uri.rsplit("/", 1)[1]) as office:
        everything = dbt.build(office.settings, "all", full_refresh=True).test_count
        assert everything - dbt.build(office.settings, "install").test_count >= 10
