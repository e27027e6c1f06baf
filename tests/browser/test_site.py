"""The site in a real browser: clicked through, by mouse and by keyboard, on a phone, on paper, in the dark and without scripts."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import unquote

import pytest

from duban import warehouse
from tests.publishing.site.made_up import HOSTILE, figures, hostile
from tests.publishing.site.made_up_issues import documents

ZIYANG = "430902"
MENU = ["实时排名", "逐日排名", "通报调度", "资金", "项目", "报送质量"]
PHONE = {"width": 390, "height": 844}
SHOWN_ROWS = """
Array.from(document.querySelectorAll("#rows tr"), (row) => Array.from(row.cells, (cell) => cell.innerText.replace(/\\s+/g, " ").trim()))
"""
# Every element with a text of its own whose colour is too near to what lies behind it (WCAG AA).
TOO_FAINT = """
() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = ([red, green, blue]) => {
    const [r, g, b] = [red, green, blue].map((value) => value / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const [red, green, blue, alpha = 1] = channels(getComputedStyle(at).backgroundColor);
      if (alpha > 0) return [red, green, blue];
    }
    return channels(getComputedStyle(document.body).backgroundColor);
  };
  const faint = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = Array.from(element.childNodes).some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    if (!own || !element.getClientRects().length) continue;
    const style = getComputedStyle(element);
    const isPicture = element.namespaceURI.endsWith("svg");
    const [first, second] = [luminance(channels(isPicture ? style.fill : style.color)), luminance(ground(element))];
    const ratio = (Math.max(first, second) + 0.05) / (Math.min(first, second) + 0.05);
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (isLarge ? 3 : 4.5)) faint.push(`${element.tagName} ${element.textContent.trim().slice(0, 20)} ${ratio.toFixed(2)}`);
  }
  return faint;
}
"""
# What an audit would find: things without a name, ids given twice, headings that skip a level.
UNNAMED = """
() => {
  const found = [];
  const named = (element) =>
    element.textContent.trim() || element.ariaLabel || document.getElementById(element.getAttribute("aria-labelledby") ?? "");
  for (const element of document.querySelectorAll("a, button, h1, h2, h3, [role=img]:not([hidden])")) {
    if (!named(element)) found.push(`no name: ${element.outerHTML.slice(0, 80)}`);
  }
  for (const input of document.querySelectorAll("input")) if (!input.labels.length) found.push(`no label: ${input.id}`);
  const ids = Array.from(document.querySelectorAll("[id]"), (element) => element.id);
  for (const id of new Set(ids)) if (ids.filter((other) => other === id).length > 1) found.push(`twice: ${id}`);
  let level = 0;
  for (const heading of document.querySelectorAll("h1, h2, h3")) {
    const own = Number(heading.tagName[1]);
    if (own > level + 1) found.push(`skips a level: ${heading.textContent}`);
    level = own;
  }
  if (document.documentElement.lang !== "zh-CN") found.push("no language");
  if (document.querySelectorAll("h1").length !== 1 || document.querySelectorAll("main").length !== 1) found.push("not one h1 and one main");
  for (const table of document.querySelectorAll("table")) {
    const rows = Array.from(table.rows, (row) => Array.from(row.cells).reduce((sum, cell) => sum + cell.colSpan, 0));
    if (new Set(rows).size > 1) found.push(`rows of different lengths: ${table.className} ${rows}`);
  }
  return found;
}
"""


def heading(page) -> str:
    return page.locator("h1").inner_text().strip()


def becomes(page, ask: Callable[[], str], expected: str) -> bool:
    """Whether a page answers so within five seconds: going to ``#…`` is over before the page has followed it."""
    end = time.monotonic() + 5
    while (answer := ask()) != expected and time.monotonic() < end:
        page.wait_for_timeout(50)
    return answer == expected


def shows_date(page, expected: str) -> bool:
    return becomes(page, page.locator("#date").inner_text, expected)


def go_to_day(site, page, day: object) -> None:
    """Follow a link to a day of the district and wait until its ranking is shown."""
    page.goto(site.address(f"{ZIYANG}/days.html#{day}"))
    assert becomes(page, page.locator("#day").input_value, str(day))


def focused(page) -> str:
    return page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()")


# ── every page ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("way", ["file", "http"])
def test_every_page_can_be_reached_by_links_and_none_complains(site, open_page, way):
    page = open_page(site.address("index.html", way))
    waiting, seen = [page.url], set()
    while waiting:
        address = waiting.pop()
        if address in seen:
            continue
        seen.add(address)
        page.goto(address)
        assert page.title() and heading(page)
        assert page.evaluate("window.violations") == [], address
        hrefs = page.eval_on_selector_all("a[href]:not([download])", "links => links.map(link => link.href.split('#')[0])")
        waiting += [href for href in hrefs if "/issues/" not in href]
    base = site.address("", way)
    assert sorted(unquote(address.removeprefix(base)) for address in seen) == site.pages and len(seen) > 15


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read_and_everything_has_a_name(site, open_page, scheme):
    page = open_page(site.address("index.html"), color_scheme=scheme)
    for name in site.pages:
        page.goto(site.address(name))
        assert page.evaluate(TOO_FAINT) == [], name
        assert page.evaluate(UNNAMED) == [], name
    dark = "rgb(18, 23, 28)"
    assert (page.evaluate("getComputedStyle(document.body).backgroundColor") == dark) == (scheme == "dark")


@pytest.mark.parametrize("width", [390, 320])
def test_no_page_is_wider_than_a_phone(site, open_page, width):
    page = open_page(site.address("index.html"), viewport={"width": width, "height": 844})
    for name in site.pages:
        page.goto(site.address(name))
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
    page.goto(site.address(f"{ZIYANG}.html"))
    heights = page.eval_on_selector_all(".menu a, .ranking .name a", "links => links.map(link => link.getBoundingClientRect().height)")
    assert len(heights) > 10 and min(heights) >= 24


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_sender_wrote_does_nothing(open_page, tmp_path, text):
    from duban.publishing.site.pages import render_pages

    for name, source in render_pages(figures(hostile(text))).items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(source, encoding="utf-8")
    page = open_page((tmp_path / "index.html").as_uri())
    for name in ("index.html", "430902/days.html#2020-06-25", "430902/430902203.html", "430902/projects.html", "430902/quality.html"):
        page.goto(f"{tmp_path.as_uri()}/{name}")
        assert page.evaluate("window.violations") == []
        assert page.locator("script").count() == (2 if "days" in name else 0)
    page.goto(f"{tmp_path.as_uri()}/430902/days.html#2020-06-25")
    assert page.locator("#off").evaluate("element => element.textContent") == text
    assert page.locator("#rows th").first.evaluate("element => element.textContent") == text


# ── clicking through ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("way", ["file", "http"])
def test_the_menu_leads_to_every_subject_and_back(site, open_page, way):
    page = open_page(site.address("430902.html", way))
    for title in MENU[1:]:
        page.locator(".menu").get_by_role("link", name=title, exact=True).click()
        assert heading(page) == title
        assert page.locator(".menu [aria-current=page]").inner_text() == title
    page.locator(".menu").get_by_role("link", name="实时排名").click()
    assert heading(page) == "资阳区"
    page.locator(".districts").get_by_role("link", name="北塔区").click()
    assert heading(page) == "北塔区"
    page.get_by_role("link", name="资金明细").click()
    assert heading(page) == "资金" and "多于下达 0 万元" in page.locator("main").inner_text()


def test_from_the_ranking_to_a_township_and_on_to_another(site, open_page):
    page = open_page(site.address("index.html"))
    page.locator(".ranking").get_by_role("link", name="新桥河镇").click()
    assert heading(page) == "新桥河镇"
    assert "其他不变，再销号 1 个（哪一个都可以），名次就不再低于茈湖口镇。" in page.locator(".why").inner_text()
    first = page.locator("table.open tbody tr").first.inner_text()
    assert "新桥河-037" in first and "超期 7 日" in first
    page.locator(".townships").get_by_role("link", name="沙头镇").click()
    assert heading(page) == "沙头镇" and page.locator("main").inner_text().count("没有未整改的问题") == 1
    page.go_back()
    page.get_by_role("link", name="按日期查看").click()
    assert heading(page) == "逐日排名"


def test_the_newest_issues_open_from_the_first_page(site, open_page):
    page = open_page(site.address("index.html"))
    assert page.locator(".issues li > a").all_inner_texts() == ["日通报 第6期", "周调度 第1期", "月调度 第1期", "全部期次"]
    page.get_by_role("link", name="日通报 第6期").click()
    assert heading(page) == "daily第6期"


def test_issues_are_read_and_downloaded(site, open_page):
    page = open_page(site.address(f"{ZIYANG}/issues.html", "http"))
    row = page.locator("tr", has_text="更正第5期").first
    expected = documents("daily第7期")
    for label, suffix in (("Word", ".docx"), ("Excel", ".xlsx"), ("数据清单", ".json")):
        with page.expect_download() as download:
            row.get_by_role("link", name=label).click()
        [content] = [content for name, content in expected.items() if name.endswith(suffix)]
        assert Path(download.value.path()).read_bytes() == content
    row.get_by_role("link", name="在线阅读").click()
    assert heading(page) == "daily第7期"


def test_every_file_of_every_issue_lies_where_its_link_says(site, open_page):
    page = open_page(site.address(f"{ZIYANG}/issues.html"))
    hrefs = page.eval_on_selector_all(".documents a", "links => links.map(link => link.href)")
    assert len(hrefs) == 9 * 4
    for href in hrefs:
        path = Path(unquote(href.removeprefix("file://")))
        assert path.is_file() and path.read_bytes() in documents(f"{path.parts[-4]}第{path.parts[-2]}期").values()


# ── a day of the past ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def days(site, open_page):
    return open_page(site.address(f"{ZIYANG}/days.html"))


def test_the_newest_day_is_shown_first_as_it_is_without_scripts(site, days, browser):
    assert shows_date(days, "2020年6月30日 星期二")
    plain = browser.new_context(java_script_enabled=False).new_page()
    plain.goto(site.address(f"{ZIYANG}/days.html"))
    texts = [[" ".join(text.split()) for text in page.locator("table.ranking tr").all_inner_texts()] for page in (days, plain)]
    assert texts[0] == texts[1] and len(texts[0]) == 12
    plain.context.close()


def test_every_day_is_shown_as_the_warehouse_has_it(site, days):
    with warehouse.connect(site.office.settings) as conn:
        day = date(2020, 6, 22)
        while day <= date(2020, 6, 30):
            go_to_day(site, days, day)
            expected = conn.execute(
                """select coalesce(rank::text, case when is_ranked then '无任务' else '不排名' end), township_name,
                          coalesce(rectified_pct || '%%', '—'), rectified_count || ' / ' || assigned_count,
                          open_count::text, overdue_count::text, reopened_count::text, oldest_open_workdays::text,
                          case when township_code = %s then '' when is_reported then '已报' when is_working_day then '未报' else '' end
                   from marts.rpt_township_ranking join marts.dim_dates on date_on = ranked_on
                   where district_code = %s and ranked_on = %s
                   order by township_code = %s, is_ranked desc, rank nulls last, display_order""",
                [f"{ZIYANG}000", ZIYANG, day, f"{ZIYANG}000"],
            ).fetchall()
            shown = days.evaluate(SHOWN_ROWS)
            assert [[row[0].split()[0], *row[1:]] for row in shown] == [list(row) for row in expected], day
            assigned, rectified = conn.execute(
                "select sum(assigned_count), sum(rectified_count) from marts.fct_township_days where district_code = %s and day_on = %s",
                [ZIYANG, day],
            ).fetchone()
            total = days.locator("#total").inner_text()
            assert f"{rectified} / {assigned}" in " ".join(total.split()), day
            day += timedelta(days=1)


def test_movement_is_against_the_working_day_before(site, days):
    ranks = {}
    for day in ("2020-06-24", "2020-06-28"):
        go_to_day(site, days, day)
        ranks[day] = {row[1]: row[0].split() for row in days.evaluate(SHOWN_ROWS)}
    assert days.locator("#compared").inner_text() == "升降与 6月24日（上一工作日）相比"
    moved = 0
    for name, (rank, *mark) in ranks["2020-06-28"].items():
        if not mark:
            assert rank == "不排名"
            continue
        climbed = int(ranks["2020-06-24"][name][0]) - int(rank)
        assert mark == [f"▲{climbed}" if climbed > 0 else f"▼{-climbed}" if climbed < 0 else "—"], name
        moved += climbed != 0
    assert moved > 2
    go_to_day(site, days, "2020-06-22")
    assert days.locator("#compared").inner_text() == "" and days.locator(".move:visible").count() == 0


def test_a_date_can_be_typed(days):
    days.locator("#day").fill("2020-06-24")
    assert shows_date(days, "2020年6月24日 星期三") and days.url.endswith("#2020-06-24")
    days.locator("#day").fill("2020-07-05")
    assert shows_date(days, "2020年6月24日 星期三")
    assert days.locator("#missing").inner_text() == "请选择 6月22日至6月30日之间的日期"
    days.locator("#day").fill("2020-06-23")
    assert shows_date(days, "2020年6月23日 星期二") and days.locator("#missing").inner_text() == ""


def test_buttons_go_from_working_day_to_working_day(days):
    seen = []
    for _ in range(8):
        seen.append(days.locator("#day").input_value())
        days.get_by_role("button", name="上一工作日").click(force=True)  # also where it is said to be disabled
    assert seen == [f"2020-06-{day}" for day in (30, 29, 28, 24, 23, 22, 22, 22)]
    assert days.locator("#earlier").get_attribute("aria-disabled") == "true"
    assert days.locator("#later").get_attribute("aria-disabled") == "false"
    for _ in range(3):
        days.get_by_role("button", name="下一工作日").click()
    assert days.locator("#day").input_value() == "2020-06-28"


def test_a_day_off_is_marked_and_nobody_is_called_late_on_it(site, days):
    go_to_day(site, days, "2020-06-25")
    assert shows_date(days, "2020年6月25日 星期四") and days.locator("#off").inner_text() == "端午"
    assert {row[-1] for row in days.evaluate(SHOWN_ROWS)} == {""}
    assert days.locator(".calendar td.off").count() == 3
    days.get_by_role("button", name="上一工作日").click()
    assert shows_date(days, "2020年6月24日 星期三") and not days.locator("#off").is_visible()


def test_a_link_to_a_day_shows_it_and_the_way_back_works(site, days):
    days.locator("table.days").get_by_role("link", name="6月23日").click()
    assert shows_date(days, "2020年6月23日 星期二")
    days.get_by_role("button", name="下一工作日").click()
    assert shows_date(days, "2020年6月24日 星期三")
    days.go_back()
    assert shows_date(days, "2020年6月23日 星期二") and days.locator("#day").input_value() == "2020-06-23"
    days.goto(site.address(f"{ZIYANG}/days.html#2019-01-01"))
    assert shows_date(days, "2020年6月30日 星期二") and "没有这一天的排名" in days.locator("#missing").inner_text()


def test_the_calendar_is_walked_with_the_arrow_keys(days):
    days.locator(".calendar a[aria-current=date]").focus()
    for key, expected in (
        ("ArrowLeft", "29"),
        ("ArrowUp", "22"),
        ("ArrowRight", "23"),
        ("ArrowDown", "30"),
        ("PageUp", "22"),
        ("PageDown", "30"),
    ):
        days.keyboard.press(key)
        assert focused(days) == expected, key
        assert days.locator("#day").input_value() == f"2020-06-{expected}"
    assert days.locator(".calendar a[tabindex='0']").count() == 1
    assert days.locator(".calendar a[aria-current]").get_attribute("aria-label") == "6月30日 星期二"
    days.locator(".calendar").get_by_role("link", name="6月25日 星期四 端午").click()
    assert shows_date(days, "2020年6月25日 星期四")


def test_going_past_the_menu_keeps_the_day(days):
    days.locator("#day").fill("2020-06-24")
    days.evaluate("document.activeElement.blur()")
    days.locator(".skip").focus()
    days.keyboard.press("Enter")
    assert shows_date(days, "2020年6月24日 星期三")


def test_a_day_works_on_a_phone(site, open_page):
    page = open_page(site.address(f"{ZIYANG}/days.html#2020-06-24"), viewport=PHONE, has_touch=True)
    page.get_by_role("button", name="下一工作日").tap()
    assert shows_date(page, "2020年6月28日 星期日")
    page.locator(".calendar").get_by_role("link", name="6月26日").tap()
    assert shows_date(page, "2020年6月26日 星期五") and page.locator("#off").inner_text() == "端午"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_without_scripts_the_newest_day_is_there_with_a_way_on(site, open_page):
    page = open_page(site.address(f"{ZIYANG}/days.html#2020-06-24"), java_script_enabled=False)
    assert page.locator("#date").inner_text() == "2020年6月30日 星期二" and not page.locator("#controls").is_visible()
    assert page.locator("#rows tr").count() == 10
    page.get_by_role("link", name="回到实时排名").click()
    assert heading(page) == "资阳区"


# ── keyboard, paper ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["430902.html", "430902/days.html", "430902/issues.html"])
def test_the_keyboard_reaches_everything_and_its_place_can_be_seen(site, open_page, name):
    page = open_page(site.address(name))
    page.keyboard.press("Tab")
    assert focused(page) == "跳到正文"
    assert page.locator(".skip").bounding_box()["y"] >= 0
    reached = set()
    reachable = page.locator("a[href]:visible:not([tabindex='-1']), button:visible, input:visible").count()
    for _ in range(reachable + 6):
        style = page.evaluate(
            """() => { const style = getComputedStyle(document.activeElement);
                       return [style.outlineStyle, parseFloat(style.outlineWidth), document.activeElement.outerHTML]; }"""
        )
        if "<body" in style[2]:
            break
        assert style[0] != "none" and style[1] >= 2, style
        reached.add(style[2])
        page.keyboard.press("Tab")
    assert len(reached) >= reachable - 1  # two links may look alike
    page.goto(site.address(name))
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


@pytest.mark.parametrize(
    ("name", "most", "words"),
    [
        ("430902.html", 5, ["86.8%", "整改排名", "未整改走势", "数据时效"]),
        ("430902/430902107.html", 3, ["新桥河-037", "为什么是这个名次", "名次走势"]),
        ("430902/days.html#2020-06-24", 3, ["2020年6月24日", "沙头镇"]),
        ("430902/projects.html", 6, ["逾期未完工", "按乡镇"]),
    ],
)
def test_on_paper_a_page_is_a4_complete_and_without_what_only_screens_need(site, open_page, tmp_path, name, most, words):
    if not shutil.which("pdftotext"):
        pytest.skip("no pdftotext on this machine (apt-get install poppler-utils)")
    page = open_page(site.address(name), color_scheme="dark")
    pdf = tmp_path / "page.pdf"
    page.pdf(path=pdf, prefer_css_page_size=True)
    about = subprocess.run(["pdfinfo", pdf], capture_output=True, text=True, check=True).stdout
    assert "A4" in about and 1 <= int(re.search(r"Pages:\s+(\d+)", about)[1]) <= most
    text = subprocess.run(["pdftotext", "-layout", pdf, "-"], capture_output=True, text=True, check=True).stdout
    for word in words:
        assert word in text, word
    assert "跳到正文" not in text and "通报调度" not in text and "上一工作日 " not in text.replace("（上一工作日）", "")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
