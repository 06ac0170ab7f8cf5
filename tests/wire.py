"""A wire to a server on loopback that can be cut at a word: a relay for TCP that reads along."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum


class Pass(Enum):
    """What becomes of what a client has just said."""

    ON = "on"
    LOST = "lost"
    HEARD = "heard"


Judge = Callable[[bytes], Pass]


@contextmanager
def wire(port: int, judge: Judge) -> Iterator[int]:
    """A port that leads to ``port``.

    ``judge`` is asked for each piece that a client sends: it goes on, or the wire is cut before the
    server gets it (LOST), or after the server has answered it and before the client hears (HEARD).
    """
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_serve, args=(listening, port, judge), daemon=True).start()
        yield int(listening.getsockname()[1])


def _serve(listening: socket.socket, port: int, judge: Judge) -> None:
    with contextlib.suppress(OSError):
        while True:
            client, _ = listening.accept()
            threading.Thread(target=_relay, args=(client, port, judge), daemon=True).start()


def _relay(client: socket.socket, port: int, judge: Judge) -> None:
    with (
        client,
        contextlib.suppress(OSError),
        socket.create_connection(("127.0.0.1", port)) as server,
    ):
        deaf = threading.Event()
        answered = threading.Event()
        back = threading.Thread(target=_back, args=(server, client, deaf, answered), daemon=True)
        back.start()
        while data := client.recv(1 << 16):
            fate = judge(data)
            if fate is Pass.HEARD:
                deaf.set()
            if fate is not Pass.LOST:
                answered.clear()
                server.sendall(data)
            if fate is Pass.HEARD:
                assert answered.wait(10)
            if fate is not Pass.ON:
                break
        # Closing alone would not wake the other thread.
        server.shutdown(socket.SHUT_RDWR)
        client.shutdown(socket.SHUT_RDWR)


def _back(
    server: socket.socket, client: socket.socket, deaf: threading.Event, answered: threading.Event
) -> None:
    with contextlib.suppress(OSError):
        while data := server.recv(1 << 16):
            if not deaf.is_set():
                client.sendall(data)
            answered.set()
        client.shutdown(socket.SHUT_RDWR)
