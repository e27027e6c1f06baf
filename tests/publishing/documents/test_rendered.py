"""The .docx and .xlsx as LibreOffice prints them, page by page: size, type area, page numbers, headers of long tables, the foot."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace

import pytest

from duban.publishing.documents.official import render_docx
from duban.publishing.documents.workbook import render_xlsx
from tests.publishing.documents import sample
from tests.publishing.documents.reading import BOTTOM, LEFT, RIGHT, TOP, Page, pages

MISSING = [program for program in ("soffice", "pdftotext") if shutil.which(program) is None]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")

LONG_TABLE = sample.ranking_table(sample.TOWNSHIPS * 15)  # 210 rows
LONG_PROBLEMS = sample.problems_table(
    [(f"长春-{n:03}", "长春镇", "屋面漏雨、后墙开裂，" * (n % 30) + "A" * (n % 90), "2020-07-03") for n in range(200)]
)
WIDE_TABLE = (
    "<table><caption>十列</caption><thead><tr>"
    + "".join(f"<th>第{n}项指标名称（万元）</th>" for n in range(10))
    + "</tr></thead><tbody><tr>"
    + f"<td><bdi>{'W' * 120}</bdi></td><td><bdi>{'长' * 200}</bdi></td>"
    + '<td class="number"><data value="123456789.00" data-figure="a.b" data-unit="yuan">12,345.68</data></td>' * 8
    + "</tr></tbody></table>"
)
CORRECTION = f'<section class="correction"><h2>更正说明</h2><p>{"更正" * 60}</p>{sample.ranking_table()}</section>'
#: Every number of lines on the last page, so that the foot meets all of them.
ENDINGS = {f"ending{count}": "<p>督办</p>" * count for count in range(1, 24)}


@pytest.fixture(scope="module")
def printed(tmp_path_factory) -> dict[str, list[Page]]:
    """Every document of this module, printed in one go."""
    folder = tmp_path_factory.mktemp("printed")
    written = {
        "serial": (sample.BULLETIN, sample.SERIAL),
        "statutory": (sample.BULLETIN, sample.STATUTORY),
        "long": (LONG_TABLE + LONG_PROBLEMS, sample.SERIAL),
        "wide": (f"{WIDE_TABLE}<p>{'X' * 300}</p><p>{'很长' * 2000}</p>", sample.STATUTORY),
        "correction": (CORRECTION + sample.BULLETIN, sample.SERIAL),
        "hostile": (
            sample.BULLETIN,
            replace(sample.STATUTORY, issuer_name="办" * 40, title="题" * 90, recipients="各" * 200, copies_to="抄" * 300),
        ),
        **{name: (fragment, sample.STATUTORY) for name, fragment in ENDINGS.items()},
    }
    for name, (fragment, head) in written.items():
        (folder / f"{name}.docx").write_bytes(render_docx(fragment, head))
    (folder / "workbook.xlsx").write_bytes(render_xlsx(sample.BULLETIN + LONG_PROBLEMS, sample.SERIAL, sample.DETAILS))
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    command = ["soffice", profile, "--headless", "--convert-to", "pdf", "--outdir", str(folder)]
    subprocess.run([*command, *map(str, sorted(folder.glob("*.*x")))], capture_output=True, check=True, timeout=300)
    return {path.stem: pages(path) for path in folder.glob("*.pdf")}


DOCUMENTS = ("serial", "statutory", "long", "wide", "correction", "hostile", *ENDINGS)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_page_is_a4_and_everything_lies_inside_the_type_area(printed, name):
    assert printed[name]
    for page in printed[name]:
        assert (page.width, page.height) == (pytest.approx(210, abs=0.3), pytest.approx(297, abs=0.3))
        for word in page.body:
            assert word.left >= LEFT - 0.5 and word.right <= RIGHT + 1.5, word  # a mark at the end of a line may hang
            assert TOP - 1 <= word.middle <= BOTTOM, word


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_page_has_its_number_on_its_outer_side(printed, name):
    for number, page in enumerate(printed[name], start=1):
        assert "".join(word.text for word in page.number) == f"—{number}—"
        assert all(word.middle == pytest.approx(BOTTOM + 7, abs=1.5) for word in page.number)
        if number % 2:
            assert max(word.right for word in page.number) == pytest.approx(RIGHT - 5, abs=1)
        else:
            assert min(word.left for word in page.number) == pytest.approx(LEFT + 5, abs=1)


def test_a_full_page_has_22_lines_of_28_characters(printed):
    page = printed["wide"][5]
    lines = sorted({round(word.middle, 0) for word in page.body})
    assert len(lines) == 22
    counts = [sum(len(word.text) for word in page.body if round(word.middle, 0) == line) for line in lines]
    assert set(counts) == {28}


def test_the_header_of_a_long_table_stands_on_every_page(printed):
    texts = [page.text for page in printed["long"]]
    ranking = ["名次" in text and "整改率" in text for text in texts]
    problems = ["问题编号" in text and "整改时限" in text for text in texts]
    assert sum(ranking) >= 5 and sum(problems) >= 20
    assert all(one or other for one, other in zip(ranking, problems, strict=True))
    assert sum(text.count("衡龙桥镇") for text in texts) == 15


def test_everything_that_is_written_is_printed(printed):
    assert printed["wide"] and sum(page.text.count("W") for page in printed["wide"]) == 120
    assert sum(page.text.count("X") for page in printed["wide"]) == 300
    assert sum(page.text.count("很") for page in printed["wide"]) == 2000
    assert sum(page.text.count("12,345.68") for page in printed["wide"]) == 8


@pytest.mark.parametrize("name", ["serial", "statutory", "hostile", *ENDINGS])
def test_the_colophon_is_the_last_thing_on_the_last_page(printed, name):
    words = printed[name][-1].body
    top = min(word.middle for word in words if word.text.startswith(("抄送：", "发送：")))
    colophon = [word for word in words if word.middle >= top - 1]
    assert re.search(r"2020年6月30日印发$", "".join(word.text for word in colophon))
    assert max(word.middle for word in colophon) == pytest.approx(BOTTOM - 4.5, abs=1.5)
    others = [word.middle for word in words if word.middle < top - 1]
    assert all(middle < top - 4 for middle in others)


def test_the_head_of_a_statutory_document_has_its_distances(printed):
    [first, *_] = printed["statutory"]
    masthead = next(word for word in first.words if word.text.startswith("资阳区扶贫办文件"))
    number = next(word for word in first.words if "资扶办" in word.text)
    assert 60 < masthead.middle < 95
    assert abs((masthead.left + masthead.right) / 2 - (LEFT + RIGHT) / 2) < 2
    assert number.middle > masthead.middle + 20


def test_signature_and_date_stay_together(printed):
    for name in ("statutory", "hostile", *ENDINGS):
        texts = [page.text for page in printed[name]]
        issuer = "办" * 20 if name == "hostile" else "资阳区扶贫办2020年6月30日"
        assert sum(issuer in text and "2020年6月30日" in text for text in texts) >= 1, name


def test_made_up_figures_say_so_on_every_page(printed):
    for name in ("serial", "long", "workbook"):
        assert all("合成样例数据，仅供演示" in page.text for page in printed[name]), name
    assert not any("合成" in page.text for page in printed["statutory"])


def test_the_workbook_prints_on_a4_with_its_pages_numbered(printed):
    found = printed["workbook"]
    for number, page in enumerate(found, start=1):
        assert sorted((round(page.width), round(page.height))) == [210, 297]
        assert f"第{number}页共{len(found)}页" in page.text
        assert all(word.left > 5 and word.right < page.width - 5 for word in page.words)
    assert sum("整改时限" in page.text for page in found) >= 4
