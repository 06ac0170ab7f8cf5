"""The printed rows of a rubric: headings over their indicators, with codes and subtotals."""

from __future__ import annotations

from perfxl.plan.model import Indicator, RubricRow
from perfxl.plan.names import same

Path = tuple[str, ...]

_NUMERALS = "一二三四五六七八九十"


def rubric_rows(indicators: tuple[Indicator, ...]) -> tuple[RubricRow, ...]:
    """The printed rows of a rubric: headings before what belongs to them, marks summed upward.

    The tree comes from the indicators' names. A heading's code is the dotted prefix that its
    indicators share (``1.2`` above ``1.2.1``); where codes are not dotted, it is numbered
    (``一``, ``一.1``), in brackets where an indicator has that code already (``（一）``).
    """
    paths = list(dict.fromkeys(i.names[:d] for i in indicators for d in range(1, len(i.names))))
    codes = _dotted_codes(indicators, paths) or _numbered_codes(indicators, paths)
    rows: list[RubricRow] = []
    children: dict[int, list[int]] = {}
    position: dict[Path, int] = {}
    for indicator in indicators:
        for depth in range(1, len(indicator.names) + 1):
            path = indicator.names[:depth]
            leaf = depth == len(indicator.names)
            if not leaf and path in position:
                continue
            index = len(rows)
            if depth > 1:
                children.setdefault(position[path[:-1]], []).append(index)
            if not leaf:
                position[path] = index
            rows.append(
                RubricRow(
                    indicator.code if leaf else codes[path],
                    path[-1],
                    depth,
                    indicator.full_marks if leaf else _marks_under(indicators, path),
                    indicator if leaf else None,
                )
            )
    return tuple(
        RubricRow(r.code, r.name, r.depth, r.full_marks, r.indicator, tuple(children.get(i, ())))
        for i, r in enumerate(rows)
    )


def _marks_under(indicators: tuple[Indicator, ...], path: Path) -> int:
    return sum(i.full_marks for i in indicators if i.names[: len(path)] == path)


def _dotted_codes(indicators: tuple[Indicator, ...], paths: list[Path]) -> dict[Path, str] | None:
    """Codes of headings as prefixes of their indicators' codes; None where that does not do."""
    dotted: dict[Path, str] = {}
    for path in paths:
        depth = len(path)
        under = [i.code.split(".") for i in indicators if i.names[:depth] == path]
        prefixes = {".".join(parts[:depth]) if len(parts) > depth else "" for parts in under}
        if len(prefixes) != 1 or "" in prefixes:
            return None
        dotted[path] = prefixes.pop()
    codes = {same(code) for code in dotted.values()}
    if len(codes) < len(paths) or codes & {same(i.code) for i in indicators}:
        return None
    return dotted


def _numbered_codes(indicators: tuple[Indicator, ...], paths: list[Path]) -> dict[Path, str]:
    numbered: dict[Path, str] = {}
    counters: dict[Path, int] = {}
    taken = {same(i.code) for i in indicators}
    for path in paths:
        above = path[:-1]
        number = counters[above] = counters.get(above, 0) + 1
        code = f"{numbered[above]}.{number}" if above else _chinese_number(number)
        while same(code) in taken:
            code = f"（{code}）"
        taken.add(same(code))
        numbered[path] = code
    return numbered


def _chinese_number(number: int) -> str:
    """1 → 一, 12 → 十二, 25 → 二十五 (up to 99, as outline numbers need)."""
    tens, ones = divmod(number, 10)
    head = "" if tens == 0 else ("十" if tens == 1 else _NUMERALS[tens - 1] + "十")
    return head + (_NUMERALS[ones - 1] if ones else "")
