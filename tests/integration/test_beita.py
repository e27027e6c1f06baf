"""A real table of a real district passes the gate through its layout: 北塔区, 2020 central funds, first batch."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

FIXTURE = Path(__file__).parents[2] / "local" / "sample" / "beita_2020_central_batch1.csv"


def test_beita_notice(office):
    sent = office.send("430511000", FIXTURE.name, FIXTURE.read_bytes())
    assert (sent["outcome"], sent["row_count"], sent["accepted_count"], sent["rejected_count"], sent["ignored_count"]) == (
        "accepted_with_rejections",
        19,
        13,
        3,
        3,
    )
    assert str(sent["report_on"]) == "2019-12-31"
    assert office.rejections(sent["submission_id"]) == [
        (15, "R03", "金额", "E15"),
        (16, "R03", "金额", "E16"),
        (19, "R05", "村(社区)", "B19"),
    ]
    [total] = office.query("select sum(amount_yuan) as yuan, count(*) as n from raw.fund_movement_versions")
    assert total == {"yuan": Decimal("3610000.00"), "n": 13}
    villages = office.query(
        "select movement_no, village_codes, township_code from raw.fund_movement_versions where movement_no in ('7', '9')"
    )
    assert sorted((row["movement_no"], row["village_codes"], row["township_code"]) for row in villages) == [
        ("7", ["430511003002"], "430511003"),
        ("9", ["430511101004"], "430511101"),
    ]
    findings = office.query("select rule_id, subject, text from quarantine.findings order by subject")
    assert [(row["rule_id"], row["subject"]) for row in findings] == [("W02", "资金台账!18"), ("W02", "资金台账!20")]
    assert "236" in findings[0]["text"] and "408" in findings[1]["text"]
