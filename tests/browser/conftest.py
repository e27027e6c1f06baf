"""Debian's Chromium, driven by Playwright, and the site of the sample district to click through: from its folder and from its server."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import quote
from urllib.request import urlopen

import pytest

from duban import warehouse
from duban.publishing.site.pages import render_site
from tests.conftest import Office, Server, free_ports, open_office
from tests.publishing.site.made_up_issues import insert_six_days

CHROMIUM = shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
ROOT = Path(__file__).parents[2]
# What a page did against its policy is an event of the document; the browser forgets it with the page.
REMEMBER_VIOLATIONS = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
"""


@dataclass(frozen=True)
class Site:
    """A rendered site and the addresses under which it can be read."""

    folder: Path
    office: Office
    server: str

    @property
    def pages(self) -> list[str]:
        """Every page of the site, the documents of issues apart."""
        found = [*self.folder.glob("*.html"), *self.folder.glob("*/*.html")]
        return sorted(str(path.relative_to(self.folder)) for path in found)

    def address(self, name: str, way: str = "file") -> str:
        """Where a page is, in the folder or on the server; ``name`` may end with ``#…``."""
        path, hash_mark, fragment = name.partition("#")
        base = self.folder.as_uri() if way == "file" else self.server
        return f"{base}/{quote(path)}{hash_mark}{fragment}"


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """One Chromium for the run."""
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine (apt-get install chromium)")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright comes with requirements-dev.txt")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="package")
def site(browser: Any, server: Server, sample_office: Office, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The sample district with nine issues, rendered and served by `local.embedded.site`."""
    name = sample_office.settings.warehouse_uri.rsplit("/", 1)[1]
    with open_office(server, tmp_path_factory.mktemp("browser") / "home", template=name) as office:
        with warehouse.connect(office.settings, "publisher") as conn:
            insert_six_days(conn)
            render_site(conn, office.settings.outbox)
        folder = office.settings.outbox / "site"
        [port] = free_ports(1)
        process = subprocess.Popen(
            [sys.executable, "-m", "local.embedded.site", str(folder), str(port)], cwd=ROOT, stderr=subprocess.DEVNULL
        )
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_for(address)
            yield Site(folder, office, address)
        finally:
            process.terminate()
            process.wait()


def _wait_for(address: str) -> None:
    end = time.monotonic() + 20
    while True:
        try:
            urlopen(f"{address}/index.html", timeout=1).close()
            return
        except URLError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


@pytest.fixture
def open_page(browser: Any, request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Opens addresses in tabs; when the test ends none of them may have complained, broken its policy, or asked anybody for anything.

    Options are those of Playwright's ``new_context``: ``viewport``, ``color_scheme``, ``java_script_enabled``.
    """
    contexts, trouble = [], []
    local = ["file://"]
    if "site" in request.fixturenames:
        local.append(request.getfixturevalue("site").server)

    def visit(address: str, **options: Any) -> Any:
        context = browser.new_context(**{"viewport": {"width": 1200, "height": 900}, "locale": "zh-CN", **options})
        contexts.append(context)
        context.set_default_timeout(10_000)
        context.add_init_script(REMEMBER_VIOLATIONS)
        context.on("request", lambda asked: asked.url.startswith(tuple(local)) or trouble.append(f"asked for {asked.url}"))
        context.on("console", lambda message: trouble.append(f"console: {message.text}"))
        context.on("weberror", lambda error: trouble.append(f"error: {error.error}"))
        context.on("dialog", lambda dialog: (trouble.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page = context.new_page()
        page.goto(address)
        return page

    yield visit
    for context in contexts:
        for page in context.pages:
            trouble.extend(page.evaluate("window.violations ?? []"))
        context.close()
    assert trouble == []
