"""docker-compose.yml, Dockerfile and nginx.conf keep what they promise, read as files, without an engine; a new service is held to all."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from local.config import read_variables
from local.embedded.environment import COMMON
from local.embedded.postgres import SERVER_OPTIONS, SESSION_BYTES

PROJECT = Path(__file__).parents[2]
TEXT = (PROJECT / "docker-compose.yml").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load(TEXT)
SERVICES = COMPOSE["services"]
#: They do something and end.
ENDING = {"init", "cli"}
LASTING = sorted(SERVICES.keys() - ENDING)
OURS = sorted(name for name, service in SERVICES.items() if service["image"] == "duban")
#: What each service of ours may know beside Airflow's own secrets.
PIPELINE = {"LOADER", "TRANSFORMER", "PUBLISHER", "HMAC_KEY"}
OPERATOR = {"OPERATOR", "BI_READER", "PERSONAL_READER", "POSTGRES", "AIRFLOW_ADMIN"}
AIRFLOW = {"FERNET_KEY", "API", "JWT", "AIRFLOW_DB", "REDIS"}
SECRETS = {
    "postgres": {"POSTGRES"},
    "redis": {"REDIS"},
    "site": set(),
    "api-server": AIRFLOW,
    **dict.fromkeys(("scheduler", "triggerer", "dag-processor", "worker"), AIRFLOW | PIPELINE),
    **dict.fromkeys(ENDING, AIRFLOW | PIPELINE | OPERATOR),
}
#: Folders of the state, and who may write there (rw) or look (ro).
PLACES = {
    "/var/lib/duban": {"init": "rw", "scheduler": "rw", "worker": "rw", "cli": "rw"},
    "/var/lib/duban/logs": {
        **dict.fromkeys(("init", "scheduler", "worker", "cli", "triggerer", "dag-processor"), "rw"),
        "api-server": "ro",
    },
    "/var/lib/duban/inbox": {"init": "rw", "scheduler": "rw", "worker": "rw", "cli": "rw", "triggerer": "ro"},
    "/var/lib/duban/outbox": {"init": "rw", "scheduler": "rw", "worker": "rw", "cli": "rw"},
    "/var/lib/duban/outbox/site": {"init": "rw", "scheduler": "rw", "worker": "rw", "cli": "rw", "dag-processor": "rw"},
    "/var/lib/duban/backups": {"init": "ro", "scheduler": "ro", "worker": "ro", "cli": "rw"},
    "/usr/share/nginx/html": {"site": "ro"},
    "/etc/duban/nginx.conf": {"site": "ro"},
    "/var/lib/postgresql": {"postgres": "rw"},
    "/data": {"redis": "rw"},
}


def secrets_in(value) -> set[str]:
    """Names of the secrets that a part of the file mentions."""
    return set(re.findall(r"DUBAN_SECRET_(\w+)", json.dumps(value)))


def mounts(service: dict) -> dict[str, tuple[str, str]]:
    """Where what is mounted, and how."""
    found = {}
    for mount in service.get("volumes", ()):
        # ${NAME:-default} holds a colon of its own
        source, target, mode = (*re.sub(r"\$\{\w+:-(\w+)\}", r"\1", mount).split(":"), "rw")[:3]
        found[target] = (source, mode)
    return found


def test_every_service_is_known_here():
    assert SERVICES.keys() == SECRETS.keys()
    assert {name for name, service in SERVICES.items() if service.get("profiles")} == {"cli", "redis", "worker"}
    assert SERVICES["redis"]["profiles"] == SERVICES["worker"]["profiles"] == ["celery"]


@pytest.mark.parametrize("name", LASTING)
def test_a_service_says_how_it_is_and_comes_back(name):
    service = SERVICES[name]
    assert {"test", "interval", "timeout", "retries", "start_period"} <= service["healthcheck"].keys()
    assert service["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", sorted(ENDING))
def test_what_ends_is_not_started_again(name):
    assert SERVICES[name]["restart"] == "no"


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_cannot_take_the_machine(name):
    service = SERVICES[name]
    assert re.fullmatch(r"\d+[mg]", service["mem_limit"]) and 0 < service["cpus"] <= 2 and 0 < service["pids_limit"] <= 512
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}
    # memory of the machine, too, when it is not limited
    assert all("size=" in place for place in service["tmpfs"])


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_has_no_privileges(name):
    service = SERVICES[name]
    assert str(service["user"]).split(":")[0] not in ("", "0", "root")
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"] and "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    forbidden = {"privileged", "network_mode", "pid", "ipc", "devices", "userns_mode", "cgroup_parent"}
    assert not forbidden & service.keys()
    assert not any("docker.sock" in mount for mount in service.get("volumes", ()))


def test_ports_are_on_the_loopback_interface():
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert ports.keys() == {"postgres", "api-server", "site"}
    for published in ports.values():
        for port in published:
            assert re.fullmatch(r"127\.0\.0\.1:\$\{DUBAN_[A-Z]+_PORT:-\d+\}:\d+", port)


def test_ports_are_those_of_the_embedded_default():
    readme = (PROJECT / ".env.example").read_text(encoding="utf-8")
    for name, default in re.findall(r"127\.0\.0\.1:\$\{(DUBAN_[A-Z]+_PORT):-(\d+)\}:", TEXT):
        assert f"#{name}={default}\n" in readme


def test_the_site_reaches_nothing_but_its_pages():
    assert SERVICES["site"]["networks"] == ["pages"] and "environment" not in SERVICES["site"]
    # whoever works with the databases is not in its network; the operator's commands ask it whether it answers
    assert {name for name, service in SERVICES.items() if "pages" in service.get("networks", ())} == {"site", "cli"}


def test_images_are_of_a_major_version():
    foreign = {name: service["image"] for name, service in SERVICES.items() if service["image"] != "duban"}
    assert foreign == {"postgres": "postgres:18", "site": "nginx:1", "redis": "redis:7"}
    # built once, used by all
    assert [name for name in OURS if "build" in SERVICES[name]] == ["init"]
    assert all(re.fullmatch(r"python:3\.\d+-slim-bookworm", image) for image in re.findall(r"^FROM (\S+)", DOCKERFILE, flags=re.MULTILINE))


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_starts_when_what_it_needs_is_ready(name):
    needs = {other: how["condition"] for other, how in SERVICES[name].get("depends_on", {}).items()}
    for other, condition in needs.items():
        assert condition == ("service_completed_successfully" if other in ENDING else "service_healthy")
    before_all = {"postgres", "redis", "cli"}
    assert name in before_all or "init" in {name} | everything_before(name)


def everything_before(name: str) -> set[str]:
    """All that a service waits for, directly or not."""
    before = set(SERVICES[name].get("depends_on", ()))
    return before.union(*(everything_before(other) for other in before)) if before else before


# ── secrets ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_every_secret_is_demanded_wherever_it_is_used():
    for use in re.findall(r"\$\{?DUBAN_SECRET_[^}]*\}?", TEXT):
        assert re.fullmatch(r"\$\{DUBAN_SECRET_\w+:\?run make compose-env\}", use), use


def test_nothing_that_looks_like_a_secret_stands_in_the_file():
    for name, service in SERVICES.items():
        for variable, value in (service.get("environment") or {}).items():
            if re.search(r"PASSWORD|SECRET|KEY|AUTH$|_URI$|_CONN", variable) and value and "FabAuthManager" not in value:
                assert "${" in value, f"{name}: {variable}"
    for line in COMMON.read_text(encoding="utf-8").splitlines():
        assert not re.search(r"PASSWORD|SECRET|FERNET|_CONN", line)


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_knows_the_secrets_of_its_work_only(name):
    assert secrets_in(SERVICES[name]) == SECRETS[name]
    # an argument is seen by everybody on the machine
    assert not secrets_in([SERVICES[name].get("command"), SERVICES[name].get("entrypoint"), SERVICES[name].get("healthcheck")])


def test_secrets_of_containers_are_not_taken_for_those_of_the_embedded_default():
    """Both read the same .env."""
    from local.config import VARIABLES

    ours = set(re.findall(r"\$\{(\w+):\?", TEXT))
    assert ours and not ours & set(VARIABLES)


# ── places ───────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("place", sorted(PLACES))
def test_a_place_is_seen_by_those_who_need_it(place):
    assert {name: mounts(service)[place][1] for name, service in SERVICES.items() if place in mounts(service)} == PLACES[place]


def test_there_are_no_other_places():
    assert {place for service in SERVICES.values() for place in mounts(service)} == PLACES.keys()


def test_what_is_to_last_lies_in_a_named_volume():
    used = {source for service in SERVICES.values() for source, _ in mounts(service).values() if not source.startswith("./")}
    assert used == COMPOSE["volumes"].keys()


# ── one project, two ways to run it ──────────────────────────────────────────────────────────────────────────────────
#: Options of Airflow that depend on the place. All others stand in deploy/airflow.env and hold for both.
OF_THE_PLACE = {
    *("AIRFLOW_HOME", "AIRFLOW__CORE__DAGS_FOLDER", "AIRFLOW__CORE__PLUGINS_FOLDER", "AIRFLOW__CORE__EXECUTOR"),
    *("AIRFLOW__CORE__AUTH_MANAGER",),
    *("AIRFLOW__CORE__EXECUTION_API_SERVER_URL", "AIRFLOW__CORE__FERNET_KEY", "AIRFLOW__API__BASE_URL", "AIRFLOW__API__SECRET_KEY"),
    *("AIRFLOW__API_AUTH__JWT_SECRET", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC"),
    *("AIRFLOW__LOGGING__BASE_LOG_FOLDER", "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY"),
}
ONLY_IN_CONTAINERS = {
    *("AIRFLOW__CELERY__BROKER_URL", "AIRFLOW__CELERY__CELERY_CONFIG_OPTIONS", "AIRFLOW__CORE__PARALLELISM"),
    *("AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT", "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL"),
    *(f"AIRFLOW__METRICS__{name}" for name in ("STATSD_ON", "STATSD_HOST", "STATSD_PORT", "OTEL_ON")),
}
ONLY_EMBEDDED = {
    *("AIRFLOW__API__HOST", "AIRFLOW__API__PORT"),
    *(f"AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_{name}" for name in ("USERS", "ALL_ADMINS", "PASSWORDS_FILE")),
}


@pytest.mark.parametrize("name", OURS)
def test_options_of_airflow_are_said_once(name):
    assert SERVICES[name]["env_file"] == "deploy/airflow.env" == str(COMMON.relative_to(PROJECT))
    here = {variable for variable in SERVICES[name]["environment"] if variable.startswith("AIRFLOW_") and "_CONN_" not in variable[:14]}
    assert here == OF_THE_PLACE | ONLY_IN_CONTAINERS


def test_the_embedded_default_differs_in_what_depends_on_the_place(tmp_path, monkeypatch):
    from local.config import load_installation
    from local.embedded.environment import system_variables
    from local.secrets import load_secrets

    monkeypatch.setenv("DUBAN_HOME", str(tmp_path))
    installation = load_installation(must_exist=False)
    variables = system_variables(installation, load_secrets(installation.secrets))
    common = read_variables(COMMON)
    assert common.items() <= variables.items()
    embedded = {name for name in variables if name.startswith("AIRFLOW_") and "_CONN_" not in name[:14]} - common.keys()
    assert embedded == OF_THE_PLACE | ONLY_EMBEDDED
    assert variables["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"


def test_nothing_is_told_to_others_unless_said():
    for name in OURS:
        variables = SERVICES[name]["environment"]
        assert variables["AIRFLOW__METRICS__STATSD_ON"] == "${DUBAN_STATSD_ON:-False}"
        assert variables["AIRFLOW__METRICS__OTEL_ON"] == "${DUBAN_OTEL_ON:-False}"
    assert read_variables(COMMON)["AIRFLOW__USAGE_DATA_COLLECTION__ENABLED"] == "False"


def test_how_many_tasks_run_at_once_is_the_same_unless_said():
    parallel = SERVICES["scheduler"]["environment"]["AIRFLOW__CORE__PARALLELISM"]
    assert parallel == f"${{DUBAN_PARALLELISM:-{read_variables(COMMON)['AIRFLOW__CORE__PARALLELISM']}}}"


def test_postgresql_has_the_options_of_the_embedded_one():
    command, program = SERVICES["postgres"]["command"][1:], SERVICES["postgres"]["command"][0]
    assert program == "postgres" and all(part.startswith("-c") for part in command)
    options = dict(part.removeprefix("-c").split("=", 1) for part in command)
    of_the_place = {"listen_addresses", "unix_socket_directories"}
    assert options == {name: value for name, value in SERVER_OPTIONS.items() if name not in of_the_place}


def test_a_session_has_no_more_memory_than_with_the_embedded_one():
    assert SERVICES["postgres"]["ulimits"] == {"data": SESSION_BYTES}


def test_postgresql_asks_for_passwords():
    assert "--auth-host=scram-sha-256" in SERVICES["postgres"]["environment"]["POSTGRES_INITDB_ARGS"]
    assert "POSTGRES_HOST_AUTH_METHOD" not in SERVICES["postgres"]["environment"]


def test_airflow_is_closed():
    for name in OURS:
        assert SERVICES[name]["environment"]["AIRFLOW__CORE__AUTH_MANAGER"].endswith(".FabAuthManager")
        assert not any("AUTH_ROLE_PUBLIC" in variable or "EXPOSE" in variable for variable in SERVICES[name]["environment"])
    assert read_variables(COMMON)["AIRFLOW__API__EXPOSE_CONFIG"] == "False"


# ── image and web server ─────────────────────────────────────────────────────────────────────────────────────────────
DOCKERFILE = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
NGINX = (PROJECT / "deploy" / "nginx.conf").read_text(encoding="utf-8")


def test_the_image_runs_as_an_ordinary_user_and_holds_pinned_packages():
    instructions = [line for line in DOCKERFILE.splitlines() if re.match(r"[A-Z]+ ", line)]
    assert [line for line in instructions if line.startswith("USER")] == ["USER 50000:50000"]
    # what comes after it is run as that user
    assert not any(line.startswith(("RUN", "COPY", "ADD")) for line in instructions[instructions.index("USER 50000:50000") :])
    assert len(re.findall(r"pip install", DOCKERFILE)) == len(re.findall(r"--require-hashes", DOCKERFILE)) == 2
    assert not re.search(r"https?://|ADD |curl|wget|--trusted-host", DOCKERFILE)
    assert SERVICES["init"]["user"] == "50000:50000"


def test_the_image_owns_nothing_of_the_project():
    """What it runs, it cannot change."""
    assert "--chown" not in DOCKERFILE and not re.search(r"chown[^\n]*(/opt|\s\.)", DOCKERFILE)


def test_the_engine_is_sent_only_what_the_image_holds():
    lines = [line for line in (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    sent = {line[1:] for line in lines if line.startswith("!")}
    assert sent == {
        *("LICENSE", "dags", "dbt_project", "deploy", "expectations", "local"),
        *("requirements.txt", "requirements-bootstrap.txt", "requirements-deploy.txt"),
    }


def test_packages_of_the_image_are_those_of_the_embedded_default_and_a_few_more():
    def pins(name: str) -> set[tuple[str, str]]:
        return set(re.findall(r"^([a-z0-9-]+)==(\S+)", (PROJECT / name).read_text(encoding="utf-8"), flags=re.MULTILINE))

    base, deploy = pins("requirements.txt"), pins("requirements-deploy.txt")
    assert base < deploy
    assert {"apache-airflow-providers-celery", "apache-airflow-providers-fab", "redis"} <= {name for name, _ in deploy - base}


@pytest.mark.parametrize("file", ["Dockerfile", "docker-compose.yml", ".dockerignore", "deploy/nginx.conf", "deploy/airflow.env"])
def test_no_file_knows_a_machine(file):
    """No registry, no index, no home of somebody."""
    text = (PROJECT / file).read_text(encoding="utf-8")
    assert not re.search(r"/home/|/root/|\b[\w-]+\.(com|org|io|net|cn)\b", text)


def test_the_web_server_is_as_careful_as_the_embedded_one():
    from local.embedded.site import SiteHandler

    said = {}

    class Handler(SiteHandler):
        def __init__(self):
            pass

        def send_header(self, keyword, value):
            said[keyword] = value

    with pytest.raises(AttributeError):  # there is no request behind it
        Handler().end_headers()
    headers = dict(re.findall(r"add_header (\S+) (\S+) always;", NGINX))
    assert said and said.items() <= headers.items()
    assert "server_tokens off;" in NGINX and "autoindex" not in NGINX and "limit_except GET" in NGINX
    # a location with headers of its own would lose these
    assert "add_header" not in re.sub(r"server \{.*?location", "location", NGINX, flags=re.DOTALL)


@pytest.mark.parametrize("name", [name for name in LASTING if name in OURS])
def test_each_component_is_asked_for_its_own_health(name):
    assert SERVICES[name]["healthcheck"]["test"] == ["CMD", "python", "deploy/health.py", name]
