"""The folder of the site: whole files, nothing rewritten without need, nothing left that does not belong there."""

import os
import threading
from pathlib import Path

import pytest

from duban.publishing.site import folder as folders
from duban.publishing.site.figures.issues import Document
from duban.publishing.site.folder import SiteFolder
from tests.publishing.site.made_up import READ_AT, figures, issue


def place(site: Path, pages: dict[str, str]) -> list[Path]:
    with SiteFolder.opened(site) as opened:
        return opened.place_pages(pages)


def files(site: Path) -> set[str]:
    return {str(path.relative_to(site)) for path in site.rglob("*") if path.is_file()}


PAGES = {"430902.html": "district", "430902/430902104.html": "township", "index.html": "index"}


def test_pages_are_written_with_their_folders_and_readable_by_all(tmp_path):
    paths = place(tmp_path / "site", PAGES)
    assert [str(path.relative_to(tmp_path / "site")) for path in paths] == list(PAGES)
    assert all(path.read_text() == PAGES[str(path.relative_to(tmp_path / "site"))] for path in paths)
    assert all(path.stat().st_mode & 0o777 == 0o644 for path in paths)


def test_the_site_is_open_to_its_readers_whatever_the_process_grants(tmp_path):
    before = os.umask(0o077)
    try:
        place(tmp_path / "site", {**PAGES, "430902/issues/daily/2020/1/a.html": "x"})
    finally:
        os.umask(before)
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "site").rglob("*") if path.is_dir()}
    assert modes == {0o755}


def test_a_page_that_did_not_change_is_left_alone(tmp_path):
    for path in place(tmp_path, PAGES):
        os.utime(path, (1, 1))
    place(tmp_path, {**PAGES, "430902.html": "new"})
    assert {path.name: path.stat().st_mtime == 1 for path in tmp_path.rglob("*.html")} == {
        "430902.html": False,
        "430902104.html": True,
        "index.html": True,
    }


def test_nothing_is_replaced_before_everything_lies_on_the_disk(tmp_path, monkeypatch):
    place(tmp_path, PAGES)
    with monkeypatch.context() as patched, pytest.raises(OSError, match="disk full"):

        def lost(_):
            raise OSError("disk full")

        patched.setattr(folders, "sync_filesystem", lost)
        place(tmp_path, dict.fromkeys(PAGES, "new"))
    assert {path.read_text() for path in tmp_path.rglob("*.html")} == set(PAGES.values())
    assert files(tmp_path) == set(PAGES)


def test_what_no_longer_belongs_is_removed_and_nothing_else(tmp_path):
    place(tmp_path, {**PAGES, "430902/quality.html": "x", "430511.html": "x", "430511/funds.html": "x"})
    kept = ["430902/issues/daily/2020/1/a.html", "favicon.ico", "notes/a.html"]
    gone = [
        "430511/issues/daily/2020/1/a.html",
        "430902/.430902104.html.x.tmp",
        ".index.html.y.tmp",
        "430902/issues/daily/2020/1/.a.html.z.tmp",
    ]
    for name in kept + gone:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    place(tmp_path, PAGES)
    assert files(tmp_path) == {*PAGES, *kept}
    assert not (tmp_path / "430511").exists()


def test_a_second_writer_waits_for_the_first(tmp_path):
    entered, order = threading.Event(), []

    def second() -> None:
        entered.set()
        with SiteFolder.opened(tmp_path):
            order.append("second")

    with SiteFolder.opened(tmp_path):
        thread = threading.Thread(target=second)
        thread.start()
        entered.wait()
        thread.join(0.3)
        assert thread.is_alive()
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


@pytest.mark.parametrize("name", ["../a.html", "a/b.html", "", "..", ".hidden.html", "/a.html"])
def test_a_document_is_one_name_in_the_folder_of_its_issue(tmp_path, name):
    found = Document("430902-daily-2020-1", name, 1)
    with pytest.raises(ValueError, match="430902-daily-2020-1"):
        folders._inside(tmp_path, found)


def test_a_copy_has_the_size_and_the_time_of_the_issue(tmp_path):
    of = issue(1, READ_AT.date())
    [document, *_] = of.documents
    path = tmp_path / document.file_name
    assert not folders._is_copy(path, document, of)
    path.write_bytes(bytes(document.size))
    assert not folders._is_copy(path, document, of)
    os.utime(path, (READ_AT.timestamp(), READ_AT.timestamp()))
    assert folders._is_copy(path, document, of)
    path.write_bytes(bytes(document.size + 1))
    os.utime(path, (READ_AT.timestamp(), READ_AT.timestamp()))
    assert not folders._is_copy(path, document, of)


def test_without_districts_nothing_is_asked_of_the_warehouse(tmp_path):
    with SiteFolder.opened(tmp_path / "site") as site:
        site.place_issues(None, figures())
    assert files(tmp_path) == set()
