"""What returns say is the same whether it was kept in memory or on disk."""

from __future__ import annotations

from pathlib import Path

from perfxl.excel.reader import read_workbook
from perfxl.intake.extract import Extracted, Layouts, Return, extract_one
from perfxl.intake.identity import identify
from perfxl.intake.shelf import Shelf
from perfxl.plan.model import Plan


def _extracted(plan: Plan, repository: Path) -> dict[str, Extracted]:
    layouts = Layouts(plan)
    found = {}
    for path in sorted((repository / "samples" / "returns").glob("*.xlsx"))[:6]:
        grid = read_workbook(path.read_bytes(), path.name)
        identity = identify(plan, grid, path.name, None)
        assert identity.unit is not None
        one = Return(path.stem, path.name, identity.unit, identity, grid)
        found[path.stem] = extract_one(layouts, one)
    return found


def test_what_is_on_disk_comes_back_as_it_was(plan: Plan, repository: Path, tmp_path: Path) -> None:
    extracted = _extracted(plan, repository)
    shelf = Shelf(tmp_path, in_memory=2)
    for name, one in extracted.items():
        shelf[name] = one
    assert dict(shelf) == extracted
    assert list(shelf) == list(extracted)
    assert len(shelf) == 6
    first, *_, last = extracted
    assert shelf[first] is extracted[first]
    assert shelf[last] is not extracted[last]
    # Taken in once more, it is the newer one that counts.
    shelf[last] = extracted[first]
    assert shelf[last] == shelf[first]
    del shelf[last], shelf[first]
    assert last not in shelf and first not in shelf and len(shelf) == 4


def test_nothing_is_left_in_the_folder(plan: Plan, repository: Path, tmp_path: Path) -> None:
    extracted = _extracted(plan, repository)
    shelf = Shelf(tmp_path, in_memory=0)
    shelf.update(extracted)
    assert len(shelf) == 6
    del shelf
    assert list(tmp_path.iterdir()) == []
