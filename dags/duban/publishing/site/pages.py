"""The pages of the site, rendered from figures: for each district one with what matters, and deeper ones by subject and township.

A page is one file: style, pictures, data and, where there is one, the script are inside; nothing is fetched from anywhere, so that pages
work from a folder, without a server. What a sender wrote is text and stays text: templates escape everything, data for a script is JSON in
which no character can end its element, and the Content-Security-Policy of a page allows exactly the style sheet and the script it carries.
"""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from duban.publishing.inline import inline
from duban.publishing.site import bars, charts, reasons
from duban.publishing.site.days import day_data
from duban.publishing.site.figures import DistrictFigures, Figures, read_figures
from duban.publishing.site.figures.ranking import Ranking, RankingLine
from duban.publishing.site.figures.subjects import subjects_of
from duban.publishing.site.folder import SiteFolder
from duban.text import display

TEMPLATES = Path(__file__).parent / "templates"


def render_site(conn: psycopg.Connection, outbox: Path) -> list[Path]:
    """Write the site: ``site/index.html``, per district ``<code>.html`` and, in ``<code>/``, pages of subjects and townships, and issues.

    The index is the page of the district whose problems are ranked; with several such districts it is an overview that links to them;
    before anything was accepted it says what to do next. Files are replaced whole, all of them after they lie on the disk, the index last;
    those that did not change are left alone. What the audience of a district (`audience`) does not get is removed. Same data, same bytes,
    except for the time of rendering on the districts' first pages and the index.

    Args:
        conn: A connection with no transaction open, allowed to read ``marts``, ``published``, ``ops.builds`` and the names in ``raw``.
        outbox: The outbox folder; ``site/`` is made in it.

    Returns:
        The pages of the site, the index last.

    Raises:
        psycopg.Error: The marts have not been built, or a transaction is already open.
        OSError: The outbox cannot be written.
    """
    with SiteFolder.opened(outbox / "site") as site:
        figures = read_figures(conn)  # after the folder is ours: whoever comes later has read later
        site.place_issues(conn, figures)
        return site.place_pages(render_pages(figures))


def render_pages(figures: Figures) -> dict[str, str]:
    """The pages by path in the site; the index comes last, so that whatever it links to is there before it."""
    shared = {"figures": figures, **inline(_style_sheet())}
    pages: dict[str, str] = {}
    for shown in figures.districts:
        pages |= _district_pages(shown, shared)
    front = _front_districts(figures)
    if len(front) == 1:
        pages["index.html"] = pages[f"{front[0].district.district_code}.html"]
    else:
        name = "overview.html.j2" if front else "empty.html.j2"
        pages["index.html"] = _environment().get_template(name).render(root="", **shared)
    return pages


def _district_pages(shown: DistrictFigures, shared: dict[str, Any]) -> dict[str, str]:
    code = shown.district.district_code
    subjects = subjects_of(shown)
    last_rank = sum(line.is_ranked for line in shown.ranking.lines) if shown.ranking else 0
    of_district = {**shared, "shown": shown, "subjects": subjects, "last_rank": last_rank}
    pages = {
        f"{code}.html": _environment().get_template("district.html.j2").render(page="district", root="", folder=f"{code}/", **of_district)
    }
    inside = {**of_district, "root": "../", "folder": ""}
    for subject in subjects:
        template = _environment().get_template(f"{subject.template or subject.name}.html.j2")
        own = {"page": subject.name, **(subject.given or {}), **(_with_script(shown.ranking, subject.script) if subject.script else {})}
        pages[f"{code}/{subject.name}.html"] = template.render({**inside, **own})
    if shown.has_problems:
        template = _environment().get_template("township.html.j2")
        for line, own in _townships(shown):
            pages[f"{code}/{line.township_code}.html"] = template.render(line=line, page=line.township_code, **own, **inside)
    return pages


def _front_districts(figures: Figures) -> tuple[DistrictFigures, ...]:
    """The districts that compete for the index: those with problems to rank, or all when none has any."""
    return tuple(found for found in figures.districts if found.has_problems) or figures.districts


def _townships(shown: DistrictFigures) -> Iterator[tuple[RankingLine, dict[str, Any]]]:
    """Each line of the ranking with what its page shows besides."""
    projects = {township.township_code: township for township in shown.projects.by_township}
    for line in shown.ranking.lines:
        code = line.township_code
        yield (
            line,
            {
                "problems": shown.problems.get(code, ()),
                "projects": projects.get(code),
                "start_late": [slipped for slipped in shown.projects.start_late if slipped.project.township_code == code],
                "finish_late": [slipped for slipped in shown.projects.finish_late if slipped.project.township_code == code],
                "funds": shown.funds.townships.get(code),
                "clashes": [clash for clash in shown.clashes if code in clash.unit_codes],
                "sent_files": None if shown.sent_files is None else shown.sent_files.get(code, ()),
            },
        )


def _with_script(ranking: Ranking, name: str) -> dict[str, Markup]:
    """Every day of the campaign as data for the script of the page, and the script with the policy that lets it run."""
    script = (TEMPLATES / name).read_text(encoding="utf-8")
    return {
        # JSON whose <, > and & are written as escapes: no name can end the element it stands in
        "data": htmlsafe_json_dumps(day_data(ranking), dumps=json.dumps, ensure_ascii=False, separators=(",", ":")),
        **inline(_style_sheet(), script),
    }


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals |= {"bars": bars, "charts": charts, "reasons": reasons}
    for written in (display.pct, display.wan, display.day, display.short_day, display.weekday, display.moment):
        environment.filters[written.__name__] = written
    return environment


def load_templates() -> None:
    """Compile all templates, so that this process and its forks find them ready."""
    for name in _environment().list_templates(extensions=["j2"]):
        _environment().get_template(name)


@cache
def _style_sheet() -> str:
    return (TEMPLATES / "style.css").read_text(encoding="utf-8")
