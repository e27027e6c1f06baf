"""Whatever rule is in force, issues and pages print it in the words of its row, and an issue keeps them."""

from __future__ import annotations

import csv
import re
import shutil
from dataclasses import replace
from datetime import date

import pytest

from duban import warehouse
from duban.orchestration import dbt
from duban.publishing.issues import publishing
from duban.publishing.issues.series import DAILY
from duban.publishing.site.pages import render_site
from duban.settings import PROJECT
from tests.integration.ledgers import OTHER, TOWNSHIP, problem, problems_csv

DISTRICT = "430902"
# each holds from its day to the day before the next one
IN_FORCE = {"ZY-2020-R1": "2020-06-04", "ZY-2020-R2": "2020-06-23", "ZY-2020-R3": "2020-06-24", "ZY-2020-R4": "2020-06-28"}
LAST_DAY = date(2020, 6, 28)
OF_R1 = "先比整改率，相同再依次比未整改、超期、退回反弹的个数和最久未整改问题的工作日数，少者在前；全部相同则名次并列。"


@pytest.fixture(scope="module")
def ruled(shared_office, tmp_path_factory):
    """A warehouse of a project in which the candidates came into force one after the other, and the words of all rules."""
    project = tmp_path_factory.mktemp("project")
    for folder in ("dbt_project", "expectations"):
        shutil.copytree(PROJECT / folder, project / folder, ignore=shutil.ignore_patterns("target", "logs"))
    path = project / "dbt_project" / "seeds" / "ref_ranking_rules.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rules = list(csv.DictReader(file))
    own = [{**rule, "district_code": DISTRICT, "effective_from": IN_FORCE[rule["rule_code"]]} for rule in rules]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rules[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows([*rules, *own])
    for unit, key in ((TOWNSHIP, "甲"), (OTHER, "乙")):
        rows = [problem(f"{key}-{number}") for number in range(3)]
        assert shared_office.send(unit, f"{key}20200622.csv", problems_csv(*rows))["outcome"] == "accepted"
    shared_office.settings = replace(shared_office.settings, project=project)
    dbt.build(shared_office.settings, "install", full_refresh=True, today=LAST_DAY)
    return shared_office, {rule["rule_code"]: rule["wording"] for rule in rules}


def test_each_rule_is_printed_in_its_own_words(ruled):
    office, words = ruled
    assert words["ZY-2020-R1"] == OF_R1 and len({*words.values()}) == 4
    for day, code in (("2020-06-22", "ZY-2020-R1"), *((day, code) for code, day in list(IN_FORCE.items())[1:])):
        with warehouse.connect(office.settings, "publisher") as conn:
            issue = publishing.publish(conn, DAILY, DISTRICT, date.fromisoformat(day), settle_seconds=0.0)
        assert (issue.rule_code, issue.rule_wording) == (code, words[code])
        [html] = office.query(
            "select convert_from(content, 'UTF8') as page from published.documents where publication_id = %s and file_name like '%%.html'",
            [issue.publication_id],
        )
        assert f"名次规则{code}：{words[code]}不排名的单位" in re.sub("<[^>]+>", "", html["page"])


def test_the_page_prints_the_rule_of_its_day(ruled):
    office, words = ruled
    with warehouse.connect(office.settings, "publisher") as conn:
        pages = {path.name: path.read_text(encoding="utf-8") for path in render_site(conn, office.settings.outbox)}
    assert f"名次规则 ZY-2020-R4。{words['ZY-2020-R4']}" in pages["430902.html"]
    assert words["ZY-2020-R4"] in pages[f"{TOWNSHIP}.html"]
