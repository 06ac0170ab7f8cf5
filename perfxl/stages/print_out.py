"""Printing: the ranking, or any workbook or document of perfxl, as PDF through LibreOffice."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from perfxl.campaign import PRODUCTS, Campaign
from perfxl.errors import NothingToDo, PerfxlError, Place
from perfxl.files import write_atomically
from perfxl.office import as_pdf
from perfxl.products.consolidated.workbook import ranking_workbook
from perfxl.stages.consolidate import material
from perfxl.stages.gather import Gathered

RANKING_FILE = "排名.pdf"
_PRINTABLE = frozenset({".xlsx", ".xlsm", ".xls", ".et", ".ods", ".docx", ".doc", ".wps", ".odt"})


def print_ranking_sheet(campaign: Campaign, gathered: Gathered, now: dt.datetime) -> Path:
    """Write 成果/排名.pdf: the ranking sheet of the consolidated workbook, each kind on its page.

    Raises NothingToDo where no unit has returned anything, NoOfficeProgram without LibreOffice.
    """
    if not gathered.receipts:
        raise NothingToDo("还没有收到任何单位的报送", remedy="请先执行 perfxl ingest")
    path = campaign.path(PRODUCTS) / RANKING_FILE
    data = ranking_workbook(material(campaign, gathered, now))
    write_atomically(path, as_pdf(data, ".xlsx"))
    return path


def print_file(file: Path, data: bytes) -> Path:
    """Write a file's pages as PDF beside it. Raises PerfxlError, NoOfficeProgram."""
    suffix = file.suffix.lower()
    if suffix not in _PRINTABLE:
        raise PerfxlError(
            "不是工作簿或 Word 文稿", place=Place(str(file)), remedy="请给出 .xlsx 或 .docx 文件"
        )
    target = file.with_suffix(".pdf")
    write_atomically(target, as_pdf(data, suffix))
    return target
