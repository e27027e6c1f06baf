"""Which installation a command is about: environment, then `.env`, then what the home was last started with."""

import pytest

from local import config
from local.config import load_installation, read_dotenv
from local.console import Problem


@pytest.fixture
def home(tmp_path, monkeypatch):
    for name in config.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(config, "PROJECT", tmp_path / "checkout")
    monkeypatch.setenv("DUBAN_HOME", str(tmp_path / "状 态"))
    return tmp_path / "状 态"


def test_the_home_remembers_its_ports(home, monkeypatch):
    monkeypatch.setenv("DUBAN_PG_PORT", "6001")
    installation = load_installation(must_exist=False)
    installation.run.mkdir(parents=True)
    installation.remember()
    monkeypatch.delenv("DUBAN_PG_PORT")
    assert load_installation(must_exist=True).settings.pg_port == 6001
    monkeypatch.setenv("DUBAN_PG_PORT", "6002")
    assert load_installation(must_exist=True).settings.pg_port == 6002


def test_dotenv_wins_over_memory_and_loses_to_the_environment(home, monkeypatch):
    config.PROJECT.mkdir()
    (config.PROJECT / ".env").write_text("DUBAN_PG_PORT=6003\nDUBAN_SITE_PORT='6004'\n", encoding="utf-8")
    monkeypatch.setenv("DUBAN_SITE_PORT", "6005")
    settings = load_installation(must_exist=False).settings
    assert (settings.pg_port, settings.site_port) == (6003, 6005)


def test_a_home_that_is_moved_keeps_its_inbox_inside(home, tmp_path, monkeypatch):
    installation = load_installation(must_exist=False)
    installation.run.mkdir(parents=True)
    installation.remember()
    home.rename(tmp_path / "moved")
    monkeypatch.setenv("DUBAN_HOME", str(tmp_path / "moved"))
    assert load_installation(must_exist=True).settings.inbox == tmp_path / "moved" / "inbox"


def test_nothing_started_is_said_and_leaves_no_trace(home):
    with pytest.raises(Problem, match="make up"):
        load_installation(must_exist=True)
    assert not home.exists()


@pytest.mark.parametrize("value", ["http", "0", "70000", "-1"])
def test_a_port_that_is_none_is_refused_by_name(home, monkeypatch, value):
    monkeypatch.setenv("DUBAN_AIRFLOW_PORT", value)
    with pytest.raises(Problem, match="DUBAN_AIRFLOW_PORT"):
        load_installation(must_exist=False)


def test_three_ports_must_differ(home, monkeypatch):
    monkeypatch.setenv("DUBAN_SITE_PORT", "8080")
    with pytest.raises(Problem, match="different ports"):
        load_installation(must_exist=False)


def test_dotenv_reads_quotes_comments_and_nothing_foreign(tmp_path):
    file = tmp_path / ".env"
    file.write_text('# note\nDUBAN_HOME="a b"\nexport DUBAN_INBOX=/中文\n#DUBAN_PG_PORT=1\nPATH=/evil\n', encoding="utf-8")
    assert read_dotenv(file) == {"DUBAN_HOME": "a b", "DUBAN_INBOX": "/中文"}


def test_where_metrics_go_is_handed_on_and_never_remembered(home, tmp_path):
    told = {"AIRFLOW__METRICS__OTEL_ON": "True", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}
    (tmp_path / "checkout").mkdir()
    (tmp_path / "checkout" / ".env").write_text(
        "AIRFLOW__CORE__EXECUTOR=x\n" + "".join(f"{n}={v}\n" for n, v in told.items()), encoding="utf-8"
    )
    installation = load_installation(must_exist=False)
    assert installation.handed_on == told and not told.keys() & installation.variables().keys()


def test_users_of_airflow_are_the_administrator_and_whom_the_office_names(home, monkeypatch):
    assert load_installation(must_exist=False).airflow_users == {"admin": "admin"}
    monkeypatch.setenv("DUBAN_AIRFLOW_USERS", "wang:op, li.na:viewer")
    installation = load_installation(must_exist=False)
    assert installation.airflow_users == {"admin": "admin", "wang": "op", "li.na": "viewer"}
    assert installation.variables()["DUBAN_AIRFLOW_USERS"] == "wang:op,li.na:viewer"


@pytest.mark.parametrize("users", ["wang", "wang:boss", "王:op", "admin:viewer", "a b:op", ":op"])
def test_a_user_of_airflow_without_a_name_or_a_role_is_refused(home, monkeypatch, users):
    monkeypatch.setenv("DUBAN_AIRFLOW_USERS", users)
    with pytest.raises(Problem, match="DUBAN_AIRFLOW_USERS"):
        load_installation(must_exist=False)
