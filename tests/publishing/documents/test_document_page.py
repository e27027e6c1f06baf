"""The page of a document: complete, self-contained, accessible, and that nothing a sender wrote comes alive in it."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
from dataclasses import replace
from html import escape
from html.parser import HTMLParser

import pytest

from duban.publishing.documents.page import render_html
from tests.publishing.documents import sample
from tests.publishing.documents.reading import LEFT, RIGHT, TOP, pages

FILES = (("Word 文档（.docx）", "12.docx"), ("Excel 工作簿（.xlsx）", "a b/12.xlsx"))
VOID = {"meta", "br", "col"}
HOSTILE = [
    "<script>0</script>",
    '"><i title=x>',
    "' title='x",
    "javascript:0",
    "</style><style>*{display:none}",
    "{{7*7}}{% raw %}",
    "=1+1",
]


class Tree(HTMLParser):
    """Elements with their attributes and text; fails on anything that is not closed."""

    def __init__(self, page: str):
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append((self.open[-1] if self.open else "", data))

    def all(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag in tags]

    @property
    def text(self) -> str:
        return "".join(text for tag, text in self.texts if tag != "style")


@pytest.fixture(scope="module")
def page() -> str:
    return render_html(sample.BULLETIN, sample.SERIAL, files=FILES)


def test_it_is_one_complete_page(page):
    tree = Tree(page)
    assert page.startswith("<!doctype html>")
    assert tree.all("html") == [{"lang": "zh-CN"}]
    assert not tree.all("script", "link", "img", "iframe", "object", "form", "svg", "base")
    assert len(tree.all("h1")) == 1 and len(tree.all("main")) == 1 and len(tree.all("title")) == 1
    assert not [name for _, attributes in tree.elements for name in attributes if name == "style" or name.startswith("on")]
    assert not re.search(r"url\(|@import|https?:", page.replace("http://x.invalid", ""))


def test_the_policy_allows_the_style_and_nothing_else(page):
    [style] = re.findall("<style>(.*?)</style>", page, re.S)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    [policy] = [meta["content"] for meta in Tree(page).all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def test_the_head_and_foot_of_both_families(page):
    serial, statutory = Tree(page).text, Tree(render_html(sample.BULLETIN, sample.STATUTORY)).text
    for text in ("问题整改日通报", "第12期", "资阳区扶贫办编", "发送：", "合成样例数据，仅供演示", "2020年6月30日印发"):
        assert text in serial, text
    for text in ("资阳区扶贫办文件", "资扶办〔2020〕12号", "各乡镇人民政府、街道办事处，长春经济开发区管委会，区直各有关部门：", "抄送："):
        assert text in statutory, text
    assert "第12期" not in statutory and "发送：" not in statutory
    assert "合成" not in statutory


def test_the_content_keeps_its_structure(page):
    tree = Tree(page)
    assert [text for tag, text in tree.texts if tag in {"h2", "h3"}] == [
        "一、整改进度排名",
        "二、新发现和反弹问题",
        "（一）新发现问题",
        "（二）超期和反弹问题",
        "三、督导覆盖和报送情况",
        "四、下一步工作",
    ]
    assert len(tree.all("table")) == len(tree.all("caption")) == 2 and len(tree.all("li")) == 3
    assert all(cell.get("scope") in {"col", "row"} for cell in tree.all("th"))
    assert [region["aria-label"] for region in tree.all("div") if region.get("role") == "region"] == [
        "表1　各乡镇（街道）问题整改进度排名",
        "表2　新发现问题清单",
    ]
    assert all(region["tabindex"] == "0" for region in tree.all("div") if region.get("role") == "region")


def test_sections_keep_their_class():
    assert '<section class="correction">' in render_html('<section class="correction"><p>甲</p></section>', sample.SERIAL)


def test_widths_of_columns_stand_in_the_style(page):
    shares = [col["class"] for col in Tree(page).all("col")]
    assert shares[:3] == ["w8", "w19", "w11"]
    for share in shares:
        assert f".{share}{{width:{share[1:]}%}}" in page


def test_downloads_are_links_to_files_beside_it(page):
    assert [(link["href"], "download" in link) for link in Tree(page).all("a")] == [("12.docx", True), ("a b/12.xlsx", True)]
    assert not Tree(render_html(sample.BULLETIN, sample.SERIAL)).all("a", "nav")


@pytest.mark.parametrize("address", ["http://x.invalid/a", "javascript:0", "//x.invalid", "/x.html", "\\\\x\\y", "data:text/html,x"])
def test_an_address_that_is_not_relative_is_refused(address):
    with pytest.raises(ValueError, match="relative"):
        render_html("", sample.SERIAL, files=[("甲", address)])


def test_nothing_hostile_comes_alive():
    cells = "".join(f"<tr><td><bdi>{escape(text)}</bdi></td></tr>" for text in HOSTILE)
    fragment = f"<h2>{escape(HOSTILE[0])}</h2><table><caption>{escape(HOSTILE[1])}</caption><tbody>{cells}</tbody></table>"
    words = ("title", "issuer_name", "recipients", "copies_to", "data_label", "document_word")
    for text in HOSTILE:
        page = render_html(fragment, replace(sample.STATUTORY, **dict.fromkeys(words, text)), files=[(text, "x.docx")])
        tree = Tree(page)
        assert not tree.all("script", "img") and len(tree.all("style")) == 1
        assert not [name for _, attributes in tree.elements for name in attributes if name.startswith("on")]
        assert tree.text.count(text) >= len(words)
        assert all(shown in tree.text for shown in HOSTILE)


def test_what_turns_text_around_becomes_visible_in_the_head_too():
    page = render_html("<p>甲\u202e乙</p>", replace(sample.SERIAL, title="甲\u202e乙", data_label="\u2066丙"))
    assert "\u202e" not in page and "\u2066" not in page and page.count("甲\ufffd乙") == 3


def test_same_input_same_page(page):
    assert render_html(sample.BULLETIN, sample.SERIAL, files=FILES) == page


# ── in a browser ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def browser():
    chromium = shutil.which("chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if chromium is None:
        pytest.skip("chromium is not installed")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.mark.parametrize("width", [390, 768, 1280])
@pytest.mark.parametrize("head", [sample.SERIAL, sample.STATUTORY], ids=["serial", "statutory"])
def test_a_browser_shows_it_without_a_word_of_complaint(browser, tmp_path, head, width):
    path = tmp_path / "page.html"
    long = f"<p><bdi>{'X' * 300}</bdi></p>" + sample.problems_table([("编" * 40, "长" * 60, "W" * 300, "2020-07-03")] * 3)
    path.write_text(render_html(sample.BULLETIN + long, head, files=FILES), encoding="utf-8")
    shown = browser.new_page(viewport={"width": width, "height": 900})
    said: list[str] = []
    shown.on("console", lambda message: said.append(message.text))
    shown.on("request", lambda request: said.append(request.url) if request.url != path.as_uri() else None)
    shown.goto(path.as_uri())
    assert said == []
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    assert shown.evaluate("getComputedStyle(document.querySelector('.masthead')).color") == "rgb(200, 22, 29)"  # the style is in force
    assert shown.evaluate("getComputedStyle(document.querySelector('td.number')).textAlign") == "right"
    shown.close()


def test_it_prints_on_a4_inside_the_margins(browser, tmp_path):
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed")
    (tmp_path / "page.html").write_text(render_html(sample.BULLETIN, sample.SERIAL), encoding="utf-8")
    shown = browser.new_page()
    shown.goto((tmp_path / "page.html").as_uri())
    shown.pdf(path=tmp_path / "page.pdf", prefer_css_page_size=True)
    shown.close()
    printed = pages(tmp_path / "page.pdf")
    assert len(printed) > 1
    for number, page in enumerate(printed, start=1):
        assert (round(page.width), round(page.height)) == (210, 297)
        assert all(word.left >= LEFT - 0.5 and word.right <= RIGHT + 1 and word.middle >= TOP - 1 for word in page.body)
        assert "".join(word.text for word in page.number) == f"—{number}—"
