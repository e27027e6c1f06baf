"""The live ranking as static pages that work from a folder, without a server.

`render_site` reads the marts once, in one snapshot, and writes the pages of all districts that have accepted data. A page is one file:
style and pictures inside, nothing fetched from anywhere. What a sender wrote is text and stays text: templates escape everything, and
the Content-Security-Policy of the page allows exactly the one style sheet it carries (by its hash) and no script at all.
"""

import base64
import hashlib
import os
import tempfile
from pathlib import Path

import psycopg
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from duban.publishing import display
from duban.publishing.site import charts
from duban.publishing.site.figures import DistrictFigures, Figures, read_figures

TEMPLATES = Path(__file__).parent / "templates"


def render_site(conn: psycopg.Connection, outbox: Path) -> list[Path]:
    """Write ``site/index.html`` and one ``site/<district_code>.html`` per district with accepted data.

    The index is the page of the district whose problems are ranked; with several such districts it is an overview that links to them;
    before anything was accepted it says what to do next. Each file is replaced in one step, so that a reader never meets half a page.
    Same data, same bytes, except for the time of rendering.

    Args:
        conn: A connection with no transaction open, allowed to read ``marts`` and ``ops.builds``.
        outbox: The outbox folder; ``site/`` is made in it.

    Returns:
        The files written, the index last.

    Raises:
        psycopg.Error: The marts have not been built, or a transaction is already open.
        OSError: The outbox cannot be written.
    """
    pages = render_pages(read_figures(conn))
    site = outbox / "site"
    site.mkdir(parents=True, exist_ok=True)
    for name, page in pages.items():
        _replace_file(site / name, page.encode())
    return [site / name for name in pages]


def render_pages(figures: Figures) -> dict[str, str]:
    """The pages by file name; the index comes last, so that whatever it links to is there before it."""
    environment = _environment()
    shared = {"figures": figures, **_style()}
    district_page = environment.get_template("district.html.j2")
    pages = {f"{found.district.district_code}.html": district_page.render(shown=found, **shared) for found in figures.districts}
    front = _front_districts(figures)
    if len(front) == 1:
        pages["index.html"] = pages[f"{front[0].district.district_code}.html"]
    else:
        name = "overview.html.j2" if front else "empty.html.j2"
        pages["index.html"] = environment.get_template(name).render(**shared)
    return pages


def _front_districts(figures: Figures) -> tuple[DistrictFigures, ...]:
    """The districts that compete for the index: those with problems to rank, or all when none has any."""
    return tuple(found for found in figures.districts if found.has_problems) or figures.districts


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals["charts"] = charts
    for written in (display.pct, display.wan, display.day, display.short_day, display.weekday, display.moment):
        environment.filters[written.__name__] = written
    return environment


def _style() -> dict[str, str]:
    """The style sheet and the policy that lets this style sheet, and nothing else, take effect."""
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    # The style sheet is ours; escaping would change its bytes and with them the hash.
    return {"style": Markup(style), "policy": Markup(policy)}


def _replace_file(path: Path, content: bytes) -> None:
    """Replace ``path`` in one step, durably."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), 0o644)  # mkstemp makes it private; the site is there to be read
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
