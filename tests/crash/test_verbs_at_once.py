"""An ingest while others take in review books and grant an extension in the same campaign."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import openpyxl
import pytest
from harness import begin, environment, losses_in, said_in, started, stored_in

from perfxl.campaign import INBOX, Campaign
from perfxl.ledger import Form
from perfxl.stages.review import book_path

SECTION = "教科文股"


def send_again(campaign: Campaign) -> set[Path]:
    """Each file in 收件/ once more as other bytes with the same content."""
    sent = set()
    for path in sorted(campaign.path(INBOX).iterdir()):
        data = io.BytesIO(path.read_bytes())
        with zipfile.ZipFile(data, "a") as package:
            package.comment = b"again"
        again = path.with_stem(f"{path.stem}（再报）")
        again.write_bytes(data.getvalue())
        sent.add(again)
    return sent


def score(campaign: Campaign, approved: int) -> None:
    """Type one score into a section's book."""
    path = book_path(campaign, SECTION)
    book = openpyxl.load_workbook(path)
    sheet = book["评分表"]
    column = {str(cell.value).split("（")[0].removesuffix(" *"): cell.column for cell in sheet[3]}
    for row in range(4, sheet.max_row + 1):
        if (sheet.cell(row, 1).value, sheet.cell(row, column["指标编码"]).value) == ("101", "6.2"):
            sheet.cell(row, column["核定得分"]).value = approved
            sheet.cell(row, column["扣分原因"]).value = "佐证不足"
    book.save(path)


def perfxl(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """The command line, begun."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "perfxl", "-C", str(folder), *arguments],
        env=environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


@pytest.mark.slow
def test_ingest_review_and_extension_at_once(campaign: Campaign) -> None:
    sent = send_again(campaign)
    score(campaign, 4)
    reviews = campaign.ledger.reviews()
    campaign.close()
    before = stored_in(campaign.folder)
    with started(campaign.folder, "--together", "4") as ingest:
        # The same book twice at once, which must not bring its scores twice.
        others = [
            perfxl(campaign.folder, "review", "ingest"),
            perfxl(campaign.folder, "review", "ingest"),
            perfxl(campaign.folder, "extend", "101", "2024-02-28", "--reason", "雪灾"),
        ]
        begin(ingest)
        output, error = ingest.communicate(timeout=120)
        assert (ingest.returncode, error) == (0, "")
        for job in others:
            told, error = job.communicate(timeout=120)
            assert (job.returncode, error) == (0, ""), told
    again = Campaign(campaign.folder)
    returns = again.ledger.receipts(Form.RETURN)
    assert {path.name for path in sent} <= {one.file for one in returns}
    assert len(returns) == len({one.sha256 for one in returns}) == 2 * len(sent)
    assert said_in(output) == {one.sha256 for one in returns}
    new = again.ledger.reviews()[len(reviews) :]
    assert [(one.unit, one.indicator, one.approved) for one in new] == [("101", "6.2", 400)]
    assert [(one.unit, one.reason) for one in again.ledger.extensions()] == [("101", "雪灾")]
    again.close()
    # Nothing that was there is gone.
    after = stored_in(campaign.folder)
    lost = [loss for loss in losses_in(campaign.folder, before) if loss.startswith(("lost", "no "))]
    assert lost == []
    assert len(after.originals) == len(before.originals) + len(sent) + 1
