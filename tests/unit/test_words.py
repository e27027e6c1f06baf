"""Folding for comparison, masking for everybody but the sender."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duban.intake.words import fold, mask_id_number, mask_name, mask_text


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("村（社区）", "村(社区)"),
        (" 金 额（万元） ", "金额(万元)"),
        ("问题\n编号", "问题编号"),
        ("ＩＤ\u200b\ufeff", "ID"),
        ("责任\u3000领导", "责任领导"),
        ("Ab", "Ab"),
    ],
)
def test_fold(text, folded):
    assert fold(text) == folded == fold(folded)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("身份证430902196503121234已核", "身份证4309**********1234已核"),
        ("43090219650312104x", "4309**********104x"),
        ("430902650312123", "4309*******2123"),
        ("电话13812345678，", "电话138****5678，"),
        ("联系人13812345678/13987654321", "联系人138****5678/139****4321"),
        ("12345678901", "12345678901"),
        ("文号〔2020〕12345678号", "文号〔2020〕12345678号"),
        ("账号6217001234567890123", "账号6217001234567890123"),
        ("", ""),
    ],
)
def test_mask_text(text, masked):
    assert mask_text(text) == masked


@pytest.mark.parametrize(("text", "masked"), [("王小明", "王**"), ("王", "王"), ("", "")])
def test_mask_name(text, masked):
    assert mask_name(text) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("430902196503121234", "4309**********1234"),
        ("12345678", "12******"),
        ("不详", "不详"),
        ("430902 19650312 1234", "4309************1234"),
    ],
)
def test_mask_id_number(text, masked):
    assert mask_id_number(text) == masked


separators = st.text(st.characters(exclude_categories=["Nd", "Cs"]), min_size=1, max_size=5)
persons = st.from_regex(r"[1-9][0-9]{16}[0-9Xx]", fullmatch=True) | st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)


@given(st.lists(st.tuples(separators, persons), min_size=1, max_size=4), separators)
def test_no_identity_or_phone_number_survives(parts, end):
    masked = mask_text("".join(before + number for before, number in parts) + end)
    assert not re.search(r"(?<![0-9])[0-9]{17}[0-9Xx](?![0-9])", masked)
    assert not re.search(r"(?<![0-9])1[3-9][0-9]{9}(?![0-9])", masked)
    for _, number in parts:
        assert number not in masked


@given(st.text())
def test_masking_changes_digits_only_and_is_stable(text):
    masked = mask_text(text)
    assert len(masked) == len(text) and mask_text(masked) == masked
    assert all(now == before or (now == "*" and before.isdigit()) for now, before in zip(masked, text, strict=True))
