"""Files that come with perfxl: workbook templates and samples."""

from __future__ import annotations

from pathlib import Path

from perfxl.errors import Missing, Place

_PACKAGE = Path(__file__).resolve().parent


def _folder(name: str) -> Path:
    """In an installed wheel beside the modules; in a checkout or an editable install above them."""
    for candidate in (_PACKAGE / name, _PACKAGE.parent / name):
        if candidate.is_dir():
            return candidate
    raise Missing(
        f"安装不完整：缺少 {name}", place=Place(str(_PACKAGE)), remedy="请重新安装 perfxl"
    )


def template_file(name: str) -> Path:
    """A file of ``workbook_templates/``."""
    return _folder("workbook_templates") / name


def samples() -> Path:
    """The folder ``samples/``."""
    return _folder("samples")
