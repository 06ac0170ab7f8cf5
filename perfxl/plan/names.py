"""Names that become files, folders or sheets, and how names that people type are compared."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from perfxl.values import squeeze

# Excel's limit for a sheet is 31; perfxl puts words before some of these names.
LONGEST_NAME = 20
LONGEST_SECTION = 60
LONGEST_FILE_NAME = 180  # bytes of UTF-8; file systems stop at 255

_ILLEGAL = re.compile(r"""[\\/:*?"<>|\[\]']""")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_DEVICES = frozenset(
    {"CON", "PRN", "AUX", "NUL"} | {f"{port}{n}" for port in ("COM", "LPT") for n in range(1, 10)}
)
_BRACKETS = {"(": ")", "【": "】", "[": "]"}
_SEPARATOR = re.compile(r"^(?:—+|[-_:–])")
_ROUND = str.maketrans("()", "（）")


def same(text: str) -> str:
    """The form in which two names are one: widths folded, no white space, no case."""
    return squeeze(text).casefold()


def find_name(wanted: str, names: Iterable[str]) -> str | None:
    """The one of ``names`` that was meant: the very same, else the same but for its spelling."""
    names = tuple(names)
    if wanted in names:
        return wanted
    return next((name for name in names if same(name) == same(wanted)), None)


def name_fault(name: str, longest: int = 0) -> str:
    """Why a name cannot be that of a file, a folder or a sheet, in Chinese; blank where it can.

    The name must be legal in Excel and on NTFS; ``longest`` counts as Excel does (UTF-16).
    """
    unseen = [char for char in name if unicodedata.category(char) in _UNSEEN]
    if unseen:
        return f"含看不见的字符（U+{ord(unseen[0]):04X}）"
    illegal = _ILLEGAL.search(name)
    if illegal:
        return f"含不能用于文件名的字符 {illegal[0]}"
    if name and (name[0] in " .\u3000" or name[-1] in " .\u3000"):
        return "首尾有空格或句点"
    if squeeze(name).partition(".")[0].upper() in _DEVICES:
        return "是 Windows 的保留名称，不能用于文件名"
    if longest and len(name.encode("utf-16-le")) // 2 > longest:
        return f"超过 {longest} 字"
    return ""


def kind_name(text: str) -> str:
    """A kind of unit in the one form it is kept in: squeezed, round brackets full-width."""
    return squeeze(text).translate(_ROUND)


def kind_of_sheet(sheet: str, prefix: str) -> str:
    """The kind that a rubric sheet names: ``指标体系（学校（公办））`` → ``学校（公办）``.

    One pair of brackets around it or one separator before it is dropped, no more.
    """
    text = squeeze(sheet).removeprefix(prefix)
    inner = text[1:-1] if _is_bracketed(text) else _SEPARATOR.sub("", text)
    return kind_name(inner)


def _is_bracketed(text: str) -> bool:
    """Whether the bracket that opens the text is closed by its last character, not before."""
    closing = _BRACKETS.get(text[:1])
    if closing is None:
        return False
    depth = 0
    for position, char in enumerate(text):
        depth += (char == text[0]) - (char == closing)
        if depth == 0:
            return position == len(text) - 1
    return False
