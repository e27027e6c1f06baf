"""Folding for comparison, masking for everybody but the sender."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duban.text.names import names_holder
from duban.text.words import fold, identifies_person, mask_id_number, mask_name, mask_text, shown_names


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
        # in Chinese numerals
        ("身份证四三〇九〇二一九六五〇三一二一二三四号", "身份证四三〇九**********一二三四号"),
        ("肆叁零玖零贰壹玖陆伍零叁壹贰壹贰叁肆", "肆叁零玖**********壹贰叁肆"),
        ("四三〇九〇二 １９６５０３１２ 一二三Ｘ", "四三〇九** ******** 一二三Ｘ"),
        ("四 三 ○ 九 ○ 二 一 九 六 五 ○ 三 一 二 一 二 三 四", "四 三 ○ 九 * * * * * * * * * * 一 二 三 四"),
        ("电话一三八一二三四五六七八、幺三八一二三四五六七九", "电话一三八****五六七八、幺三八****五六七九"),
        ("二〇二〇年六月二十四日，一户一策、三保障，二〇二〇〇六二四", "二〇二〇年六月二十四日，一户一策、三保障，二〇二〇〇六二四"),
        # passports, and other documents after their name
        ("护照E12345678，护照号：EA1234567；G12345678", "护照E****5678，护照号：E****4567；G****5678"),
        ("Ｅ１２３４５６７８", "Ｅ****５６７８"),
        ("通行证H1234567890，台胞证 12345678，护照号码 K1234567", "通行证H******7890，台胞证 1***5678，护照号码 K***4567"),
        ("G20200624，XM20200001，NE12345678，居住证 20200624，湘E12345", "G20200624，XM20200001，NE12345678，居住证 20200624，湘E12345"),
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
        # more than the name in the cell
        ("甪甴甶户低保金", "户主：甪甴甶", "甪**户低保金"),
        ("甪甹甶户低保金", "甪甹甶等3人", "甪**户低保金"),
        ("甪甼甶户低保金，李四光户", "甪甼甶 李四光", "甪**户低保金，李**户"),
        ("甪甽甶户低保金", "甪甽甶13912345678", "甪**户低保金"),
        ("甪畁甶户低保金，李四光户", "甪畁甶\n李四光", "甪**户低保金，李**户"),
        ("甪甴甶户低保金", "甪甴甶-已故", "甪**户低保金"),
        ("甪甴甶户低保金", "甪甴甶 男", "甪**户低保金"),
        ("甪甴甶户低保金", "甪甴甶。", "甪**户低保金"),
        ("甪甴甶户低保金，李四光户", "甪甴甶&李四光", "甪**户低保金，李**户"),
        ("甪甴甶户低保金", "原户主甪甴甶家属", "甪**户低保金"),
        ("甪甴甶户低保金", "甪甴甶等三户", "甪**户低保金"),
        ("甪甴甶户低保金", "甪甴甶长年在外看病", "甪**户低保金"),
        ("王芳与其妻李四", "王芳（妻子李四）", "王*与其妻李*"),
        ("张男与王家", "张男、王家男", "张*与王*"),
        # a name in other spellings
        ("甪畐甶•畒畓户", "甪畐甶·畒畓", "甪*****户"),
        ("甪畐甶畒畓户", "甪畐甶．畒畓", "甪****户"),
        ("畒畓户", "甪畐甶·畒畓", "畒*户"),
        ("甪·畐·甶户", "甪畐甶", "甪****户"),
        ("甪\u200b甴甶户", "甪甴\u2060甶", "甪***户"),
        ("王芳户", "王 芳", "王*户"),
        ("王芳李四两户", "王芳 李四", "王***两户"),
        ("王芳、李四两户", "王 芳 李 四", "王*、李*两户"),
        ("欧阳娜户", "欧阳 娜", "欧**户"),
        ("\U00020b9f\U0002a6d6户", "户主：\U00020b9f\U0002a6d6", "\U00020b9f*户"),
        ("\uf967大户", "不大", "\uf967*户"),  # a double of 不
        ("甪甴甶户", "长" * 65, "****"),  # names in so long a cell are not looked for
        # what names nobody
        ("村集体收入无人公示", "村集体", "村集体收入无人公示"),
        ("村集体收入", "集体", "村集体收入"),
        ("面积不详", "不详", "面积不详"),
        ("无房，全村多户漏雨", "无", "无房，全村多户漏雨"),
        ("无房，全村多户漏雨", "全村", "无房，全村多户漏雨"),
        ("无房，全村多户漏雨", "全村 多户", "无房，全村多户漏雨"),
        ("三组3户，低保户漏雨", "三组3户（低保户）", "三组3户，低保户漏雨"),
        ("大码头村房屋漏雨", "大码头村集体", "大码头村房屋漏雨"),
        ("王某房屋漏雨", "王1", "王某房屋漏雨"),
    ],
)
def test_the_household_head_of_a_row_is_masked_in_its_texts(text, holder_name, masked):
    assert mask_text(text, holder_name) == masked


def test_a_double_of_a_character_takes_the_place_of_one():
    doubles = "".join(map(chr, [*range(0x2E80, 0x2FE0), *range(0xF900, 0xFB00), *range(0x2F800, 0x2FA20)]))
    assert mask_text(f"{doubles}甪甴户", "甪甴") == f"{doubles}甪*户"


@pytest.mark.parametrize(
    ("key", "holder_name", "answer"),
    [
        ("鼕鼟罄", "鼕鼟罄", True),
        ("大码头-鼕鼟罄", "鼕鼟罄", True),
        ("鼕-鼟罄001", "户主：鼕鼟罄等3人", True),
        ("大码头-李四", "鼕鼟罄 李四", True),
        ("大码头-001", "鼕鼟罄", False),
        ("大码头-001", "大码头村集体", False),
        ("王-001", "王", False),
        ("集体-001", "集体", False),
        ("大码头-001", None, False),
        ("大码头-001", "大码头" * 22, False),  # the row goes back anyway
    ],
)
def test_names_holder(key, holder_name, answer):
    assert names_holder(key, holder_name) is answer


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
        ("问-13812345678", True),
        ("大码头-13913577021", True),
        ("ZY13913577016", True),
        ("13913577016号", True),
        ("139-1357-7016", True),
        ("+8613913577016", True),
        ("+86-139-1357-7016", True),
        ("86139.1357.7016", True),
        ("迎风桥-139-13577016", True),
        ("1391357-7016", True),
        ("2020-06-24-139-1357-7016", True),
        ("(139)1357-7016", True),
        ("1-3-9-1-3-5-7-7-0-1-6", True),
        ("四三〇九〇二一九六五〇一〇一五〇〇八", True),
        ("大码头一三九一三五七七〇一六", True),
        ("20200624001", False),
        ("迎风桥-001", False),
        ("ZJ-2020-0613-045", False),
        ("2020-06-24-139", False),
        ("2020-06-24-13913577", False),
        ("2020062413913577016", False),  # digits within more digits
        ("430902-13-913577016", False),  # no parts of a telephone
        ("150-2020-0613", False),  # the last eight are a day
        ("138-20200624", False),
    ],
)
def test_identifies_person(text, answer):
    assert identifies_person(text) is answer


def test_names_that_are_masked_stay_different():
    names = ["430902196503121234", "问题台账", "430902199903121234", "问题台账(2)"]
    assert shown_names(names) == ["4309**********1234", "问题台账", "4309**********1234(2)", "问题台账(2)"]


before_names = st.sampled_from(["", " ", "户主：", "户主", "原户主", "姓名:", "李四光、", "1.", "男 ", "低保户"])
after_names = st.sampled_from(
    ["", " ", "、", "等3人", "等三户", "-已故", " 男", "。", "&李四光", "\n", "13912345678", "（户主）", "家属", "？", "长期在外务工"]
)
names = st.text("甪甴甶甹甼甽畁畐畒畓", min_size=2, max_size=4)


@given(before_names, names, after_names, st.sampled_from(["", " ", "·", "\u200b"]))
def test_no_household_head_survives_whatever_stands_beside_the_name(before, name, after, between):
    holder_name = before + name + after
    assert name not in mask_text(f"经核实{name}户低保金", holder_name)
    assert between.join(name) not in mask_text(f"经核实{between.join(name)}户低保金", holder_name)
    assert names_holder(f"大码头-{name}-1", holder_name)


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
def test_masking_changes_numbers_only_and_is_stable(text):
    masked = mask_text(text)
    assert len(masked) == len(text) and mask_text(masked) == masked
    assert all(now == before or (now == "*" and (before.isalnum() or before in "○◯")) for now, before in zip(masked, text, strict=True))
