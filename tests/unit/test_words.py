"""Folding for comparison, masking for everybody but the sender."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duban.intake.words import fold, identifies_person, mask_id_number, mask_name, mask_text, shown_names


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
        ("账号6217001234567890123", "账号6217***********0123"),
        ("第1430902196503121234号", "第1430***********1234号"),
        ("４３０９０２１９６５０３１２１２３４", "４３０９**********１２３４"),
        ("430902 19650312 1234", "4309** ******** 1234"),
        ("4309 0219 6503 1212 34", "4309 **** **** **12 34"),
        ("4 3 0 9 0 2 1 9 6 5 0 3 1 2 1 2 3 4", "4 3 0 9 * * * * * * * * * * 1 2 3 4"),
        ("43.09.02.1965.03.12.123X", "43.09.**.****.**.**.123X"),
        ("430902\u200b19650312\u200b123-X", "4309**\u200b********\u200b123-X"),
        ("第3户430902 650312 123，完", "第3户4309** *****2 123，完"),
        ("编号12 430902 19650312 1234 和 430902 19650312 1235", "编号12 4309** ******** 1234 和 4309** ******** 1235"),
        ("138-1234-5678", "138-****-5678"),
        ("138 1234 5678", "138 **** 5678"),
        ("138.1234.5678", "138.****.5678"),
        ("8613812345678", "861******5678"),
        ("+86 138 1234 5678", "+86 1** **** 5678"),
        ("0737-4221234", "073*-***1234"),
        ("（0737）4221234", "（073*）***1234"),
        ("07374221234", "073****1234"),
        ("010 62345678", "010 ****5678"),
        ("0737 422 1234", "073* *** 1234"),
        ("073742-21234", "073***-*1234"),
        ("1 3 8 1 2 3 4 5 6 7 8", "1 3 8 * * * * 5 6 7 8"),
        ("联系电话：4221234", "联系电话：***1234"),
        ("座机 42212345。", "座机 ****2345。"),
        # what is no person's number stays
        ("2020-06-24 至 2020-06-30", "2020-06-24 至 2020-06-30"),
        ("2020-06-24 2020-06-30", "2020-06-24 2020-06-30"),
        ("台账13812340168-20200624", "台账138****0168-20200624"),
        ("0624-20200630", "0624-20200630"),
        ("台账430902-20200624-1", "台账430902-20200624-1"),
        ("台账430902-20200624-0001", "台账430902-20200624-0001"),
        ("台账123456-7-20200624", "台账123456-7-20200624"),
        ("学生430902-20150312-0016", "学生4309**-********-0016"),  # a child, with a right check digit
        ("学生430902-20150312-0015", "学生430902-20150312-0015"),
        ("学生430902201503120015", "学生4309**********0015"),
        ("拨付 500,600,700,800,900 元", "拨付 500,600,700,800,900 元"),
        ("1、3、5、7、9、11、13、15", "1、3、5、7、9、11、13、15"),
        ("13,812,345.67 元", "13,812,345.67 元"),
        ("北纬28.56，东经112.34567", "北纬28.56，东经112.34567"),
        ("资金 12345678 元", "资金 12345678 元"),
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
        ("王小", "王*"),
        ("王小明430902196503121234", "王" + "*" * 20),
        ("430902 19650312 1234", "4309************1234"),
    ],
)
def test_mask_id_number(text, masked):
    assert mask_id_number(text) == masked


@pytest.mark.parametrize(
    ("text", "holder_name", "masked"),
    [
        ("户主张三的房屋漏雨，张三外出", "张三", "户主张*的房屋漏雨，张*外出"),
        ("王 小明反映", "王小明", "王***反映"),
        ("张三丰与李四家", "张三丰、李四", "张**与李*家"),
        ("王家", "王", "王家"),  # a surname alone is no name
        ("张三", None, "张三"),
        ("张三430902196503121234", "张三", "张*4309**********1234"),
        ("=1+1", "=1+1", "=1+1"),  # no name
    ],
)
def test_the_household_head_of_a_row_is_masked_in_its_texts(text, holder_name, masked):
    assert mask_text(text, holder_name) == masked


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("430902196503121234", True),
        ("户430902196503121234", True),
        ("430902-19650312-1234", True),
        ("43090219650312123X", False),  # a wrong check digit
        ("43090220200624001X", False),  # a division, a day and a serial number, whatever its last digit
        ("430902202006240011", False),
        ("13812345678", True),
        ("8613812345678", True),
        ("问-13812345678", False),
        ("20200624001", False),
    ],
)
def test_identifies_person(text, answer):
    assert identifies_person(text) is answer


def test_names_that_are_masked_stay_different():
    names = ["430902196503121234", "问题台账", "430902199903121234", "问题台账(2)"]
    assert shown_names(names) == ["4309**********1234", "问题台账", "4309**********1234(2)", "问题台账(2)"]


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
