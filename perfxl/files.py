"""Writing files so that a crash leaves either the old content or the new, never half of one."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import os
import re
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from perfxl.errors import CannotWrite, Place, WorkbookHeld

WORKBOOK_SUFFIXES = frozenset({".xlsx", ".xlsm", ".xls", ".et", ".ods", ".xlsb", ".xlt", ".csv"})
# What else an original may be called after, so that a double click opens it.
_OTHER_SUFFIXES = frozenset(
    {".pdf", ".ofd", ".doc", ".docx", ".wps", ".ppt", ".pptx", ".jpg", ".jpeg", ".png", ".tif"}
    | {".bmp", ".txt", ".zip", ".7z", ".rar", ".eml", ".msg"}
)

# Where a product that is replaced is kept, beside its successor.
EARLIER = "历次"

# What is being written, beside its target. One that nobody has touched for so long was left by a
# program that was stopped; writing takes seconds.
_PARTIAL = re.compile(r"\..+\.[0-9a-f]{8}\.part", re.DOTALL)
_STALE_SECONDS = 3600

# What Excel, WPS and LibreOffice leave beside a workbook that they hold open.
_LOCKS = ("~${}", ".~{}", ".~lock.{}#")

# What office programs and systems leave beside the files that people mean.
_LITTER = {"thumbs.db", "desktop.ini", ".ds_store"}


def sha256_of(data: bytes) -> str:
    """The content hash that names a file everywhere in perfxl."""
    return hashlib.sha256(data).hexdigest()


def write_atomically(path: Path, data: bytes) -> None:
    """Write beside the target, flush to disk, then rename over it.

    What earlier programs left unfinished in the same folder is removed the first time. Raises
    CannotWrite where the target is held open by another program or may not be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_stale_partials(path.parent)
    try:
        _write_and_rename(path, data)
    except FileNotFoundError:
        # This program slept so long (a closed laptop) that another took its partial for a leftover.
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_and_rename(path, data)


def write_together(files: Sequence[tuple[Path, bytes]]) -> None:
    """As ``write_atomically`` for up to some hundred files at once, in a fraction of the time.

    All are written beside their targets, then all are flushed, then all renamed. Raises CannotWrite
    where one may not be written; those before it are whole by then, the others as they were.
    """
    folders = dict.fromkeys(path.parent for path, _ in files)
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        _remove_stale_partials(folder)
    partials = {path: _partial(path) for path, _ in files}
    at = Path()
    try:
        with contextlib.ExitStack() as open_files:
            handles = []
            for at, data in files:
                # Buffered, so that a disk that takes only part of it is told.
                handles.append(open_files.enter_context(partials[at].open("xb")))
                handles[-1].write(data)
                handles[-1].flush()
            # By now the system has had time to write most of it.
            for handle in handles:
                os.fsync(handle.fileno())
        for at, _ in files:
            partials[at].replace(at)
            del partials[at]
        for folder in folders:
            sync_folder(folder)
    except PermissionError as error:
        raise _held_open(at) from error
    except FileNotFoundError:
        # As in write_atomically: a program that slept for long.
        for at, data in files:
            write_atomically(at, data)
    finally:
        for partial in partials.values():
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")


def _held_open(path: Path) -> CannotWrite:
    return CannotWrite(
        "文件正被其他程序打开，或没有写入权限",
        place=Place(str(path)),
        remedy="请在 Excel 或 WPS 中关闭它后重试",
    )


def _write_and_rename(path: Path, data: bytes) -> None:
    partial = _partial(path)
    try:
        with partial.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        sync_folder(path.parent)
    except PermissionError as error:
        raise _held_open(path) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


@lru_cache(maxsize=64)
def _remove_stale_partials(folder: Path) -> None:
    """Once per program and folder: the folder of originals is long."""
    oldest = time.time() - _STALE_SECONDS
    with os.scandir(folder) as entries:
        for entry in entries:
            if _PARTIAL.fullmatch(entry.name):
                # One that is gone by now was finished or removed by another program; one that
                # Windows does not let go of is still being written: nothing is to be done.
                with contextlib.suppress(OSError):
                    if entry.stat().st_mtime < oldest:
                        Path(entry).unlink()


def original_name(digest: str, file_name: str) -> str:
    """What received bytes are kept as: their hash, and of the received name a known suffix only."""
    suffix = Path(file_name).suffix.lower()
    return digest + (suffix if suffix in WORKBOOK_SUFFIXES | _OTHER_SUFFIXES else ".bin")


def keep_original(folder: Path, data: bytes, file_name: str) -> str:
    """Keep received bytes under their hash in ``folder``; returns the name they are kept under.

    Raises CannotWrite.
    """
    name = original_name(sha256_of(data), file_name)
    keep_originals(folder, {name: data})
    return name


def keep_originals(folder: Path, originals: Mapping[str, bytes]) -> None:
    """Keep the bytes of up to some hundred files under their ``original_name``.

    When this returns, all of them are on disk, those too that were there before. Raises CannotWrite.
    """
    fresh = [(folder / name, data) for name, data in originals.items()]
    fresh = [(path, data) for path, data in fresh if not _is_whole(path, data)]
    try:
        write_together(fresh)
    except CannotWrite:
        # Another ingest kept the same bytes meanwhile, and Windows replaces no open file.
        for path, data in fresh:
            if not _is_whole(path, data):
                write_atomically(path, data)
    if len(fresh) < len(originals):
        # Whoever wrote the others may have been stopped before their names were on disk.
        sync_folder(folder)


def _is_whole(path: Path, data: bytes) -> bool:
    """Whether a file is there whose name is the hash of this content, and as long."""
    try:
        return path.stat().st_size == len(data)
    except FileNotFoundError:
        return False


def storable_name(name: str) -> str:
    """A received file's name as text that can be stored and shown whatever its bytes were."""
    return name.encode("utf-8", "backslashreplace").decode()


def keep_earlier(path: Path, now: dt.datetime) -> Path | None:
    """Copy a file that is about to be replaced into 历次/ beside it; None where there is none."""
    if not path.is_file():
        return None
    stem = f"{path.stem}-{now:%Y%m%d-%H%M%S}"
    target, number = path.parent / EARLIER / f"{stem}{path.suffix}", 1
    while target.exists():
        number += 1
        target = path.parent / EARLIER / f"{stem}-{number}{path.suffix}"
    write_atomically(target, path.read_bytes())
    return target


def refuse_held(path: Path) -> None:
    """Raise WorkbookHeld where an office program has the workbook open."""
    for pattern in _LOCKS:
        lock = path.with_name(pattern.format(path.name))
        if lock.exists():
            raise WorkbookHeld(
                f"{path.name} 正在 Excel 或 WPS 中打开，没有改动它",
                place=Place(str(path)),
                remedy=f"请保存并关闭后重试；确实没有人打开的，删去 {lock.name}",
            )


def is_litter(path: Path) -> bool:
    """Whether a file is an office program's lock or a system's own, not something sent."""
    name = path.name.lower()
    return name.startswith(("~$", ".~", "._")) or name in _LITTER or name.endswith(".part")


def walk(paths: list[Path]) -> Iterator[Path]:
    """All files under the given files and folders, in a stable order."""
    for path in paths:
        if path.is_dir():
            yield from sorted(
                found
                for found in path.rglob("*")
                if found.is_file() and EARLIER not in found.relative_to(path).parts
            )
        else:
            yield path


def sync_folder(folder: Path) -> None:
    """Flush the names of a folder's files to disk."""
    # Windows cannot open a folder for fsync; NTFS journals the rename itself.
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
