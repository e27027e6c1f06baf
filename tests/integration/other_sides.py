"""A mail server and a server of group robots on the loopback interface, which do what a test tells them."""

from __future__ import annotations

import base64
import contextlib
import email
import email.policy
import json
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class MailServer(socketserver.ThreadingTCPServer):
    """Speaks SMTP. `behaviour` is what it does from now on; `letters` is what it took, `handed_over` what it was given to its end.

    A behaviour is `ok`, or `<phase> <what>`: phase greeting, ehlo, auth, mail, rcpt, data, body (in the middle of the letter) or dot (at
    its end); what is a reply (`550 no such user`), `silence`, `drop`, or `slow`, which answers as usual when it is let go.
    """

    allow_reuse_address, daemon_threads, block_on_close = True, True, False

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Mail)
        self.tls = tls
        self.behaviour = "ok"
        self.letters: list[tuple[str, EmailMessage]] = []
        self.handed_over: list[str] = []
        self.logins: list[str] = []
        self.connections = 0
        self.let_go = threading.Event()  # silence ends with the test
        self.reached = threading.Event()  # the phase of the behaviour was reached

    def finish_request(self, request: socket.socket, client_address: Any) -> None:
        """One conversation, in a thread of its own."""
        with contextlib.suppress(ssl.SSLError):
            super().finish_request(self.tls.wrap_socket(request, server_side=True) if self.tls else request, client_address)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.server_address[1]

    def received(self, address: str) -> list[EmailMessage]:
        """The letters it took for an address."""
        return [letter for to, letter in self.letters if to == address]


class _Mail(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError, EOFError):
            self._talk()

    def _talk(self) -> None:
        self.server.connections += 1
        self._answer("greeting", "220 test")
        to = ""
        while True:
            line = self._line()
            verb = line.split(" ")[0].upper()
            if verb == "EHLO":
                self._answer("ehlo", "250-test\r\n250 AUTH PLAIN")
            elif verb == "AUTH":
                self.server.logins.append(base64.b64decode(line.split(" ")[2]).decode().split("\0")[2])
                self._answer("auth", "235 welcome")
            elif verb == "MAIL":
                self._answer("mail", "250 ok")
            elif verb == "RCPT":
                to = line[line.index("<") + 1 : line.index(">")]
                self._answer("rcpt", "250 ok")
            elif verb == "DATA":
                self._answer("data", "354 go on")
                content = self._letter()
                self.server.handed_over.append(to)
                if self._answer("dot", "250 taken"):
                    self.server.letters.append((to, email.message_from_bytes(content, policy=email.policy.default)))
            elif verb == "QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.wfile.write(b"250 ok\r\n")

    def _line(self) -> str:
        line = self.rfile.readline()
        if not line:
            raise EOFError
        return line.decode().rstrip("\r\n")

    def _letter(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                raise EOFError
            lines.append(line[1:] if line.startswith(b".") else line)
            if len(lines) == 5:
                self._answer("body", None)
        return b"".join(lines)

    def _answer(self, phase: str, usual: str | None) -> bool:
        """Say what is usual, unless told otherwise; True when it was that."""
        told, _, what = self.server.behaviour.partition(" ")
        if told != phase:
            if usual:
                self.wfile.write(usual.encode() + b"\r\n")
            return True
        self.server.reached.set()
        if what == "silence":
            self.server.let_go.wait(30)
            raise EOFError
        if what == "drop":
            raise EOFError
        if what == "slow":
            self.server.let_go.wait(30)
            self.wfile.write(usual.encode() + b"\r\n")
            return True
        self.wfile.write(what.encode() + b"\r\n")
        return False


class RobotServer(ThreadingHTTPServer):
    """Takes messages of robots. `answer` is what it says: (status, body), or `silence` or `drop` after the whole request."""

    daemon_threads, block_on_close = True, False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Robot)
        self.answer: tuple[int, Any] | str = (200, {"errcode": 0, "errmsg": "ok"})
        self.requests: list[dict[str, Any]] = []
        self.let_go = threading.Event()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.server_address[1]


class _Robot(BaseHTTPRequestHandler):
    server: RobotServer

    def do_POST(self) -> None:
        parts = urlsplit(self.path)
        content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.server.requests.append({"path": parts.path, "query": query, "headers": dict(self.headers), "content": content})
        if self.server.answer == "silence":
            self.server.let_go.wait(30)
            return
        if self.server.answer == "drop":
            self.connection.close()
            return
        status, body = self.server.answer
        body = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if status == 302:
            self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing on the screen."""


@contextmanager
def serving(server: Any) -> Iterator[Any]:
    """A server at work in a thread of its own."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.let_go.set()
        server.shutdown()
        server.server_close()
        thread.join(10)
