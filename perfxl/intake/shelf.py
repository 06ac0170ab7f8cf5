"""Keeps what the returns of a batch say until they are checked, in memory or on disk."""

from __future__ import annotations

import pickle
import tempfile
import weakref
from collections.abc import Iterator, MutableMapping
from functools import cached_property
from pathlib import Path
from typing import IO

from perfxl.intake.extract import Extracted

# A county's batch stays in memory, where it takes some 40 MB; a larger one grows no further.
_IN_MEMORY = 512


class Shelf(MutableMapping[str, Extracted]):
    """What returns say, by receipt: the first ones in memory, the others in a file.

    The file is this process's alone (nobody else can open it, and it ends with the process), so
    what is unpickled from it is what was put there.
    """

    def __init__(self, folder: Path, in_memory: int = _IN_MEMORY) -> None:
        """``folder`` is where the file is made, when it is first needed."""
        self._folder, self._most = folder, in_memory
        self._held: dict[str, Extracted] = {}
        self._places: dict[str, tuple[int, int]] = {}

    @cached_property
    def _file(self) -> IO[bytes]:
        file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - closed with the shelf
        weakref.finalize(self, file.close)
        return file

    def __setitem__(self, receipt: str, extracted: Extracted) -> None:
        if receipt in self._held or len(self._held) < self._most:
            self._held[receipt] = extracted
            self._places.pop(receipt, None)
            return
        message = pickle.dumps(extracted, protocol=5)
        self._places[receipt] = (self._file.seek(0, 2), len(message))
        self._file.write(message)

    def __getitem__(self, receipt: str) -> Extracted:
        if receipt in self._held:
            return self._held[receipt]
        start, size = self._places[receipt]
        self._file.seek(start)
        found: Extracted = pickle.loads(self._file.read(size))
        return found

    def __contains__(self, receipt: object) -> bool:
        return receipt in self._held or receipt in self._places

    def __delitem__(self, receipt: str) -> None:
        if receipt in self._held:
            del self._held[receipt]
        else:
            del self._places[receipt]

    def __iter__(self) -> Iterator[str]:
        yield from self._held
        yield from self._places

    def __len__(self) -> int:
        return len(self._held) + len(self._places)
