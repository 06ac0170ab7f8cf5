"""Shows workbooks and documents as they print: one PNG for every page.

    python tests/render_pages.py FILE... --to DIR [--dpi 70]

LibreOffice (soffice) prints to PDF, pdftoppm (poppler-utils) turns its pages into pictures; the
sheets of a workbook follow each other.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

# Fonts that every office has and few servers, and free ones of like widths (fonts-noto-cjk,
# fonts-arphic-uming, fonts-arphic-ukai).
FONTS = {
    "宋体": "AR PL UMing CN",
    "黑体": "Noto Sans CJK SC",
    "仿宋": "AR PL UMing CN",
    "仿宋_GB2312": "AR PL UMing CN",
    "楷体_GB2312": "AR PL UKai CN",
    "方正小标宋简体": "Noto Serif CJK SC",
    # Widths of columns are counted in digits of this one.
    "Calibri": "AR PL UMing CN",
}
TOOLS = {"soffice": "LibreOffice", "pdftoppm": "poppler-utils"}
SECONDS = 240


class CannotRenderError(Exception):
    """What is missing, or which program failed over which file."""


def missing_tools() -> list[str]:
    """The programs that are needed and not installed, with the package that has them."""
    return [f"{tool} ({package})" for tool, package in TOOLS.items() if not shutil.which(tool)]


def render(files: Sequence[Path], to: Path, *, dpi: int = 70) -> list[Path]:
    """The pages of every file as ``DIR/<file's name>-<page>.png``.

    Earlier pages of the same file are removed first. Raises CannotRenderError.
    """
    missing = missing_tools()
    if missing:
        raise CannotRenderError(f"not installed: {', '.join(missing)}")
    for file in files:
        if not file.is_file():
            raise CannotRenderError(f"no such file: {file}")
    to.mkdir(parents=True, exist_ok=True)
    pages: list[Path] = []
    with tempfile.TemporaryDirectory() as work:
        environment = {**os.environ, "FONTCONFIG_FILE": str(_font_settings(Path(work)))}
        for file in files:
            for old in _pages(to, file.stem):
                old.unlink()
            _run(
                [
                    *("soffice", "--headless", "--norestore", "--convert-to", "pdf"),
                    f"-env:UserInstallation={(Path(work) / 'profile').as_uri()}",
                    *("--outdir", work, str(file)),
                ],
                environment,
            )
            printed = Path(work) / f"{file.stem}.pdf"
            if not printed.is_file():
                raise CannotRenderError(f"LibreOffice does not print {file}")
            _run(
                ["pdftoppm", "-r", str(dpi), "-png", str(printed), str(to / file.stem)], environment
            )
            pages += _pages(to, file.stem)
    return pages


def _pages(folder: Path, stem: str) -> list[Path]:
    return sorted(one for one in folder.glob("*.png") if one.stem.rpartition("-")[0] == stem)


def _font_settings(work: Path) -> Path:
    """What tells fontconfig to show a font that is not here as one that is."""
    aliases = "".join(
        f"<match><test name='family'><string>{name}</string></test>"
        f"<edit name='family' mode='append' binding='strong'><string>{other}</string></edit></match>"
        for name, other in FONTS.items()
    )
    file = work / "fonts.conf"
    file.write_text(
        "<?xml version='1.0'?><!DOCTYPE fontconfig SYSTEM 'fonts.dtd'><fontconfig>"
        f"<include ignore_missing='yes'>/etc/fonts/fonts.conf</include>{aliases}</fontconfig>",
        encoding="utf-8",
    )
    return file


def _run(command: Sequence[str], environment: Mapping[str, str]) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=SECONDS, check=False, env=environment
    )
    if done.returncode:
        raise CannotRenderError(f"{command[0]} failed: {done.stderr.strip()[:500]}")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; gives the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--to", required=True, type=Path, metavar="DIR")
    parser.add_argument("--dpi", type=int, default=70)
    options = parser.parse_args(arguments)
    try:
        pages = render(options.files, options.to, dpi=options.dpi)
    except CannotRenderError as error:
        print(error, file=sys.stderr)
        return 2
    for page in pages:
        print(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
