"""What a killed program left half written: never an original, and gone after a while."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from perfxl import files
from perfxl.errors import CannotWrite
from perfxl.files import (
    is_litter,
    keep_original,
    keep_originals,
    original_name,
    sha256_of,
    walk,
    write_atomically,
    write_together,
)

HOUR = 3600
LEFT = ".return.xlsx.0123abcd.part"


def left_over(folder: Path, name: str, seconds: float) -> Path:
    """A file that nobody has touched for so long."""
    path = folder / name
    path.write_bytes(b"half of")
    then = time.time() - seconds
    os.utime(path, (then, then))
    return path


def test_an_old_partial_is_removed_and_nothing_else(tmp_path: Path) -> None:
    old = left_over(tmp_path, LEFT, 2 * HOUR)
    young = left_over(tmp_path, ".return.xlsx.0123abce.part", 60)
    foreign = left_over(tmp_path, "download.xlsx.part", 2 * HOUR)
    kept = keep_original(tmp_path, b"bytes", "return.xlsx")
    assert not old.exists()
    assert {path.name for path in tmp_path.iterdir()} == {kept, young.name, foreign.name}


def test_a_partial_is_no_file_that_came_in(tmp_path: Path) -> None:
    left_over(tmp_path, LEFT, 0)
    assert all(is_litter(path) for path in walk([tmp_path]))


def test_a_program_that_slept_writes_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its partial was removed as a leftover while it was being written."""
    flush, naps = os.fsync, []

    def flush_after_a_nap(handle: int) -> None:
        for partial in tmp_path.glob(".*.part"):
            if not naps:
                naps.append(partial)
                partial.unlink()
        flush(handle)

    monkeypatch.setattr(os, "fsync", flush_after_a_nap)
    write_atomically(tmp_path / "f.xlsx", b"all of it")
    assert len(naps) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["f.xlsx"]
    assert (tmp_path / "f.xlsx").read_bytes() == b"all of it"


def test_an_original_that_another_kept_and_holds_open_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows, where a file that a program has open cannot be replaced."""

    def too_late(files: list[tuple[Path, bytes]]) -> None:
        for path, data in files:
            path.write_bytes(data)
        raise CannotWrite("文件正被其他程序打开")

    monkeypatch.setattr(files, "write_together", too_late)
    assert keep_original(tmp_path, b"bytes", "f.xlsx") == f"{sha256_of(b'bytes')}.xlsx"

    def refused(path: Path, partial: Path) -> Path:
        raise PermissionError

    monkeypatch.undo()
    monkeypatch.setattr(Path, "replace", refused)
    with pytest.raises(CannotWrite):
        keep_original(tmp_path, b"other bytes", "f.xlsx")


def test_files_written_together_are_all_flushed_before_any_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flush, seen = os.fsync, []

    def flush_and_look(handle: int) -> None:
        seen.append(sorted(path.name for path in tmp_path.rglob("*.xlsx")))
        flush(handle)

    monkeypatch.setattr(os, "fsync", flush_and_look)
    files_of = [(tmp_path / folder / "f.xlsx", folder.encode()) for folder in ("甲", "乙")]
    write_together(files_of)
    # The last ones flush the names in the two folders.
    assert seen[:2] == [[], []]
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.*")} == dict(files_of)


def test_of_files_written_together_one_is_held_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.xlsx", "b.xlsx", "c.xlsx"):
        (tmp_path / name).write_bytes(b"old")
    rename = Path.replace

    def refuse(partial: Path, target: Path) -> Path:
        if target.name == "b.xlsx":
            raise PermissionError
        return rename(partial, target)

    monkeypatch.setattr(Path, "replace", refuse)
    names = ("a.xlsx", "b.xlsx", "c.xlsx")
    with pytest.raises(CannotWrite, match=r"b\.xlsx"):
        write_together([(tmp_path / name, b"new") for name in names])
    assert [(tmp_path / name).read_bytes() for name in names] == [b"new", b"old", b"old"]
    assert sorted(path.name for path in tmp_path.iterdir()) == list(names)


def test_files_written_together_by_a_program_that_slept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flush, naps = os.fsync, []

    def flush_after_a_nap(handle: int) -> None:
        if not naps:
            naps.extend(tmp_path.glob(".*.part"))
            for partial in naps:
                partial.unlink()
        flush(handle)

    monkeypatch.setattr(os, "fsync", flush_after_a_nap)
    write_together([(tmp_path / name, b"all of it") for name in ("a.xlsx", "b.xlsx")])
    assert len(naps) == 2
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "a.xlsx": b"all of it",
        "b.xlsx": b"all of it",
    }


def test_an_original_of_which_a_part_is_there_is_kept_anew(tmp_path: Path) -> None:
    """As after a disk that was full, or a copy that broke off."""
    name = original_name(sha256_of(b"all of it"), "f.xlsx")
    (tmp_path / name).write_bytes(b"all")
    keep_originals(tmp_path, {name: b"all of it"})
    assert (tmp_path / name).read_bytes() == b"all of it"


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from perfxl.files import keep_originals
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
try:
    keep_originals(Path(sys.argv[1]), {"small": b"s", "large": b"l" * (3 << 20)})
except OSError as error:
    print(type(error).__name__)
"""


@pytest.mark.skipif(os.name != "posix", reason="the limit is POSIX's")
def test_a_disk_that_takes_only_a_part_is_told(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "OSError\n"
    assert list(tmp_path.iterdir()) == []
