"""The site of the sample district: figures as in the marts, issues byte for byte, and nothing for whom it is not meant."""

from __future__ import annotations

import json
import posixpath
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

import psycopg
import pytest

from duban import warehouse
from duban.publishing.audience import WHO_GETS, Audience, Part, gets
from duban.publishing.site.figures import read_figures
from duban.publishing.site.pages import render_site
from duban.text.display import half_up_pct
from tests.conftest import Office, Server, open_office
from tests.publishing.site.made_up_issues import documents, insert_issue, insert_six_days

ZIYANG, BEITA = "430902", "430511"
LAST_DAY = date(2020, 6, 30)
TABLE_ROW = re.compile(r"<tr[^>]*>(.*?)</tr>", re.DOTALL)


@pytest.fixture(scope="module")
def office(server: Server, sample_office: Office, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A copy of the sample district with nine issues. Tests change the audience, add issues, and render."""
    name = sample_office.settings.warehouse_uri.rsplit("/", 1)[1]
    with open_office(server, tmp_path_factory.mktemp("site") / "home", template=name) as copy:
        with warehouse.connect(copy.settings) as conn, conn.transaction():
            insert_six_days(conn)
        yield copy


@pytest.fixture
def conn(office: Office) -> Iterator[psycopg.Connection]:
    """A connection, with everything open to the office and no site yet."""
    with warehouse.connect(office.settings) as connection:
        connection.execute("update raw.districts set audience = 'internal'")
        shutil.rmtree(office.settings.outbox / "site", ignore_errors=True)
        yield connection


def render(conn: psycopg.Connection, office: Office) -> Path:
    """The folder of the site, rendered anew."""
    render_site(conn, office.settings.outbox)
    return office.settings.outbox / "site"


def show_to(conn: psycopg.Connection, audience: str, district: str = ZIYANG) -> None:
    conn.execute("update raw.districts set audience = %s where district_code = %s", [audience, district])


def rows_of(page: Path, table_class: str) -> list[list[str]]:
    """The texts of the cells of the body of a table."""
    table = re.search(rf'<table class="[^"]*{table_class}[^"]*".*?</table>', page.read_text(encoding="utf-8"), re.DOTALL)[0]
    body = table[table.index("<tbody") :]
    return [_texts(row) for row in TABLE_ROW.findall(body)]


def _texts(row: str) -> list[str]:
    cells = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in cells]


def state(site: Path) -> dict[str, tuple[int, bytes]]:
    """Time and bytes of every file."""
    return {str(path.relative_to(site)): (path.stat().st_mtime_ns, path.read_bytes()) for path in site.rglob("*") if path.is_file()}


# ── what the pages say ───────────────────────────────────────────────────────────────────────────────────────────────


def test_the_open_list_of_a_township_is_as_long_as_its_open_count(conn, office):
    site = render(conn, office)
    counts = conn.execute(
        "select township_code, open_count, overdue_count from marts.rpt_township_ranking where district_code = %s and ranked_on = %s",
        [ZIYANG, LAST_DAY],
    ).fetchall()
    assert sum(count for _, count, _ in counts) == 36 and len(counts) == 10
    for code, open_count, overdue_count in counts:
        page = site / ZIYANG / f"{code}.html"
        rows = rows_of(page, "open") if open_count else []
        assert len(rows) == open_count, code
        assert sum("超期" in row[-1] for row in rows) == overdue_count, code
        numbers = [row[0] for row in rows]
        due = conn.execute("select problem_no from marts.fct_problems where problem_no = any(%s) order by due_on, problem_no", [numbers])
        assert numbers == [number for (number,) in due.fetchall()], code


def test_reasons_are_those_of_the_warehouse(conn, office):
    site = render(conn, office)
    names = dict(conn.execute("select township_code, township_name from marts.dim_townships").fetchall())
    reasons = conn.execute(
        """select township_code, ahead_township_code, own_numerator::integer, own_denominator::integer, closures_needed_count
           from marts.rpt_rank_reasons where district_code = %s and ranked_on = %s""",
        [ZIYANG, LAST_DAY],
    ).fetchall()
    assert len(reasons) == 8
    needed_on_main = {row[1].split()[0]: row[-1] for row in rows_of(site / f"{ZIYANG}.html", "ranking") if len(row) == 9}
    for code, ahead, numerator, denominator, needed in reasons:
        page = (site / ZIYANG / f"{code}.html").read_text(encoding="utf-8")
        if ahead is None:
            assert "前面没有别的单位。" in page and needed_on_main[names[code]] == "—"
            continue
        assert f"差在整改率：本单位 {numerator} / {denominator}（{half_up_pct(numerator, denominator)}%）" in page
        assert f"名次就不再低于{names[ahead]}。" in page and f" {needed} 个" in page
        assert needed_on_main[names[code]] == str(needed)


def test_every_day_of_the_campaign_is_that_of_the_ranking(conn, office):
    page = (render(conn, office) / ZIYANG / "days.html").read_text(encoding="utf-8")
    data = json.loads(re.search(r'<script type="application/json" id="days">(.*?)</script>', page)[1])
    codes = [code for code, _, _ in data["units"]]
    compared = 0
    for day, is_working_day, holiday, tenths, figures in data["days"]:
        expected = {
            code: (rank, None if pct is None else int(pct * 10), *counts, int(is_reported))
            for code, rank, pct, *counts, is_reported in conn.execute(
                """select township_code, rank, rectified_pct, assigned_count, rectified_count, overdue_count, reopened_count,
                          oldest_open_workdays, is_reported
                   from marts.rpt_township_ranking where district_code = %s and ranked_on = %s""",
                [ZIYANG, day],
            )
        }
        assert {code: tuple(of_unit) for code, of_unit in zip(codes, figures, strict=True)} == expected, day
        calendar = conn.execute("select is_working_day, holiday_name from marts.dim_dates where date_on = %s", [day]).fetchone()
        assert (bool(is_working_day), holiday) == calendar
        assert tenths == half_up_pct(sum(f[3] for f in figures), sum(f[2] for f in figures)) * 10
        compared += 1
    assert compared == 9 and data["days"][-1][0] == "2020-06-30" and data["days"][0][0] == "2020-06-22"


def test_projects_funds_and_quality_are_those_of_the_marts(conn, office):
    site = render(conn, office) / ZIYANG
    by_category = {row[0]: [int(number) for number in row[2:7]] for row in rows_of(site / "projects.html", "stages")}
    expected = {
        category: counts
        for category, *counts in conn.execute(
            """select category, count(*), count(*) filter (where stage = 'not_started'), count(*) filter (where stage = 'started'),
                      count(*) filter (where stage = 'finished'), count(*) filter (where stage = 'accepted')
               from marts.fct_projects where district_code = %s group by category""",
            [ZIYANG],
        )
    }
    assert by_category == expected and sum(counts[0] for counts in expected.values()) == 145
    late = conn.execute(
        """select project_name, %s - planned_finish_on from marts.fct_projects
           where district_code = %s and stage in ('not_started', 'started') and planned_finish_on < %s""",
        [LAST_DAY, ZIYANG, LAST_DAY],
    ).fetchall()
    pages = (site / "projects.html").read_text(encoding="utf-8")
    shown = [_texts(row) for row in TABLE_ROW.findall(pages[pages.index('aria-labelledby="finish-late"') :])][1:]
    assert Counter((row[0].split()[0], int(row[-1])) for row in shown) == Counter(late) and len(late) > 10
    assert rows_of(site / "funds.html", "funds")[1][:5] == ["省级", "801", "237", "29.6%", "564"]
    units = {row[0]: row[6] for row in rows_of(site / "quality.html", "files")}
    counts = conn.execute(
        """select unit_name, sum(rejected_count), sum(accepted_count + rejected_count), sum(ignored_count)
           from ops.submissions join raw.units using (unit_code) where submissions.district_code = %s group by unit_name""",
        [ZIYANG],
    ).fetchall()
    # totals, notes and what a slip leaves aside are no base: a slip sent back must not make its sender look better
    assert units == {name: f"{rejected} / {judged}" for name, rejected, judged, _ in counts} and len(units) > 9
    rates = {row[0]: row[7] for row in rows_of(site / "quality.html", "files")}
    assert rates == {name: _rate(rejected, judged) for name, rejected, judged, _ in counts}
    assert any(_rate(rejected, judged) != _rate(rejected, judged + ignored) for _, rejected, judged, ignored in counts)


def _rate(part: int, base: int) -> str:
    return f"{(Decimal(100 * part) / base).quantize(Decimal('0.1'), ROUND_HALF_UP)}%" if base else "—"


def test_what_does_not_agree_about_funds_is_shown(conn, office):
    assert "2020年中央资金分配 361 万元，多于下达 0 万元" in (render(conn, office) / BEITA / "funds.html").read_text(encoding="utf-8")


class _Links(HTMLParser):
    def __init__(self, source: str):
        super().__init__()
        self.hrefs: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        if tag == "a":
            self.hrefs.append(dict(attrs)["href"])


def test_every_link_leads_to_a_file(conn, office):
    site = render(conn, office)
    reached = set()
    for page in [*site.glob("*.html"), *site.glob("*/*.html")]:
        for href in _Links(page.read_text(encoding="utf-8")).hrefs:
            if not href.startswith("#"):
                target = posixpath.normpath(PurePosixPath(page.relative_to(site)).parent / unquote(href).partition("#")[0])
                assert (site / target).is_file(), (page.name, href)
                reached.add(target)
    assert reached == set(state(site)) - {"index.html"}


def test_a_district_costs_the_same_number_of_queries_however_many_townships_it_has(conn, office, monkeypatch):
    asked = Counter()
    execute = psycopg.Cursor.execute

    def counted(self, query, *args, **kwargs):
        asked[str(query)] += 1
        return execute(self, query, *args, **kwargs)

    monkeypatch.setattr(psycopg.Cursor, "execute", counted)
    figures = read_figures(conn)
    districts = len(figures.districts)
    assert districts == 2 and len(figures.districts[1].ranking.lines) == 10
    assert len(asked) > 10 and max(asked.values()) <= districts


# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_issues_are_copied_byte_for_byte(conn, office):
    site = render(conn, office)
    kept = {
        f"{district}/issues/{series}/{year}/{number}/{name}": content
        for district, series, year, number, name, content in conn.execute(
            """select district_code, series, issue_year, issue_no, file_name, content
               from published.documents join published.publications using (publication_id)"""
        )
    }
    copies = {name: content for name, (_, content) in state(site).items() if "/issues/" in name}
    assert copies == kept and len(kept) >= 36


def test_rendering_again_rewrites_only_first_pages(conn, office):
    site = render(conn, office)
    before = state(site)
    after = state(render(conn, office))
    assert set(before) == set(after)
    assert {name for name in before if before[name] != after[name]} == {f"{BEITA}.html", f"{ZIYANG}.html", "index.html"}


def test_a_lost_or_changed_copy_is_restored_and_a_strange_file_beside_it_stays(conn, office):
    site = render(conn, office)
    folder = site / ZIYANG / "issues" / "daily" / "2020" / "3"
    before = state(folder)
    [page] = folder.glob("*.html")
    [sheet] = folder.glob("*.xlsx")
    page.write_bytes(page.read_bytes()[:-1] + b"!")
    sheet.unlink()
    (folder / "笔记.txt").write_text("x")
    after = state(folder if render(conn, office) else folder)
    assert after.pop("笔记.txt")[1] == b"x"
    assert after == before


def test_a_new_issue_is_there_and_the_others_stay_as_they_are(conn, office):
    site = render(conn, office)
    before = state(site)
    insert_issue(conn, 8, LAST_DAY, corrects=6)
    after = state(render(conn, office))
    assert {name for name in after if name not in before} == {f"{ZIYANG}/issues/daily/2020/8/{name}" for name in documents("daily第8期")}
    assert all(after[name] == before[name] for name in before if "/issues/" in name)
    text = " ".join(" ".join(row) for row in rows_of(site / ZIYANG / "issues.html", "issue-list"))
    assert "第8期 更正第6期" in text and "第6期 已由第8期更正" in text


def test_a_page_of_a_unit_that_is_gone_goes_too(conn, office):
    site = render(conn, office)
    (site / ZIYANG / "430902999.html").write_text("x")
    (site / "430999.html").write_text("x")
    assert {"430902/430902999.html", "430999.html"} & set(state(render(conn, office))) == set()


# ── whom it is for ───────────────────────────────────────────────────────────────────────────────────────────────────


def marks(conn: psycopg.Connection) -> dict[Part, set[str]]:
    """Words that stand on pages exactly where a part is shown."""
    open_problems = conn.execute(
        "select leader_name, description from marts.fct_problems where district_code = %s and not is_closed and status <> 'void'", [ZIYANG]
    ).fetchall()
    files = conn.execute("select file_name from marts.fct_submissions where district_code = %s", [ZIYANG]).fetchall()
    return {
        Part.PAGES: {"资阳区"},
        Part.PERSONS: {leader for leader, _ in open_problems},
        Part.DESCRIPTIONS: {description for _, description in open_problems},
        Part.SUBMISSIONS: {name for (name,) in files},
        Part.QUALITY: {"资阳区办公室", "第1督导组"},
    }


def shown(site: Path, words: set[str]) -> set[str]:
    """Those of the words that stand on any page of the site; documents of issues are not pages."""
    pages = [path.read_text(encoding="utf-8") for path in [*site.glob("*.html"), *site.glob(f"{ZIYANG}/*.html")]]
    return {word for word in words if any(word in page for page in pages)}


def names_of(site: Path) -> set[str]:
    return {str(path.relative_to(site)) for path in site.rglob("*") if path.is_file()}


def check_audience(site: Path, words: dict[Part, set[str]], audience: str) -> None:
    """That everything is there that the audience gets, and nothing that it does not."""
    names = names_of(site)
    for part, of_part in words.items():
        seen = shown(site, of_part)
        assert bool(seen) == gets(audience, part), (audience, part, sorted(seen)[:3])
        if part in (Part.PERSONS, Part.DESCRIPTIONS) and seen:
            assert seen == of_part, (audience, part)
    assert (f"{ZIYANG}/quality.html" in names) == gets(audience, Part.QUALITY)
    assert (f"{ZIYANG}.html" in names) == gets(audience, Part.PAGES)
    assert (f"{ZIYANG}/issues.html" in names) == gets(audience, Part.PAGES)
    assert any(name.startswith(f"{ZIYANG}/issues/") for name in names) == gets(audience, Part.DOCUMENTS)
    assert f"{BEITA}.html" in names and "index.html" in names


@pytest.mark.parametrize("audience", Audience)
def test_an_audience_gets_its_parts_and_no_others(conn, office, audience):
    show_to(conn, audience)
    check_audience(render(conn, office), marks(conn), audience)


def test_parts_and_marks_are_complete(conn, office):
    # the page of the watch is there when there is a report: tests/watching
    assert set(marks(conn)) | {Part.DOCUMENTS, Part.WATCH} == set(Part) == set(WHO_GETS)
    allowed = conn.execute(
        """select pg_get_constraintdef(oid) from pg_constraint
           where conrelid = 'raw.districts'::regclass and pg_get_constraintdef(oid) like '%audience%'"""
    ).fetchone()[0]
    assert set(re.findall(r"'(\w+)'", allowed)) == set(Audience)


def test_switching_the_audience_leaves_nothing_of_the_forbidden_kind_behind(conn, office):
    words = marks(conn)
    site = office.settings.outbox / "site"
    for audience in ("internal", "leaders", "internal", "townships", "internal", "off", "townships", "leaders", "off", "internal"):
        show_to(conn, audience)
        render(conn, office)
        check_audience(site, words, audience)
        if audience == "off":
            assert not (site / ZIYANG).exists()
            assert ZIYANG not in (site / "index.html").read_text(encoding="utf-8")


def test_to_townships_an_open_list_still_says_number_village_category_due_date_and_state(conn, office):
    show_to(conn, "townships")
    rows = rows_of(render(conn, office) / ZIYANG / "430902107.html", "open")
    assert all(len(row) == 5 for row in rows)
    assert rows[0][0].startswith("新桥河-") and rows[0][2:4] == ["政策落实", "6月23日"] and rows[0][4] == "超期 7 日 整改中"


def test_when_every_district_is_off_the_index_says_nothing_of_them(conn, office):
    show_to(conn, "off")
    show_to(conn, "off", BEITA)
    site = render(conn, office)
    assert names_of(site) == {"index.html"}
    text = (site / "index.html").read_text(encoding="utf-8")
    assert "没有可以显示的区县" in text and "资阳" not in text and "北塔" not in text


def test_what_an_audience_does_not_get_is_not_even_read(conn, office):
    show_to(conn, "townships")
    district = next(found for found in read_figures(conn).districts if found.district.district_code == ZIYANG)
    assert district.quality is None and district.sent_files is None
    assert {(one.description, one.leader_name) for found in district.problems.values() for one in found} == {(None, None)}
