"""Secrets are made once, and only their owner can read them."""

import json
import stat
from dataclasses import asdict

from cryptography.fernet import Fernet

from local.secrets import load_secrets, write_airflow_passwords, write_private


def mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_secrets_are_made_once(tmp_path):
    first = load_secrets(tmp_path / "secrets")
    assert load_secrets(tmp_path / "secrets") == first
    values = list(asdict(first).values())
    assert len(set(values)) == len(values)
    assert all(len(value) >= 16 for value in values)
    Fernet(first.fernet_key)


def test_a_secret_that_is_there_is_kept(tmp_path):
    (tmp_path / "hmac_key").write_text("given by the district\n", encoding="utf-8")
    assert load_secrets(tmp_path).hmac_key == "given by the district"


def test_only_the_owner_reads_them(tmp_path):
    folder = tmp_path / "secrets"
    folder.mkdir(mode=0o755)
    (folder / "hmac_key").write_text("x", encoding="utf-8")
    load_secrets(folder)
    write_airflow_passwords(folder, ["admin"], "pw")
    assert mode(folder) == 0o700
    assert {mode(file) for file in folder.iterdir()} == {0o600}


def test_users_of_airflow_keep_their_passwords_and_lose_them_when_they_are_gone(tmp_path):
    first = json.loads(write_airflow_passwords(tmp_path, {"admin": "admin", "wang": "op", "li": "viewer"}, "pw").read_text())
    assert first["admin"] == "pw" and first["wang"] != first["li"] and len(first["wang"]) > 16
    second = json.loads(write_airflow_passwords(tmp_path, {"admin": "admin", "wang": "op", "zhao": "op"}, "pw").read_text())
    assert set(second) == {"admin", "wang", "zhao"} and second["wang"] == first["wang"]
    third = json.loads(write_airflow_passwords(tmp_path, {"admin": "admin", "li": "viewer"}, "pw").read_text())
    assert third["li"] != first["li"], "who comes back gets a new one"


def test_a_private_file_is_replaced_at_once_and_never_readable(tmp_path):
    target = tmp_path / "env.sh"
    target.write_text("old", encoding="utf-8")
    target.chmod(0o644)
    write_private(target, "新")
    assert target.read_text(encoding="utf-8") == "新"
    assert mode(target) == 0o600
    assert list(tmp_path.iterdir()) == [target]
