"""`env.sh` survives any value, and nothing of another system shines through."""

import subprocess

import pytest

from local.embedded.environment import render_env_file

AWKWARD = (
    "plain",
    "with space",
    "中文 路径",
    "quo'te",
    'dou"ble',
    "$HOME",
    "`id`",
    "back\\slash",
    "a;b&c|d",
    "line\nbreak",
    "#hash",
    "",
    "*",
)


def value_after_sourcing(tmp_path, text: str, name: str, shell: str = "/bin/sh", **environment: str) -> str:
    file = tmp_path / "env.sh"
    file.write_text(text, encoding="utf-8")
    script = f'. "$1"; printf %s "${{{name}-unset}}"'
    ran = subprocess.run(
        [shell, "-c", script, "sh", str(file)],
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", **environment},
        capture_output=True,
        check=True,
    )
    assert ran.stderr == b""
    return ran.stdout.decode("utf-8")


@pytest.mark.parametrize("value", AWKWARD)
def test_a_value_arrives_as_it_was(tmp_path, value):
    assert value_after_sourcing(tmp_path, render_env_file({"DUBAN_HOME": value}, []), "DUBAN_HOME") == value


def test_leftovers_of_another_system_are_removed(tmp_path):
    text = render_env_file({"PGHOST": "127.0.0.1"}, [])
    assert value_after_sourcing(tmp_path, text, "AIRFLOW_CONN_WAREHOUSE", AIRFLOW_CONN_WAREHOUSE="postgresql://else/where") == "unset"
    assert value_after_sourcing(tmp_path, text, "PGSERVICE", PGSERVICE="other") == "unset"


def test_an_external_warehouse_is_kept(tmp_path):
    text = render_env_file({"AIRFLOW_CONN_WAREHOUSE": "postgresql://here"}, [])
    assert value_after_sourcing(tmp_path, text, "AIRFLOW_CONN_WAREHOUSE") == "postgresql://here"


def test_programs_of_this_system_come_first(tmp_path):
    folder = tmp_path / "程 序" / "bin"
    text = render_env_file({}, [folder])
    assert value_after_sourcing(tmp_path, text, "PATH") == f"{folder}:/usr/bin:/bin"
    # Also when another system was sourced in between.
    assert value_after_sourcing(tmp_path, text, "PATH", PATH=f"/other:{folder}:/bin").startswith(f"{folder}:/other:")
