"""A folder on a share whose server is gone: told, and nothing waits for it."""

from __future__ import annotations

import pytest

from duban.watching import folders
from local.commands import status
from tests.watching.conftest import hang_inbox


@pytest.fixture
def hung_inbox(monkeypatch):
    """Whoever asks the inbox waits."""
    hang_inbox(monkeypatch)


def test_folders_answer_whether_they_are_there_or_not(office):
    assert folders.silent_folders(folders.folders_of(office.settings)) == []


def test_make_status_names_it(office, hung_inbox):
    places = folders.folders_of(office.settings)
    [line] = status._folders(places, folders.silent_folders(places), ())
    assert line.startswith(f"NO ANSWER from the folder inbox, {office.settings.inbox}")
