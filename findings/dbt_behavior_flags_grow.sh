#!/usr/bin/env bash
# dbt-core 1.11.16, dbt-adapters 1.24.5, dbt-postgres 1.11.0: each command that a process runs through dbtRunner makes an adapter, and
# each adapter adds its behavior flags to the list of defaults of the module instead of to a list of its own. The list grows for as long as
# the process lives, and for every flag in it dbt looks through the whole call stack: the twentieth build of a process begins later than
# the first.
#
# Seen: "flags after each of four commands: 3 4 5 6", where two are the defaults and one is that of PostgreSQL.
# Who runs dbt many times in one process: a fresh process for each (or a fork), or a default source that costs nothing.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check dbt-core==1.11.16 dbt-postgres==1.11.0 dbt-adapters==1.24.5
mkdir -p "$folder/project/models"
cat > "$folder/project/dbt_project.yml" <<'YML'
name: small
version: 1.0.0
config-version: 2
profile: small
flags: {send_anonymous_usage_stats: false}
YML
cat > "$folder/project/profiles.yml" <<'YML'
small:
  target: one
  outputs:
    one: {type: postgres, host: 127.0.0.1, port: 5432, user: nobody, password: none, dbname: none, schema: public, threads: 1}
YML
echo "select 1 as one" > "$folder/project/models/one.sql"
cat > "$folder/try.py" <<'PY'
import sys

from dbt.adapters.base import impl
from dbt.cli.main import dbtRunner

lengths = []
for _ in range(4):
    outcome = dbtRunner().invoke(["--quiet", "parse", "--project-dir", sys.argv[1], "--profiles-dir", sys.argv[1]])
    assert outcome.success, outcome.exception
    lengths.append(len(impl.DEFAULT_BASE_BEHAVIOR_FLAGS))
print("flags after each of four commands:", *lengths)
PY
seen="$("$folder/venv/bin/python" "$folder/try.py" "$folder/project" 2>/dev/null)"
printf '%s\n' "$seen"
[ "$seen" = "flags after each of four commands: 3 4 5 6" ] || { echo "the behaviour has changed" >&2; exit 1; }
