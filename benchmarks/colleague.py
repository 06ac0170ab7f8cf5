"""What a good colleague would write with pandas and openpyxl: read all returns, check, list.

Reads each sheet with pandas.read_excel, applies the checks that come to mind first, and counts
the findings; it keeps no originals, no ledger, and takes every file at its word.
"""

import sys
from pathlib import Path

import pandas as pd

HEADING_ROW = 2


def table(book: pd.ExcelFile, sheet: str) -> pd.DataFrame:
    """A sheet's table under its heading row, labels without marks and units."""
    frame = pd.read_excel(book, sheet, header=HEADING_ROW, dtype=object)
    frame.columns = [str(label).split("（")[0].removesuffix(" *") for label in frame.columns]
    return frame.dropna(how="all")


def check(unit: str, book: pd.ExcelFile) -> list[tuple[str, str]]:
    """Findings on one return."""
    cover = pd.read_excel(book, "封面", header=None, dtype=object)
    findings = []
    if cover.apply(lambda row: "填报人 *" in row.values and row.isna().all(), axis=1).any():
        findings.append((unit, "封面没有填报人"))
    form = table(book, "自评表")
    scored = form[form["评分方法"].notna()]
    scores = pd.to_numeric(scored["自评得分"], errors="coerce")
    marks = pd.to_numeric(scored["分值"], errors="coerce")
    findings += [(unit, f"{code} 超过分值") for code in scored.loc[scores > marks, "编码"]]
    below = (scores < marks) & scored["扣分原因"].isna()
    findings += [(unit, f"{code} 没有扣分原因") for code in scored.loc[below, "编码"]]
    evidence = table(book, "佐证材料")
    known = set(evidence["材料编号"].astype(str))
    for code, cited in zip(scored["编码"], scored["佐证编号"].fillna(""), strict=True):
        for number in filter(None, str(cited).split("、")):
            if number not in known:
                findings.append((unit, f"{code} 引用了没有登记的材料 {number}"))
    projects = table(book, "项目清单")
    for column in ("年初预算数", "全年预算数", "全年执行数"):
        wrong = pd.to_numeric(projects[column], errors="coerce").isna()
        findings += [(unit, f"{name} 的{column}不是数") for name in projects.loc[wrong, "项目名称"]]
    repeated = projects["项目编码"].duplicated()
    findings += [(unit, f"{name} 编码重复") for name in projects.loc[repeated, "项目名称"]]
    problems = table(book, "整改台账")
    late = problems["整改期限"].isna() & problems["问题编号"].notna()
    findings += [(unit, f"{number} 没有期限") for number in problems.loc[late, "问题编号"]]
    items = table(book, "数据项")
    findings += [(unit, f"{name} 没有填") for name in items.loc[items["数值"].isna(), "数据项"]]
    return findings


def main() -> None:
    """Check the folder that is named first; print the number of findings."""
    findings = []
    for path in sorted(Path(sys.argv[1]).glob("*.xlsx")):
        with pd.ExcelFile(path, engine="openpyxl") as book:
            findings += check(path.stem, book)
    print(len(pd.DataFrame(findings, columns=["单位", "意见"])))


if __name__ == "__main__":
    main()
