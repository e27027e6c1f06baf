"""Every file rule and finding: the pairs of file_cases.py, sent through the inbox in one drop."""

from __future__ import annotations

import pytest

from tests.expectations.file_cases import FILE_PAIRS

NAMES = [f"{number:02d}-{pair.rule_id}-{pair.what}" for number, pair in enumerate(FILE_PAIRS)]


@pytest.fixture(scope="module")
def submissions(shared_office):
    """What became of each file, by name: its line of ops.submissions, the rules of its rejections, of its findings."""
    for name, pair in zip(NAMES, FILE_PAIRS, strict=True):
        # One district's numbers serve all pairs: no file is a copy of another, and the number in front sets the names apart.
        shared_office.drop(pair.unit_code, f"{name}-{pair.name_passes}-收下{pair.extensions[0]}", pair.passes)
        shared_office.drop(pair.unit_fails or pair.unit_code, f"{name}-{pair.name_fails}-退回{pair.extensions[1]}", pair.fails)
    shared_office.ingest()
    return {
        row["file_name"]: row
        for row in shared_office.query(
            """select *, array(select rule_id from quarantine.rejected_rows r where r.submission_id = s.submission_id) as rejected_by,
                      array(select distinct rule_id from quarantine.findings f where f.submission_id = s.submission_id) as found
               from ops.submissions s"""
        )
    }


@pytest.mark.parametrize("number", range(len(FILE_PAIRS)), ids=NAMES)
def test_pair(submissions, number):
    pair, name = FILE_PAIRS[number], NAMES[number]
    passing = submissions[f"{name}-{pair.name_passes}-收下{pair.extensions[0]}"]
    failing = submissions[f"{name}-{pair.name_fails}-退回{pair.extensions[1]}"]
    assert (passing["outcome"], passing["rejected_by"], passing["found"]) == ("accepted", [], [])
    if pair.rule_id.startswith(("S", "R")):
        assert (failing["outcome"], failing["rejected_by"], failing["found"]) == ("rejected", [pair.rule_id], [])
        assert failing["accepted_count"] == 0
    else:
        outcome = "rejected" if pair.rejected_by else "accepted"
        assert (failing["outcome"], failing["rejected_by"], failing["found"]) == (outcome, [*pair.rejected_by], [pair.rule_id])
    for row in (passing, failing):
        assert row["row_count"] == row["accepted_count"] + row["rejected_count"] + row["ignored_count"]


def test_a_rejected_file_counts_every_data_row(submissions):
    counts = {name: (row["row_count"], row["rejected_count"]) for name, row in submissions.items() if row["outcome"] == "rejected"}
    rows = {name.split("-")[1] + name.split("-")[2]: numbers for name, numbers in counts.items()}
    assert rows["S01文件损坏"] == (0, 0)
    assert rows["S02表头不认得"] == (0, 0)
    assert rows["S06每行都是别的乡镇"] == (2, 2)
    assert rows["S07日期矛盾"] == (1, 1)
    assert rows["S09没有数据行"] == (1, 0)
