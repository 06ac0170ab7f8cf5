"""What passes between the program and a worker: lengths, pickles, and plain data alone on the way back."""

from __future__ import annotations

import datetime as dt
import io
import pickle
import struct
from typing import IO, Any

MEMORY_LIMIT = 768 << 20
# A file has this long in all, whatever is tried on it; starting the worker does not count.
SECONDS = 4.0

LENGTH = struct.Struct("<Q")
READY = "ready"


class NotPlainError(Exception):
    """An answer is not what a worker sends that does what it was written to do."""


class _Plain(pickle.Unpickler):
    """Unpickles numbers, texts, containers and dates, and refuses everything else."""

    _ALLOWED = frozenset({"date", "datetime", "time", "timedelta"})

    def find_class(self, module: str, name: str) -> Any:
        if module == "datetime" and name in self._ALLOWED:
            return getattr(dt, name)
        raise pickle.UnpicklingError(f"{module}.{name}")


def send(stream: IO[bytes], message: bytes) -> None:
    """Send one message, its length before it."""
    stream.write(LENGTH.pack(len(message)))
    stream.write(message)
    stream.flush()


def exactly(stream: IO[bytes], size: int) -> bytes:
    """So many bytes; raises EOFError."""
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data


def received(stream: IO[bytes]) -> object:
    """The next message, unpickled; raises EOFError, NotPlainError."""
    (size,) = LENGTH.unpack(exactly(stream, LENGTH.size))
    if size > MEMORY_LIMIT:
        raise NotPlainError
    return unpickled(exactly(stream, size))


def unpickled(message: bytes) -> object:
    """A message that need not be trusted; raises NotPlainError."""
    try:
        return _Plain(io.BytesIO(message)).load()
    except Exception as error:
        # What damaged pickles raise is whatever there is.
        raise NotPlainError from error
