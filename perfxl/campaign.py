"""One campaign folder: where things are, its plan, its ledger. It does no work of its own."""

from __future__ import annotations

import secrets
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from perfxl.errors import (
    AlreadyThere,
    LedgerAddressWrong,
    LedgerBroken,
    Missing,
    NotACampaign,
    OtherLedger,
    Place,
)
from perfxl.plan.model import Plan

if TYPE_CHECKING:
    from perfxl.ledger import Address, Ledger

PLAN_FILE = "考核方案.xlsx"
ISSUED, MAIL, INBOX, ORIGINALS = "下发", "邮件", "收件", "原件"
SENT_BACK, REVIEWS, SPOT_CHECKS, PRODUCTS = "退回", "股室评分", "抽查", "成果"
FEEDBACK = "反馈整改"
LEDGER_FILE, LEDGER_ADDRESS_FILE = "台账.db", "台账连接.txt"
# In the folder of a county's own year: what the office keeps all through it.
YEAR_WORKBOOK = "年度台账.xlsx"
FOLDERS = (
    *(ISSUED, MAIL, INBOX, ORIGINALS, SENT_BACK),
    *(REVIEWS, SPOT_CHECKS, PRODUCTS, FEEDBACK),
)
# So many of the files that the ledger says were received last are looked for in 原件/.
_LOOKED_FOR = 20


class Campaign:
    """An existing campaign folder."""

    def __init__(self, folder: Path) -> None:
        if not (folder / PLAN_FILE).is_file():
            raise NotACampaign(
                f"这里没有 {PLAN_FILE}",
                place=Place(str(folder.resolve())),
                remedy="请用 -C 指定考核文件夹，或先执行 perfxl init",
            )
        self.folder = folder

    @classmethod
    def create(cls, folder: Path, plan: bytes, stamp_key: bytes | None = None) -> Campaign:
        """Make a campaign folder around a plan workbook; an existing plan is never replaced."""
        from perfxl.files import write_atomically

        target = folder / PLAN_FILE
        if target.exists():
            raise AlreadyThere(
                "文件夹里已有考核方案", place=Place(str(target)), remedy="请换一个文件夹"
            )
        read_plan_file(plan, PLAN_FILE)
        for name in FOLDERS:
            (folder / name).mkdir(parents=True, exist_ok=True)
        write_atomically(target, plan)
        campaign = cls(folder)
        key = stamp_key or secrets.token_bytes(32)
        campaign.ledger.setting("stamp_key", key.hex())
        return campaign

    @property
    def plan_file(self) -> Path:
        """The plan workbook."""
        return self.folder / PLAN_FILE

    @property
    def year_workbook(self) -> Path:
        """The workbook of a county's own year."""
        return self.folder / YEAR_WORKBOOK

    @cached_property
    def plan(self) -> Plan:
        """The plan, read once; raises PlanRefused with every mistake."""
        return read_plan_file(self.plan_file.read_bytes(), PLAN_FILE)

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger, made where there is none."""
        from perfxl.ledger import Ledger

        address = self.ledger_address
        if address is not None:
            return self._ledger_on_server(address)
        path = self.folder / LEDGER_FILE
        kept = self.folder / ORIGINALS
        if not path.exists() and kept.is_dir() and any(kept.iterdir()):
            raise LedgerBroken(
                "台账.db 不见了，而“原件”文件夹里有收到的文件",
                place=Place(str(path)),
                remedy="请从备份恢复台账.db；没有台账，收件时间和股室打分都无从得知",
            )
        return Ledger.at(path)

    @property
    def ledger_address(self) -> Address | None:
        """Where the ledger is, if it is on a server; raises LedgerAddressWrong."""
        path = self.folder / LEDGER_ADDRESS_FILE
        if not path.exists():
            return None
        from perfxl.ledger.address import read_address

        try:
            return read_address(path.read_text(encoding="utf-8-sig"))
        except UnicodeDecodeError:
            raise LedgerAddressWrong(
                "这个文件不是 UTF-8 文本", place=Place(str(path)), remedy="请从备份恢复它"
            ) from None
        except LedgerAddressWrong as error:
            error.place = Place(str(path))
            raise

    def _ledger_on_server(self, address: Address) -> Ledger:
        """Raises OtherLedger where plan or originals show that the folder is another campaign's."""
        from perfxl.ledger import Ledger
        from perfxl.ledger.address import password_for

        ledger = Ledger.on_server(address, password_for(address.server))
        try:
            self._refuse_another_campaign(ledger)
        except BaseException:
            ledger.close()
            raise
        return ledger

    def _refuse_another_campaign(self, ledger: Ledger) -> None:
        code, originals = ledger.campaign_code(), ledger.newest_originals(_LOOKED_FOR)
        place = Place(str(self.folder))
        if code != self.plan.campaign.code:
            raise OtherLedger(
                f"台账是考核 {code} 的，考核方案里的考核编号却是 {self.plan.campaign.code}",
                place=place,
                remedy="如果这是为另一次考核复制来的文件夹，请删去其中的“台账连接.txt”、“原件”等，"
                "或用 perfxl init 新建；如果确实要改考核编号，请先执行 perfxl ledger back，改后再移到服务器",
            )
        if originals and not any(self.original(name).is_file() for name in originals):
            raise OtherLedger(
                f"台账里最近收到的 {len(originals)} 个文件，这个文件夹的“原件”里一个也没有",
                place=place,
                remedy="几台电脑共用一个台账时，考核文件夹要放在共享文件夹里，大家用同一个；"
                "“原件”丢失的，请先从备份恢复",
            )

    @cached_property
    def stamp_key(self) -> bytes:
        """The key that signs the identity of issued workbooks; it never leaves the ledger."""
        return bytes.fromhex(self.ledger.setting("stamp_key", secrets.token_bytes(32).hex()))

    def path(self, name: str) -> Path:
        """One of the campaign's folders."""
        return self.folder / name

    def original(self, name: str) -> Path:
        """A received file in the store of originals."""
        return self.folder / ORIGINALS / name

    def close(self) -> None:
        """Let go of the ledger file."""
        if "ledger" in self.__dict__:
            self.ledger.close()


def read_plan_file(data: bytes, name: str) -> Plan:
    """The plan in a workbook's bytes; raises PlanRefused or Unreadable."""
    from perfxl.excel.reader import PATIENT_SECONDS, read_workbook
    from perfxl.plan.reading import read_plan

    return read_plan(name, read_workbook(data, name, seconds=PATIENT_SECONDS).sheets)


def plan_beside(file: Path) -> Path:
    """The plan workbook in the folder of a file or one of those above it; raises Missing."""
    for folder in file.resolve().parents:
        if (folder / PLAN_FILE).is_file():
            return folder / PLAN_FILE
    raise Missing(f"找不到 {PLAN_FILE}", place=Place(str(file)), remedy="请用 --plan 指定考核方案")
