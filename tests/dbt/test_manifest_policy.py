"""What every node of the dbt project must have, read from the parsed manifest: no database is needed."""

import csv
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from dbt.cli.main import dbtRunner

from duban.ledgers import load_expectations
from duban.settings import load_settings
from duban.warehouse.sources import source_files

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
MARTS = {
    "dim_dates",
    "dim_districts",
    "dim_ranking_rules",
    "dim_townships",
    "dim_villages",
    "fct_findings",
    "fct_fund_movements",
    "fct_problem_changes",
    "fct_problem_versions",
    "fct_problems",
    "fct_project_weeks",
    "fct_projects",
    "fct_rejected_rows",
    "fct_submissions",
    "fct_supervision_days",
    "fct_supervision_group_days",
    "fct_township_days",
    "fct_township_scores",
    "fct_visits",
    "fct_watch_items",
    "rpt_fund_tiers",
    "rpt_rank_reasons",
    "rpt_township_ranking",
}
# current as soon as the loader commits, hence views on its tables and nothing between
VIEWS = {"fct_rejected_rows", "fct_submissions", "fct_watch_items"}
# made whole by every build: they do not grow with the days
WHOLE = {"dim_dates", "dim_districts", "dim_ranking_rules", "dim_townships", "dim_villages"}
NAMES = {
    "staging": r"stg_[a-z_]+",
    "intermediate": r"int_[a-z]+(_[a-z]+)*__[a-z_]+",
    "marts": r"(dim|fct|rpt)_[a-z_]+",
}
TYPE_OF_SUFFIX = {
    "_on": r"date",
    "_at": r"timestamp with time zone",
    "_yuan": r"numeric\(18,2\)",
    "_pct": r"numeric\(\d+,1\)",
    "_count": r"integer",
    "_code": r"text",
}


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Returns the options that keep what dbt writes out of the project."""
    work = tmp_path_factory.mktemp("dbt")
    options = {"project-dir": PROJECT, "profiles-dir": PROJECT, "target-path": work / "target", "log-path": work / "logs"}
    return [word for name, path in options.items() for word in (f"--{name}", str(path))]


@pytest.fixture(scope="module")
def manifest(places: list[str]) -> Any:
    result = dbtRunner().invoke(["--quiet", "parse", *places])
    assert result.success, result.exception
    return result.result


@pytest.fixture(scope="module")
def selected(manifest: Any, places: list[str]) -> dict[str, set[str]]:
    """Returns the names that each selector of operation builds or tests."""
    names = {}
    for selector in ("install", "nightly", "live"):
        result = dbtRunner().invoke(["--quiet", "ls", "--selector", selector, "--output", "name", *places])
        assert result.success, result.exception
        names[selector] = set(result.result)
    return names


@pytest.fixture(scope="module")
def models(manifest: Any) -> dict[str, Any]:
    return {node.name: node for node in manifest.nodes.values() if node.resource_type == "model"}


@pytest.fixture(scope="module")
def marts(models: dict[str, Any]) -> dict[str, Any]:
    return {name: node for name, node in models.items() if node.schema == "marts"}


def key_of(node: Any) -> list[str]:
    """Returns the key: the primary key that PostgreSQL keeps, or the one a view declares."""
    keys = [list(constraint.columns) for constraint in node.constraints if constraint.type == "primary_key"]
    return keys[0] if keys else list(node.config.meta.get("key", []))


def test_marts_are_the_public_tables(marts: dict[str, Any]) -> None:
    """Those named here, and what ledgers that came later have of their own."""
    assert set(marts) >= MARTS
    assert {name for name in set(marts) - MARTS if not marts[name].config.get("ledger")} == set()


def test_names_and_schemas_follow_the_folder(models: dict[str, Any]) -> None:
    assert len(models) > len(MARTS)
    for name, node in models.items():
        folder = Path(node.original_file_path).parts[1]
        assert re.fullmatch(NAMES[folder], name), name
        assert node.schema == folder, name


def test_no_macro_bears_the_name_of_a_folder_beside_it(manifest: Any) -> None:
    """dbt's page of documentation puts both under one name, fails, and shows empty trees."""
    nodes = [*manifest.nodes.values(), *manifest.macros.values()]
    places = [(node.package_name, *Path(node.original_file_path).parts[:-1]) for node in nodes]
    folders = {place[:length] for place in places for length in range(1, len(place) + 1)}
    names = {(macro.package_name, *Path(macro.original_file_path).parts[:-1], macro.name) for macro in manifest.macros.values()}
    assert len(names) > 100 and names & folders == set()


def test_each_model_is_described_beside_its_sql(models: dict[str, Any]) -> None:
    for name, node in models.items():
        described_in = PROJECT / node.patch_path.split("://")[1]
        assert described_in == (PROJECT / node.original_file_path).with_suffix(".yml"), name


def test_every_description_ends_with_its_grain(manifest: Any) -> None:
    nodes = [*manifest.sources.values(), *(node for node in manifest.nodes.values() if node.resource_type in {"model", "seed"})]
    assert len(nodes) > 2 * len(MARTS)
    for node in nodes:
        assert re.search(r"\. Grain: [^.]+\.$", node.description.strip()), node.name


def test_every_column_is_described_and_reaches_the_database(manifest: Any) -> None:
    for node in manifest.nodes.values():
        if node.resource_type not in {"model", "seed"}:
            continue
        assert node.columns, node.name
        assert [column.name for column in node.columns.values() if not column.description] == [], node.name
        assert node.config.persist_docs == {"relation": True, "columns": True}, node.name


def test_no_description_stands_twice() -> None:
    """What more than one column or model is called stands in models/columns.md, once, and is used."""
    blocks = dict(re.findall(r"{% docs (\w+) %}\n(.*?)\n{% enddocs %}", (PROJECT / "models" / "columns.md").read_text(encoding="utf-8")))
    written: list[str] = []
    for file in sorted(PROJECT.glob("*/**/*.yml")):
        if not file.name.startswith("_ledgers"):
            written += _descriptions(yaml.safe_load(file.read_text(encoding="utf-8")))
    used = Counter(re.findall(r"doc\('(\w+)'\)", "\n".join(written)))
    texts = Counter([text.strip() for text in written if "doc('" not in text] + [*blocks.values()])
    assert len(texts) > 200 and [text for text, count in texts.items() if count > 1] == []
    assert used.keys() == blocks.keys() and [name for name, count in used.items() if count == 1] == []


def _descriptions(said: Any) -> list[str]:
    if isinstance(said, list):
        return [text for part in said for text in _descriptions(part)]
    if isinstance(said, dict):
        own = [said["description"]] if isinstance(said.get("description"), str) else []
        return own + [text for name, part in said.items() if name not in {"rows", "config"} for text in _descriptions(part)]
    return []


def test_lines_are_no_longer_than_those_of_code() -> None:
    """Rows of unit tests apart: a line of CSV is a line."""
    files = [file for pattern in ("*/**/*.sql", "*/**/*.yml", "*/**/*.md", "*.yml") for file in PROJECT.glob(pattern)]
    ours = [file for file in files if file.relative_to(PROJECT).parts[0] not in {"target", "logs"}]
    assert len(ours) > 120
    for file in ours:
        lines = file.read_text(encoding="utf-8").splitlines()
        long = [number for number, line in enumerate(lines, 1) if len(line) > 120 and re.search(r"\S[ ]", line)]
        assert long == [], f"{file.name}: lines of more than 120 characters"


def test_marts_promise_columns_types_and_a_key(marts: dict[str, Any]) -> None:
    for name, node in marts.items():
        assert node.config.contract.enforced, name
        assert [column.name for column in node.columns.values() if not column.data_type] == [], name
        assert key_of(node), name
        assert set(key_of(node)) <= set(node.columns), name
        assert node.config.materialized == ("view" if name in VIEWS else "mart"), name


def test_marts_are_built_by_affected_key(manifest: Any, models: dict[str, Any], marts: dict[str, Any]) -> None:
    """The groups of rows that a build makes anew are named by a model that the mart depends on, by columns of both; or it is of a ledger,
    and named are the keys that arrived.
    """
    ledgers = load_expectations(load_settings()).ledgers
    for name in marts.keys() - VIEWS - WHOLE:
        affected = marts[name].config.get("affected")
        if ledger := ledgers.get(marts[name].config.get("ledger")):
            assert ledger.grain == "raw" and affected is None and "model.duban.int_ledgers__arrived" in marts[name].depends_on.nodes, name
            shown_as = {kept: shown for shown, kept in marts[name].config.get("renamed", {}).items()}
            key = {"unit_code" if ledger.key_scope == "unit" else "district_code", ledger.key_column}
            assert {shown_as.get(column, column) for column in key} <= set(marts[name].columns), name
            continue
        assert f"model.duban.{affected['model']}" in marts[name].depends_on.nodes, name
        assert set(affected["keys"]) <= set(marts[name].columns), name
        assert set(affected["keys"].values()) <= set(models[affected["model"]].columns), name
    assert not any(marts[name].config.get("affected") for name in WHOLE)


def test_every_macro_of_an_indicator_is_listed(manifest: Any) -> None:
    listed = re.findall(r"'(\w+)',", (PROJECT / "macros" / "ranking" / "indicators.sql").read_text(encoding="utf-8"))
    files = {file.stem for file in (PROJECT / "macros" / "ranking" / "indicators").glob("*.sql")}
    assert set(listed) == files and len(files) == 8
    assert {f"macro.duban.indicator_{name}" for name in files} <= set(manifest.macros)


def test_rules_order_by_indicators_that_exist() -> None:
    files = {file.stem for file in (PROJECT / "macros" / "ranking" / "indicators").glob("*.sql")}
    with (PROJECT / "seeds" / "ref_ranking_rules.csv").open(encoding="utf-8", newline="") as file:
        rules = list(csv.DictReader(file))
    assert {rule["rule_code"] for rule in rules} == {f"ZY-2020-R{number}" for number in range(1, 5)}
    for rule in rules:
        for key in rule["ordering_keys"].split(", "):
            indicator, direction = key.split(" ")
            assert indicator in files and direction in {"asc", "desc"}, rule["rule_code"]


def test_every_model_below_the_marts_has_a_key(manifest: Any, models: dict[str, Any]) -> None:
    """Tables keep it by a unique index; of views, and of what other models are made of, a test of the nightly build asks for it."""
    tested = {
        manifest.nodes[test.attached_node].name
        for test in manifest.nodes.values()
        if getattr(test, "attached_node", None) in manifest.nodes and test.test_metadata.name in {"unique", "unique_combination"}
    }
    for name, node in models.items():
        if node.schema == "staging":
            assert name in tested, name
        elif node.schema == "intermediate" and node.config.materialized != "ephemeral":
            assert any(index.get("unique") for index in node.config.get("indexes", [])), name


def test_ledgers_say_when_they_are_stale(manifest: Any) -> None:
    dated = {source.name for source in manifest.sources.values() if source.loaded_at_field and source.freshness.warn_after.count}
    assert dated >= {"submissions", "problems", "funds", "projects", "visits"}
    ledgers = load_expectations(load_settings()).ledgers.values()
    assert dated == {"submissions", *(ledger.name for ledger in ledgers if ledger.stale_after_days)}


def test_dbt_knows_the_ledgers_as_their_folders_say() -> None:
    """`make up` writes these files where they are others; in the repository they are as it would write them."""
    files = source_files(load_expectations(load_settings()).ledgers.values())
    assert len(files) == 2
    for name, text in files.items():
        assert (PROJECT / name).read_text(encoding="utf-8") == text, f"{name}: make up"


def test_groups_and_access(manifest: Any, models: dict[str, Any]) -> None:
    """Readers rely on the marts; what they are made from is for models alone."""
    for name, node in models.items():
        assert node.config.group in {group.name for group in manifest.groups.values()}, name
        assert node.config.access == ("public" if node.schema == "marts" else "protected"), name


def test_keys_of_tables_are_kept_by_postgresql(marts: dict[str, Any]) -> None:
    for name in marts.keys() - VIEWS:
        node = marts[name]
        assert "primary_key" in {constraint.type for constraint in node.constraints}, name
        for column in key_of(node):
            assert "not_null" in {constraint.type for constraint in node.columns[column].constraints}, (name, column)


def test_suffix_of_a_column_names_its_type(marts: dict[str, Any]) -> None:
    checked = 0
    for name, node in marts.items():
        for column in node.columns.values():
            for suffix, data_type in TYPE_OF_SUFFIX.items():
                if column.name.endswith(suffix):
                    assert re.fullmatch(data_type, column.data_type), (name, column.name)
                    checked += 1
            if column.name.startswith(("is_", "has_")):
                assert column.data_type == "boolean", (name, column.name)
                checked += 1
    assert checked > 80


def test_readers_are_granted_marts_and_nothing_else(models: dict[str, Any]) -> None:
    for name, node in models.items():
        assert node.config.grants == ({"select": ["bi_reader"]} if node.schema == "marts" else {}), name


def test_no_view_hangs_on_a_table_that_builds_replace(manifest: Any, models: dict[str, Any]) -> None:
    """Replacing a table drops every view on it, so views may stand only on sources and on other views."""
    for name, node in models.items():
        if node.config.materialized == "view":
            parents = [manifest.nodes[parent] for parent in node.depends_on.nodes if parent in manifest.nodes]
            assert {parent.config.materialized for parent in parents} <= {"view", "ephemeral"}, name


def test_views_of_readers_stand_on_sources_alone(manifest: Any, models: dict[str, Any]) -> None:
    """Otherwise rebuilding the view below would take them away until their own turn."""
    for name in VIEWS:
        parents = [manifest.nodes[parent] for parent in models[name].depends_on.nodes if parent in manifest.nodes]
        assert {parent.config.materialized for parent in parents} == {"ephemeral"}, name


def test_codes_in_seeds_are_text(manifest: Any) -> None:
    seeds = [node for node in manifest.nodes.values() if node.resource_type == "seed"]
    assert {seed.name for seed in seeds} >= {"ref_calendar_exceptions", "ref_ranking_rules", "ref_village_aliases", "ref_vocabulary"}
    for seed in seeds:
        header = (PROJECT / seed.original_file_path).read_text(encoding="utf-8").splitlines()[0].split(",")
        assert header == list(seed.config.column_types) == list(seed.columns), seed.name
        assert {seed.config.column_types[column] for column in header if column.endswith("_code")} <= {"text"}, seed.name


def test_hard_logic_has_unit_tests(manifest: Any) -> None:
    tested = {unit_test.model for unit_test in manifest.unit_tests.values()}
    assert tested >= {
        "fct_problem_changes",
        "fct_projects",
        "fct_supervision_days",
        "fct_supervision_group_days",
        "fct_township_days",
        "fct_township_scores",
        "int_problem_days__stated",
        "rpt_fund_tiers",
        "rpt_township_ranking",
    }


def test_operation_never_runs_unit_tests(manifest: Any, selected: dict[str, set[str]]) -> None:
    unit_tests = {unit_test.name for unit_test in manifest.unit_tests.values()}
    assert unit_tests
    for selector, names in selected.items():
        assert not names & unit_tests, selector


def test_nightly_build_is_all_but_the_views(models: dict[str, Any], selected: dict[str, set[str]]) -> None:
    assert selected["install"] - selected["nightly"] == {name for name, node in models.items() if node.config.materialized == "view"}


def test_live_build_is_what_accepted_rows_change_and_its_tests(models: dict[str, Any], selected: dict[str, set[str]]) -> None:
    live = {name for name in selected["live"] if not name.startswith("stg_")}
    tables = {name for name, node in models.items() if node.config.materialized in {"mart", "work_table"}}
    assert {name for name in live & set(models) if models[name].config.materialized != "ephemeral"} == tables - {
        "dim_dates",
        "dim_ranking_rules",
        "dim_villages",
    }
    marts = [name for name, node in models.items() if node.config.get("ledger", "problems") != "problems"]
    assert live - set(models) == {f"{name}_refers_to_known_divisions" for name in marts} | {
        "dim_townships_refers_to_known_divisions",
        "fct_problems_refers_to_known_divisions",
        "problem_changes_add_up",
        "ranking_covers_every_township_day",
        "township_days_are_dense_and_conserved",
    }
