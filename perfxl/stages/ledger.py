"""ledger (台账): where the ledger is; moving it to a PostgreSQL server and back.

Moving writes 台账连接.txt, which makes every computer that works in the folder find the server, and
keeps the old file under another name; moving back takes that file away again.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from perfxl.campaign import LEDGER_ADDRESS_FILE, LEDGER_FILE, Campaign
from perfxl.errors import AlreadyThere, NothingToDo, Place
from perfxl.files import sync_folder, write_atomically
from perfxl.ledger import Address, Ledger
from perfxl.ledger.address import (
    Server,
    address_text,
    keep_password_for,
    mark_of,
    password_for,
    read_server,
    schema_for,
)
from perfxl.ledger.moving import move_to_file, move_to_server, stamp_key_in


@dataclass(frozen=True)
class Moved:
    """A ledger after it was moved: where it is, how many rows of each table, the old file kept."""

    where: str
    rows: Mapping[str, int]
    kept: Path | None


def where(campaign: Campaign) -> str:
    """Where the ledger is, in words."""
    address = campaign.ledger_address
    if address is None:
        return str(campaign.folder / LEDGER_FILE)
    return f"{address.server.url}，模式 {address.schema}"


def move(campaign: Campaign, url: str, now: dt.datetime) -> Moved:
    """Move the ledger from its file to a server.

    Raises AlreadyThere where it is on a server, LedgerAddressWrong, LedgerNotMoved and the
    PerfxlErrors of the server; then it stays where it is.
    """
    path = campaign.folder / LEDGER_FILE
    if campaign.ledger_address is not None:
        raise AlreadyThere(
            f"台账已经在服务器上（{campaign.ledger_address.server}）",
            place=Place(str(campaign.folder / LEDGER_ADDRESS_FILE)),
            remedy="要换服务器，请先执行 perfxl ledger back",
        )
    server = read_server(url)
    mark = mark_of(stamp_key_in(path))
    address = Address(server, schema_for(campaign.plan.campaign.code, mark), mark)
    rows = move_to_server(path, address, password_for(server), campaign.plan.campaign.code, now)
    write_atomically(
        campaign.folder / LEDGER_ADDRESS_FILE, address_text(address).encode("utf-8-sig")
    )
    kept = _set_aside(path, now)
    # From here on it is in use, and no second move can replace it.
    Ledger.on_server(address, password_for(server)).close()
    return Moved(f"{address.server}，模式 {address.schema}", rows, kept)


def move_back(campaign: Campaign, now: dt.datetime) -> Moved:
    """Move the ledger from its server into a file; raises NothingToDo where it is in one."""
    address = campaign.ledger_address
    if address is None:
        raise NothingToDo("台账不在服务器上", place=Place(str(campaign.folder / LEDGER_FILE)))
    path = campaign.folder / LEDGER_FILE
    partial = path.with_name(f".{path.name}.part")
    partial.unlink(missing_ok=True)

    def put_in_place(complete: Path) -> str:
        # While 台账连接.txt is there, no program looks at this file.
        if path.exists():
            _set_aside(path, now)
        complete.replace(path)
        sync_folder(campaign.folder)
        return str(path)

    rows = move_to_file(address, password_for(address.server), partial, put_in_place)
    _forget_server(campaign)
    return Moved(str(path), rows, None)


def keep_password(campaign: Campaign, url: str, password: str) -> Server:
    """Keep the password of a server, by default of the campaign's own, in the system's keyring."""
    if url:
        server = read_server(url)
    elif campaign.ledger_address is not None:
        server = campaign.ledger_address.server
    else:
        raise NothingToDo("台账不在服务器上", remedy="要先存密码再移动的，请在后面写服务器的地址")
    keep_password_for(server, password)
    return server


def _forget_server(campaign: Campaign) -> None:
    (campaign.folder / LEDGER_ADDRESS_FILE).unlink()
    sync_folder(campaign.folder)


def _set_aside(path: Path, now: dt.datetime) -> Path | None:
    """Rename the old file with what belongs to it; None where another program holds it open.

    It says itself that it was moved, so that it does no harm where it is.
    """
    name = f"{path.stem}（移走于{now:%Y%m%d-%H%M%S}"
    candidates = (
        f"{name}{count}）{path.suffix}" for count in ("", *map("-{}".format, range(2, 100)))
    )
    kept = next(one for one in map(path.with_name, candidates) if not one.exists())
    try:
        path.rename(kept)
    except PermissionError:
        return None
    for suffix in ("-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(kept.with_name(kept.name + suffix))
    return kept
