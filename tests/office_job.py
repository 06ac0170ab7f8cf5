"""Runs one job in a real LibreOffice; started with the system's python3, which has ``uno``.

Reads a JSON job from standard input: ``file``; ``set``: [sheet, cell, value]; ``read``: sheet
names; ``save``: {path: filter}. Opens the file, types the values, forces a full recalculation,
saves, and prints each sheet read as rows of values (formula errors as ``#ERR``).
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import uno
from com.sun.star.beans import PropertyValue
from com.sun.star.connection import NoConnectException
from com.sun.star.table.CellContentType import EMPTY, FORMULA, VALUE

START_SECONDS = 60


def option(name, value):
    """One UNO property."""
    made = PropertyValue()
    made.Name, made.Value = name, value
    return made


def connect(pipe):
    """The desktop of the office process behind the pipe, once it answers."""
    resolver = uno.getComponentContext().ServiceManager.createInstanceWithContext(
        "com.sun.star.bridge.UnoUrlResolver", uno.getComponentContext()
    )
    give_up = time.monotonic() + START_SECONDS
    while True:
        try:
            context = resolver.resolve(f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext")
            return context.ServiceManager.createInstanceWithContext(
                "com.sun.star.frame.Desktop", context
            )
        except NoConnectException:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.1)


def content(cell):
    """A cell's value: number, text, or ``#ERR`` for a formula that fails."""
    if cell.Type == EMPTY:
        return ""
    if cell.getError():
        return "#ERR"
    if cell.Type == VALUE:
        return cell.Value
    if cell.Type == FORMULA and cell.FormulaResultType2 == 1:
        return cell.Value
    return cell.String


def rows_of(sheet):
    """All rows of a sheet's used area, from A1."""
    cursor = sheet.createCursor()
    cursor.gotoEndOfUsedArea(False)
    last_row, last_column = cursor.RangeAddress.EndRow, cursor.RangeAddress.EndColumn
    return [
        [content(sheet.getCellByPosition(column, row)) for column in range(last_column + 1)]
        for row in range(last_row + 1)
    ]


def run(job, desktop):
    """Do the job; the document is closed in any case."""
    url = uno.systemPathToFileUrl(str(Path(job["file"]).resolve()))
    document = desktop.loadComponentFromURL(url, "_blank", 0, (option("Hidden", True),))
    try:
        for name, cell, value in job.get("set", ()):
            target = document.Sheets.getByName(name).getCellRangeByName(cell)
            if isinstance(value, str):
                target.String = value
            else:
                target.Value = value
        document.calculateAll()
        for path, kind in job.get("save", {}).items():
            document.storeToURL(uno.systemPathToFileUrl(path), (option("FilterName", kind),))
        return {name: rows_of(document.Sheets.getByName(name)) for name in job.get("read", ())}
    finally:
        document.close(True)


def main():
    """Start an office, do the job, stop it."""
    job = json.load(sys.stdin)
    pipe = f"perfxl{os.getpid()}"
    profile = tempfile.mkdtemp()
    office = subprocess.Popen(
        [
            "soffice",
            "--headless",
            "--norestore",
            "--nologo",
            f"--accept=pipe,name={pipe};urp;",
            f"-env:UserInstallation={Path(profile).as_uri()}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        desktop = connect(pipe)
        json.dump(run(job, desktop), sys.stdout)
        try:
            desktop.terminate()
        except Exception as error:  # the bridge falls with the process that it bridges to
            print(error, file=sys.stderr)
        office.wait(timeout=30)
    finally:
        office.kill()
        shutil.rmtree(profile, ignore_errors=True)


if __name__ == "__main__":
    main()
