"""PDF through LibreOffice: the ranking, any document, and what is said where it is missing."""

from __future__ import annotations

import datetime as dt
import subprocess
from pathlib import Path

import pytest

from perfxl import office as office_program
from perfxl.campaign import PRODUCTS, Campaign
from perfxl.errors import NoOfficeProgram, PerfxlError
from perfxl.stages.gather import gather
from perfxl.stages.print_out import print_file, print_ranking_sheet

NOW = dt.datetime(2024, 1, 26, 10, 0)


def text_of(pdf: Path) -> list[str]:
    """The text of each page."""
    done = subprocess.run(
        ["pdftotext", "-layout", pdf, "-"], capture_output=True, text=True, check=True
    )
    return done.stdout.split("\f")[:-1]


@pytest.mark.libreoffice
def test_the_ranking_prints_a_page_for_each_kind(office, campaign: Campaign) -> None:  # type: ignore[no-untyped-def]
    gathered = gather(campaign)
    pages = text_of(print_ranking_sheet(campaign, gathered, NOW))
    assert len(pages) == 2
    for page, kind in zip(pages, ("部门", "乡镇"), strict=True):
        ranked = gathered.ranking[gathered.ranking["kind"] == kind]
        places = [page.index(f" {unit} ") for unit in ranked["unit"]]
        assert places == sorted(places)
        assert all(f"{total / 100:.2f}" in page for total in ranked["total"])
        assert "绩效组负责人（签字）" in page


@pytest.mark.libreoffice
def test_a_document_becomes_a_pdf_beside_it(office, campaign: Campaign) -> None:  # type: ignore[no-untyped-def]
    source = campaign.path(PRODUCTS) / "通报.docx"
    target = print_file(source, source.read_bytes())
    assert target == source.with_suffix(".pdf")
    assert "情况的通报" in "".join(text_of(target)).replace(" ", "")


def test_without_libreoffice_it_says_so(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    for variable in office_program._WINDOWS_FOLDERS:
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(NoOfficeProgram, match="没有安装 LibreOffice"):
        print_ranking_sheet(campaign, gather(campaign), NOW)
    assert not (campaign.path(PRODUCTS) / "排名.pdf").exists()


def test_it_is_found_where_windows_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "LibreOffice" / "program" / "soffice.exe"
    program.parent.mkdir(parents=True)
    program.touch()
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("ProgramFiles", str(tmp_path))
    assert office_program.find_office() == program


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PerfxlError, match="不是工作簿或 Word 文稿"):
        print_file(tmp_path / "图.png", b"")
