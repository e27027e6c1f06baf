"""The pages, rendered from hand-made figures: what they say, and that nothing a sender wrote comes alive."""

import base64
import hashlib
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from html.parser import HTMLParser

import pytest

from duban.publishing.site import figures as f
from duban.publishing.site import pages as rendering
from duban.publishing.site.pages import TEMPLATES, render_pages

DAY = date(2020, 6, 30)
READ_AT = datetime(2020, 6, 30, 9, 31, tzinfo=UTC)
BUILD = f.Build(datetime(2020, 6, 30, 9, 30, tzinfo=UTC), None)
HOSTILE = [
    "<script>alert(1)</script>",
    "{{7*7}}",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "https://evil.example/x",
    "</style><style>*{display:none}",
]
VOID = {"meta", "br", "hr", "img", "input", "link", "base"}


def line(name: str, rank: int | None, previous: int | None, assigned: int, rectified: int, **changes) -> f.RankingLine:
    return replace(
        f.RankingLine(
            township_code="430902104",
            township_name=name,
            is_ranked=True,
            is_office=False,
            rank=rank,
            previous_rank=previous,
            assigned_count=assigned,
            rectified_count=rectified,
            open_count=assigned - rectified,
            overdue_count=0,
            reopened_count=0,
            oldest_open_workdays=0,
            rectified_pct=f.half_up_pct(rectified, assigned),
            is_reported=True,
        ),
        **changes,
    )


def tier(name: str, received: int, allocated: int, disbursed: int = 0, spent: int = 0) -> f.FundTier:
    yuan = [Decimal(wan) * 10_000 for wan in (received, allocated, disbursed, spent)]
    return f.FundTier(name, *yuan, f.half_up_pct(yuan[1], yuan[0]), f.half_up_pct(yuan[3], yuan[0]))


LINES = (
    line("沙头镇", 1, 3, 28, 27),
    line("长春镇", 2, 2, 29, 26, is_reported=False, overdue_count=2),
    line("新桥河镇", 2, 1, 29, 26),
    line("张家塞乡", 4, None, 30, 20, oldest_open_workdays=45),
    line("迎风桥镇", None, None, 0, 0),
    line("长春经济开发区", None, None, 9, 7, is_ranked=False),
    line("区直部门", None, None, 8, 4, is_ranked=False, is_office=True, is_reported=False),
)
SAMPLE = f.DistrictFigures(
    district=f.District("430902", "资阳区", "合成样例数据", 9, READ_AT, DAY),
    ranking=f.Ranking(
        ranked_on=DAY,
        first_data_on=date(2020, 6, 22),
        previous_on=date(2020, 6, 29),
        is_working_day=True,
        rule_code="ZY-2020-R1",
        lines=LINES,
        total=f._total(LINES),
        history_days=(date(2020, 6, 29), DAY),
        histories=(f.RankHistory("沙头镇", (3, 1)), f.RankHistory("迎风桥镇", (None, None))),
    ),
    trend=(
        f.TrendDay(date(2020, 6, 29), True, None, 40, 133, 93),
        f.TrendDay(DAY, True, None, 23, 0, 17),
    ),
    fund_years=(f.FundYear(2020, DAY, (tier("中央", 838, 662), tier("省级", 801, 237), tier("市级", 142, 100))),),
    projects=f.Projects(
        5, 90, 35, 15, (f.WaitingProject("ZY-1", "通组公路硬化", "基础设施", "沙头镇", "友谊村", Decimal("431900.00"), date(2020, 5, 10)),)
    ),
    quality=f.Quality(
        days=(f.QualityDay(DAY, 6, 2, 0, 1, 216, 3), f.QualityDay(None, 0, 0, 1, 0, 0, 0)),
        rules=(f.BrokenRule("R02", "问题台账", "不是有效的日期", 2, 3), f.BrokenRule("S01", "", "文件无法读取", 1, 0)),
    ),
)
EMPTY_PARTS = {"ranking": None, "trend": (), "fund_years": (), "projects": f.Projects(0, 0, 0, 0, ()), "quality": f.Quality((), ())}
FUNDS_ONLY = f.DistrictFigures(
    **{
        **EMPTY_PARTS,
        "district": f.District("430511", "北塔区", None, 1, READ_AT, date(2019, 12, 31)),
        "fund_years": (f.FundYear(2020, date(2019, 12, 27), (tier("中央", 0, 361),)),),
    }
)


class Page(HTMLParser):
    """Elements, attributes and text of a page; fails on elements that are closed out of order."""

    def __init__(self, source: str):
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.style = ""
        self._open: list[str] = []
        self.feed(source)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open and self._open[-1] == "style":
            self.style += data
        else:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def attributes(self, tag: str, name: str) -> list[str]:
        return [attrs[name] for element, attrs in self.elements if element == tag and name in attrs]


def pages(*districts: f.DistrictFigures, file_count: int = 0) -> dict[str, Page]:
    rendered = render_pages(f.Figures(READ_AT, BUILD, file_count, districts))
    return {name: Page(source) for name, source in rendered.items()}


def hostile(text: str) -> f.DistrictFigures:
    """A district in which everything that can be somebody's text is ``text``."""
    lines = tuple(replace(one, township_name=text) for one in LINES)
    return replace(
        SAMPLE,
        district=replace(SAMPLE.district, district_name=text, data_label=text),
        ranking=replace(SAMPLE.ranking, lines=lines, histories=(f.RankHistory(text, (3, 1)),), rule_code=text),
        fund_years=(f.FundYear(2020, DAY, (tier(text, 10, 5), tier("市级", 10, 9))),),
        projects=f.Projects(1, 0, 0, 0, (f.WaitingProject(text, text, text, text, text, Decimal(1), None),)),
        quality=f.Quality(SAMPLE.quality.days, (f.BrokenRule(text, text, text, 1, 1),)),
    )


def test_after_a_failed_build_every_page_says_how_old_the_figures_are():
    other = replace(SAMPLE, district=replace(SAMPLE.district, district_code="430903"))
    failed = replace(BUILD, failed_at=datetime(2020, 6, 30, 23, 10, tzinfo=UTC))
    said = "2020年7月1日 07:10 的更新未成功，各项数字仍是 2020年6月30日 17:30 的"
    for build, is_said in ((BUILD, False), (failed, True)):
        for name, source in render_pages(f.Figures(READ_AT, build, 2, (SAMPLE, other))).items():
            assert (said in Page(source).text) == is_said, name


ALL_KINDS = {
    "district": lambda: pages(SAMPLE)["index.html"],
    "funds only": lambda: pages(FUNDS_ONLY)["index.html"],
    "overview": lambda: pages(SAMPLE, replace(SAMPLE, district=replace(SAMPLE.district, district_code="430903")))["index.html"],
    "empty": lambda: pages()["index.html"],
}


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_a_page_needs_nothing_but_itself(kind):
    page = ALL_KINDS[kind]()
    assert {tag for tag, _ in page.elements}.isdisjoint(
        {"script", "img", "link", "iframe", "object", "embed", "base", "form", "image", "use"}
    )
    for _, attrs in page.elements:
        assert not {name for name in attrs if name in {"src", "srcset", "style", "xlink:href", "action"} or name.startswith("on")}
    assert all(re.fullmatch(r"\d{6}\.html", href) for href in page.attributes("a", "href"))
    assert "url(" not in page.style and "@import" not in page.style and "http" not in page.style


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_the_policy_forbids_everything_but_the_style_sheet_of_the_page(kind):
    page = ALL_KINDS[kind]()
    policy = next(attrs["content"] for tag, attrs in page.elements if attrs.get("http-equiv") == "Content-Security-Policy")
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_sender_wrote_stays_text(text):
    page = pages(hostile(text))["430902.html"]
    plain = pages(hostile("平常"))["430902.html"]
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in plain.elements]
    assert page.text.count(text) == plain.text.count("平常") > 10
    assert page.attributes("a", "href") == []


@pytest.mark.parametrize("text", HOSTILE)
def test_a_link_goes_to_a_district_whatever_the_district_is_called(text):
    second = replace(SAMPLE, district=replace(SAMPLE.district, district_code="430903"))
    for page in pages(hostile(text), second).values():
        assert set(page.attributes("a", "href")) <= {"430902.html", "430903.html"}


def test_the_headline_says_the_figures_and_the_rates():
    text = pages(SAMPLE)["index.html"].text
    # 133 problems, 110 rectified; the sums of the lines, unranked units and departments included
    assert "问题整改率 82.7% 问题 133 整改到位 110 未整改 23" in text
    assert "项目开工率 96.6% 已开工 140 / 145 个" in text
    assert "2020年度 资金分配率 56.1% 已分配 999 / 1,781 万元" in text
    assert "合成样例数据" in text and "2020年6月30日 星期二" in text


def test_the_ranking_shows_shared_ranks_movement_and_who_is_not_ranked():
    text = pages(SAMPLE)["index.html"].text
    rows = ["1 ▲2 沙头镇 96.4% 27 / 28", "2 — 长春镇 未报 89.7% 26 / 29", "2 ▼1 新桥河镇 89.7%", "4 新 张家塞乡 66.7%"]
    rows += ["无任务 迎风桥镇 —", "不排名 长春经济开发区 77.8% 7 / 9", "不排名 区直部门 50.0% 4 / 8", "合计 82.7% 110 / 133"]
    places = [text.index(row) for row in rows]
    assert places == sorted(places)
    assert "当日未报，沿用上次数据" in text and "ZY-2020-R1" in text
    assert "先比整改率" in text


def test_on_the_first_day_nobody_is_called_new():
    first = replace(SAMPLE.ranking, lines=tuple(replace(one, previous_rank=None) for one in LINES))
    assert "1 沙头镇" in pages(replace(SAMPLE, ranking=first))["index.html"].text


def test_on_a_day_off_nobody_is_marked_as_not_having_reported():
    day_off = replace(SAMPLE.ranking, ranked_on=date(2020, 6, 27), is_working_day=False)
    text = pages(replace(SAMPLE, ranking=day_off))["index.html"].text
    assert "未报" not in text and "（休息日）" in text


def test_a_rule_without_an_explanation_is_named_all_the_same():
    text = pages(replace(SAMPLE, ranking=replace(SAMPLE.ranking, rule_code="ZY-2021-R2")))["index.html"].text
    assert "名次规则 ZY-2021-R2" in text and "先比整改率" not in text


def test_the_worst_tier_is_said_plainly():
    text = pages(SAMPLE)["index.html"].text
    assert "合计下达 1,781 万元，分配 999 万元（56.1%），未分配 782 万元。" in text
    assert "省级 资金分配率最低：下达 801 万元，分配 237 万元（29.6%），未分配 564 万元。" in text


def test_no_tier_is_called_the_worst_when_all_is_allocated():
    year = f.FundYear(2020, DAY, (tier("中央", 10, 10), tier("省级", 10, 12)))
    assert year.worst is None
    text = pages(replace(SAMPLE, fund_years=(year,)))["index.html"].text
    assert "最低" not in text and "分配超出下达 2 万元" in text


def test_the_worst_tier_is_found_by_the_exact_ratio():
    # both print 33.3 %; the second is the lower one
    year = f.FundYear(2020, DAY, (tier("中央", 3, 1), tier("省级", 10_000, 3_333)))
    assert year.worst.tier == "省级"


def test_projects_not_started_are_listed_by_name_and_place():
    text = pages(SAMPLE)["index.html"].text
    assert "已验收 15 已完工 35 在建 90 未开工 5" in text
    assert "通组公路硬化 ZY-1 · 基础设施 沙头镇 友谊村 43.19 2020年5月10日" in text


def test_files_and_rules_are_counted_under_data_quality():
    text = pages(SAMPLE)["index.html"].text
    assert "6月30日 6 2 0 1 3 / 216 日期不明 0 0 1 0 0 / 0" in text
    assert "R02 不是有效的日期 问题台账 2 3" in text
    assert "S01 文件无法读取 整份文件 1 —" in text


def test_how_fresh_the_data_is_can_be_read():
    text = pages(SAMPLE)["index.html"].text
    assert "排名日 2020年6月30日 星期二 最近填报日期 2020年6月30日 最近入库 2020年6月30日 17:31" in text
    assert "数据更新 2020年6月30日 17:30 页面生成 2020年6月30日 17:31" in text


def test_days_after_the_last_report_are_said_to_carry_its_data():
    late = replace(SAMPLE, district=replace(SAMPLE.district, report_on=date(2020, 6, 24)))
    assert "最近一次填报为 6月24日，其后沿用该日数据" in pages(late)["index.html"].text
    assert "其后沿用" not in pages(SAMPLE)["index.html"].text


def test_a_district_with_funds_alone_shows_these_and_what_is_missing():
    text = pages(FUNDS_ONLY)["index.html"].text
    assert "尚无问题台账入库" in text and "尚无项目台账入库" in text
    assert "合计分配 361 万元，尚无下达记录。" in text
    assert "整改排名" not in text and "合成" not in text


def test_the_index_is_the_district_that_has_a_ranking():
    rendered = render_pages(f.Figures(READ_AT, BUILD, 10, (FUNDS_ONLY, SAMPLE)))
    assert list(rendered) == ["430511.html", "430902.html", "index.html"]
    assert rendered["index.html"] == rendered["430902.html"]
    assert 'href="430511.html"' in rendered["index.html"]


def test_several_rankings_make_an_overview_with_links():
    second = replace(SAMPLE, district=replace(SAMPLE.district, district_code="430903", district_name="赫山区", data_label=None))
    index = pages(SAMPLE, second, FUNDS_ONLY)["index.html"]
    assert {"430902.html", "430903.html", "430511.html"} == set(index.attributes("a", "href"))
    assert index.text.count("1 沙头镇 96.4%") == 2
    assert index.text.count("合成样例数据") == 1


def test_before_any_data_the_page_says_what_to_do():
    assert "收件箱" in pages()["index.html"].text
    assert "已收到 3 份文件，均未能入库" in pages(file_count=3)["index.html"].text


def test_same_figures_same_bytes():
    assert render_pages(f.Figures(READ_AT, BUILD, 1, (SAMPLE,))) == render_pages(f.Figures(READ_AT, BUILD, 1, (SAMPLE,)))


def test_a_page_is_replaced_in_one_step_and_readable_by_all(tmp_path, monkeypatch):
    page = tmp_path / "index.html"
    rendering._replace_file(page, b"old")
    assert page.stat().st_mode & 0o777 == 0o644

    def lost(*_):
        raise OSError("disk full")

    with monkeypatch.context() as patched, pytest.raises(OSError, match="disk full"):
        patched.setattr(rendering.os, "fsync", lost)
        rendering._replace_file(page, b"new")
    assert page.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [page]


def test_every_table_names_its_columns_and_rows():
    page = pages(SAMPLE)["index.html"]
    scopes = page.attributes("th", "scope")
    assert len(scopes) == len([tag for tag, _ in page.elements if tag == "th"])
    assert {"col", "row"} == set(scopes)
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {name for _, attrs in page.elements for name in (attrs.get("aria-labelledby") or "").split()} <= set(ids)


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
    pairs = [(text, "paper") for text in ("ink", "quiet", "red", "fill", "alert")] + [("ink", "wash"), ("quiet", "rest")]
    pairs += [("on-dark", "heat-1"), ("on-dark", "heat-2"), ("on-light", "heat-3"), ("on-light", "heat-4"), ("on-light", "heat-5")]
    for text, ground in pairs:
        lighter, darker = sorted((luminance(colours[text]), luminance(colours[ground])), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (text, ground)
