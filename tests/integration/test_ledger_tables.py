"""The tables of the ledgers are made of `expectations/`: as they were released, extended by what is new, and never otherwise changed."""

from __future__ import annotations

import shutil
from pathlib import Path

import psycopg
import pytest

from duban import warehouse
from duban.ledgers import Ledger, load_expectations, read_expectations
from duban.warehouse.tables import TypeChanged, provide_tables
from tests.conftest import Office

PROJECT = Path(__file__).parents[2]
RELEASED = ("problem_versions", "fund_movement_versions", "project_versions", "visit_versions")


def catalogue(conn: psycopg.Connection, schema: str, table: str) -> dict[str, list[tuple]]:
    """What a table is: its columns in their order, its indexes whatever they are called, its constraints."""
    asked = (f"{schema}.{table}",)
    columns = conn.execute(
        """select attname, format_type(atttypid, atttypmod), attnotnull, attidentity from pg_attribute
           where attrelid = %s::regclass and attnum > 0 and not attisdropped order by attnum""",
        asked,
    ).fetchall()
    indexes = conn.execute(
        "select split_part(pg_get_indexdef(indexrelid), ' USING ', 2), indisunique from pg_index where indrelid = %s::regclass", asked
    )
    checks = conn.execute(
        "select contype, pg_get_constraintdef(oid) from pg_constraint where conrelid = %s::regclass and contype <> 'n'", asked
    )
    return {"columns": columns, "indexes": sorted(indexes), "constraints": sorted(checks)}


def ledgers_of(folder: Path) -> list[Ledger]:
    return list(read_expectations(folder / "expectations", PROJECT / "dbt_project" / "seeds").ledgers.values())


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copytree(PROJECT / "expectations", tmp_path / "project" / "expectations")
    return tmp_path / "project"


def add_column(project: Path, ledger: str, line: str) -> None:
    with open(project / "expectations" / ledger / "columns.csv", "a", encoding="utf-8") as file:
        file.write(f"{line}\n")


def test_the_released_tables_are_what_their_columns_say(office):
    """Made anew of `expectations/` they are those of the migrations, which hold the words of a problem's status besides."""
    with warehouse.connect(office.settings) as conn:
        released = {table: catalogue(conn, "raw", table) for table in RELEASED}
        assert provide_tables(conn, load_expectations(office.settings).ledgers.values()) == []
        assert {table: catalogue(conn, "raw", table) for table in RELEASED} == released
        conn.execute(f"drop table {', '.join(f'raw.{table}' for table in RELEASED)}")
        made = provide_tables(conn, load_expectations(office.settings).ledgers.values())
        assert {f"raw.{table}" for table in RELEASED} <= {*made}
        anew = {table: catalogue(conn, "raw", table) for table in RELEASED}
        assert provide_tables(conn, load_expectations(office.settings).ledgers.values()) == []
    for found in released.values():
        found["constraints"] = [entry for entry in found["constraints"] if "'rectified'" not in entry[1]]
    assert anew == released


def test_a_column_more_is_added_and_nothing_else_changes(office, project):
    add_column(project, "problems", "witness_note,见证说明,text,yes,,,")
    with warehouse.connect(office.settings) as conn:
        before = catalogue(conn, "raw", "problem_versions")
        made = provide_tables(conn, ledgers_of(project))
        after = catalogue(conn, "raw", "problem_versions")
        pairs = [definition for definition, _ in after["indexes"] if "pairs" in definition]
    assert sorted(made) == ["raw.problem_versions.witness_note", "raw.problem_versions_pairs"]
    assert after["columns"] == [*before["columns"], ("witness_note", "text", False, "")]  # of the rows that are there nobody knows it
    assert after["constraints"] == before["constraints"] and len(pairs) == 1 and "witness_note" in pairs[0]


def test_a_column_less_stays_and_keeps_no_row_out(office, project):
    path = project / "expectations" / "visits" / "columns.csv"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.startswith("visitors,")), encoding="utf-8")
    with warehouse.connect(office.settings) as conn:
        assert provide_tables(conn, ledgers_of(project)) == []
        columns = {name: (kind, is_required) for name, kind, is_required, _ in catalogue(conn, "raw", "visit_versions")["columns"]}
    assert columns["visitors"] == ("text", False)


def test_a_changed_type_is_refused_by_name_and_nothing_is_made(office, project):
    path = project / "expectations" / "funds" / "columns.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("remark,备注,text", "remark,备注,date"), encoding="utf-8")
    add_column(project, "problems", "witness_note,见证说明,text,,,,")
    with warehouse.connect(office.settings) as conn:
        before = catalogue(conn, "raw", "problem_versions")
        with pytest.raises(TypeChanged, match=r"raw\.fund_movement_versions\.remark is text .*funds/columns\.csv asks for date"):
            provide_tables(conn, ledgers_of(project))
        assert catalogue(conn, "raw", "problem_versions") == before


def test_only_free_texts_can_be_masked_again(office: Office):
    with warehouse.connect(office.settings) as conn:
        for place, column in (("raw.problem_versions", "leader_name"), ("personal.households", "holder_name"), ("raw.units", "unit_name")):
            with pytest.raises(psycopg.errors.RaiseException, match="holds no free text"):
                conn.execute("select personal.mask_again(%s, %s, '{1}', '{*}', now())", (place, column))
        assert conn.execute("select personal.mask_again('raw.visit_versions', 'remark', '{1}', '{*}', now())").fetchone() == (0,)
