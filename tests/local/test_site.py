"""The page server gives what lies in its folder, and nothing else that its user may read."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from functools import partial
from http.server import ThreadingHTTPServer

import pytest

from local import airflow
from local.embedded.site import HOST, SiteHandler
from local.embedded.system import Embedded
from local.system import SITE


@pytest.fixture(scope="module")
def status(tmp_path_factory):
    """The status of a path, asked over HTTP, of a folder with good and bad things in it."""
    folder = tmp_path_factory.mktemp("site")
    outside = tmp_path_factory.mktemp("outside")
    (outside / "index.html").write_text("secret")
    for place in (folder, folder / "430902"):
        place.mkdir(exist_ok=True)
        (place / "index.html").write_text("page")
    (folder / "linked").mkdir()
    (folder / "linked" / "index.html").symlink_to(outside / "index.html")
    (folder / "elsewhere").symlink_to(outside)
    (folder / "file.html").symlink_to(folder / "index.html")
    (folder / ".draft").write_text("draft")
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "index.html").write_text("draft")
    # the folder itself may be reached by a link
    home = tmp_path_factory.mktemp("home") / "site"
    home.symlink_to(folder)
    with ThreadingHTTPServer((HOST, 0), partial(SiteHandler, directory=str(home))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def ask(path: str) -> int:
            try:
                with urllib.request.urlopen(f"http://{HOST}:{server.server_port}{path}", timeout=10) as answer:
                    return answer.status
            except urllib.error.HTTPError as error:
                return error.code

        yield ask
        server.shutdown()


@pytest.mark.parametrize("path", ["/", "/index.html", "/430902/", "/430902", "/430902/index.html?from=1"])
def test_pages_are_served(status, path):
    assert status(path) == 200


@pytest.mark.parametrize(
    "path",
    [
        "/.draft", "/%2edraft", "/.hidden/", "/.hidden/index.html", "/elsewhere/", "/elsewhere/index.html", "/file.html", "/linked/",
        "/linked/index.html", "/../outside/index.html", "/none.html",
    ],
)  # fmt: skip
def test_dot_files_and_links_are_not(status, path):
    assert status(path) == 404


def test_it_is_started_without_a_secret():
    everything = {"PATH": "/bin", "PYTHONPATH": "/x", "PGPASSWORD": "a", "AIRFLOW_CONN_WAREHOUSE": "b", "DUBAN_HMAC_KEY": "c"}
    given = Embedded._environments(None, everything)
    assert given[SITE] == {"PATH": "/bin", "PYTHONPATH": "/x"}
    assert all(given[name] == everything for name in airflow.COMPONENTS)
