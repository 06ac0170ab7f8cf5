"""Evidence (佐证材料): cited, registered, well formed, of the year, and not contradictory."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

import pandas as pd

from perfxl.checks.catalogue import check
from perfxl.layout.declare import ValueKind
from perfxl.plan.forms import register_key
from perfxl.plan.methods import Evidence
from perfxl.plan.model import Plan
from perfxl.tables import Severity, mapped
from perfxl.values import squeeze

_DOCUMENT_NUMBER = re.compile(r"[^\d〔〕\[\]()【】]{1,20}〔(\d{4})〕\d{1,5}号")
_ADDRESS = re.compile(r"https?://\S+\.\S+")
_LOOSE_YEAR = re.compile(r"[\[(【〔](\d{4})[\])】〕]")


@check(
    "F301",
    Severity.ERROR,
    title="申报得分缺少佐证",
    on="entries",
    column="evidence_numbers",
    needs=("entries",),
    message="{indicator} {name}：申报 {self_score} 分，须有佐证 {needed} 件，只列 {given} 件",
    remedy="请在佐证材料表登记并填写材料编号，或调整自评得分",
)
def claimed_without_evidence(entries: pd.DataFrame, citations: pd.DataFrame) -> pd.DataFrame:
    """A score is claimed only with the pieces of evidence that the plan asks for."""
    # Of what an entry cites, every number is there once.
    given = Counter(zip(citations["receipt"], citations["indicator"], strict=True))
    keys = zip(entries["receipt"], entries["indicator"], strict=True)
    counts = pd.Series([given.get(key, 0) for key in keys], index=entries.index, dtype="int64")
    lacking = (counts < entries["evidence_required"]) & (entries["self_score"] > 0).fillna(False)
    rows = entries[lacking.astype(bool)].assign(given=counts)
    # The method 佐证 gives marks in proportion to the pieces; F501 compares the claim with that.
    rows = rows[rows["method"] != Evidence.name]
    return rows.assign(
        needed=[str(count) for count in rows["evidence_required"]],
        given=[str(count) for count in rows["given"]],
    )


@check(
    "F302",
    Severity.ERROR,
    title="引用未登记的佐证",
    on="citations",
    column="evidence_numbers",
    needs=("entries", "evidence"),
    message="{indicator}：佐证编号“{number}”没有在佐证材料表登记",
    remedy="请登记该材料，或改正编号",
)
def citation_not_registered(citations: pd.DataFrame) -> pd.DataFrame:
    """Every evidence number that the form cites is registered."""
    return citations[citations["evidence_row"].isna()].assign(cell_table="entries")


@check(
    "F303",
    Severity.ERROR,
    title="文号写法不规范",
    on="evidence",
    column="document_number",
    needs=("evidence",),
    message="文号“{document_number_text}”写法不规范",
    remedy="写法为机关代字、六角括号内的年份、顺序号，例如 石财绩〔2023〕5号",
)
def document_number_malformed(evidence: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """A document number has the official form 机关代字〔2023〕5号."""
    malformed = mapped(
        evidence["document_number"], lambda number: number and not _is_formed(number)
    )
    return _at_cell(evidence[malformed.astype(bool)], plan, ValueKind.DOCUMENT_NUMBER)


@check(
    "F304",
    Severity.VERIFY,
    title="佐证不属于考核年度",
    on="evidence",
    column="document_number",
    needs=("evidence",),
    message="文号“{document_number}”不是考核年度（{year}年）的",
    remedy="请说明为何用其他年度的文件作佐证，或更换材料",
)
def document_of_another_year(evidence: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """Evidence dates from the assessed year, by the year in its document number."""
    years = mapped(evidence["document_number"], _year_in)
    rows = evidence[years.notna() & (years != plan.campaign.year)]
    rows = rows.assign(year=str(plan.campaign.year))
    return _at_cell(rows, plan, ValueKind.DOCUMENT_NUMBER)


@check(
    "F305",
    Severity.VERIFY,
    title="同一文号用于不同材料",
    on="evidence",
    column="document_number",
    needs=("evidence",),
    message="同一文号“{document_number}”用于不同的材料：{titles}",
    remedy="请核对文号，同一文件只登记一次",
)
def document_number_reused(evidence: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """One document number stands for one document, not for several titles."""
    # By return and number: the titles that stand beside it, each once, and the rows after the first.
    titles: dict[tuple[str, str], dict[str, str]] = {}
    later: list[tuple[int, tuple[str, str]]] = []
    names = (evidence[name] for name in ("receipt", "document_number", "title"))
    for at, (receipt, number, title) in enumerate(zip(*names, strict=True)):
        if number:
            key = (receipt, squeeze(number))
            if key in titles:
                later.append((at, key))
            titles.setdefault(key, {}).setdefault(squeeze(title), title)
    reused = [(at, key) for at, key in later if len(titles[key]) > 1]
    rows = evidence.iloc[[at for at, _ in reused]]
    rows = rows.assign(titles=["、".join(titles[key].values()) for _, key in reused])
    return _at_cell(rows, plan, ValueKind.DOCUMENT_NUMBER)


@check(
    "F306",
    Severity.ERROR,
    title="公开事项没有网址",
    on="entries",
    column="evidence_numbers",
    needs=("entries", "evidence"),
    message="{indicator} {name}：所列佐证没有公开网址",
    remedy="请在佐证材料表填写网址，以 http:// 或 https:// 开头",
)
def disclosure_without_address(entries: pd.DataFrame, citations: pd.DataFrame) -> pd.DataFrame:
    """Where the plan asks for a web address, at least one cited piece of evidence has one."""
    claimed = entries["url_required"] & (entries["self_score"] > 0).fillna(False)
    asked = entries[claimed.astype(bool)]
    cited: set[tuple[str, str]] = set()
    proved: set[tuple[str, str]] = set()
    names = (citations[name] for name in ("receipt", "indicator", "url"))
    for receipt, code, url in zip(*names, strict=True):
        cited.add((receipt, code))
        if _ADDRESS.match(url):
            proved.add((receipt, code))
    keys = zip(asked["receipt"], asked["indicator"], strict=True)
    unproved = [key in cited and key not in proved for key in keys]
    return asked[pd.Series(unproved, index=asked.index, dtype=bool)]


@check(
    "F307",
    Severity.NOTICE,
    title="文号年份没有用六角括号",
    on="evidence",
    column="document_number",
    needs=("evidence",),
    message="文号“{document_number_text}”已按“{document_number}”读取",
    remedy="文号的年份用六角括号〔〕，例如 石财绩〔2023〕5号",
)
def document_number_in_other_brackets(evidence: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """A document number has its year in 〔〕, not in the brackets that are easier to type."""
    typed = mapped(evidence["document_number_text"], squeeze)
    formed = mapped(evidence["document_number"], _is_formed).astype(bool)
    other = (typed != evidence["document_number"]) & formed
    return _at_cell(evidence[other], plan, ValueKind.DOCUMENT_NUMBER)


def _is_formed(document_number: str) -> bool:
    return _DOCUMENT_NUMBER.fullmatch(document_number) is not None


def _year_in(document_number: str) -> int | None:
    match = _LOOSE_YEAR.search(unicodedata.normalize("NFKC", document_number))
    return int(match[1]) if match else None


def _at_cell(rows: pd.DataFrame, plan: Plan, kind: ValueKind) -> pd.DataFrame:
    """Point at the column of this kind in the evidence register."""
    register = plan.evidence_register
    if register is None:
        return rows
    return rows.assign(
        cell_table=register_key(register.name), cell_column=register.of_kind(kind) or ""
    )
