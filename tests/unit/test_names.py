"""What is taken for a name of a household head, and what stays a word."""

from __future__ import annotations

import pytest

from duban.ledgers import ExpectationsInvalid, read_name_words
from duban.settings import PROJECT
from duban.text.names import MAX_NAME, Masks, NameWords, names_to_know, openings

WORDS = read_name_words(PROJECT / "expectations")
MASKS = Masks(["王小明", "买买提艾力", "石林"], WORDS)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        # known
        ("经核实王小明未享受低保", "经核实王**未享受低保"),
        ("王 小 明、王·小明；王小\u200b明", "王****、王***；王***"),
        ("買买提，买买提·艾力的家", "買买提，买*****的家"),
        ("王小\nclass", "王小\nclass"),
        ("石林石林", "石*石*"),
        # not known: before 户
        ("马华安户危房改造后旧房未拆除", "马**户危房改造后旧房未拆除"),
        ("经核实马华安户低保金", "经核实马**户低保金"),
        ("马 华 安 户低保", "马**** 户低保"),
        ("贫困户李四户、脱贫户王五", "贫困户李*户、脱贫户王五"),
        ("欧阳修户与欧阳晓明户", "欧**户与欧***户"),
        ("李新户、张建新户、李文明户、张和平户", "李*户、张**户、李**户、张**户"),
        ("张三户；走访张三户", "张*户；走访张*户"),
        ("骉犇户漏雨", "骉*户漏雨"),
        ("阿依古丽户；帮扶李军户", "阿***户；帮扶李*户"),
        ("马华安户口未迁，户主马华安未签字，户主：张明", "马**户口未迁，户主马**未签字，户主：张*"),
        ("马**户", "马**户"),
    ],
)
def test_names_are_masked(text, masked):
    assert MASKS.mask(text) == masked
    assert MASKS.mask(masked) == masked


ORDINARY = """
贫困户 脱贫户 监测户 边缘户 五保户 低保户 特困户 全村农户 3户 该户 住户 农户 散户 贫困边缘户 非贫困户 未脱贫户 建档立卡户 易返贫致贫户
兜底户 一般户 搬迁户 易地搬迁户 水库移民户 危房户 土坯房户 无房户 空挂户 养殖户 种粮大户 专业户 个体工商户 商户 用户 用电户 账户 帐户
开户 门户 租户 客户 窗户 入户 到户 每户 各户 逐户 按户 分户 整户 单户 一户一策 家家户户 千家万户 户户通 三户 十二户 共计二十三户 两户
几户 多户 数百户 余户 周边农户 周边大户 石桥村三户 全镇建档立卡贫困户 涉及户 受益户 享受户 帮扶户 联系户 高收入户 低收入户 新增户 新户
老户 残疾户 双女户 计生户 党员户 示范户 文明户 缺劳力户 改厕户 拆迁户 户主 户口 户籍 户均 户用光伏 户厕 办理户口 村民户口未迁
完善户籍信息 公安户籍部门 向户主说明 由户主签字 户主验收单 户主常年外出 户主单身 户主文化程度低 对于贫困户的帮扶 为农户修路
按口径更正收入构成并由户主签字 道路硬化户 养老金领取户 发放到户 随机入户3户 抽查3户未整改问题，责任领导均已到户 安全饮水 危房五户
水管三户 分红发放表，涉及5户 马路沿线户 困难群众户 经济困难户
"""


@pytest.mark.parametrize("text", ORDINARY.split())
def test_ordinary_words_stay(text):
    assert MASKS.mask(text) == text


@pytest.mark.parametrize(
    ("cell", "is_beside_number", "names"),
    [
        ("王小明", False, {"王小明"}),
        ("王 芳", False, {"王芳"}),
        ("户主：王小明等3人", False, {"王小明"}),
        ("贫困户马华安（已故）、李军", False, {"马华安", "李军"}),
        ("尉迟骉犇鑫", False, {"尉迟骉犇鑫", "尉迟骉", "尉迟骉犇"}),
        ("阿依古丽", False, set()),
        ("阿依古丽", True, {"阿依古丽"}),
        ("买买提·艾力", True, {"买买提艾力"}),
        # columns in the wrong places: words of a whole district are not to be lost
        ("易地搬迁", False, set()),
        ("住房安全", True, set()),
        ("低保户", True, set()),
        ("村集体", True, set()),
        ("大码头村", True, set()),
        ("陈家村", False, set()),
        ("全村", True, set()),
        ("安全", False, set()),
        ("不详", True, set()),
        ("王小明" * 30, False, set()),
    ],
)
def test_names_that_a_district_knows(cell, is_beside_number, names):
    assert len(cell) <= MAX_NAME or not names
    assert names <= set(names_to_know(cell, WORDS, is_beside_number)), names_to_know(cell, WORDS, is_beside_number)
    assert names or not names_to_know(cell, WORDS, is_beside_number)


def test_openings():
    assert openings(["王 小·明a1", "甲"]) == {"王小", "小明"}


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        ({"surnames": "王"}, "missing"),
        ({**dict.fromkeys(NameWords.__dataclass_fields__, ""), "more": "甲"}, "more"),
        ({**dict.fromkeys(NameWords.__dataclass_fields__, ""), "words": ["甲"]}, "split"),
    ],
)
def test_a_list_that_is_wrong_is_named(tmp_path, spec, fault):
    import yaml

    (tmp_path / "names").mkdir()
    (tmp_path / "names" / "words.yml").write_text(yaml.safe_dump(spec, allow_unicode=True), encoding="utf-8")
    with pytest.raises(ExpectationsInvalid, match=f"words.yml.*{fault}"):
        read_name_words(tmp_path)
