"""The office program LibreOffice, where it is installed: turns workbooks and documents into PDF."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from perfxl.errors import NoOfficeProgram, PerfxlError, Place

# A county's workbook takes some seconds; a first start of the program a few more.
_SECONDS = 300
_WINDOWS_FOLDERS = ("ProgramFiles", "ProgramFiles(x86)", "LOCALAPPDATA")


def find_office() -> Path | None:
    """The program, None where it is not installed."""
    found = shutil.which("soffice") or shutil.which("libreoffice")
    if found:
        return Path(found)
    for variable in _WINDOWS_FOLDERS:
        folder = os.environ.get(variable)
        program = Path(folder or ".") / "LibreOffice" / "program" / "soffice.exe"
        if folder and program.is_file():
            return program
    return None


def as_pdf(data: bytes, suffix: str) -> bytes:
    """A workbook's or document's pages as PDF; ``suffix`` tells its format.

    Formulas keep the values that the file holds. Raises NoOfficeProgram where LibreOffice is not
    installed; PerfxlError where it makes nothing of the file.
    """
    program = find_office()
    if program is None:
        raise NoOfficeProgram(
            "没有安装 LibreOffice，不能生成 PDF",
            remedy="请安装 LibreOffice 后重试，或在 Excel、WPS 中打开文件，另存为 PDF",
        )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / f"document{suffix}"
        source.write_bytes(data)
        command: list[str | Path] = [
            program,
            "--headless",
            "--norestore",
            # A profile of its own, so that a window that is open does not take the job and drop it.
            f"-env:UserInstallation={(folder / 'profile').as_uri()}",
            "--convert-to",
            "pdf",
            "--outdir",
            folder,
            source,
        ]
        try:
            subprocess.run(
                command,
                check=True,
                timeout=_SECONDS,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            return source.with_suffix(".pdf").read_bytes()
        except (OSError, subprocess.SubprocessError) as error:
            raise PerfxlError(
                "LibreOffice 没有生成 PDF",
                place=Place(str(program)),
                remedy="请在 LibreOffice、Excel 或 WPS 中打开文件，另存为 PDF",
            ) from error
