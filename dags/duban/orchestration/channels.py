"""The ways out, by Airflow's connections: e-mail by SMTP, the group robots of WeCom and DingTalk by HTTP.

Airflow's hooks know how to reach the other side: host, login, TLS, proxies. The dialogue is held here, because it must be known how far it
had come when it broke off: `SmtpHook.send_email_smtp` repeats a whole message after any exception, also when it had been handed over, and
`HttpHook.run` logs the address, in which a robot's key stands. Here and there the rule is the same: before the last byte of a message has
left, nobody can have taken it.

Connections: `duban_smtp` for all e-mail, with `from_email` in `extra`. Of robots each has its own, whose id is the address in
`ops.recipients`: `host` is the server (https://qyapi.weixin.qq.com, https://oapi.dingtalk.com), `password` the robot's key or access token;
`extra` may hold DingTalk's signing `secret`. Both kinds: `timeout` in `extra`, seconds to wait for an answer.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import logging
import re
import smtplib
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import formatdate, parseaddr
from typing import Any

import requests
from airflow.providers.http.hooks.http import HttpHook
from airflow.providers.smtp.hooks.smtp import SmtpHook
from airflow.sdk import BaseHook, Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from duban.publishing.delivery import Channel, NotSent, Uncertain, Unreachable
from duban.publishing.messages import Message
from duban.text.words import mask_text, visible

SMTP_CONNECTION = "duban_smtp"
CONNECT_SECONDS, ANSWER_SECONDS = 10, 30
WECOM_BYTES, DINGTALK_BYTES = 4096, 18_000
# What a robot says when it is asked too often, or is too busy: WeCom -1, 45009; DingTalk -1, 130101, 410100.
_TOO_MUCH = {-1, 45009, 130101, 410100}
# What it would say again: WeCom 93000 no such robot, 40058 malformed; DingTalk 300001 no such token, 310000 signature, key word or address.
_NEVER = {93000, 40058, 300001, 310000}
_QUOTED_CHARACTERS = 200

# Its debug lines hold the address of a request, and with it the robot's key.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)


def open_channels() -> Mapping[str, Channel]:
    """Every channel of `ops.deliveries` but the folder; each knows what is configured for it."""
    return {"email": EmailChannel(), "wecom": RobotChannel(wecom_request), "dingtalk": RobotChannel(dingtalk_request)}


def _connection(connection_id: str) -> Connection | None:
    try:
        return BaseHook.get_connection(connection_id)
    except AirflowNotFoundException:
        return None


def _quoted(text: str, *hidden: str | None) -> str:
    """What the other side said, short, without what nobody else may read."""
    for word in filter(None, hidden):
        text = re.sub(re.escape(word), "…", text, flags=re.IGNORECASE)
    return mask_text(visible(text.strip()[:_QUOTED_CHARACTERS]))


# ── e-mail ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class EmailChannel:
    """Letters by the server of the connection `duban_smtp`; one letter, one addressee."""

    def missing(self, address: str) -> str | None:
        """As `Channel.missing`."""
        connection = _connection(SMTP_CONNECTION)
        if connection is None or not connection.host:
            return f"未配置：没有邮件服务器连接 {SMTP_CONNECTION}"
        if "@" not in parseaddr(connection.extra_dejson.get("from_email") or "")[1]:
            return f"未配置：连接 {SMTP_CONNECTION} 没有写发件人 from_email"
        return None

    def send(self, message: Message) -> None:
        """As `Channel.send`."""
        dialogue = _Dialogue(SMTP_CONNECTION)
        try:
            dialogue.open()
            dialogue.hand_over(message)
            with suppress(OSError):
                dialogue.client.quit()
        finally:
            dialogue.close()


class _Dialogue(SmtpHook):
    """One connection to the server of `SmtpHook`, one letter over it, nothing repeated."""

    smtp_retry_limit = 0
    client: smtplib.SMTP | None = None

    def open(self) -> None:
        """Connect and log in.

        Raises:
            Unreachable: it does not answer, or does not let us in; both are no letter's fault.
        """
        try:
            self.get_conn()
            self.client = self._smtp_client
            self.client.ehlo_or_helo_if_needed()
        except smtplib.SMTPAuthenticationError as error:
            raise Unreachable(f"邮件服务器不接受账号和密码（{error.smtp_code}）") from None
        except smtplib.SMTPResponseException as error:
            raise Unreachable(f"邮件服务器不接受连接（{error.smtp_code}）") from None
        except Exception as error:
            raise Unreachable(f"连不上邮件服务器（{type(error).__name__}）") from None

    def hand_over(self, message: Message) -> None:
        """Say the letter and wait for the receipt.

        Raises:
            NotSent: it was refused, or the connection was lost before the end of the letter had left.
            Uncertain: the connection was lost after that.
        """
        try:
            sender, body = parseaddr(self.from_email)[1], self._body(message)
        except ValueError as error:
            raise NotSent(f"邮件没有能写成（{type(error).__name__}）", retryable=False) from None
        try:
            code, text = self.client.mail(sender)
            if code >= 400:  # it is the sender of every letter
                raise Unreachable(f"邮件服务器不接受发件人（{code} {self._said(text, message)}）")
            self._expect(self.client.rcpt(message.address), message)
            self._expect(self.client.docmd("DATA"), message)
            self.client.send(body)
        except OSError as error:  # smtplib's exceptions are among them
            raise NotSent(f"与邮件服务器的连接中断，邮件没有交出（{type(error).__name__}）") from None
        try:
            self.client.send(b".\r\n")
            code, text = self.client.getreply()
        except OSError as error:
            raise Uncertain(f"邮件已经交出，没有等到邮件服务器的答复（{type(error).__name__}）") from None
        if not 200 <= code < 600:
            raise Uncertain("邮件已经交出，邮件服务器的答复看不懂")
        self._expect((code, text), message)

    def close(self) -> None:
        """Let go of the connection; without a word when the other side is not listening."""
        if self._smtp_client is not None:
            self._smtp_client.close()

    def _expect(self, reply: tuple[int, bytes], message: Message) -> None:
        code, text = reply
        if not 200 <= code < 400:
            raise NotSent(f"邮件服务器答复 {code} {self._said(text, message)}", retryable=not 500 <= code < 600)

    def _said(self, text: bytes, message: Message) -> str:
        return _quoted(text.decode("utf-8", "replace"), message.address, self.smtp_password)

    def _body(self, message: Message) -> bytes:
        """The letter as it is said after DATA, but for its end. All its parts are base64: no line begins with a dot."""
        letter = EmailMessage(SMTP_POLICY)
        letter["From"], letter["To"], letter["Subject"] = self.from_email, message.address, message.subject
        letter["Date"], letter["Message-ID"] = formatdate(), f"<{message.message_id}>"
        letter["Auto-Submitted"] = "auto-generated"  # nobody's absence note is wanted
        letter.set_content(message.text + "\n", cte="base64")
        for attachment in message.attachments:
            kind, _, subtype = attachment.media_type.partition("/")
            letter.add_attachment(attachment.content, kind, subtype, filename=attachment.file_name)
        return letter.as_bytes()


# ── group robots ─────────────────────────────────────────────────────────────────────────────────────────────────────

# endpoint, parameters of the address, content; made from a message, the robot's key, and its signing secret if it has one
_Request = tuple[str, dict[str, str], dict[str, Any]]


class RobotChannel:
    """Messages of a group robot; the address is the id of the robot's connection."""

    def __init__(self, request: Callable[[Message, str, str | None], _Request]):
        self._request = request

    def missing(self, address: str) -> str | None:
        """As `Channel.missing`."""
        connection = _connection(address)
        if connection is None:
            return f"未配置：没有群机器人连接 {address}"
        if connection.conn_type not in ("http", "https") or not connection.host or not connection.password:
            return f"未配置：连接 {address} 不是群机器人（要 http，有 host，password 里是密钥）"
        return None

    def send(self, message: Message) -> None:
        """As `Channel.send`."""
        hook = HttpHook(http_conn_id=message.address)
        body, hidden = None, ()
        try:
            connection = hook.get_connection(message.address)
            hidden = (connection.password, connection.extra_dejson.get("secret"))
            endpoint, parameters, content = self._request(message, *hidden)
            body = _Body(json.dumps(content, ensure_ascii=False).encode())
            session = hook.get_conn({"Content-Type": "application/json; charset=utf-8"})
            session.headers.pop("secret", None)  # the hook takes what else stands in `extra` for headers
            response = session.post(
                hook.url_from_endpoint(endpoint),
                params=parameters,
                data=body,
                timeout=(CONNECT_SECONDS, float(hook.merged_extra.get("timeout") or ANSWER_SECONDS)),
                allow_redirects=False,
            )
        except Exception as error:  # whose text holds the address, and with it the key
            if body is not None and body.has_left:
                raise Uncertain(f"消息已经交出，没有等到对方的答复（{type(error).__name__}）") from None
            raise Unreachable(f"连不上群机器人的服务器（{type(error).__name__}）") from None
        _judge(response, hidden)


class _Body(io.BytesIO):
    """A request's content that knows whether it has begun to leave: it is read when there is a connection."""

    has_left = False

    def read(self, *args: Any) -> bytes:
        self.has_left = True
        return super().read(*args)


def _judge(response: requests.Response, hidden: tuple[str | None, ...]) -> None:
    """What the answer means: back when the message was taken."""
    status = response.status_code
    if status in (502, 504):
        raise Uncertain(f"消息已经交出，中间的网关没有等到答复（HTTP {status}）")
    if status == 429:
        raise Unreachable("对方说发得太多（HTTP 429）")
    if not 200 <= status < 300:
        raise NotSent(f"对方答复 HTTP {status}", retryable=status >= 500 or status == 408)
    try:
        answer = response.json()
        code, said = int(answer["errcode"]), str(answer.get("errmsg", ""))
    except (ValueError, TypeError, KeyError, AttributeError):
        raise Uncertain("消息已经交出，对方的答复看不懂") from None
    if code in _TOO_MUCH:
        raise Unreachable(f"对方说发得太多或正忙（errcode {code}）")
    if code != 0:
        raise NotSent(f"对方答复 errcode {code} {_quoted(said, *hidden)}", retryable=code not in _NEVER)


def wecom_request(message: Message, key: str, secret: str | None) -> _Request:
    """A message in the form of WeCom's group robot."""
    content = _fit(f"**{message.subject}**\n{message.text}", WECOM_BYTES)
    return "/cgi-bin/webhook/send", {"key": key}, {"msgtype": "markdown", "markdown": {"content": content}}


def dingtalk_request(message: Message, key: str, secret: str | None) -> _Request:
    """A message in the form of DingTalk's group robot, signed when it demands that."""
    paragraphs = [f"### {message.subject}", *message.text.splitlines()]
    text = _fit("\n\n".join(paragraphs), DINGTALK_BYTES)
    parameters = {"access_token": key}
    if secret:
        timestamp = str(round(time.time() * 1000))
        digest = hmac.new(secret.encode(), f"{timestamp}\n{secret}".encode(), hashlib.sha256).digest()
        parameters |= {"timestamp": timestamp, "sign": base64.b64encode(digest).decode()}
    return "/robot/send", parameters, {"msgtype": "markdown", "markdown": {"title": message.subject, "text": text}}


def _fit(text: str, limit: int) -> str:
    """The text, cut to as many bytes of UTF-8 where it is longer."""
    encoded = text.encode()
    return text if len(encoded) <= limit else encoded[: limit - len("…".encode())].decode("utf-8", "ignore") + "…"
