"""The pages, rendered from hand-made figures: what they say, where they lead, and that nothing a sender wrote comes alive."""

import base64
import hashlib
import json
import posixpath
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import PurePosixPath
from urllib.parse import unquote

import pytest

from duban.publishing.site.figures.funds import Funds
from duban.publishing.site.figures.issues import Issues
from duban.publishing.site.figures.projects import Projects
from duban.publishing.site.figures.quality import BrokenRule
from duban.publishing.site.pages import TEMPLATES
from tests.publishing.site.made_up import (
    BUILD,
    DAY,
    FUNDS_ONLY,
    HOSTILE,
    LINES,
    OTHER,
    PROBLEMS,
    QUALITY,
    RANKING,
    SAMPLE,
    fund_year,
    hostile,
    issue,
    problem,
    project,
    rendered,
    tier,
)

# every page that the small district has, and the pages that there are without one
ALL_PAGES = {
    **rendered(SAMPLE),
    "funds only": rendered(FUNDS_ONLY)["index.html"],
    "overview": rendered(SAMPLE, OTHER)["index.html"],
    "empty": rendered()["index.html"],
}
TOWNSHIP = "430902/430902203.html"


# ── what holds for every page ────────────────────────────────────────────────────────────────────────────────────────


def test_the_small_district_has_a_page_for_every_subject_and_unit():
    subjects = {f"430902/{name}.html" for name in ("days", "issues", "funds", "projects", "quality")}
    townships = {f"430902/{one.township_code}.html" for one in LINES}
    assert set(rendered(SAMPLE)) == {"430902.html", "index.html"} | subjects | townships


@pytest.mark.parametrize("name", ALL_PAGES)
def test_a_page_needs_nothing_but_itself(name):
    page = ALL_PAGES[name]
    assert {tag for tag, _ in page.elements}.isdisjoint({"img", "link", "iframe", "object", "embed", "base", "form", "image", "use"})
    for _, attrs in page.elements:
        assert not {name for name in attrs if name in {"src", "srcset", "style", "xlink:href", "action"} or name.startswith("on")}
    assert all(re.fullmatch(r"#[\w-]+|[^:?#]+(#[\w-]+)?", href) for href in page.attributes("a", "href"))
    assert "url(" not in page.style and "@import" not in page.style and "http" not in page.style
    assert all("http" not in content and "fetch" not in content.replace("is fetched", "") for _, content in page.scripts)


@pytest.mark.parametrize("name", ALL_PAGES)
def test_the_policy_forbids_everything_but_the_style_sheet_and_the_script_of_the_page(name):
    def digest(text: str) -> str:
        return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"

    page = ALL_PAGES[name]
    scripts = [content for kind, content in page.scripts if kind != "application/json"]
    assert len(scripts) == (1 if name == "430902/days.html" else 0)
    allowed = "".join(f"script-src {digest(script)}; " for script in scripts)
    assert page.policy == f"default-src 'none'; style-src {digest(page.style)}; {allowed}base-uri 'none'; form-action 'none'"


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_sender_wrote_stays_text(text):
    ordinary = "平" * len(text)  # as long: what fits into a picture depends on it
    strange, plain = rendered(hostile(text)), rendered(hostile(ordinary))
    shown = 0
    for name, page in strange.items():
        assert [tag for tag, _ in page.elements] == [tag for tag, _ in plain[name].elements], name
        assert page.attributes("a", "href") == plain[name].attributes("a", "href"), name
        assert [kind for kind, _ in page.scripts] == [kind for kind, _ in plain[name].scripts]
        assert page.source.count("<script>alert") == 0
        shown += page.text.count(" ".join(text.split()))
    assert shown == sum(page.text.count(ordinary) for page in plain.values()) > 100


@pytest.mark.parametrize("text", HOSTILE)
def test_data_of_a_script_is_what_was_said_and_cannot_end_its_element(text):
    [(kind, data), (_, script)] = rendered(hostile(text))["430902/days.html"].scripts
    assert kind == "application/json" and not set("<>&") & set(data)
    assert {day[2] for day in json.loads(data)["days"]} == {None, text}
    assert "</" not in script and "innerHTML" not in script and "document.write" not in script


@pytest.mark.parametrize("districts", [(SAMPLE,), (SAMPLE, OTHER, FUNDS_ONLY), (FUNDS_ONLY,)], ids=len)
def test_every_link_leads_to_a_page_of_the_site_or_a_file_of_an_issue(districts):
    pages = rendered(*districts)
    files = {
        f"{one.district.district_code}/{found.folder}/{document.file_name}"
        for one in districts
        for found in one.issues.issues
        for document in found.documents
    }
    seen = set()
    for name, page in pages.items():
        ids = {attrs["id"] for _, attrs in page.elements if "id" in attrs}
        for href in page.attributes("a", "href"):
            if href.startswith("#"):
                assert href[1:] in ids or name.endswith("days.html"), (name, href)
                continue
            target = posixpath.normpath(PurePosixPath(name).parent / unquote(href))
            assert target in pages or target in files, (name, href)
            seen.add(target)
    assert seen == (set(pages) - {"index.html"}) | files


@pytest.mark.parametrize("name", ALL_PAGES)
def test_every_table_names_its_columns_and_rows(name):
    page = ALL_PAGES[name]
    scopes = page.attributes("th", "scope")
    assert len(scopes) == len([tag for tag, _ in page.elements if tag == "th"])
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids)), [one for one in ids if ids.count(one) > 1]
    named = {
        named for _, attrs in page.elements for attribute in ("aria-labelledby", "for") for named in (attrs.get(attribute) or "").split()
    }
    assert named <= set(ids)
    assert ("main", True) in {(tag, attrs.get("id") == "main") for tag, attrs in page.elements}


@pytest.mark.parametrize("name", [name for name in ALL_PAGES if name.startswith("430902")])
def test_every_page_of_a_district_leads_to_the_others_and_says_how_fresh_it_is(name):
    page = ALL_PAGES[name]
    menu = page.text[page.text.index("实时排名 逐日排名") :]
    assert menu.startswith("实时排名 逐日排名 通报调度 资金 项目 报送质量")
    assert "合成样例数据" in page.text and "最近入库" in page.text and "2020年6月30日 17:31" in page.text and "ZY-2020-R1" in page.text
    marked = [attrs.get("aria-current") for _, attrs in page.elements].count("page")
    assert marked == 1


def test_the_menu_has_no_subject_that_a_district_says_nothing_about():
    bare = replace(SAMPLE, issues=Issues(()), funds=Funds((), (), {}), projects=Projects((), DAY, ()), quality=None, sent_files=None)
    pages = rendered(bare)
    assert {name for name in pages if re.search(r"/[a-z]", name)} == {"430902/days.html"}
    for page in pages.values():
        assert not {"资金", "项目", "报送质量", "近期报送", "通报调度"} & set(page.text.split())


def test_after_a_failed_build_every_page_says_how_old_the_figures_are():
    failed = replace(BUILD, failed_at=datetime(2020, 6, 30, 23, 10, tzinfo=UTC))
    said = "2020年7月1日 07:10 的更新未成功，各项数字仍是 2020年6月30日 17:30 的"
    for build, is_said in ((BUILD, False), (failed, True)):
        for name, page in rendered(SAMPLE, OTHER, build=build).items():
            assert (said in page.text) == is_said, name


def test_same_figures_same_bytes():
    first = {name: page.source for name, page in rendered(SAMPLE).items()}
    assert first == {name: page.source for name, page in rendered(SAMPLE).items()}


def test_only_first_pages_change_when_nothing_but_the_time_does():
    later = replace(BUILD, built_at=datetime(2020, 7, 1, tzinfo=UTC))
    before, after = rendered(SAMPLE), rendered(SAMPLE, build=later)
    assert {name for name in before if before[name].source != after[name].source} == {"430902.html", "index.html"}


# ── the district's page ──────────────────────────────────────────────────────────────────────────────────────────────


def test_the_headline_says_the_figures_and_the_rates():
    text = rendered(SAMPLE)["index.html"].text
    # 133 problems, 110 rectified; the sums of the lines, unranked units and departments included
    assert "问题整改率 82.7% 问题 133 整改到位 110 未整改 23" in text
    assert "项目开工率 75.0% 已开工 6 / 8 个" in text
    assert "2020年度 资金分配率 56.1% 已分配 999 / 1,781 万元" in text
    assert "合成样例数据" in text and "2020年6月30日 星期二" in text


def test_the_ranking_shows_shared_ranks_movement_and_who_is_not_ranked():
    text = rendered(SAMPLE)["index.html"].text
    rows = ["1 ▲2 沙头镇 96.4% 27 / 28 1 0 0 0 —", "2 — 长春镇 未报 89.7% 26 / 29 3 2 0 0 2", "2 ▼1 新桥河镇 89.7%"]
    rows += ["4 新 张家塞乡 66.7% 20 / 30 10 0 1 45 7", "无任务 迎风桥镇 —", "不排名 长春经济开发区 77.8% 7 / 9"]
    rows += ["不排名 区直部门 50.0% 4 / 8", "合计 82.7% 110 / 133"]
    places = [text.index(row) for row in rows]
    assert places == sorted(places)
    assert "当日未报，沿用上次数据" in text and "ZY-2020-R1" in text
    assert "先比整改率" in text


def test_on_the_first_day_nobody_is_called_new():
    first = replace(RANKING, lines=tuple(replace(one, previous_rank=None) for one in LINES))
    for name in ("index.html", "430902/days.html", TOWNSHIP):
        text = rendered(replace(SAMPLE, ranking=first))[name].text
        assert "▲" not in text and "没有名次" not in text and "升降" not in text, name
    assert "1 沙头镇" in rendered(replace(SAMPLE, ranking=first))["index.html"].text


def test_on_a_day_off_nobody_is_marked_as_not_having_reported():
    day_off = replace(RANKING, is_working_day=False, ranked_on=date(2020, 6, 27), days=RANKING.days[:4])
    pages = rendered(replace(SAMPLE, ranking=day_off))
    assert "未报" not in pages["index.html"].text and "（休息日）" in pages["index.html"].text
    assert "当日未报" not in pages["430902/430902106.html"].text
    assert "端午" in pages["430902/days.html"].text


def test_a_rule_without_an_explanation_is_named_all_the_same():
    text = rendered(replace(SAMPLE, ranking=replace(RANKING, rule_code="ZY-2021-R2", rule_wording="先比到期问题的整改率。")))[
        "index.html"
    ].text
    assert "名次规则 ZY-2021-R2。先比到期问题的整改率。" in text and "先比整改率" not in text


def test_the_newest_issue_of_each_series_is_that_of_the_newest_day():
    page = rendered(SAMPLE)["index.html"]
    assert "最新一期 日通报 第2期 2020年6月30日 周调度 第1期 2020年6月28日 全部期次" in page.text
    assert "430902/issues/daily/2020/2/%E7%AC%AC2%E6%9C%9F.html" in page.attributes("a", "href")
    corrected = Issues((issue(3, DAY, corrects=2), *SAMPLE.issues.issues))
    assert "日通报 第3期 2020年6月30日 · 更正第2期" in rendered(replace(SAMPLE, issues=corrected))["index.html"].text


def test_the_worst_tier_is_said_plainly():
    for name in ("index.html", "430902/funds.html"):
        text = rendered(SAMPLE)[name].text
        assert "合计下达 1,781 万元，分配 999 万元（56.1%），未分配 782 万元。" in text
        assert "省级 资金分配率最低：下达 801 万元，分配 237 万元（29.6%），未分配 564 万元。" in text


def test_no_tier_is_called_the_worst_when_all_is_allocated():
    year = fund_year(tier("中央", 10, 10), tier("省级", 10, 12))
    assert year.worst is None
    text = rendered(replace(SAMPLE, funds=replace(SAMPLE.funds, years=(year,))))["index.html"].text
    assert "最低" not in text and "分配超出下达 2 万元" in text


def test_the_worst_tier_is_found_by_the_exact_ratio():
    # both print 33.3 %; the second is the lower one
    assert fund_year(tier("中央", 3, 1), tier("省级", 10_000, 3_333)).worst.tier == "省级"


def test_projects_not_started_are_listed_by_name_and_place():
    text = rendered(SAMPLE)["index.html"].text
    assert "已验收 3 完工待验收 1 在建 2 未开工 2" in text
    assert "通组公路硬化 ZY-1 · 基础设施 沙头镇 友谊村 43.19 2020年5月10日 51" in text
    assert "村卫生室 ZY-2 · 健康 沙头镇 友谊村 43.19 2020年7月1日 —" in text


def test_how_fresh_the_data_is_can_be_read():
    text = rendered(SAMPLE)["index.html"].text
    assert "排名日 2020年6月30日 星期二 最近填报日期 2020年6月30日 最近入库 2020年6月30日 17:31" in text
    assert "数据更新 2020年6月30日 17:30 页面生成 2020年6月30日 17:31" in text


def test_days_after_the_last_report_are_said_to_carry_its_data():
    late = replace(SAMPLE, district=replace(SAMPLE.district, report_on=date(2020, 6, 24)))
    assert "最近一次填报为 6月24日，其后沿用该日数据" in rendered(late)["index.html"].text
    assert "其后沿用" not in rendered(SAMPLE)["index.html"].text


def test_a_district_with_funds_alone_shows_these_and_what_is_missing():
    pages = rendered(FUNDS_ONLY)
    text = pages["index.html"].text
    assert "尚无问题台账入库" in text and "尚无项目台账入库" in text
    assert "合计分配 361 万元，尚无下达记录。" in text
    assert "整改排名" not in text and "合成" not in text
    assert set(pages) == {"430511.html", "430511/funds.html", "430511/quality.html", "index.html"}


def test_the_index_is_the_district_that_has_a_ranking():
    pages = rendered(FUNDS_ONLY, SAMPLE)
    assert list(pages)[-1] == "index.html" and {"430511.html", "430902.html"} < set(pages)
    assert pages["index.html"].source == pages["430902.html"].source
    assert "430511.html" in pages["index.html"].attributes("a", "href")


def test_several_rankings_make_an_overview_with_links():
    index = rendered(SAMPLE, OTHER, FUNDS_ONLY)["index.html"]
    assert {"430902.html", "430903.html", "430511.html"} <= set(index.attributes("a", "href"))
    assert index.text.count("1 沙头镇 96.4%") == 2
    assert index.text.count("合成样例数据") == 1


def test_before_any_data_the_page_says_what_to_do():
    assert "收件箱" in rendered()["index.html"].text
    assert "已收到 3 份文件，均未能入库" in rendered(file_count=3)["index.html"].text


def test_where_every_district_is_withheld_nothing_is_said_of_files():
    text = rendered(is_withheld=True)["index.html"].text
    assert "没有可以显示的区县" in text and "台账" not in text


# ── a township ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_township_sees_its_open_problems_by_due_date():
    text = rendered(SAMPLE)[TOWNSHIP].text
    rows = ["张家塞-001 合兴村 住房安全 屋顶漏雨未修 龚新初 6月23日 超期 7 日 整改中", "张家塞-002 合兴村"]
    rows += ["6月30日 当日到期 退回反弹", "张家塞-003 — 住房安全 屋顶漏雨未修 龚新初 7月20日 还有 20 日 当日新增"]
    places = [text.index(row) for row in rows]
    assert places == sorted(places)
    assert "3 个，按整改时限排列" in text


def test_a_township_sees_where_it_stands_and_what_it_sent():
    text = rendered(SAMPLE)[TOWNSHIP].text
    assert "名次 4 / 4" in text and "上一工作日没有名次" in text
    assert "整改率 66.7% 整改到位 20 / 30 个 未整改 10 超期 0 退回反弹 1 最久 45 个工作日" in text
    assert "张家塞0630.xlsx 6月30日 部分退回 2 / 30 2020年6月30日 17:31" in text
    assert "2020年度资金：已拨付 90 万元，已支出 34.21 万元。" in text
    climbed = rendered(SAMPLE)["430902/430902104.html"].text
    assert "比6月29日上升 2 位" in climbed and "没有未整改的问题" in climbed
    assert "项目 5 个，开工率 60.0%。逾期未开工： 通组公路硬化 （51 日）。逾期未完工 2 个，最久的是 通组公路硬化 （10 日）。" in climbed


def test_without_the_texts_of_problems_the_list_has_no_columns_for_them():
    bare = {code: tuple(replace(one, description=None, leader_name=None) for one in found) for code, found in PROBLEMS.items()}
    page = rendered(replace(SAMPLE, problems=bare, sent_files=None))[TOWNSHIP]
    assert "编号 村（社区） 类别 整改时限 情况 张家塞-001 合兴村 住房安全 6月23日 超期 7 日 整改中" in page.text
    assert "近期报送" not in page.text


def test_a_due_date_of_another_year_names_it():
    late = {"430902203": (problem("张家塞-001", date(2021, 1, 8)),)}
    assert "2021年1月8日 还有 192 日" in rendered(replace(SAMPLE, problems=late))[TOWNSHIP].text


def test_the_departments_and_the_unranked_say_why_they_have_no_rank():
    pages = rendered(SAMPLE)
    assert "不属于任何乡镇的问题列在这里，计入合计，不参加排名。" in pages["430902/430902000.html"].text
    assert "本单位的问题计入合计，不参加排名。" in pages["430902/430902401.html"].text
    assert "列为“无任务”，不排名次" in pages["430902/430902102.html"].text
    for code in ("430902000", "430902401"):
        assert "名次走势" not in pages[f"430902/{code}.html"].text


# ── subjects ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_of_days_shows_the_newest_one_without_any_script():
    page = rendered(SAMPLE)["430902/days.html"]
    assert "2020年6月30日 星期二" in page.text and "浏览器没有启用脚本" in page.text
    assert "1 ▲2 沙头镇 96.4% 27 / 28 1 0 0 0 已报" in page.text
    assert "4 新 张家塞乡 66.7% 20 / 30 10 0 1 45 已报" in page.text
    assert "6月25日 端午 133" in page.text
    picker = next(attrs for tag, attrs in page.elements if tag == "input")
    assert (picker["min"], picker["max"], picker["value"]) == ("2020-06-24", "2020-06-30", "2020-06-30")
    assert "controls" in {attrs.get("id") for _, attrs in page.elements if "hidden" in attrs}


def test_issues_are_listed_newest_first_and_corrections_name_what_they_correct():
    page = rendered(SAMPLE)["430902/issues.html"]
    rows = ["日通报 2020年 · 3 期", "第3期 更正第1期 6月29日 星期一 在线阅读 Word Excel 数据清单 2020年6月30日 17:31"]
    rows += ["第2期 6月30日 星期二", "第1期 已由第3期更正 6月29日", "周调度 2020年 · 1 期", "第1期 6月22日至6月28日"]
    places = [page.text.index(row) for row in rows]
    assert places == sorted(places)
    downloads = [attrs["href"] for tag, attrs in page.elements if tag == "a" and "download" in attrs]
    assert len(downloads) == 12 and not any(href.endswith(".html") for href in downloads)


def test_the_page_of_funds_has_every_tier_and_stage_and_what_does_not_agree():
    text = rendered(SAMPLE)["430902/funds.html"].text
    assert "省级 801 237 29.6% 564 0 0.0% 0 0.0%" in text
    assert "合计 1,781 999 56.1% 782 0 0.0% 0 0.0%" in text
    assert "W03 没有。" in text and "W04 2020年省级资金：项目台账合计 240 万元，资金台账分配 237 万元 2020年6月30日" in text
    assert "2020年1月10日至2020年6月30日累计下达1,781、分配999、拨付0、支出0（万元）。" in text


def test_the_page_of_projects_says_what_is_late_and_by_how_much():
    text = rendered(SAMPLE)["430902/projects.html"].text
    assert "逾期未开工 1 个， 逾期未完工 2 个。" in text
    late = text[text.index("计划完工日期已过") :]
    assert late.index("通组公路硬化 ZY-1 · 基础设施 沙头镇 友谊村 2020年6月20日 未开工 10") < late.index("机耕路 ZY-3")
    assert "机耕路 ZY-3 · 基础设施 沙头镇 友谊村 2020年6月29日 80.0% 1" in late
    assert "基础设施 7 1 2 1 3 85.7% 健康 1 1 0 0 0 0.0%" in text
    assert "沙头镇 5 2 2 1 0 60.0% 新桥河镇 3 0 0 0 3 100.0%" in text
    assert "本周至6月30日 8 2 2 1 3 75.0% 6月28日 8 4 1 1 2 50.0%" in text
    assert "0%～25% 0 25%～50% 0 50%～75% 0 75%～100% 1 报100%未填完工 1 未填进度 0" in text


def test_the_page_of_quality_counts_by_unit_rule_and_day_and_says_what_it_is_not():
    page = rendered(SAMPLE)["430902/quality.html"]
    assert "操作失误" in page.text and "不影响名次" in page.text
    assert "共收到文件 10 份、数据 216 行，退回 3 行（1.4%）" in page.text
    assert "沙头镇 8 5 2 0 1 2 / 200 1.0% 第1督导组 2 1 0 1 0 1 / 16 6.3%" in page.text
    assert "R02 不是有效的日期 问题台账 2 3 2020年6月30日 17:31 S01 文件无法读取 整份文件 1 —" in page.text
    assert "2020年6月30日 9 6 2 0 1 3 / 216 1.4% 日期不明 1 0 0 1 0 0 / 0 —" in page.text
    # shown to the office and to both units, whoever gets the rest of their pages
    pages = rendered(replace(SAMPLE, district=replace(SAMPLE.district, audience="townships"), quality=None, sent_files=None))
    clash = "编号冲突 两个单位用了同一个编号，先报送的收下，后报送的退回 问题编号 沙-7 由沙头镇报送在先，张家塞乡也用它报送 2020年6月30日"
    both = {"430902/430902104.html", "430902/430902203.html"}
    assert clash in page.text and {name for name, one in pages.items() if clash in one.text} == both
    assert "430902-D1.html" not in page.attributes("a", "href")
    assert "6月30日 9 6 2 0 1 3 / 216 1.4%" in rendered(SAMPLE)["index.html"].text


def test_a_district_without_rejections_says_so():
    text = rendered(replace(SAMPLE, clashes=(), quality=replace(QUALITY, rules=())))["430902/quality.html"].text
    assert "没有退回的行" in text and "编号冲突" not in text


def test_any_part_may_be_empty():
    bare = replace(
        SAMPLE,
        problems={},
        projects=Projects((project(1, stage="accepted"),), None, ()),
        quality=replace(QUALITY, days=(), units=(), rules=(BrokenRule("S01", "", "x", 1, 0, SAMPLE.district.received_at),)),
        sent_files={},
        funds=Funds((fund_year(tier("中央", 0, 0)),), (), {}),
    )
    pages = rendered(bare)
    assert "没有逾期未完工的项目" in pages["430902/projects.html"].text
    assert "还没有收到文件" in pages[TOWNSHIP].text
    assert Decimal("0") == bare.funds.years[0].total.received_yuan


# ── colours ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    channels = [int(digits[start : start + 2], 16) / 255 for start in (0, 2, 4)]
    red, green, blue = (value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1, 2], ids=["light", "dark", "print"])
def test_every_text_can_be_read_on_its_ground(scheme):
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    colours = dict(re.findall(r"--([\w-]+): (#\w+);", re.findall(r":root \{(.*?)\}", style, re.DOTALL)[scheme]))
    pairs = [(text, "paper") for text in ("ink", "quiet", "red", "fill", "alert")] + [("ink", "wash"), ("quiet", "rest"), ("fill", "rest")]
    pairs += [("on-dark", "heat-1"), ("on-dark", "heat-2"), ("on-light", "heat-3"), ("on-light", "heat-4"), ("on-light", "heat-5")]
    for text, ground in pairs:
        lighter, darker = sorted((luminance(colours[text]), luminance(colours[ground])), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (text, ground)
