"""Takes the password off a workbook, in the worker process; owns msoffcrypto."""

from __future__ import annotations

import io

from perfxl.errors import Fault, Unreadable
from perfxl.isolation.service import own_workers

# Excel encrypts a workbook whose structure is protected with this one, and opens it unasked.
UNASKED = "VelvetSweatshop"


def decrypted(data: bytes, password: str) -> bytes:
    """The workbook without its password. Raises Unreadable where the password does not fit."""
    # On this computer whoever reads the rest: a password goes nowhere.
    content: bytes = own_workers().call("perfxl.excel.decryption:decrypt_plain", data, password)
    return content


def decrypt_plain(data: bytes, password: str) -> bytes:
    """As ``decrypted``; runs in the worker."""
    import msoffcrypto  # noqa: PLC0415 - only for encrypted workbooks

    opened = io.BytesIO()
    try:
        locked = msoffcrypto.OfficeFile(io.BytesIO(data))
        locked.load_key(password=password)
        locked.decrypt(opened)
    except MemoryError:
        raise
    except Exception as error:
        raise Unreadable(
            "文件已加密，给出的密码不对或加密方式不能识别",
            remedy="请核对密码，或请单位取消密码后重新报送",
            fault=Fault.ENCRYPTED,
        ) from error
    return opened.getvalue()
