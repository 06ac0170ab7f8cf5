"""The list of opinions: in the order in which a unit goes through its workbook."""

from __future__ import annotations

from perfxl.products.opinions import in_order
from perfxl.tables import FINDINGS, frame


def test_errors_come_first_and_each_sheet_is_gone_down() -> None:
    given = [
        ("提示", "佐证材料", "D5"),
        ("错误", "自评表", "H31"),
        ("错误", "自评表", "F9"),
        ("核实", "自评表", "F6"),
        ("错误", "自评表", "F100"),
        ("错误", "数据项", ""),
    ]
    columns = {name: [""] * len(given) for name in FINDINGS}
    for at, name in enumerate(("severity", "sheet", "cell")):
        columns[name] = [one[at] for one in given]
    listed = in_order(frame(columns, FINDINGS))
    assert list(listed["cell"]) == ["", "F9", "H31", "F100", "F6", "D5"]
    assert list(listed.columns) == list(FINDINGS)
