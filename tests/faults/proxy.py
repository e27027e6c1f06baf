"""A network between the product and PostgreSQL that can fail: it resets a connection, holds it up, or loses the answer to a COMMIT."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal

from duban.settings import Settings


@dataclass(frozen=True)
class Fault:
    """What happens to a connection at the nth message of the product that holds some bytes; any message, where they are empty.
    With `after`, messages count once another one has held those bytes.

    `reset`: it is cut, the message does not arrive. `lost`: the message arrives, the answer does not, and then it is cut.
    `stalled`: nothing comes through any more in either direction, and both sides hear nothing of it.
    """

    kind: Literal["reset", "lost", "stalled"]
    text: bytes = b""
    nth: int = 1
    after: bytes = b""


class Proxy:
    """Listens on the loopback interface, hands everything on to a port there, and makes one fault happen once."""

    def __init__(self, port: int):
        self._port, self._listening = port, socket.create_server(("127.0.0.1", 0))
        self._lock, self._fault = threading.Lock(), None
        self._open: list[socket.socket] = []
        self.happened = threading.Event()

    def arm(self, fault: Fault) -> None:
        """Let a fault happen from now on."""
        with self._lock:
            self._fault, self._count, self._counts = fault, 0, not fault.after
            self.happened.clear()

    def settings(self, settings: Settings) -> Settings:
        """The same settings, with every connection by way of the proxy."""
        here = f":{self._listening.getsockname()[1]}/"

        def led(uri: str) -> str:
            return uri.replace(f":{self._port}/", here)

        return replace(
            settings,
            warehouse_uri=led(settings.warehouse_uri),
            login_uris={login: led(uri) for login, uri in settings.login_uris.items()},
        )

    def serve(self) -> None:
        """Accept connections until the proxy is closed."""
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection(("127.0.0.1", self._port))
                self._open += [client, server]
                connection = _Connection(self, client, server)
                for pump in (connection.to_server, connection.to_client):
                    threading.Thread(target=pump, daemon=True).start()

    def close(self) -> None:
        """Cut everything."""
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for one in self._open:
            _cut(one)

    def strikes(self, message: bytes) -> str | None:
        """The kind of the fault, if this message is the one."""
        with self._lock:
            if self._fault is None or self.happened.is_set():
                return None
            if not self._counts:
                self._counts = self._fault.after in message
                return None
            if self._fault.text not in message:
                return None
            self._count += 1
            if self._count != self._fault.nth:
                return None
            self.happened.set()
            return self._fault.kind


class _Connection:
    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket):
        self._proxy, self._client, self._server = proxy, client, server
        self._loses, self._stalls = threading.Event(), threading.Event()

    def to_server(self) -> None:
        while message := _received(self._client):
            kind = self._proxy.strikes(message)
            if kind == "stalled":
                self._stalls.set()
            if self._stalls.is_set():
                return
            if kind == "reset":
                break
            if kind == "lost":
                self._loses.set()
            with contextlib.suppress(OSError):
                self._server.sendall(message)
        self._cut()

    def to_client(self) -> None:
        while message := _received(self._server):
            if self._stalls.is_set():
                return
            if self._loses.is_set():
                break
            with contextlib.suppress(OSError):
                self._client.sendall(message)
        if not self._stalls.is_set():
            self._cut()

    def _cut(self) -> None:
        _cut(self._client)
        _cut(self._server)


def _received(one: socket.socket) -> bytes:
    try:
        return one.recv(1 << 16)
    except OSError:
        return b""


def _cut(one: socket.socket) -> None:
    """Close a socket so that the other side gets a reset."""
    with contextlib.suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # another thread may be waiting in it
        one.shutdown(socket.SHUT_RDWR)
    one.close()


@contextmanager
def between(port: int) -> Iterator[Proxy]:
    """A proxy in front of the server on a port."""
    proxy = Proxy(port)
    thread = threading.Thread(target=proxy.serve, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join()
