"""The only door to PostgreSQL: connections, migrations, locks, and every statement that changes state outside dbt.

Locks make the work safe to run twice: whoever claims, loads or builds holds a lock on the very connection it commits with. A task that was
given up but still runs either holds the lock (its successor waits) or has lost its connection (and can commit nothing).

Nobody holds one for ever: who holds a lock says every few seconds that it lives, and the server ends a session that says nothing for
`SILENT_SECONDS`: that of a process that was stopped, or of a machine that is gone.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus
from psycopg.rows import class_row, dict_row

from duban.settings import TIMEZONE, Settings

MIGRATIONS = Path(__file__).with_name("migrations")
ACCEPTED = ("accepted", "accepted_with_rejections")
# Of migrations and rights: whoever keeps what they need is told of, not waited for without end.
#: Larger files are judged and answered apart: nobody waits for them who need not.
LARGE_BYTES = 1 << 20
LOCK_TIMEOUT = "lock_timeout = '30s'"
# Keys of the advisory locks; any numbers will do, they must only differ.
_LOCK_MIGRATE, _LOCK_CLAIM, _LOCK_JUDGE, _LOCK_LOAD, _LOCK_BUILD, _LOCK_RETURNS, _LOCK_DELIVERIES, _LOCK_ISSUES = range(820_001, 820_009)
_LOCK_FREEZE, _LOCK_JUDGE_APART, _LOCK_RETURNS_APART = 820_009, 820_011, 820_012
_LOCK_NAMES = {
    _LOCK_MIGRATE: "preparing the warehouse",
    _LOCK_CLAIM: "taking files",
    _LOCK_JUDGE: "judging",
    _LOCK_JUDGE_APART: "judging a large file",
    _LOCK_LOAD: "loading",
    _LOCK_BUILD: "building the marts",
    _LOCK_RETURNS: "writing returns",
    _LOCK_RETURNS_APART: "writing the return of a large file",
    _LOCK_DELIVERIES: "sending",
    _LOCK_ISSUES: "writing issues",
}
#: Who holds a lock and says nothing for so long is taken for gone; it says something every `BEAT_SECONDS`.
SILENT_SECONDS, BEAT_SECONDS = 60.0, 15.0
# Of a process that was stopped in the middle of a COPY the server knows only that it sends nothing.
LONGEST_ROUND = "30min"
#: What the sessions of a build call themselves; those of a person's own `dbt` are `dbt`.
BUILDING = "duban build"
#: For every session of ours, on whatever server: a side that is gone is noticed within a minute, and no transaction waits for ever.
LOST_CLIENT = {
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "60s",
    "client_connection_check_interval": "10s",
}
_LOST_SERVER = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 60_000}


@dataclass(frozen=True)
class Unit:
    """A registered sender."""

    unit_code: str
    district_code: str
    unit_kind: str
    unit_name: str


@dataclass(frozen=True)
class Claim:
    """A file that was taken and waits for its outcome."""

    submission_id: str
    district_code: str
    unit_code: str
    unit_kind: str
    unit_name: str
    file_name: str
    file_sha256: str
    file_size: int
    file_mtime_ns: int
    claimed_at: datetime
    named_dates: Collection[date] | None = None  # days that the name states, as it was sent; null for files that an earlier version took

    @property
    def arrived_on(self) -> date:
        """Day of arrival in the district's time zone."""
        return self.claimed_at.astimezone(TIMEZONE).date()


@dataclass(frozen=True)
class NewClaim:
    """What is recorded when a file is taken."""

    unit: Unit
    inbox_path: bytes
    file_name: str
    file_sha256: str
    file_size: int
    file_mtime_ns: int
    file_inode: int
    file_ctime_ns: int
    is_whole: bool
    named_dates: Collection[date]


@dataclass(frozen=True)
class Delivery:
    """A line of `ops.deliveries`: one thing that goes to one address by one channel."""

    delivery_id: int
    subject_kind: str
    subject_id: str
    district_code: str
    channel: str
    address: str
    message_id: str
    attempt_count: int


@dataclass(frozen=True)
class Unremoved:
    """A claim whose file may still lie in the inbox, because the process ended between the two steps."""

    submission_id: str
    inbox_path: bytes
    file_sha256: str
    file_size: int
    file_mtime_ns: int
    file_inode: int | None  # null for files that an earlier version took
    file_ctime_ns: int | None


def connect(settings: Settings, login: str = "operator") -> psycopg.Connection:
    """A connection to the warehouse with autocommit: what belongs together says so by `conn.transaction()`.

    Args:
        settings: Where the warehouse is.
        login: Whose rights: a name of `settings.LOGINS`, or the operator, who acts as the owner.
    """
    # the operator's commands may rest in a transaction: a backup copies files under its snapshot
    more = {"role": "duban_owner"} if login == "operator" else {"idle_in_transaction_session_timeout": f"{SILENT_SECONDS:.0f}s"}
    options = " ".join(f"-c {name}={value}" for name, value in {"timezone": TIMEZONE.key, **LOST_CLIENT, **more}.items())
    return psycopg.connect(settings.uri(login), autocommit=True, application_name="duban", options=options, **_LOST_SERVER)


def migrate(conn: psycopg.Connection) -> list[str]:
    """Apply every migration that this warehouse has not seen, each once, in the order of their names; returns those applied."""
    applied = []
    with _held(conn, _LOCK_MIGRATE):
        with conn.transaction():
            conn.execute("create schema if not exists ops")
            conn.execute(
                "create table if not exists ops.schema_migrations (version text primary key, applied_at timestamptz not null default now())"
            )
            seen = {version for (version,) in conn.execute("select version from ops.schema_migrations")}
        for path in sorted(MIGRATIONS.glob("*.sql")):
            if path.stem in seen:
                continue
            with conn.transaction():
                conn.execute(f"set local {LOCK_TIMEOUT}")
                conn.execute(path.read_text(encoding="utf-8"))
                conn.execute("insert into ops.schema_migrations (version) values (%s)", (path.stem,))
            applied.append(path.stem)
    return applied


@contextmanager
def _held(
    conn: psycopg.Connection, key: int, on_loss: Callable[[], None] = lambda: None, longest_transaction: str | None = None
) -> Iterator[None]:
    """Hold a session lock. Waits for whoever holds it; freed with the connection at the latest.

    `on_loss` is called, in another thread, when the session has ended under its holder: the lock may be another's by then.
    """
    conn.execute("select pg_advisory_lock(%s)", (key,))
    try:
        with _beating(conn, on_loss, longest_transaction):
            yield
    finally:
        if not conn.closed:
            conn.execute("select pg_advisory_unlock(%s)", (key,))


@contextmanager
def _beating(
    conn: psycopg.Connection, on_loss: Callable[[], None] = lambda: None, longest_transaction: str | None = None
) -> Iterator[None]:
    """Let the server end this session when its process says nothing any more, and say something meanwhile, also between statements."""
    is_over = threading.Event()

    def beat() -> None:
        while not is_over.wait(BEAT_SECONDS):
            # in a COPY, or after an error in a transaction, the holder itself is about to speak
            if conn.info.transaction_status not in (TransactionStatus.IDLE, TransactionStatus.INTRANS):
                continue
            try:
                conn.execute("")  # no query: it takes no snapshot
            except psycopg.Error:
                if conn.closed and not is_over.is_set():
                    on_loss()
                    return

    bounds = dict.fromkeys(("idle_session_timeout", "idle_in_transaction_session_timeout"), f"{SILENT_SECONDS * 1000:.0f}ms")
    if longest_transaction and conn.info.server_version >= 170000:
        bounds["transaction_timeout"] = longest_transaction
    before = {name: conn.execute("select current_setting(%s)", (name,)).fetchone()[0] for name in bounds}
    _set(conn, bounds)
    thread = threading.Thread(target=beat, name="beat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
        if not conn.closed and conn.info.transaction_status != TransactionStatus.INERROR:
            _set(conn, before)


def _set(conn: psycopg.Connection, options: Mapping[str, str]) -> None:
    for name, value in options.items():
        conn.execute("select set_config(%s, %s, false)", (name, value))


def silent_holders(conn: psycopg.Connection) -> list[tuple[str, int, float]]:
    """Who holds a lock and has said nothing for three beats: what is locked, the session, seconds. The server ends it soon."""
    rows = conn.execute(
        """select objid::bigint, pid, extract(epoch from clock_timestamp() - state_change)::float8
           from pg_locks join pg_stat_activity using (pid)
           where locktype = 'advisory' and granted and classid = 0 and pg_locks.database = (
               select oid from pg_database where datname = current_database()
           ) and state <> 'active' and state_change < clock_timestamp() - make_interval(secs => %s)
           order by state_change""",
        (3 * BEAT_SECONDS,),
    ).fetchall()
    return [(_LOCK_NAMES.get(key, str(key)), pid, seconds) for key, pid, seconds in rows]


# Whether somebody holds one of these locks.
_IS_HELD = """exists (
    select from pg_locks join pg_database on pg_database.oid = database
    where datname = current_database() and locktype = 'advisory' and granted
        and (classid, objsubid) = (0, 1) and objid::bigint = any(%(locks)s::bigint[])
)"""


# ── claiming ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def claim_lock(conn: psycopg.Connection) -> Any:
    """Only one process takes files from the inbox at a time."""
    return _held(conn, _LOCK_CLAIM)


def registered_units(conn: psycopg.Connection) -> dict[str, Unit]:
    """Every unit that may send, by code."""
    with conn.cursor(row_factory=class_row(Unit)) as cur:
        return {unit.unit_code: unit for unit in cur.execute("select unit_code, district_code, unit_kind, unit_name from raw.units")}


def unremoved_claims(conn: psycopg.Connection) -> list[Unremoved]:
    """Claims whose file has not been seen to leave the inbox."""
    with conn.cursor(row_factory=class_row(Unremoved)) as cur:
        return cur.execute(
            """select submission_id, inbox_path, file_sha256, file_size, file_mtime_ns, file_inode, file_ctime_ns
               from ops.submissions where removed_at is null"""
        ).fetchall()


def record_claims(conn: psycopg.Connection, claims: Sequence[NewClaim]) -> list[str]:
    """Record files as taken, in one transaction; returns their new submission ids in the same order."""
    rows = [
        (
            claim.unit.district_code,
            claim.unit.unit_code,
            claim.inbox_path,
            claim.file_name,
            claim.file_sha256,
            claim.file_size,
            claim.file_mtime_ns,
            claim.file_inode,
            claim.file_ctime_ns,
            claim.is_whole,
            sorted(claim.named_dates),
        )
        for claim in claims
    ]
    with conn.transaction(), conn.cursor() as cur:
        cur.executemany(
            """insert into ops.submissions
                   (submission_id, district_code, unit_code, inbox_path, file_name, file_sha256, file_size, file_mtime_ns,
                    file_inode, file_ctime_ns, is_whole, named_dates)
               select to_char(clock_timestamp(), 'YYYYMMDD-') || to_char(nextval('ops.submission_no'), 'FM000000'),
                      %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s
               returning submission_id""",
            rows,
            returning=True,
        )
        return [result.fetchone()[0] for result in cur.results()] if rows else []


def record_removed(conn: psycopg.Connection, paths: Mapping[str, bytes]) -> None:
    """Record that the files of these claims have left the inbox, and what is kept of their paths, by submission id."""
    with conn.transaction():
        conn.execute(
            """update ops.submissions as taken set removed_at = clock_timestamp(), inbox_path = gone.inbox_path
               from unnest(%s::text[], %s::bytea[]) as gone (submission_id, inbox_path)
               where taken.submission_id = gone.submission_id""",
            (list(paths), list(paths.values())),
        )


# ── judging and loading ──────────────────────────────────────────────────────────────────────────────────────────────


def judge_lock(conn: psycopg.Connection, *, apart: bool = False) -> Any:
    """Only one process judges claimed files at a time, and one those that are judged apart."""
    return _held(conn, _LOCK_JUDGE_APART if apart else _LOCK_JUDGE, longest_transaction=LONGEST_ROUND)


def waiting_claims(conn: psycopg.Connection) -> list[Claim]:
    """The files without an outcome, in the order they are judged: visits' senders last, then mtime, name, unit."""
    with conn.cursor(row_factory=class_row(Claim)) as cur:
        return cur.execute(
            """select submission_id, s.district_code, unit_code, unit_kind, unit_name, file_name, file_sha256, file_size,
                      file_mtime_ns, claimed_at, named_dates
               from ops.submissions s join raw.units u using (unit_code)
               where outcome is null order by (unit_kind = 'group'), file_mtime_ns, file_name, unit_code"""
        ).fetchall()


def unanswered(conn: psycopg.Connection, seconds: float) -> int:
    """How many files were taken more than `seconds` ago and have no answer: no outcome, or one that does not lie in the outbox."""
    return conn.execute(
        """select count(*) from (
               select submission_id from ops.submissions where outcome is null
               union all
               select subject_id from ops.deliveries where subject_kind = 'return' and channel = 'folder' and status = 'waiting'
           ) waiting join ops.submissions using (submission_id)
           where claimed_at < clock_timestamp() - make_interval(secs => %s)""",
        (seconds,),
    ).fetchone()[0]


def accepted_before(conn: psycopg.Connection, files: Collection[tuple[str, str]]) -> dict[tuple[str, str], list[tuple[str, date]]]:
    """Earlier submissions of these bytes that were accepted wholly or in part, by (unit, hash): id and report date, in order of arrival."""
    units, hashes = [unit for unit, _ in files], [sha256 for _, sha256 in files]
    rows = conn.execute(
        """select unit_code, file_sha256, submission_id, report_on
           from (select distinct * from unnest(%s::text[], %s::text[]) as asked (unit_code, file_sha256)) asked
           join ops.submissions using (unit_code, file_sha256) where outcome = any(%s) order by received_at""",
        (units, hashes, list(ACCEPTED)),
    )
    found: dict[tuple[str, str], list[tuple[str, date]]] = {}
    for unit, sha256, submission_id, report_on in rows:
        found.setdefault((unit, sha256), []).append((submission_id, report_on))
    return found


@dataclass(frozen=True)
class ReturnedRow:
    """A row that was sent back: its ledger (title), its place, its key (None: blank, unreadable, unknown), the columns that were wrong."""

    ledger: str
    sheet: str
    row_no: int
    key: str | None
    wrong: frozenset[str]


@dataclass(frozen=True)
class Returned:
    """What a corrected slip answers: the report date, the rows that were sent back (none: the whole file was), and the keys (target, key)
    of the rows that had been accepted, be it from the file or from earlier corrections of it.
    """

    report_on: date
    rows: tuple[ReturnedRow, ...]
    accepted: frozenset[tuple[str, str]]


def returned_submission(conn: psycopg.Connection, submission_id: str, unit_code: str, keys: Mapping[str, str]) -> Returned | None:
    """The submission that a corrected slip answers; `keys` are the key columns by the raw table of each ledger.

    None when there is no such submission of that unit, or nothing of it was sent back.
    """
    row = conn.execute(
        "select report_on from ops.submissions where submission_id = %s and unit_code = %s and rejected_count > 0",
        (submission_id, unit_code),
    ).fetchone()
    if row is None or row[0] is None:
        return None
    rows = conn.execute(
        """select ledger, sheet, row_no, max(row_key), array_agg(distinct column_name) from quarantine.rejected_rows
           where submission_id = %s and row_no is not null group by ledger, sheet, row_no order by ledger, sheet, row_no""",
        (submission_id,),
    ).fetchall()
    accepted: set[tuple[str, str]] = set()
    for target, key in keys.items():
        query = sql.SQL("""
            with recursive chain as (
                select submission_id, corrects_id from ops.submissions where submission_id = %s
                union
                select earlier.submission_id, earlier.corrects_id
                from ops.submissions as earlier inner join chain on earlier.submission_id = chain.corrects_id
            )
            select {key} from {target} where submission_id in (select submission_id from chain)""")
        named = query.format(key=sql.Identifier(key), target=sql.Identifier(*target.split(".")))
        accepted.update((target, value) for (value,) in conn.execute(named, (submission_id,)))
    return Returned(
        row[0],
        tuple(ReturnedRow(ledger, sheet, row_no, key, frozenset(filter(None, wrong))) for ledger, sheet, row_no, key, wrong in rows),
        frozenset(accepted),
    )


def divisions(conn: psycopg.Connection, district_code: str) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """(code, name) of the townships and of the villages of a district."""
    townships = conn.execute("select township_code, township_name from raw.townships where district_code = %s", (district_code,)).fetchall()
    villages = conn.execute(
        "select village_code, village_name from raw.villages join raw.townships using (township_code) where district_code = %s",
        (district_code,),
    ).fetchall()
    return townships, villages


def unit_names(conn: psycopg.Connection, codes: Iterable[str]) -> dict[str, str]:
    """The names of units by their codes; a code that is no unit stands for itself."""
    codes = list(codes)
    if not codes:
        return {}
    return {code: code for code in codes} | dict(
        conn.execute("select unit_code, unit_name from raw.units where unit_code = any(%s)", (codes,)).fetchall()
    )


def township_codes(conn: psycopg.Connection, names: Iterable[str]) -> dict[str, set[str]]:
    """The codes of all townships of these (folded) names, by name; names of no township are left out."""
    codes: dict[str, set[str]] = {}
    query = "select township_name, township_code from raw.townships where township_name = any(%s)"
    for name, code in conn.execute(query, (list(map(storable_text, names)),)):
        codes.setdefault(name, set()).add(code)
    return codes


def campaigns(conn: psycopg.Connection, district_code: str) -> list[tuple[str, date, date]]:
    """Campaigns of a district: name, first day, last day."""
    query = "select campaign_name, started_on, ended_on from raw.campaigns where district_code = %s order by started_on"
    return conn.execute(query, (district_code,)).fetchall()


_OWNERS = {
    "problems": "select distinct on (problem_no) problem_no, township_code from raw.problem_versions "
    "where district_code = %(district)s and problem_no = any(%(keys)s) order by problem_no, report_on desc, received_at desc",
    "projects": "select distinct on (project_no) project_no, township_code from raw.project_versions "
    "where district_code = %(district)s and project_no = any(%(keys)s) order by project_no, report_on desc, received_at desc",
    "funds": "select distinct on (movement_no) movement_no, township_code from raw.fund_movement_versions "
    "where unit_code = %(unit)s and movement_no = any(%(keys)s) order by movement_no, report_on desc, received_at desc",
}


def owners(conn: psycopg.Connection, ledger: str, district_code: str, unit_code: str, keys: Iterable[str]) -> dict[str, str | None]:
    """Township code of the current version of each key that is known; a visit's keys are problem numbers."""
    query = _OWNERS["problems" if ledger == "visits" else ledger]
    return dict(conn.execute(query, {"district": district_code, "unit": unit_code, "keys": list(keys)}).fetchall())


@contextmanager
def load_transaction(conn: psycopg.Connection) -> Iterator[None]:
    """One transaction under the load lock: arrival times given inside are in the order of commits."""
    with conn.transaction():
        lock_loading(conn)
        yield


def lock_loading(conn: psycopg.Connection) -> None:
    """Take the load lock for the rest of the transaction."""
    conn.execute("select pg_advisory_xact_lock(%s)", (_LOCK_LOAD,))


def next_received_at(conn: psycopg.Connection, count: int) -> list[datetime]:
    """As many times of arrival, each later than the one before and than every one given before. Call inside `load_transaction`."""
    query = "select greatest(clock_timestamp(), max(received_at) + interval '1 microsecond') from ops.submissions"
    first = conn.execute(query).fetchone()[0]
    return [first + timedelta(microseconds=number) for number in range(count)]


def record_outcomes(conn: psycopg.Connection, outcomes: Iterable[Mapping[str, Any]]) -> None:
    """Give submissions their one outcome: `submission_id` and the columns to set, `receipt` as JSON text. Call inside `load_transaction`.

    Raises:
        RuntimeError: one has an outcome already; the transaction must not commit.
    """
    outcomes = iter(outcomes)
    first = next(outcomes)
    statement = sql.SQL("update ops.submissions set {} where submission_id = {} and outcome is null").format(
        sql.SQL(", ").join(sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in first),
        sql.Placeholder("submission_id"),
    )
    written = 0

    def counted() -> Iterator[Mapping[str, Any]]:
        nonlocal written
        for outcome in chain([first], outcomes):
            written += 1
            yield outcome

    with conn.cursor() as cur:
        cur.executemany(statement, counted())
        if cur.rowcount != written:
            raise RuntimeError(f"{written - cur.rowcount} of {written} submissions have an outcome already")


def copy_rows(conn: psycopg.Connection, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Append rows to `schema.table` by COPY; every row has the same columns. Rows are taken one by one, never all at once."""
    rows = iter(rows)
    first = next(rows, None)
    if first is None:
        return
    names = list(first)
    statement = sql.SQL("copy {} ({}) from stdin").format(sql.Identifier(*table.split(".")), sql.SQL(", ").join(map(sql.Identifier, names)))
    with conn.cursor() as cur, cur.copy(statement) as copy:
        for row in chain([first], rows):
            copy.write_row([storable_text(value) if isinstance(value := row[name], str) else value for name in names])


def storable_text(text: str) -> str:
    """Text without what PostgreSQL cannot store: NUL and lone surrogates become U+FFFD."""
    if "\x00" not in text:
        try:
            text.encode()
        except UnicodeEncodeError:
            pass
        else:
            return text
    return text.replace("\x00", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def storable_json(value: Any) -> str:
    """`storable` as JSON; a value that is storable as it is, as nearly all are, is not taken apart."""
    text = json.dumps(value, ensure_ascii=False)
    # A NUL stands escaped in JSON; so may a clerk's own \\u0000, and then the slower way changes nothing.
    return text if "\\u0000" not in text and storable_text(text) is text else json.dumps(storable(value), ensure_ascii=False)


def storable(value: Any) -> Any:
    """The value with every text in it made storable."""
    match value:
        case str():
            return storable_text(value)
        case dict():
            return {storable(key): storable(entry) for key, entry in value.items()}
        case list() | tuple():
            return [storable(entry) for entry in value]
        case _:
            return value


def upsert_households(conn: psycopg.Connection, households: Mapping[str, tuple[str, str | None]]) -> None:
    """Keep identity number and name of households, by key, in the personal schema; a newer name replaces an older one."""
    if households:
        conn.execute(
            "select personal.keep_households(%s, %s, %s)",
            (list(households), [number for number, _ in households.values()], [name for _, name in households.values()]),
        )


def keep_names(conn: psycopg.Connection, district_code: str, names: Collection[str]) -> list[str]:
    """Keep names of household heads of a district; returns those that were not known. Call inside `load_transaction`."""
    return [name for (name,) in conn.execute("select personal.keep_names(%s, %s)", (district_code, sorted(names)))]


def names_that_open(conn: psycopg.Connection, district_code: str, openings: Collection[str]) -> list[str]:
    """The known names of a district that begin with one of these two characters each."""
    return [name for (name,) in conn.execute("select personal.names_that_open(%s, %s)", (district_code, list(openings)))]


#: Where free texts lie, by table: those that the index of its pairs is made of (migration 0010), in that order.
FREE_TEXTS = {
    "raw.problem_versions": ("feedback_batch", "description", "department", "measures", "evidence", "void_reason", "remark"),
    "raw.fund_movement_versions": ("document_no", "fund_name", "void_reason", "remark"),
    "raw.project_versions": (
        *("project_name", "construction_kind", "place", "content", "responsible_unit", "issues", "void_reason", "remark"),
    ),
    "raw.visit_versions": ("description", "void_reason", "remark"),
    "quarantine.rejected_rows": ("value_masked",),
}


def texts_that_may_hold(
    conn: psycopg.Connection, table: str, district_code: str, names: Collection[str] | None, officials: Collection[str]
) -> Iterator[tuple[int, tuple[str | None, ...]]]:
    """Id and `FREE_TEXTS` of the rows of a district in which the first and the last two characters of names stand; of all its rows without
    names. What was quoted from the columns `officials` is left out.
    """
    is_ledger = table.startswith("raw.")
    conditions = ["district_code = %(district)s" if is_ledger else _OF_UNITS]
    if names is not None:
        conditions += ["raw.pairs({texts}) && %(openings)s", "raw.pairs({texts}) && %(endings)s"]
    statement = sql.SQL("select {id}, array[{texts}] from {table} where " + " and ".join(conditions)).format(
        id=sql.Identifier("version_id" if is_ledger else "rejection_id"),
        texts=sql.SQL(", ").join(map(sql.Identifier, FREE_TEXTS[table])),
        table=sql.Identifier(*table.split(".")),
    )
    openings, endings = ({name[part] for name in names or ()} for part in (slice(2), slice(-2, None)))
    with conn.cursor(name="texts") as cur:
        yield from cur.execute(
            statement, {"district": district_code, "openings": list(openings), "endings": list(endings), "officials": list(officials)}
        )


_OF_UNITS = """
    unit_code in (select unit_code from raw.units where district_code = %(district)s)
    and coalesce(column_name, '') <> all(%(officials)s)
"""


def cells_of_names(conn: psycopg.Connection, title: str) -> list[tuple[str, str, bool]]:
    """District, cell of household heads, and whether it stands beside a right identity number, of all rows; nothing once names are kept."""
    query = """
        select submission.district_code, original.cells ->> %(title)s as cell, false
        from personal.original_rows as original join ops.submissions as submission using (submission_id)
        where coalesce(original.cells ->> %(title)s, '') <> '' and not exists (select from personal.known_names)
        union
        select version.district_code, household.holder_name, true
        from personal.households as household join raw.problem_versions as version using (household_key)
        where household.holder_name is not null and not exists (select from personal.known_names)
    """
    return conn.execute(query, {"title": title}).fetchall()


def mask_again(conn: psycopg.Connection, table: str, column: str, masked: Mapping[int, str], as_of: datetime) -> int:
    """Put stars in the place of characters in a text column, by id of the row; returns how many rows changed. Nothing else can change."""
    asked = (table, column, list(masked), list(masked.values()), as_of)
    return conn.execute("select personal.mask_again(%s, %s, %s, %s, %s)", asked).fetchone()[0]


# ── receipts and slips ───────────────────────────────────────────────────────────────────────────────────────────────


def returns_lock(conn: psycopg.Connection, *, apart: bool = False) -> Any:
    """Only one process writes receipts and slips at a time, and one those of large files."""
    return _held(conn, _LOCK_RETURNS_APART if apart else _LOCK_RETURNS)


def unreturned(conn: psycopg.Connection, *, apart: bool = False) -> list[dict[str, Any]]:
    """Submissions whose receipt and slip are to be written to the outbox; `apart`: those of large files, and no others."""
    with conn.cursor(row_factory=dict_row) as cur:
        return cur.execute(
            """select submission_id, unit_code, file_sha256, receipt
               from ops.deliveries join ops.submissions on submission_id = subject_id
               where subject_kind = 'return' and channel = 'folder' and status = 'waiting' and (file_size > %s) = %s
               order by received_at""",
            (LARGE_BYTES, apart),
        ).fetchall()


def large_file_is_due(conn: psycopg.Connection) -> bool:
    """Whether a large file has no outcome, or no answer in the outbox, and nobody works on one."""
    return conn.execute(
        f"""select not {_IS_HELD} and (
                exists (select from ops.submissions where outcome is null and file_size > %(size)s)
                or exists (
                    select from ops.deliveries join ops.submissions on submission_id = subject_id
                    where subject_kind = 'return' and channel = 'folder' and status = 'waiting' and file_size > %(size)s
                )
            )""",
        {"locks": [_LOCK_JUDGE_APART, _LOCK_RETURNS_APART], "size": LARGE_BYTES},
    ).fetchone()[0]


# ── deliveries ───────────────────────────────────────────────────────────────────────────────────────────────────────
#
# A line is `sending` before a byte of it leaves, and nobody but a person makes a line that was `sending` wait again unless it is certain
# that nothing arrived. Every statement that gives `now` takes null for the clock of the database.


def issues_lock(conn: psycopg.Connection) -> Any:
    """Only one process writes issues to the outbox at a time."""
    return _held(conn, _LOCK_ISSUES)


@contextmanager
def deliveries_lock(conn: psycopg.Connection) -> Iterator[bool]:
    """Only one process sends at a time; False: another one does. Waits for nobody: a mail server may keep that one waiting for long."""
    is_ours = conn.execute("select pg_try_advisory_lock(%s)", (_LOCK_DELIVERIES,)).fetchone()[0]
    try:
        with _beating(conn) if is_ours else nullcontext():
            yield is_ours
    finally:
        if is_ours and not conn.closed:
            conn.execute("select pg_advisory_unlock(%s)", (_LOCK_DELIVERIES,))


def enqueue_deliveries(conn: psycopg.Connection, subject_kind: str, subject_ids: Sequence[str]) -> None:
    """Write the deliveries of issues or returns. Call in the transaction that makes them: gives numbers, or outcomes."""
    conn.execute(
        """insert into ops.deliveries (subject_kind, subject_id, district_code, channel, address)
           select distinct subject_kind, subject_id, district_code, channel, address from ops.addressees
           where subject_kind = %s and subject_id = any(%s)
           order by subject_id, channel, address""",
        (subject_kind, list(subject_ids)),
    )


def record_in_folder(conn: psycopg.Connection, subject_kind: str, subject_ids: Sequence[str]) -> None:
    """Record that issues, or receipts and slips, lie in the outbox."""
    with conn.transaction():
        conn.execute(
            """update ops.deliveries
               set status = 'sent', sent_at = clock_timestamp(), attempt_count = attempt_count + 1, last_error = null
               where subject_kind = %s and channel = 'folder' and status = 'waiting' and subject_id = any(%s)""",
            (subject_kind, list(subject_ids)),
        )


def postpone_folder(conn: psycopg.Connection, delivery: Delivery, reason: str, wait: timedelta, now: datetime | None = None) -> None:
    """Let a folder that could not be written wait; as an attempt."""
    with conn.transaction():
        conn.execute(
            """update ops.deliveries
               set attempt_count = attempt_count + 1, last_error = %s,
                   next_attempt_at = coalesce(%s::timestamptz, clock_timestamp()) + %s
               where delivery_id = %s and status = 'waiting'""",
            (storable_text(reason), now, wait, delivery.delivery_id),
        )


# What can go now: the folder of an issue; a watch report, which has no folder; all else when the folder holds the same thing. Folders of
# returns are written by `write_returns`.
_IS_DUE = """status = 'waiting' and next_attempt_at <= coalesce(%(now)s::timestamptz, clock_timestamp())
    and case when channel = 'folder' then subject_kind = 'issue' when subject_kind = 'watch' then true else exists (
        select from ops.deliveries folder
        where (folder.subject_kind, folder.subject_id, folder.channel, folder.address, folder.status)
            = (deliveries.subject_kind, deliveries.subject_id, 'folder', '', 'sent')
    ) end"""


def due_deliveries(conn: psycopg.Connection, *, to_folder: bool, now: datetime | None = None) -> list[Delivery]:
    """What can go now: to the folder of publications, or everywhere else; issues first, the oldest first."""
    with conn.cursor(row_factory=class_row(Delivery)) as cur:
        return cur.execute(
            f"""select delivery_id, subject_kind, subject_id, district_code, channel, address, message_id, attempt_count
                from ops.deliveries where (channel = 'folder') = %(to_folder)s and {_IS_DUE} order by subject_kind, delivery_id""",
            {"to_folder": to_folder, "now": now},
        ).fetchall()


def has_due_deliveries(conn: psycopg.Connection) -> bool:
    """Whether anything can go now, or was begun by a worker that must have come to an end; and nobody is sending."""
    return conn.execute(
        f"""select exists (select from ops.deliveries where {_IS_DUE} or status = 'sending' and next_attempt_at <= clock_timestamp())
               and not {_IS_HELD}""",
        {"now": None, "locks": [_LOCK_DELIVERIES]},
    ).fetchone()[0]


def record_interrupted(conn: psycopg.Connection, reason: str) -> list[Delivery]:
    """What a worker had begun when it came to an end is uncertain from now on; returns it. Call under `deliveries_lock`."""
    with conn.cursor(row_factory=class_row(Delivery)) as cur, conn.transaction():
        return cur.execute(
            """update ops.deliveries set status = 'uncertain', last_error = %s where status = 'sending'
               returning delivery_id, subject_kind, subject_id, district_code, channel, address, message_id, attempt_count""",
            (reason,),
        ).fetchall()


def begin_delivery(conn: psycopg.Connection, delivery: Delivery, worker_ends_within: timedelta, now: datetime | None = None) -> str:
    """Record that a delivery begins, as an attempt; committed before anything leaves.

    Returns:
        The status it has now: `sending`; or `withdrawn`, when its address no longer gets such things, and nothing may be sent.
    """
    with conn.transaction():
        row = conn.execute(
            """update ops.deliveries
               set status = case when is_entitled then 'sending' else 'withdrawn' end,
                   attempt_count = attempt_count + is_entitled::integer,
                   last_error = case when not is_entitled then '收件人已停用，或发布范围已收窄' end,
                   next_attempt_at = coalesce(%(now)s::timestamptz, clock_timestamp()) + %(within)s
               from (
                   select exists (
                       select from ops.addressees
                       where (subject_kind, subject_id, channel, address) = (%(kind)s, %(subject)s, %(channel)s, %(address)s)
                   ) as is_entitled
               ) as asked
               where delivery_id = %(id)s and status = 'waiting' returning status""",
            {
                "id": delivery.delivery_id,
                "kind": delivery.subject_kind,
                "subject": delivery.subject_id,
                "channel": delivery.channel,
                "address": delivery.address,
                "within": worker_ends_within,
                "now": now,
            },
        ).fetchone()
    if row is None:
        raise RuntimeError(f"delivery {delivery.delivery_id} does not wait any more")
    return row[0]


def end_delivery(
    conn: psycopg.Connection, delivery: Delivery, status: str, *, reason: str | None, wait: timedelta, now: datetime | None = None
) -> None:
    """Record what came of an attempt; a delivery that waits again is tried after `wait`.

    Raises:
        RuntimeError: it is not being sent: somebody else has taken this for the end of its worker.
    """
    with conn.transaction():
        ended = conn.execute(
            """update ops.deliveries
               set status = %(status)s, last_error = %(reason)s,
                   next_attempt_at = coalesce(%(now)s::timestamptz, clock_timestamp()) + %(wait)s,
                   sent_at = case %(status)s when 'sent' then coalesce(%(now)s::timestamptz, clock_timestamp()) end
               where delivery_id = %(id)s and status = 'sending'""",
            {"id": delivery.delivery_id, "status": status, "reason": reason and storable_text(reason), "wait": wait, "now": now},
        )
    if ended.rowcount != 1:
        raise RuntimeError(f"delivery {delivery.delivery_id} is not being sent any more")


def postpone_deliveries(
    conn: psycopg.Connection, channel: str, address: str | None, reason: str, wait: timedelta, now: datetime | None = None
) -> int:
    """Let everything due that would go the same way wait, without an attempt; returns how many. No address: all of the channel."""
    with conn.transaction():
        return conn.execute(
            f"""update ops.deliveries
                set next_attempt_at = coalesce(%(now)s::timestamptz, clock_timestamp()) + %(wait)s, last_error = %(reason)s
                where channel = %(channel)s and (%(address)s::text is null or address = %(address)s) and {_IS_DUE}""",
            {"channel": channel, "address": address, "reason": storable_text(reason), "wait": wait, "now": now},
        ).rowcount


def decide_delivery(conn: psycopg.Connection, delivery_id: int, status: str, among: Collection[str], note: str) -> bool:
    """Record a person's decision about a delivery that has one of the statuses `among`; False when it has none of them."""
    with conn.transaction():
        return (
            conn.execute(
                """update ops.deliveries
                   set status = %(status)s, note = concat_ws(e'\n', note, %(note)s::text),
                       attempt_count = 0, next_attempt_at = clock_timestamp(),
                       sent_at = case %(status)s when 'sent' then clock_timestamp() end
                   where delivery_id = %(id)s and status = any(%(among)s)""",
                {"id": delivery_id, "status": status, "among": list(among), "note": storable_text(note)},
            ).rowcount
            == 1
        )


def replace_recipients(conn: psycopg.Connection, recipients: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Let these be the recipients of the districts they name; who is not among them stays known and gets nothing.

    Returns:
        How many are active there now, by channel, and as `deactivated` how many are no longer.
    """
    columns = ("district_code", "audience", "unit_code", "channel", "address", "series", "is_active")
    districts = sorted({recipient["district_code"] for recipient in recipients})
    active = "select recipient_id from ops.recipients where is_active and district_code = any(%s)"
    with conn.transaction(), conn.cursor() as cur:
        before = {number for (number,) in cur.execute(active, (districts,))}
        cur.execute("update ops.recipients set is_active = false where district_code = any(%s)", (districts,))
        cur.executemany(
            f"""insert into ops.recipients ({", ".join(columns)}) values (%s, %s, %s, %s, %s, %s, %s)
                on conflict (district_code, audience, unit_code, channel, address)
                do update set series = excluded.series, is_active = excluded.is_active""",
            [[list(value) if isinstance(value := recipient[column], tuple) else value for column in columns] for recipient in recipients],
        )
        after = {number for (number,) in cur.execute(active, (districts,))}
        by_channel = cur.execute(
            "select channel, count(*) from ops.recipients where is_active and district_code = any(%s) group by 1 order by 1", (districts,)
        ).fetchall()
    return {**dict(by_channel), "deactivated": len(before - after)}


# ── builds and pages ─────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def build_lock(conn: psycopg.Connection, on_loss: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Only one dbt run at a time: two would replace each other's tables. What a run that was killed has left behind is ended.

    `on_loss`: as `_held`. dbt works on connections of its own, which hold no lock.
    """
    with _held(conn, _LOCK_BUILD, on_loss):
        conn.execute(
            """select pg_terminate_backend(pid, 5000) from pg_stat_activity
               where usename = current_user and datname = current_database() and application_name = %s""",
            (BUILDING,),
        )
        close_builds(conn)
        yield


def last_build(conn: psycopg.Connection) -> tuple[int, bool]:
    """Id of the build that began last, and whether it was shown to readers. Builds record themselves: `dbt_project/macros/builds.sql`."""
    return conn.execute("select build_id, is_success is true from ops.builds order by build_id desc limit 1").fetchone()


def close_builds(conn: psycopg.Connection) -> None:
    """Record that builds have failed that could not say so themselves. Call under `build_lock`: nobody else builds."""
    with conn.transaction():
        conn.execute("update ops.builds set finished_at = clock_timestamp(), is_success = false where finished_at is null")


def unbuilt_submissions(conn: psycopg.Connection) -> int:
    """How many accepted submissions no good build of the marts holds yet."""
    return conn.execute(
        """select count(*) from ops.submissions where outcome = any(%s)
           and received_at > coalesce((select max(through_received_at) from ops.builds where is_success), '-infinity')""",
        (list(ACCEPTED),),
    ).fetchone()[0]


#: What failed is not tried again at once; a new event, or a person, may do so.
RETRY_MINUTES = 10
_HAS_JUST_FAILED = """exists (
    select from ops.task_failures
    where dag_id = %(dag)s and recovered_at is null and failed_at > clock_timestamp() - make_interval(mins => %(minutes)s)
)"""


def build_is_due(conn: psycopg.Connection) -> bool:
    """Whether accepted rows are not in the marts although nobody judges or builds, and no build has just failed."""
    return conn.execute(
        f"""select coalesce((select max(received_at) from ops.submissions where outcome = any(%(accepted)s)), '-infinity')
                   > coalesce((select max(through_received_at) from ops.builds where is_success), '-infinity')
               and not {_IS_HELD} and not {_HAS_JUST_FAILED}
               and not exists (
                   select from ops.builds
                   where build_id = (select max(build_id) from ops.builds) and not is_success
                       and finished_at > clock_timestamp() - make_interval(mins => %(minutes)s)
               )""",
        {"accepted": list(ACCEPTED), "locks": [_LOCK_JUDGE, _LOCK_BUILD], "dag": "build_warehouse", "minutes": RETRY_MINUTES},
    ).fetchone()[0]


def page_is_due(conn: psycopg.Connection) -> bool:
    """Whether no page shows the last good build although nobody builds, and no page has just failed."""
    return conn.execute(
        f"""select coalesce((select max(build_id) from ops.builds where is_success), 0)
                   > coalesce((select max(build_id) from ops.live_pages), 0)
               and not {_IS_HELD} and not {_HAS_JUST_FAILED}""",
        {"locks": [_LOCK_BUILD], "dag": "publish_live_ranking", "minutes": RETRY_MINUTES},
    ).fetchone()[0]


def last_received_at(conn: psycopg.Connection) -> datetime | None:
    """When the last submission was received; None before the first one."""
    return conn.execute("select max(received_at) from ops.submissions").fetchone()[0]


def judged_after(conn: psycopg.Connection, moment: datetime | None) -> list[dict[str, Any]]:
    """What became of every file that was received after a moment, in order: who sent it, outcome, counts. As JSON can hold it."""
    with conn.cursor(row_factory=dict_row) as cur:
        return cur.execute(
            """select submission_id, unit_code, unit_name, file_name, outcome, report_on::text as report_on,
                   row_count as rows, accepted_count as accepted, rejected_count as rejected, ignored_count as ignored
               from ops.submissions join raw.units using (unit_code)
               where received_at > coalesce(%s::timestamptz, '-infinity') order by received_at""",
            (moment,),
        ).fetchall()


def latest_build(conn: psycopg.Connection) -> int | None:
    """Id of the last build that succeeded."""
    row = conn.execute("select build_id from ops.builds where is_success order by build_id desc limit 1").fetchone()
    return row[0] if row else None


def record_page(conn: psycopg.Connection, build_id: int) -> None:
    """Record that the live page shows a build."""
    with conn.transaction():
        conn.execute(
            """insert into ops.live_pages (build_id, through_received_at)
               select build_id, through_received_at from ops.builds where build_id = %s""",
            (build_id,),
        )


# ── templates ────────────────────────────────────────────────────────────────────────────────────────────────────────

# What a township or the office answers for: rows of its township code. What the office has withdrawn stays withdrawn until the office
# itself reports otherwise, whatever a township sends after it.
_OWNED = """
    with current_versions as (
        select distinct on ({key}) * from {table} where district_code = %(district)s
        order by {key}, report_on desc, received_at desc, version_id desc
    ),
    office_versions as (
        select distinct on ({key}) {key}, {withdrawn} as is_withdrawn from {table} where district_code = %(district)s and is_office
        order by {key}, report_on desc, received_at desc, version_id desc
    )
    select version.*, cells as original from current_versions version left join office_versions using ({key})
    join personal.original_rows original
        on (original.submission_id, sheet, row_no) = (version.submission_id, source_sheet, source_row)
    where township_code = %(unit)s and is_withdrawn is not true"""
# What belongs to its sender alone, who withdraws it himself.
_SENT = """
    with current_versions as (
        select distinct on ({key}) * from {table} where unit_code = %(unit)s
        order by {key}, report_on desc, received_at desc, version_id desc
    )
    select version.*, cells as original{more} from current_versions version
    join personal.original_rows original
        on (original.submission_id, sheet, row_no) = (version.submission_id, source_sheet, source_row)
    where void_reason is null"""
_PROBLEM_OWNER = """, coalesce((
        select problem.township_code from raw.problem_versions problem
        where (problem.district_code, problem.problem_no) = (version.district_code, version.problem_no)
        order by problem.report_on desc, problem.received_at desc limit 1
    ), version.township_code) as problem_owner"""
_CURRENT_ROWS = {
    "problems": _OWNED.format(table="raw.problem_versions", key="problem_no", withdrawn="status = 'void'"),
    "projects": _OWNED.format(table="raw.project_versions", key="project_no", withdrawn="void_reason is not null"),
    "funds": _SENT.format(table="raw.fund_movement_versions", key="movement_no", more=""),
    "visits": _SENT.format(table="raw.visit_versions", key="record_no", more=_PROBLEM_OWNER),
}


def current_rows(conn: psycopg.Connection, ledger: str, unit: Unit) -> list[dict[str, Any]]:
    """The rows of a ledger that a unit answers for, as they stand: the version that is current, and as `original` what its sender wrote.

    Withdrawn rows are left out. A visit has `problem_owner` besides: the township code of its problem now.
    """
    with conn.cursor(row_factory=dict_row) as cur:
        return cur.execute(_CURRENT_ROWS[ledger], {"district": unit.district_code, "unit": unit.unit_code}).fetchall()


# ── issues ──────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def freeze_transaction(conn: psycopg.Connection, district_code: str, series: str) -> Iterator[Callable[[], None]]:
    """One transaction for an issue, under the load lock: nothing that is known in it can be preceded by a later arrival.

    Gives a function that lets loads go on, for when everything known has been read: arrivals after it are later than that. Issues of one
    district and series wait for each other until the transaction ends.
    """
    held = False

    def let_loads_go_on() -> None:
        nonlocal held
        if held:
            conn.execute("select pg_advisory_unlock(%s)", (_LOCK_LOAD,))
            held = False

    try:
        with _beating(conn), conn.transaction():
            conn.execute("select pg_advisory_xact_lock(%s, hashtext(%s))", (_LOCK_FREEZE, f"{district_code}-{series}"))
            conn.execute("select pg_advisory_lock(%s)", (_LOCK_LOAD,))
            held = True
            yield let_loads_go_on
    finally:
        if not conn.closed:
            let_loads_go_on()


_HOLD = "district_code = %s and series = %s and business_on = %s and is_correction = %s and ended_at is null"


def unjudged_files(conn: psycopg.Connection, district_code: str, claimed_by: datetime) -> int:
    """How many files of a district had been taken by a time and have no outcome yet."""
    query = "select count(*) from ops.submissions where district_code = %s and outcome is null and claimed_at <= %s"
    return conn.execute(query, (district_code, claimed_by)).fetchone()[0]


def hold_reasons(conn: psycopg.Connection, district_code: str, series: str, business_on: date, is_correction: bool) -> tuple[str, ...]:
    """Why an issue is held; empty: it is not."""
    found = conn.execute(
        f"select reasons from ops.held_issues where {_HOLD}", (district_code, series, business_on, is_correction)
    ).fetchone()
    return tuple(found[0]) if found else ()


def record_hold(
    conn: psycopg.Connection, district_code: str, series: str, business_on: date, is_correction: bool, reasons: Sequence[str]
) -> None:
    """Record that an issue is held, for these reasons from now on."""
    with conn.transaction():
        conn.execute(
            """insert into ops.held_issues (district_code, series, business_on, is_correction, reasons) values (%s, %s, %s, %s, %s)
               on conflict (district_code, series, business_on, is_correction) where ended_at is null
               do update set reasons = excluded.reasons, checked_at = clock_timestamp()""",
            (district_code, series, business_on, is_correction, list(reasons)),
        )


def end_hold(
    conn: psycopg.Connection, district_code: str, series: str, business_on: date, is_correction: bool, publication_id: str | None
) -> None:
    """Record what became of a held issue: published, in the transaction that does it; or not called for any more."""
    conn.execute(
        f"update ops.held_issues set ended_at = clock_timestamp(), publication_id = %s where {_HOLD}",
        (publication_id, district_code, series, business_on, is_correction),
    )
