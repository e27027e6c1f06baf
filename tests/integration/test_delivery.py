"""Deliveries: every issue and every return once to everybody who is to get it, whatever fails in between, and to nobody else."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import io
import json
import logging
import multiprocessing
import os
import shutil
import signal
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from duban import divisions, warehouse
from duban.publishing import delivery, messages, recipients
from duban.publishing.delivery import NotSent, Uncertain, Unreachable
from tests.conftest import free_ports
from tests.faults.moments import stop_at
from tests.integration.ledgers import OFFICE, OTHER, PROBLEM_HEADER, TOWNSHIP, problem, problems_csv
from tests.integration.other_sides import MailServer, RobotServer, serving

DISTRICT = "430902"
ID_NUMBER, HOLDER = "430902196503121234", "王小明"
PASSWORD, KEY, SECRET = "pa55-word-nobody-knows", "0123abcd-key-of-the-robot", "SECsigning-secret"
FILES = {"通报.docx": b"docx bytes \x00\xff", "通报.xlsx": b"xlsx bytes", "通报.html": "<p>通报</p>".encode()}
MANIFEST = {"title": "资阳区问题整改日通报 第1期", "summary": "截至6月24日，273个问题已整改237个，整改率86.8%。"}


# ── the two sides ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def channels_module(tmp_path_factory):
    """`duban.orchestration.channels`, imported with a throwaway Airflow home."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
        patch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
        from duban.orchestration import channels

        yield channels


@pytest.fixture
def mail(monkeypatch):
    with serving(MailServer()) as server:
        connect_mail(monkeypatch, server.port)
        yield server


@pytest.fixture
def robots(monkeypatch):
    with serving(RobotServer()) as server:
        for name in ("WECOM", "DINGTALK"):
            connect_robot(monkeypatch, name, server.port)
        yield server


def connect_mail(monkeypatch, port: int, **changes: Any) -> None:
    extra = {"from_email": "督办 <duban@ziyang.example.cn>", "disable_ssl": True, "disable_tls": True, "timeout": 1}
    connection = {"conn_type": "smtp", "host": "127.0.0.1", "port": port, "extra": {**extra, **changes.pop("extra", {})}, **changes}
    monkeypatch.setenv("AIRFLOW_CONN_DUBAN_SMTP", json.dumps(connection))


def connect_robot(monkeypatch, name: str, port: int, **extra: Any) -> None:
    connection = {"conn_type": "http", "host": f"http://127.0.0.1:{port}", "password": KEY, "extra": {"timeout": 1, **extra}}
    monkeypatch.setenv(f"AIRFLOW_CONN_DUBAN_{name}", json.dumps(connection))


def self_signed(folder: Path) -> ssl.SSLContext:
    """What a server needs to speak TLS under a certificate of its own making."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    certificate = x509.CertificateBuilder(name, name, key.public_key(), 1, datetime.now(UTC), later(days=1)).sign(key, hashes.SHA256())
    path = folder / "certificate.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


class Recorder:
    """A channel that keeps what it is given, or does what it is told."""

    def __init__(self, *outcomes: Exception | None, missing: str | None = None):
        self.outcomes, self.sent, self.not_there = list(outcomes), [], missing

    def missing(self, address: str) -> str | None:
        return self.not_there

    def send(self, message: messages.Message) -> None:
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if outcome is not None:
            raise outcome
        self.sent.append(message)


# ── the office ───────────────────────────────────────────────────────────────────────────────────────────────────────


def add_recipient(office, address: str, channel: str = "email", audience: str = "internal", **columns: Any) -> None:
    row = {"district_code": DISTRICT, "audience": audience, "channel": channel, "address": address, **columns}
    with warehouse.connect(office.settings) as conn:
        conn.execute(
            f"insert into ops.recipients ({', '.join(row)}) values ({', '.join(['%s'] * len(row))})",
            list(row.values()),
        )


def publish(office, number: int = 1, series: str = "daily", **columns: Any) -> str:
    """An issue with its documents and deliveries, in one transaction as freezing does it."""
    publication_id = f"{DISTRICT}-{series}-2020-{number}"
    row = {
        "publication_id": publication_id,
        "district_code": DISTRICT,
        "series": series,
        "issue_year": 2020,
        "issue_no": number,
        "business_on": f"2020-06-{number:02}",
        "period_start_on": f"2020-06-{number:02}",
        "known_at": "2020-06-30",
        "rule_code": "ZY-2020-R1",
        "data_fingerprint": "x",
        **columns,
    }
    with warehouse.connect(office.settings) as conn, conn.transaction():
        needed = conn.execute(
            """select column_name, data_type from information_schema.columns
               where table_schema = 'published' and table_name = 'publications' and is_nullable = 'NO' and column_default is null"""
        ).fetchall()
        row = {**{name: "2020-06-30" for name, kind in needed if kind == "date"}, **row}
        conn.execute(f"insert into published.publications ({', '.join(row)}) values ({', '.join(['%s'] * len(row))})", list(row.values()))
        for name, content in {**FILES, "manifest.json": json.dumps(MANIFEST).encode()}.items():
            conn.execute(
                "insert into published.documents (publication_id, file_name, media_type, sha256, content) values (%s, %s, %s, %s, %s)",
                [publication_id, name, media_type(name), hashlib.sha256(content).hexdigest(), content],
            )
        delivery.enqueue_issue(conn, publication_id)
    return publication_id


def media_type(name: str) -> str:
    return {"docx": "application/x-docx", "xlsx": "application/x-xlsx", "html": "text/html", "json": "application/json"}[
        name[-4:].lstrip(".")
    ]


def write_issue(conn, settings, publication_id: str) -> Path:
    """Stands in for the folder of publications."""
    folder = settings.outbox / "publications" / publication_id
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def deliver(office, channels, **options: Any) -> delivery.DeliveryReport:
    with warehouse.connect(office.settings, "publisher") as conn:
        return delivery.deliver_due(conn, office.settings, channels, **{"write_issue": write_issue, **options})


def lines(office, *columns: str, where: str = "channel <> 'folder'") -> list[tuple]:
    rows = office.query(f"select {', '.join(columns)} from ops.deliveries where {where} order by delivery_id")
    return [tuple(row.values()) for row in rows]


def statuses(office) -> list[tuple[str, str]]:
    return lines(office, "address", "status")


def set_audience(office, audience: str) -> None:
    with warehouse.connect(office.settings) as conn:
        conn.execute("update raw.districts set audience = %s where district_code = %s", [audience, DISTRICT])


def later(**by: float) -> datetime:
    return datetime.now(UTC) + timedelta(**by)


# ── what arrives ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_issue_goes_by_every_channel(office, channels_module, mail, robots, monkeypatch):
    connect_robot(monkeypatch, "DINGTALK", robots.port, secret=SECRET)
    connect_mail(monkeypatch, mail.port, login="duban", password=PASSWORD)
    add_recipient(office, "office@ziyang.example.cn")
    add_recipient(office, "duban_wecom", "wecom")
    add_recipient(office, "duban_dingtalk", "dingtalk")
    publication_id = publish(office, data_label="样例数据")
    report = deliver(office, channels_module.open_channels())
    assert (report.sent, report.postponed, report.for_a_person) == (4, 0, ())
    assert (office.settings.outbox / "publications" / publication_id).is_dir()
    [letter] = mail.received("office@ziyang.example.cn")
    assert mail.logins == [PASSWORD]
    assert letter["Subject"] == MANIFEST["title"] and letter["To"] == "office@ziyang.example.cn"
    assert letter["From"].addresses[0].display_name == "督办" and letter["From"].addresses[0].addr_spec == "duban@ziyang.example.cn"
    assert letter["Message-ID"] == f"<{lines(office, 'message_id', where=_MAIL)[0][0]}>"
    text = letter.get_body(("plain",)).get_content()
    assert MANIFEST["summary"] in text and "【样例数据】" in text and "publications/430902/daily/2020/1/" in text
    attached = {part.get_filename(): (part.get_content_type(), part.get_payload(decode=True)) for part in letter.iter_attachments()}
    assert attached == {name: (media_type(name), content) for name, content in FILES.items()}
    by_path = {request["path"]: request for request in robots.requests}
    wecom, dingtalk = by_path["/cgi-bin/webhook/send"], by_path["/robot/send"]
    assert len(robots.requests) == 2 and wecom["query"] == {"key": KEY}
    assert wecom["content"]["msgtype"] == dingtalk["content"]["msgtype"] == "markdown"
    assert wecom["content"]["markdown"]["content"].startswith(f"**{MANIFEST['title']}**\n【样例数据】\n{MANIFEST['summary']}\n")
    assert dingtalk["content"]["markdown"]["title"] == MANIFEST["title"]
    assert MANIFEST["summary"] in dingtalk["content"]["markdown"]["text"]
    timestamp = dingtalk["query"]["timestamp"]
    digest = hmac.new(SECRET.encode(), f"{timestamp}\n{SECRET}".encode(), "sha256").digest()
    assert dingtalk["query"] == {"access_token": KEY, "timestamp": timestamp, "sign": base64.b64encode(digest).decode()}
    assert abs(int(timestamp) / 1000 - time.time()) < 60
    assert not any(SECRET in value or KEY in value for request in robots.requests for value in request["headers"].values())
    assert deliver(office, channels_module.open_channels()).sent == 0
    assert len(mail.letters) == 1 and len(robots.requests) == 2


_MAIL = "channel = 'email'"


def rejected_file(office, unit: str = TOWNSHIP) -> dict[str, Any]:
    header = [*PROBLEM_HEADER, "户主姓名", "证件号码"]
    rows = [[*problem("D-1", 发现日期="六月"), HOLDER, ID_NUMBER], [*problem("D-2"), HOLDER, ID_NUMBER]]
    content = "\r\n".join(",".join(map(str, row)) for row in [header, *rows]).encode()
    return office.send(unit, "问题台账20200624.csv", content)


def shown(slip: bytes) -> list[tuple]:
    """Everything a clerk sees in a slip, cell by cell."""
    workbook = openpyxl.load_workbook(io.BytesIO(slip))
    return [
        (sheet.title, cell.coordinate, cell.value, cell.fill.fgColor.rgb, cell.comment and cell.comment.text)
        for sheet in workbook
        for row in sheet.iter_rows()
        for cell in row
    ]


def test_a_slip_goes_to_its_unit_and_to_nobody_else(office, channels_module, mail, robots):
    set_audience(office, "townships")
    add_recipient(office, "mine@ziyang.example.cn", audience="townships", unit_code=TOWNSHIP)
    add_recipient(office, "other@ziyang.example.cn", audience="townships", unit_code=OTHER)
    add_recipient(office, "office@ziyang.example.cn", unit_code=OFFICE)
    add_recipient(office, "all@ziyang.example.cn", audience="townships")
    add_recipient(office, "gone@ziyang.example.cn", audience="townships", unit_code=TOWNSHIP, is_active=False)
    add_recipient(office, "duban_wecom", "wecom", audience="townships", unit_code=TOWNSHIP)
    sent = rejected_file(office)
    deliver(office, channels_module.open_channels())
    assert [to for to, _ in mail.letters] == ["mine@ziyang.example.cn"]
    [letter] = mail.received("mine@ziyang.example.cn")
    text, [slip] = letter.get_body(("plain",)).get_content(), list(letter.iter_attachments())
    outbox = office.returned(TOWNSHIP, sent["submission_id"]) / f"退回单-{sent['submission_id']}.xlsx"
    assert slip.get_filename() == outbox.name and shown(slip.get_payload(decode=True)) == shown(outbox.read_bytes())
    assert "退回 1 行" in letter["Subject"] and "R02" in text and "E2" in text and "请在退回单里改正标红的单元格" in text
    assert HOLDER not in text and ID_NUMBER not in text
    [request] = robots.requests
    said = request["content"]["markdown"]["content"]
    assert "迎风桥镇" in said and f"returns/{TOWNSHIP}/{sent['submission_id']}/" in said and "退回 1 行" in said
    assert not any(word in said for word in (HOLDER, ID_NUMBER, "六月", "问题台账20200624"))


def test_what_a_clerk_did_to_the_slip_in_the_folder_does_not_go_by_mail(office, channels_module, mail):
    add_recipient(office, "mine@ziyang.example.cn", audience="townships", unit_code=TOWNSHIP)
    sent = rejected_file(office)
    outbox = office.returned(TOWNSHIP, sent["submission_id"]) / f"退回单-{sent['submission_id']}.xlsx"
    was = shown(outbox.read_bytes())
    outbox.unlink()
    outbox.symlink_to(__file__)
    deliver(office, channels_module.open_channels())
    [(_, letter)] = mail.letters
    [slip] = letter.iter_attachments()
    assert shown(slip.get_payload(decode=True)) == was


def test_only_what_was_sent_back_is_worth_a_message(office):
    add_recipient(office, "mine@ziyang.example.cn", audience="townships", unit_code=TOWNSHIP)
    good = problems_csv(problem("G-1"))
    for name, content in (("好20200624.csv", good), ("又20200624.csv", good), ("坏20200624.csv", b"PK\x03\x04broken")):
        office.send(TOWNSHIP, name, content)
    outcomes = {row["submission_id"]: row["outcome"] for row in office.query("select submission_id, outcome from ops.submissions")}
    found = [(outcomes[subject], channel) for subject, channel in lines(office, "subject_id", "channel", where="true")]
    assert sorted(outcomes.values()) == ["accepted", "duplicate", "rejected"]
    assert sorted(found) == [("accepted", "folder"), ("rejected", "email"), ("rejected", "folder")]
    channel = Recorder()
    assert deliver(office, {"email": channel}).sent == 1
    assert "整份退回" in channel.sent[0].subject and len(channel.sent[0].attachments) == 1


AUDIENCES = ("off", "internal", "leaders", "townships")


@pytest.mark.parametrize("audience", AUDIENCES)
def test_nobody_outside_the_audience_gets_an_issue(office, audience):
    """Whom the switch of the district lets in, and who loses it again before it was sent."""
    for name in AUDIENCES[1:]:
        add_recipient(office, f"{name}@ziyang.example.cn", audience=name)
    set_audience(office, audience)
    publish(office)
    let_in = AUDIENCES[1 : AUDIENCES.index(audience) + 1]
    assert [address for address, _ in statuses(office)] == sorted(f"{name}@ziyang.example.cn" for name in let_in)
    set_audience(office, "internal")
    channel = Recorder()
    report = deliver(office, {"email": channel})
    assert [message.address for message in channel.sent] == [f"{name}@ziyang.example.cn" for name in let_in if name == "internal"]
    assert report.withdrawn == max(0, len(let_in) - 1) and report.for_a_person == ()
    set_audience(office, "townships")
    assert deliver(office, {"email": channel}).sent == 0
    publish(office, 2)
    assert deliver(office, {"email": channel}).sent == 4  # the folder and all three


@pytest.mark.parametrize(
    ("registered", "is_attached"),
    [
        (["internal"], True),
        (["leaders"], True),
        (["townships"], False),
        (["townships", "leaders"], True),
        (["townships", "internal (stopped)"], False),
        (["townships", "internal (elsewhere)"], False),
        (["townships", "internal (robot)"], False),
        (["internal", "townships (stopped)"], True),
    ],
)
def test_documents_go_to_audiences_that_get_them(office, registered, is_attached):
    """They name persons and households of all townships: a township is told of an issue, and where it lies."""
    set_audience(office, "townships")
    for words in registered:
        audience, _, kind = words.partition(" ")
        columns = {"(stopped)": {"is_active": False}, "(elsewhere)": {"district_code": "430511"}}.get(kind, {})
        is_robot = kind == "(robot)"
        add_recipient(office, "robot" if is_robot else "a@ziyang.example.cn", "wecom" if is_robot else "email", audience, **columns)
    publish(office, data_label="样例数据")
    channel = Recorder()
    deliver(office, {"email": channel})
    [message] = channel.sent
    assert {file.file_name: file.content for file in message.attachments} == (FILES if is_attached else {})
    assert message.subject == MANIFEST["title"] and message.text.startswith(f"【样例数据】\n{MANIFEST['summary']}\n")
    assert "publications/430902/daily/2020/1/" in message.text and ("附件" in message.text) == is_attached


def test_an_issue_for_an_address_that_nobody_registered_has_no_documents(office):
    publication_id = publish(office)
    line = warehouse.deliveries.Delivery(1, "issue", publication_id, DISTRICT, "email", "who@ziyang.example.cn", "1@x", 0)
    with warehouse.connect(office.settings) as conn:
        assert messages.compose(conn, office.settings, line).attachments == ()


def test_an_issue_does_not_wait_behind_a_heap_of_slips(office):
    add_recipient(office, "mine@ziyang.example.cn", audience="townships", unit_code=TOWNSHIP)
    add_recipient(office, "office@ziyang.example.cn")
    rejected_file(office)
    publish(office)
    channel = Recorder()
    deliver(office, {"email": channel})
    assert [message.address[:4] for message in channel.sent] == ["offi", "mine"]


def test_series_and_one_address_in_two_lists(office):
    set_audience(office, "leaders")
    add_recipient(office, "weekly@ziyang.example.cn", series=["weekly"])
    add_recipient(office, "none@ziyang.example.cn", series=[])
    for audience in ("internal", "leaders"):
        add_recipient(office, "both@ziyang.example.cn", audience=audience)
    publish(office, series="daily")
    publish(office, series="weekly")
    assert sorted(lines(office, "address", "subject_id")) == [
        ("both@ziyang.example.cn", "430902-daily-2020-1"),
        ("both@ziyang.example.cn", "430902-weekly-2020-1"),
        ("weekly@ziyang.example.cn", "430902-weekly-2020-1"),
    ]


def test_a_recipient_that_was_taken_off_gets_nothing_more(office):
    for name in ("stays", "goes"):
        add_recipient(office, f"{name}@ziyang.example.cn")
    publish(office)
    with warehouse.connect(office.settings) as conn:
        conn.execute("update ops.recipients set is_active = false where address = 'goes@ziyang.example.cn'")
    channel = Recorder()
    deliver(office, {"email": channel})
    assert lines(office, "address", "status", "last_error") == [
        ("goes@ziyang.example.cn", "withdrawn", "收件人已停用，或发布范围已收窄"),
        ("stays@ziyang.example.cn", "sent", None),
    ]
    assert [message.address for message in channel.sent] == ["stays@ziyang.example.cn"]


# ── what fails ───────────────────────────────────────────────────────────────────────────────────────────────────────

# behaviour of the mail server: (status then, whether the server was given the whole letter, what is said)
FAILURES = {
    "greeting 421 busy": ("waiting", False, "421"),
    "greeting 554 go away": ("waiting", False, "554"),
    "greeting silence": ("waiting", False, "连不上"),
    "greeting drop": ("waiting", False, "连不上"),
    "ehlo drop": ("waiting", False, "连不上"),
    "auth 535 wrong": ("waiting", False, "账号"),
    "mail 550 not you": ("waiting", False, "发件人"),
    "rcpt 450 later": ("waiting", False, "450"),
    "rcpt 550 nobody": ("failed", False, "550"),
    "rcpt silence": ("waiting", False, "没有交出"),
    "data 421 closing": ("waiting", False, "421"),
    "data drop": ("waiting", False, "没有交出"),
    "body drop": ("waiting", False, "没有交出"),
    "dot 451 disk full": ("waiting", True, "451"),
    "dot 552 too big": ("failed", True, "552"),
    "dot silence": ("uncertain", True, "已经交出"),
    "dot drop": ("uncertain", True, "已经交出"),
    "dot nonsense": ("uncertain", True, "看不懂"),
}


@pytest.mark.parametrize("behaviour", list(FAILURES))
def test_a_mail_server_that_fails(office, channels_module, mail, monkeypatch, behaviour):
    status, is_handed_over, said = FAILURES[behaviour]
    connect_mail(monkeypatch, mail.port, login="duban", password=PASSWORD)
    if behaviour.startswith("body"):
        monkeypatch.setitem(FILES, "通报.docx", os.urandom(12_000_000))  # more than buffers take while nobody reads
    add_recipient(office, "a@ziyang.example.cn")
    publish(office)
    mail.behaviour = behaviour
    report = deliver(office, channels_module.open_channels())
    [(now_status, attempts, error, waits)] = lines(office, "status", "attempt_count", "last_error", "next_attempt_at - clock_timestamp()")
    assert (now_status, attempts, bool(mail.handed_over)) == (status, 1, is_handed_over) and said in error
    assert mail.connections == 1 and mail.letters == []
    assert len(report.for_a_person) == (status != "waiting")
    mail.behaviour = "ok"
    assert deliver(office, channels_module.open_channels()).sent == 0  # too early, or not by itself
    if status == "waiting":
        assert timedelta(seconds=30) < waits < timedelta(seconds=61)
        assert deliver(office, channels_module.open_channels(), now=later(minutes=2)).sent == 1
        assert [to for to, _ in mail.letters] == ["a@ziyang.example.cn"]
    else:
        assert deliver(office, channels_module.open_channels(), now=later(days=9)).sent == 0 and mail.letters == []


# what the robot's server answers: (status then, what is said)
ANSWERS = [
    ((200, {"errcode": 0, "errmsg": "ok"}), "sent", None),
    ((200, {"errcode": 45009, "errmsg": "api freq out of limit"}), "waiting", "太多"),
    ((200, {"errcode": 130101, "errmsg": "send too fast"}), "waiting", "太多"),
    ((200, {"errcode": 12345, "errmsg": f"who knows {KEY}"}), "waiting", "12345"),
    ((200, {"errcode": 93000, "errmsg": f"invalid webhook url {KEY}"}), "failed", "93000"),
    ((200, {"errcode": 310000, "errmsg": "sign not match"}), "failed", "sign not match"),
    ((500, "broken"), "waiting", "HTTP 500"),
    ((503, "busy"), "waiting", "HTTP 503"),
    ((429, "too many"), "waiting", "429"),
    ((404, "nothing here"), "failed", "HTTP 404"),
    ((302, "elsewhere"), "failed", "HTTP 302"),
    ((504, "gateway"), "uncertain", "HTTP 504"),
    ((200, "<html>login</html>"), "uncertain", "看不懂"),
    ((200, "[]"), "uncertain", "看不懂"),
    ("silence", "uncertain", "没有等到"),
    ("drop", "uncertain", "没有等到"),
]


@pytest.mark.parametrize("is_trusted", [True, False])
def test_letters_go_over_tls(office, channels_module, monkeypatch, tmp_path, is_trusted):
    """A server whose certificate nobody vouches for gets no letter, and no password."""
    add_recipient(office, "a@ziyang.example.cn")
    publish(office)
    with serving(MailServer(tls=self_signed(tmp_path))) as mail:
        extra = {"disable_ssl": False, "disable_tls": True, **({"ssl_context": "none"} if is_trusted else {})}
        connect_mail(monkeypatch, mail.port, login="duban", password=PASSWORD, extra=extra)
        report = deliver(office, channels_module.open_channels())
        assert (report.sent, report.postponed) == (1 + is_trusted, 1 - is_trusted)
        assert mail.logins == [PASSWORD] * is_trusted and len(mail.letters) == is_trusted


def test_a_group_gets_what_it_can_take(channels_module):
    message = messages.Message("1@x", "duban_wecom", "标题", "长" * 9000 + "\n末行")
    _, _, wecom = channels_module.wecom_request(message, KEY, None)
    _, _, dingtalk = channels_module.dingtalk_request(message, KEY, None)
    content = wecom["markdown"]["content"]
    assert 4090 <= len(content.encode()) <= 4096 and content.startswith("**标题**\n长长") and content.endswith("长…")
    assert 17_990 <= len(dingtalk["markdown"]["text"].encode()) <= 18_000
    short = messages.Message("1@x", "duban_wecom", "标题", "一\n二")
    assert channels_module.wecom_request(short, KEY, None)[2]["markdown"]["content"] == "**标题**\n一\n二"
    assert channels_module.dingtalk_request(short, KEY, None)[2]["markdown"]["text"] == "### 标题\n\n一\n\n二"


@pytest.mark.parametrize("channel", ["wecom", "dingtalk"])
@pytest.mark.parametrize(("answer", "status", "said"), ANSWERS, ids=[str(answer)[:40] for answer, _, _ in ANSWERS])
def test_what_a_robot_answers(office, channels_module, robots, channel, answer, status, said):
    add_recipient(office, f"duban_{channel}", channel)
    publish(office)
    robots.answer = answer
    report = deliver(office, channels_module.open_channels())
    [(now_status, error)] = lines(office, "status", "last_error")
    assert now_status == status and len(robots.requests) == 1 and len(report.for_a_person) == (status in ("failed", "uncertain"))
    assert error is None if said is None else said in error and KEY not in error
    robots.answer = (200, {"errcode": 0})
    deliver(office, channels_module.open_channels(), now=later(minutes=2))
    assert len(robots.requests) == 1 + (status == "waiting")


def test_nobody_listens(office, channels_module, monkeypatch):
    """Refused connections: nothing was sent, all of it waits, and only the first was tried."""
    port, other = free_ports(2)
    connect_mail(monkeypatch, port)
    connect_robot(monkeypatch, "WECOM", other)
    for number in range(5):
        add_recipient(office, f"a{number}@ziyang.example.cn")
    add_recipient(office, "duban_wecom", "wecom")
    publish(office)
    report = deliver(office, channels_module.open_channels())
    assert (report.sent, report.postponed, report.for_a_person) == (1, 6, ())
    assert sorted(lines(office, "channel", "attempt_count")) == [*[("email", 0)] * 4, ("email", 1), ("wecom", 1)]
    with serving(MailServer()) as mail:
        connect_mail(monkeypatch, mail.port)
        assert deliver(office, channels_module.open_channels()).sent == 0
        assert deliver(office, channels_module.open_channels(), now=later(minutes=2)).sent == 5
        assert len(mail.letters) == len({to for to, _ in mail.letters}) == 5


def test_it_waits_longer_each_time_and_is_given_up(office):
    add_recipient(office, "a@ziyang.example.cn")
    publish(office)
    now, waits, report = datetime.now(UTC), [], None
    for _ in range(delivery.MAX_ATTEMPTS):
        report = deliver(office, {"email": Recorder(NotSent("忙"))}, now=now)
        [(next_at,)] = lines(office, "next_attempt_at")
        waits.append((next_at - now) / timedelta(minutes=1))
        assert deliver(office, {"email": Recorder()}, now=next_at - timedelta(seconds=1)).sent == 0
        now = next_at
    assert waits[:9] == [1, 2, 4, 8, 16, 32, 60, 60, 60] and 60 < sum(waits) / 60 < 80
    assert statuses(office) == [("a@ziyang.example.cn", "failed")] and len(report.failed) == 1
    assert deliver(office, {"email": Recorder()}, now=now + timedelta(days=9)).sent == 0


def test_one_letter_that_is_refused_holds_up_no_other(office, channels_module, mail):
    for name in ("a", "b", "c"):
        add_recipient(office, f"{name}@ziyang.example.cn")
    publish(office)
    channel = Recorder(NotSent("不收", retryable=False), None, Uncertain("断了"))
    report = deliver(office, {"email": channel})
    assert [status for _, status in statuses(office)] == ["failed", "sent", "uncertain"]
    assert report.sent == 2 and len(report.failed) == len(report.uncertain) == 1


def test_an_error_nobody_thought_of_is_uncertain(office):
    add_recipient(office, "a@ziyang.example.cn")
    publish(office)
    report = deliver(office, {"email": Recorder(KeyError(f"{KEY} of {HOLDER}"))})
    assert lines(office, "status", "last_error") == [("uncertain", "KeyError")] and KEY not in str(report.for_a_person)


def test_what_is_not_configured_waits_and_fails_nobody(office, channels_module, mail, monkeypatch):
    monkeypatch.delenv("AIRFLOW_CONN_DUBAN_WECOM", raising=False)
    add_recipient(office, "a@ziyang.example.cn")
    add_recipient(office, "duban_wecom", "wecom")
    publish(office)
    report = deliver(office, channels_module.open_channels())
    assert (report.sent, report.postponed, report.for_a_person) == (2, 0, ())
    assert report.unconfigured == {"未配置：没有群机器人连接 duban_wecom": 1}
    [(status, attempts, error)] = lines(office, "status", "attempt_count", "last_error", where="channel = 'wecom'")
    assert (status, attempts) == ("waiting", 0) and error.startswith("未配置")
    with warehouse.connect(office.settings) as conn:
        assert not warehouse.deliveries.has_due_deliveries(conn)
        assert any("未配置" in line for line in delivery.standing(conn))
    with serving(RobotServer()) as robots:
        connect_robot(monkeypatch, "WECOM", robots.port)
        assert deliver(office, channels_module.open_channels(), now=later(minutes=11)).sent == 1
        assert len(robots.requests) == 1


@pytest.mark.parametrize(
    ("name", "connection", "said"),
    [
        ("SMTP", {"conn_type": "smtp", "host": "127.0.0.1"}, "from_email"),
        ("SMTP", {"conn_type": "smtp", "extra": {"from_email": "a@b.cn"}}, "没有邮件服务器"),
        ("WECOM", {"conn_type": "http", "host": "https://qyapi.weixin.qq.com"}, "不是群机器人"),
        ("WECOM", {"conn_type": "postgres", "host": "db", "password": "x"}, "不是群机器人"),
    ],
)
def test_a_connection_that_lacks_something_is_not_configured(channels_module, monkeypatch, name, connection, said):
    monkeypatch.setenv(f"AIRFLOW_CONN_DUBAN_{name}", json.dumps(connection))
    channel = channels_module.open_channels()["email" if name == "SMTP" else "wecom"]
    assert said in channel.missing("duban_wecom")


def test_a_folder_that_cannot_be_written_is_tried_again_and_holds_up_no_other(office):
    add_recipient(office, "a@ziyang.example.cn")
    bad, good = publish(office, 1), publish(office, 2)

    def fail(conn, settings, publication_id):
        if publication_id == bad:
            raise OSError(28, f"No space left for {HOLDER}")
        return write_issue(conn, settings, publication_id)

    channel = Recorder()
    report = deliver(office, {"email": channel}, write_issue=fail)
    assert len(report.failed) == 1 and HOLDER not in str(report) + str(report.failed)
    assert lines(office, "subject_id", "status", where="channel = 'folder'") == [(bad, "waiting"), (good, "sent")]
    assert [good.rsplit("-", 1)[1] in message.message_id for message in channel.sent] == [True]  # the other waits for its folder
    assert deliver(office, {"email": channel}).sent == 0
    assert deliver(office, {"email": channel}, now=later(minutes=2)).sent == 2


def test_a_message_that_cannot_be_composed_waits(office, monkeypatch):
    add_recipient(office, "a@ziyang.example.cn")
    publish(office)
    with monkeypatch.context() as patch:
        patch.setattr(messages, "_issue", lambda *_: json.loads(f"{HOLDER}"))
        report = deliver(office, {"email": Recorder()})
    assert (report.sent, report.postponed) == (1, 1) and lines(office, "status") == [("waiting",)]
    assert deliver(office, {"email": Recorder()}, now=later(minutes=2)).sent == 1


# ── killed, cut off, twice at once ───────────────────────────────────────────────────────────────────────────────────

KILL_POINTS = {
    "目录已写、未登记": ("deliveries", "record_in_folder", 1, "before", 0),
    "目录已登记": ("deliveries", "record_in_folder", 1, "after", 0),
    "发送之前": ("deliveries", "begin_delivery", 2, "before", 0),
    "已登记、未发送": ("deliveries", "begin_delivery", 2, "after", 1),
    "信已写好": ("dialogue", "_body", 2, "after", 1),
    "已发送、未登记": ("deliveries", "end_delivery", 2, "before", 1),
    "已登记": ("deliveries", "end_delivery", 2, "after", 0),
}


@pytest.mark.parametrize("name", list(KILL_POINTS))
def test_killed_and_run_again(office, channels_module, mail, name):
    """Three addressees; the process dies at the second. Nobody gets anything twice, and what nobody knows is said."""
    where, function, nth, when, uncertain = KILL_POINTS[name]
    addresses = [f"{letter}@ziyang.example.cn" for letter in "abc"]
    for address in addresses:
        add_recipient(office, address)
    publish(office)

    def run() -> None:
        stop_at(({"deliveries": warehouse.deliveries, "dialogue": channels_module._Dialogue}[where], function, nth, when))
        deliver(office, channels_module.open_channels())

    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    report = deliver(office, channels_module.open_channels())
    assert len(report.uncertain) == uncertain
    for _ in range(2):
        assert deliver(office, channels_module.open_channels(), now=later(days=2)).sent == 0
    assert dict(statuses(office)) == {address: "uncertain" if uncertain and address[0] == "b" else "sent" for address in addresses}
    received = [to for to, _ in mail.letters]
    assert len(received) == len(set(received)) and {"a@ziyang.example.cn", "c@ziyang.example.cn"} <= set(received)
    assert ("b@ziyang.example.cn" in received) == (not uncertain or name == "已发送、未登记")


@pytest.mark.parametrize("phase", ["data", "dot"])
def test_killed_while_the_mail_server_listens(office, channels_module, mail, phase):
    add_recipient(office, "a@ziyang.example.cn")
    publish(office)
    mail.behaviour = f"{phase} slow"
    process = multiprocessing.get_context("fork").Process(target=lambda: deliver(office, channels_module.open_channels()))
    process.start()
    assert mail.reached.wait(30)
    os.kill(process.pid, signal.SIGKILL)
    process.join(30)
    mail.behaviour = "ok"
    mail.let_go.set()
    report = deliver(office, channels_module.open_channels())
    assert len(report.uncertain) == 1 and statuses(office) == [("a@ziyang.example.cn", "uncertain")]
    assert deliver(office, channels_module.open_channels(), now=later(days=2)).sent == 0
    assert len(mail.handed_over) == (phase == "dot")


def test_the_warehouse_is_lost_while_a_letter_is_on_its_way(office, server):
    """The letter arrived and nobody could write that down: it is not sent again."""
    for name in ("a", "b"):
        add_recipient(office, f"{name}@ziyang.example.cn")
    publish(office)

    class Cutting(Recorder):
        def send(self, message):
            super().send(message)
            with server.superuser() as conn:
                conn.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [office_database(office)])

    channel = Cutting()
    with pytest.raises(psycopg.OperationalError):
        deliver(office, {"email": channel})
    assert statuses(office) == [("a@ziyang.example.cn", "sending"), ("b@ziyang.example.cn", "waiting")]
    report = deliver(office, {"email": Recorder()})
    assert (report.sent, len(report.uncertain)) == (1, 1)
    assert statuses(office) == [("a@ziyang.example.cn", "uncertain"), ("b@ziyang.example.cn", "sent")]


def office_database(office) -> str:
    return office.settings.warehouse_uri.rsplit("/", 1)[1]


def test_two_at_once(office):
    """One sends, the other leaves it to him and does not wait."""
    for number in range(20):
        add_recipient(office, f"a{number}@ziyang.example.cn")
    publish(office)

    class Slow(Recorder):
        def send(self, message):
            time.sleep(0.05)
            super().send(message)

    channel, reports, took = Slow(), [], []

    def run() -> None:
        began = time.monotonic()
        reports.append(deliver(office, {"email": channel}))
        took.append(time.monotonic() - began)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sum(report.sent for report in reports) == 21 and len({message.address for message in channel.sent}) == len(channel.sent) == 20
    assert sorted(took)[2] < 0.9 < sorted(took)[3]
    assert {status for _, status in statuses(office)} == {"sent"}


def test_an_end_that_somebody_else_has_declared_is_not_overwritten(office):
    add_recipient(office, "a@ziyang.example.cn")
    publish(office)

    class Overtaken(Recorder):
        def send(self, message):
            with warehouse.connect(office.settings) as conn:
                warehouse.deliveries.record_interrupted(conn, "另一个进程")

    with pytest.raises(RuntimeError, match="not being sent any more"):
        deliver(office, {"email": Overtaken()})
    assert lines(office, "status", "last_error") == [("uncertain", "另一个进程")]


# ── what persons decide ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_person_sends_again_settles_or_withdraws(office):
    for name in ("a", "b", "c", "d"):
        add_recipient(office, f"{name}@ziyang.example.cn")
    publish(office)
    channel = Recorder(Uncertain("断了"), Uncertain("断了"), NotSent("没有这个人", retryable=False))
    deliver(office, {"email": channel})
    ids = [number for (number,) in lines(office, "delivery_id")]
    message_ids = [text for (text,) in lines(office, "message_id")]
    with warehouse.connect(office.settings) as conn:
        folder, by_mail, *cases = delivery.standing(conn)
        assert (folder, by_mail) == ("folder: 1 sent", "email: 1 failed, 1 sent, 2 uncertain")
        assert cases == [
            f"{status}: delivery {number} (issue {DISTRICT}-daily-2020-1 by email): {why}"
            for number, status, why in zip(ids[2::-1], ("failed", "uncertain", "uncertain"), ("没有这个人", "断了", "断了"), strict=True)
        ]
        delivery.resend(conn, ids[0], "电话问过，没有收到")
        delivery.settle(conn, ids[1], "对方说收到了")
        delivery.withdraw(conn, ids[2], "已经调走")
        for number, decide in ((ids[3], delivery.resend), (ids[1], delivery.resend), (ids[0], delivery.settle), (999, delivery.withdraw)):
            with pytest.raises(delivery.NothingToDecide):
                decide(conn, number, "再发一次")
        with pytest.raises(delivery.NothingToDecide, match="reason"):
            delivery.resend(conn, ids[2], " ")
    deliver(office, {"email": channel})
    assert [status for _, status in statuses(office)] == ["sent", "sent", "withdrawn", "sent"]
    assert lines(office, "note")[:3] == [("重发：电话问过，没有收到",), ("确认已收到：对方说收到了",), ("不再发送：已经调走",)]
    assert [message.message_id for message in channel.sent] == [message_ids[3], message_ids[0]] and len(set(message_ids)) == 4


# ── nothing is told that must not be ─────────────────────────────────────────────────────────────────────────────────


def test_no_secret_and_no_person_in_table_and_logs(office, channels_module, mail, robots, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    connect_robot(monkeypatch, "DINGTALK", robots.port, secret=SECRET)
    add_recipient(office, "clerk@ziyang.example.cn", audience="townships", unit_code=TOWNSHIP)
    for name in ("wecom", "dingtalk"):
        add_recipient(office, f"duban_{name}", name, audience="townships", unit_code=TOWNSHIP)
    rejected_file(office)
    for number, behaviour in enumerate(("auth 535 " + PASSWORD, "rcpt 450 <clerk@ziyang.example.cn> " + PASSWORD, "dot drop", "ok")):
        connect_mail(monkeypatch, mail.port, login="duban", password=PASSWORD)
        mail.behaviour = behaviour
        robots.answer = [(500, KEY), (200, {"errcode": 7, "errmsg": KEY + SECRET}), "drop", (404, KEY)][number]
        for name in ("WECOM", "DINGTALK"):
            connect_robot(monkeypatch, name, free_ports(1)[0] if number == 3 else robots.port, secret=SECRET)
        report = deliver(office, channels_module.open_channels(), now=later(hours=number))
        caplog.records.append(logging.makeLogRecord({"msg": str(report) + str(report.for_a_person)}))
    table = str(office.query("select delivery_id, status, last_error, note, message_id from ops.deliveries"))
    logged = "\n".join(record.getMessage() + (record.exc_text or "") for record in caplog.records)
    for word in (PASSWORD, KEY, SECRET, HOLDER, ID_NUMBER, "clerk@"):
        assert word not in table and word not in logged, word
    assert "uncertain" in table and "450" in logged


# ── many ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_thousand_returns_are_written_down_at_once(office):
    for number in range(3):
        add_recipient(office, f"a{number}@ziyang.example.cn", audience="townships", unit_code=TOWNSHIP)
    ids = [f"20200624-{number:06}" for number in range(1000)]
    with warehouse.connect(office.settings) as conn:
        conn.execute(
            """insert into ops.submissions (submission_id, district_code, unit_code, inbox_path, file_name, file_sha256, file_size,
                   file_mtime_ns, outcome, received_at, receipt, row_count, accepted_count, rejected_count, ignored_count)
               select id, %s, %s, id::bytea, id, id, 1, 1, case when number %% 10 = 0 then 'duplicate' else 'rejected' end,
                   timestamptz '2020-06-24' + number * interval '1 second', '{}', 1, 0, 1, 0
               from unnest(%s::text[]) with ordinality as given (id, number)""",
            [DISTRICT, TOWNSHIP, ids],
        )
        began = time.monotonic()
        with conn.transaction():
            warehouse.deliveries.enqueue_deliveries(conn, "return", ids)
        took = time.monotonic() - began
        assert conn.execute("select channel, count(*) from ops.deliveries group by 1 order by 1").fetchall() == [
            ("email", 2700),
            ("folder", 900),
        ]
        assert len(warehouse.returns.unreturned(conn)) == 900
        began = time.monotonic()
        warehouse.deliveries.record_in_folder(conn, "return", ids)
        took += time.monotonic() - began
        began = time.monotonic()
        assert len(warehouse.deliveries.due_deliveries(conn, to_folder=False)) == 2700
        took += time.monotonic() - began
    assert took < 3, f"{took:.1f} s"


# ── before there were deliveries ─────────────────────────────────────────────────────────────────────────────────────


def test_an_installation_from_before_is_taken_over(server, tmp_path, monkeypatch):
    """Returned ones are sent, waiting ones wait, and readers keep their view."""
    before = tmp_path / "migrations"
    before.mkdir()
    migrations = warehouse.schema.MIGRATIONS
    for path in migrations.glob("*.sql"):
        if path.stem < "0006":
            shutil.copy(path, before)
    with server.superuser() as conn:
        conn.execute("create database upgraded owner duban_owner")
    uri = server.settings.warehouse_uri.rsplit("/", 1)[0] + "/upgraded"
    try:
        with psycopg.connect(uri, autocommit=True) as conn:
            monkeypatch.setattr(warehouse.schema, "MIGRATIONS", before)
            warehouse.schema.migrate(conn)
            divisions.register_reference(conn)
            for number, (outcome, is_returned) in enumerate(
                [("accepted", True), ("rejected", False), ("duplicate", True), ("duplicate", False), (None, False)]
            ):
                conn.execute(
                    """insert into ops.submissions (submission_id, district_code, unit_code, inbox_path, file_name, file_sha256, file_size,
                           file_mtime_ns, outcome, received_at, receipt, returned_at)
                       values (%s, %s, %s, '', '', '', 0, 0, %s, %s, %s, %s)""",
                    [
                        f"2020-{number}",
                        DISTRICT,
                        TOWNSHIP,
                        outcome,
                        f"2020-06-2{number} 01:00+08" if outcome else None,
                        "{}" if outcome else None,
                        f"2020-06-2{number} 02:00+08" if is_returned else None,
                    ],
                )
            conn.execute(
                """create view marts.fct_submissions as
                   with __dbt__cte__stg_submissions as (
                       select submission_id, outcome, returned_at, outcome = 'accepted' as is_accepted from ops.submissions
                   ) select submission_id, outcome from __dbt__cte__stg_submissions"""
            )
            conn.execute("comment on view marts.fct_submissions is 'Kept'")
            monkeypatch.setattr(warehouse.schema, "MIGRATIONS", migrations)
            assert "0006_deliveries" in warehouse.schema.migrate(conn) and warehouse.schema.migrate(conn) == []
            found = conn.execute("select subject_id, status, sent_at::text, channel from ops.deliveries order by 1").fetchall()
            assert [(subject, status, channel) for subject, status, _, channel in found] == [
                ("2020-0", "sent", "folder"),
                ("2020-1", "waiting", "folder"),
            ]
            assert conn.execute("select sent_at = '2020-06-20 02:00+08' from ops.deliveries where status = 'sent'").fetchone() == (True,)
            assert conn.execute(
                "select count(*), obj_description('marts.fct_submissions'::regclass) from marts.fct_submissions"
            ).fetchone() == (
                5,
                "Kept",
            )
            assert [row["submission_id"] for row in warehouse.returns.unreturned(conn)] == ["2020-1"]
    finally:
        with server.superuser() as conn:
            conn.execute("drop database upgraded with (force)")


def test_make_wait_awaits_the_folder_and_nothing_else(office):
    from local.commands.wait import _IS_OPEN

    add_recipient(office, "mine@ziyang.example.cn", audience="townships", unit_code=TOWNSHIP)
    sent = rejected_file(office)
    is_open = f"select submission_id from ops.submissions where {_IS_OPEN}"
    assert statuses(office) == [("mine@ziyang.example.cn", "waiting")] and office.query(is_open) == []
    with warehouse.connect(office.settings) as conn:
        conn.execute("update ops.deliveries set status = 'waiting', sent_at = null where channel = 'folder'")
    assert office.query(is_open) == [{"submission_id": sent["submission_id"]}]


# ── in Airflow ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_task_fails_once_for_what_a_person_must_decide(office, channels_module, mail, monkeypatch):
    from airflow.sdk.exceptions import AirflowFailException

    from duban.orchestration import steps

    monkeypatch.setattr(steps, "load_settings", lambda: office.settings)
    monkeypatch.setattr("duban.publishing.issues.writing.write_issue", write_issue)
    add_recipient(office, "a@ziyang.example.cn")
    add_recipient(office, "b@ziyang.example.cn")
    publish(office)
    mail.behaviour = "dot drop"
    with pytest.raises(AirflowFailException, match="已经交出") as failure:
        steps.deliver()
    assert "@" not in str(failure.value)
    mail.behaviour = "ok"
    assert steps.deliver() == 0
    publish(office, 2)
    assert steps.deliver() == 3


def test_the_watcher_fires_when_something_can_go(office, channels_module, monkeypatch):
    from duban.orchestration import due_trigger

    monkeypatch.setattr("duban.settings.load_settings", lambda: office.settings)
    monkeypatch.setattr(due_trigger, "LOOK_SECONDS", 0.05)

    async def fires_within(seconds: float) -> bool:
        trigger = due_trigger.DueTrigger("deliveries").run()
        try:
            return bool(await asyncio.wait_for(anext(trigger), seconds))
        except TimeoutError:
            return False

    add_recipient(office, "mine@ziyang.example.cn", audience="townships", unit_code=TOWNSHIP)
    assert not asyncio.run(fires_within(0.5))
    rejected_file(office)
    assert asyncio.run(fires_within(5))
    with warehouse.connect(office.settings) as conn, warehouse.deliveries.deliveries_lock(conn) as is_ours:
        assert is_ours and not asyncio.run(fires_within(0.5))
    deliver(office, {"email": Recorder(Unreachable("连不上"))})
    assert not asyncio.run(fires_within(0.5))
    with warehouse.connect(office.settings) as conn:
        conn.execute("update ops.deliveries set status = 'sending', next_attempt_at = clock_timestamp() where channel = 'email'")
    assert asyncio.run(fires_within(5))


# ── recipients ───────────────────────────────────────────────────────────────────────────────────────────────────────

HEADER = "district_code,audience,unit_code,channel,address,series,is_active\n"
GOOD = f"""{HEADER}430902,internal,430902000,email,Office@Ziyang.example.cn,,
430902,leaders,,email,leader@ziyang.example.cn,weekly;monthly,
430902,townships,430902102,email,yfq@ziyang.example.cn,none,true
430902,internal,,wecom,duban_wecom,daily,是
430902,internal,,dingtalk,duban_dingtalk,,false
"""


def register(office, path: Path, text: str | bytes) -> dict[str, int]:
    path.write_bytes(text.encode("utf-8-sig") if isinstance(text, str) else text)
    with warehouse.connect(office.settings) as conn:
        return recipients.register_recipients(conn, path)


def test_recipients_are_registered_from_a_file(office, tmp_path):
    path = tmp_path / "recipients.csv"
    assert register(office, path, GOOD) == {"email": 3, "wecom": 1, "deactivated": 0}
    rows = office.query("select audience, unit_code, channel, address, series, is_active from ops.recipients order by recipient_id")
    assert [tuple(row.values()) for row in rows] == [
        ("internal", OFFICE, "email", "office@ziyang.example.cn", None, True),
        ("leaders", None, "email", "leader@ziyang.example.cn", ["weekly", "monthly"], True),
        ("townships", TOWNSHIP, "email", "yfq@ziyang.example.cn", [], True),
        ("internal", None, "wecom", "duban_wecom", ["daily"], True),
        ("internal", None, "dingtalk", "duban_dingtalk", None, False),
    ]
    assert register(office, path, GOOD)["deactivated"] == 0
    # the file is the whole list of its district
    without = "".join(line for line in GOOD.splitlines(keepends=True) if "leader@" not in line)
    assert register(office, path, without) == {"email": 2, "wecom": 1, "deactivated": 1}
    other = HEADER + "430511,internal,,email,beita@example.cn,,\n"
    assert register(office, path, other) == {"email": 1, "deactivated": 0}
    assert len(office.query("select from ops.recipients where is_active")) == 4


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("999999,internal,,email,a@b.cn,,", "district '999999' is not registered"),
        ("430902,everybody,,email,a@b.cn,,", "audience 'everybody'"),
        ("430902,internal,,fax,a@b.cn,,", "channel 'fax'"),
        ("430902,internal,,email,张三 <a@b.cn>,,", "no e-mail address"),
        ("430902,internal,,email,a@b.cn;c@d.cn,,", "no e-mail address"),
        ("430902,internal,,email,a..b@b.cn,,", "no e-mail address"),
        ("430902,internal,,email,,,", "no e-mail address"),
        (f"430902,internal,,wecom,https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={KEY},,", "id of its Airflow connection"),
        ("430902,internal,430511000,email,a@b.cn,,", "no unit of district"),
        ("430902,internal,430902102,email,a@b.cn,,", "its audience is townships"),
        ("430902,internal,,email,a@b.cn,yearly,", "series yearly"),
        ("430902,internal,,email,a@b.cn,,maybe", "is_active 'maybe'"),
        ("430902,internal,,email", "not as many cells"),
        ("430902,internal,,email,a@b.cn,,,,", "not as many cells"),
        ("430902,internal,,email,leader@ziyang.example.cn,,\n430902,internal,,email,Leader@ziyang.example.cn,,", "the same as line 7"),
    ],
)
def test_a_wrong_line_is_named_and_nothing_is_registered(office, tmp_path, row, said):
    with pytest.raises(recipients.RecipientsInvalid, match=said) as error:
        register(office, tmp_path / "recipients.csv", GOOD + row + "\n")
    assert str(error.value).startswith(("line 7", "line 8")) and KEY not in str(error.value)
    assert office.query("select from ops.recipients") == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("district_code,audience,channel\n430902,internal,email\n", "lacks address"),
        (HEADER.strip() + ",phone\n", "not known: phone"),
        (HEADER, "no lines"),
        (HEADER.encode() + "430902,internal,,email,张,,".encode("gb18030"), "UTF-8"),
    ],
)
def test_a_file_that_is_none(office, tmp_path, content, said):
    with pytest.raises(recipients.RecipientsInvalid, match=said):
        register(office, tmp_path / "recipients.csv", content)
