"""`make docs`: one file that has everything in it, and nothing that is secret."""

from __future__ import annotations

import json
import os
import re

import pytest
import yaml

from local.commands import docs
from local.console import Problem
from tests.integration.asked_system import AskedSystem, run


def test_the_page_is_whole_and_holds_no_secret(sample_office, server, capsys):
    settings = sample_office.settings
    builds = sample_office.query("select * from ops.builds")
    run(docs, AskedSystem(sample_office.settings))
    page = settings.home / "docs" / "index.html"
    assert capsys.readouterr().out.splitlines()[-1] == str(page) and os.listdir(page.parent) == [page.name]
    html = page.read_text(encoding="utf-8")

    # The two files that dbt's page otherwise fetches lie in it.
    assert "INLINE DATA" not in html
    manifest, catalog = (
        json.JSONDecoder().raw_decode(html, html.index(f'{{"metadata": {{"dbt_schema_version": "https://schemas.getdbt.com/dbt/{name}'))[0]
        for name in ("manifest", "catalog")
    )
    # The page has no other file but a tracker, which it loads where this is set.
    assert manifest["metadata"]["send_anonymous_usage_stats"] is False
    assert not re.search(r"""<(script|link)[^>]* (src|href)=["'](https?:)?//""", html)

    described = [
        model
        for file in (settings.dbt_project / "models").rglob("*.yml")
        for model in yaml.safe_load(file.read_text(encoding="utf-8")).get("models", [])
    ]
    assert len(described) > 40
    for model in described:
        node = f"model.duban.{model['name']}"
        told = manifest["nodes"][node]["description"].strip()
        assert told and ("doc('" in model["description"] or told == model["description"].strip())
        assert (node in catalog["nodes"]) == (manifest["nodes"][node]["config"]["materialized"] != "ephemeral")

    secrets = {**vars(server.secrets), "hmac_key": settings.hmac_key, "warehouse_uri": settings.warehouse_uri}
    assert min(map(len, secrets.values())) > 12
    assert [name for name, value in secrets.items() if value in html] == []
    assert [place for place in (settings.home, settings.project) if str(place) in html] == []
    # It looks only: no build began.
    assert sample_office.query("select * from ops.builds") == builds


def test_without_a_warehouse_the_command_says_so(office):
    with pytest.raises(Problem, match="PostgreSQL does not run: `make up` first"):
        run(docs, AskedSystem(office.settings, port=None))
    assert not (office.settings.home / "docs").exists()
