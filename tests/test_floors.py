"""Imports only go down, rooms on one floor leave each other alone, each library has one owner."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import perfxl

PACKAGE = Path(perfxl.__file__).resolve().parent

# Lowest first. A folder is one room, and the modules in it may import each other.
FLOORS = (
    {"errors", "points", "values", "tables"},
    {"layout", "isolation", "passwords"},
    {"plan"},
    {
        "excel",
        "envelopes",
        "documents",
        "ledger",
        "files",
        "console",
        "resources",
        "office",
        "cluster",
        "terms",
    },
    {"mail"},
    {
        *("checks", "intake", "scoring", "reviews", "claims", "changes"),
        *("analysis", "last_year", "movements", "spot_checks", "wording", "narrative"),
        *("application", "indicator_library", "monthly"),
    },
    {"rectifications", "county"},
    {"facts", "campaign"},
    {"products"},
    {"stages"},
    {"cli"},
    {"__main__"},
)
GROUND = {"perfxl", "errors", "points", "values", "tables"}
OWNERS = {
    "click": {"cli"},
    "xlsxwriter": {"excel"},
    "openpyxl": {"excel"},
    "python_calamine": {"excel"},
    "xlrd": {"excel"},
    "zlib_ng": {"excel"},
    "olefile": {"excel", "envelopes"},
    "msoffcrypto": {"excel"},
    "lxml": {"excel"},
    "py7zr": {"envelopes"},
    "rarfile": {"envelopes"},
    "rapidfuzz": {"intake", "indicator_library"},
    "docx": {"documents"},
    "sqlalchemy": {"ledger"},
    "pypdf": {"narrative"},
    "rich": {"console"},
    "chinese_calendar": {"terms"},
    "smtplib": {"mail"},
    "imapclient": {"mail"},
    "keyring": {"passwords"},
    "psycopg": {"ledger"},
    "distributed": {"cluster"},
    "dask": {"cluster"},
}


def room_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "perfxl"


def imports() -> Iterator[tuple[str, str, str]]:
    """(room, module, imported module) for every import statement of the package."""
    for file in sorted(PACKAGE.rglob("*.py")):
        relative = file.relative_to(PACKAGE)
        if relative.parts[0] in ("workbook_templates", "samples"):
            continue
        module = ".".join(("perfxl", *relative.with_suffix("").parts)).removesuffix(".__init__")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield room_of(module), module, alias.name
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{module}: relative import"
                yield room_of(module), module, str(node.module)


ALL = list(imports())
FLOOR_OF = {room: number for number, floor in enumerate(FLOORS) for room in floor}


def test_every_room_has_a_floor() -> None:
    rooms = {room for room, _, _ in ALL} - {"perfxl"}
    assert rooms == set(FLOOR_OF)


def goes_down(room: str, imported: str) -> bool:
    target = room_of(imported)
    if not imported.startswith("perfxl") or "perfxl" in (room, target) or target == room:
        return True
    # The ground floor's modules are one room in all but name.
    return FLOOR_OF[target] < FLOOR_OF[room] or {room, target} <= GROUND


def test_imports_go_down() -> None:
    assert [(module, name) for room, module, name in ALL if not goes_down(room, name)] == []


def test_an_import_that_goes_up_is_seen() -> None:
    assert not goes_down("points", "perfxl.cli")
    assert not goes_down("checks", "perfxl.scoring")


@pytest.mark.parametrize("library", OWNERS)
def test_each_library_has_one_owner(library: str) -> None:
    users = {room for room, _, imported in ALL if imported.split(".")[0] == library}
    assert users <= OWNERS[library]
