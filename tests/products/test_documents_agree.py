"""Every number of every document is in the consolidated workbook; no document contradicts itself."""

from __future__ import annotations

import datetime as dt
import io
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

import docx
import openpyxl
import pandas as pd
import pytest
from docx.document import Document
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_scores import NOW, material_of, random_scores, random_status

from perfxl.campaign import Campaign
from perfxl.checks.catalogue import CATALOGUE
from perfxl.documents.form_check import check_form
from perfxl.facts.basis import INDICATOR_MEAN, SOURCES, document_basis
from perfxl.facts.campaign import CampaignFacts, campaign_facts
from perfxl.facts.feedback import FeedbackFacts, feedback_facts
from perfxl.plan.model import Naming, Plan, TieRule
from perfxl.plan.wording import VOCABULARY, WHOLE, DocumentKind, FieldKind
from perfxl.products.circular import RESULT_DOCUMENTS, result_document
from perfxl.products.consolidated.workbook import consolidated_workbook
from perfxl.products.feedback import feedback_notice
from perfxl.rectifications.problems import numbered, problems_of
from perfxl.rectifications.states import rectification
from perfxl.stages.circular import circular
from perfxl.stages.closing import apply_to_budget, closing
from perfxl.stages.consolidate import consolidate
from perfxl.stages.feedback import feedback
from perfxl.tables import FINDINGS, Severity, Status, frame
from perfxl.terms import due_on

BASIS = "文稿依据"
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
# "附件：1.得分情况表", "附件2": they count parts of the document, not facts.
_ORDINAL = re.compile(r"^(?:附件：)?\d\.|^附件\d$")
# What perfxl reckons for the documents alone (counts are held against the tables below).
ONLY_IN_DOCUMENTS = {
    *("高于平均", "低于平均", "整改期限", "联系电话", "考核依据", "发文字号", INDICATOR_MEAN),
    *(name for name, kind in VOCABULARY[DocumentKind.CIRCULAR][WHOLE].items() if kind == "个数"),
}


def numbers_of(text: str) -> set[str]:
    return {_plain(number) for number in _NUMBER.findall(text)}


def _plain(number: str) -> str:
    return f"{Decimal(number).normalize():f}"


def _shown(value: float, times: int = 1) -> str:
    """A cell's number to two decimals as office programs round it: half up, in decimal."""
    exact = Decimal(f"{value:.15g}") * times
    return _plain(str(exact.quantize(Decimal("0.01"), ROUND_HALF_UP)))


def texts_of(document: Document) -> Iterator[str]:
    for paragraph in document.paragraphs:
        is_part = paragraph.style.name in ("附件说明", "附件顺序号")
        yield _ORDINAL.sub("", paragraph.text) if is_part else paragraph.text
    for table in document.tables:
        for row in table.rows:
            yield from (cell.text for cell in row.cells)


def numbers_in_workbook(data: bytes) -> Mapping[str, set[str]]:
    """The numbers by sheet, as they are shown: to two decimals, percentages as such."""
    found: dict[str, set[str]] = {}
    for sheet in openpyxl.load_workbook(io.BytesIO(data), data_only=True):
        own = found.setdefault(sheet.title, set())
        for row in sheet.iter_rows():
            for cell in row:
                value = cell.value
                if isinstance(value, (int, float)):
                    own.add(_shown(value))
                    if "%" in cell.number_format:
                        own.add(_shown(value, 100))
                elif isinstance(value, dt.date):
                    own |= {str(value.year), str(value.month), str(value.day)}
                elif value is not None:
                    own |= numbers_of(str(value))
    return found


def check_numbers(documents: Mapping[str, bytes], workbook: bytes) -> None:
    sheets = numbers_in_workbook(workbook)
    everywhere = set().union(*sheets.values())
    but_basis = set().union(*(own for name, own in sheets.items() if name != BASIS))
    basis = openpyxl.load_workbook(io.BytesIO(workbook), data_only=True)[BASIS]
    reckoned: set[str] = set()
    for row in basis.iter_rows(min_row=4, values_only=True):
        if row[2] in ONLY_IN_DOCUMENTS:
            reckoned |= numbers_of(str(row[3] or ""))
    for name, data in documents.items():
        for text in texts_of(docx.Document(io.BytesIO(data))):
            stated = numbers_of(text)
            assert stated <= everywhere, (name, text, stated - everywhere)
            assert stated <= but_basis | reckoned, (name, text, stated - but_basis)


def check_sense(name: str, data: bytes) -> None:
    """No empty section, no sentence about nothing, no leftover of a template."""
    document = docx.Document(io.BytesIO(data))
    parts = [one for one in document.paragraphs if one.text.strip()]
    for at, one in enumerate(parts):
        level = one.style.name.removeprefix("Heading ")
        if level.isdecimal():
            following = parts[at + 1].style.name
            below = following.removeprefix("Heading ")
            assert following == "Body Text" or (below.isdecimal() and below > level), one.text
        if one.style.name == "Body Text":
            assert one.text[-1] in "。：", (name, one.text)
            assert not re.search(
                r"(?<![\d.])0个|[{}]|[，。；：、][，。；、]|nan|None|NA", one.text
            ), one.text
    # A sentence that announces a list has it.
    assert not [one.text for one in parts if re.search("(有|好|是)：$", one.text)]


def figure(pattern: str, text: str) -> int:
    match = re.search(pattern, text)
    return int(match[1]) if match else 0


def check_circular(
    data: bytes, plan: Plan, status: Mapping[str, Status], ranking: pd.DataFrame
) -> None:
    """The sentences against the tables, reckoned here once more."""
    document = docx.Document(io.BytesIO(data))
    text = "\n".join(one.text for one in document.paragraphs)
    late = [unit.name for unit in plan.units if status[unit.code] is Status.LATE]
    missing = [unit.name for unit in plan.units if status[unit.code] is Status.NOT_RETURNED]
    told_late = re.search(r"逾期报送的单位是：(.*?)。", text)
    told_missing = re.search(r"未报送的单位是：(.*?)。", text)
    assert (told_late[1].split("、") if told_late else []) == late
    assert (told_missing[1].split("、") if told_missing else []) == missing
    if missing:
        assert figure(r"未报送的(\d+)个", text) == len(missing)
    if not late and not missing:
        assert "各单位均按时报送了考核材料" in text
    commended = re.search(r"对(.*?)予以通报表扬", text)
    for name in commended[1].split("、") if commended else ():
        assert name not in late and name not in missing
        assert ranking.loc[ranking["name"] == name, "grade"].item() == plan.grades[0].name
    for kind in plan.kinds:
        rows = ranking[ranking["kind"] == kind]
        part = text.split(f"{kind}考核结果", 1)[1].split("\n")[1]
        ranked = rows[rows["status"] != str(Status.NOT_RETURNED)]
        told = {name: figure(rf"{name}(\d+)个", part) for name in (g.name for g in plan.grades)}
        counted = {name: int((ranked["grade"] == name).sum()) for name in told}
        assert told == counted
        if len(ranked) > 1:
            assert f"最高{ranked['total'].max() / 100:.2f}分" in part
            assert f"最低{ranked['total'].min() / 100:.2f}分" in part
    tables = [[[c.text for c in row.cells] for row in table.rows][1:] for table in document.tables]
    lines = [row for table in tables[: len(plan.kinds)] for row in table]
    assert [row[1] for row in lines] == list(ranking["name"])
    assert [row[2] for row in lines] == [f"{total / 100:.2f}" for total in ranking["total"]]


def random_findings(
    plan: Plan, chance: random.Random, status: Mapping[str, Status]
) -> pd.DataFrame:
    codes = [code for code, one in CATALOGUE.items() if one.severity is not Severity.NOTICE]
    rows: list[dict[str, object]] = []
    for unit in plan.units:
        if status[unit.code] is Status.NOT_RETURNED:
            continue
        for _ in range(chance.choice((0, 0, 1, 3))):
            code = chance.choice(codes)
            indicator = chance.choice(plan.rubrics[unit.kind].indicators).code
            rows.append(
                {
                    "code": code,
                    "severity": str(CATALOGUE[code].severity),
                    "unit": unit.code,
                    "sheet": "自评表",
                    "cell": "F12",
                    "indicator": indicator,
                    "message": f"填写有误（{chance.randint(1, 99)}）",
                }
            )
    return frame({name: [row.get(name, "") for row in rows] for name in FINDINGS}, FINDINGS)


def check_campaign(plan: Plan, seed: int) -> None:
    chance = random.Random(seed)
    shape = chance.choice(("mixed", "all on time", "none of a kind", "almost none"))
    info = replace(
        plan.campaign,
        tie_rule=chance.choice(list(TieRule)),
        naming=chance.choice(list(Naming)),
        basis=chance.choice((plan.campaign.basis, "")),
    )
    plan = replace(plan, campaign=info)
    status = dict(random_status(plan, chance))
    for unit in plan.units:
        if shape == "all on time":
            status[unit.code] = Status.ON_TIME
        elif shape == "none of a kind" and unit.kind == plan.kinds[1]:
            status[unit.code] = Status.NOT_RETURNED
        elif shape == "almost none":
            is_first = unit is plan.units[0]
            status[unit.code] = Status.LATE if is_first else Status.NOT_RETURNED
    scores = random_scores(plan, chance, status)
    findings = random_findings(plan, chance, status)
    made = material_of(plan, scores, status)
    facts: CampaignFacts = campaign_facts(plan, scores, made.ranking, findings, status)
    due = dict.fromkeys(plan.unit_by_code, due_on(info.rectification, info.issued_on))
    problems = numbered(problems_of(plan, scores, findings, status), [], due, (), NOW)
    units: list[FeedbackFacts] = feedback_facts(plan, scores, made.ranking, problems)
    workbook = consolidated_workbook(
        replace(
            made,
            findings=findings,
            basis=document_basis(plan, facts, units),
            rectification=rectification(plan, problems, [], [], NOW.date()),
        )
    )
    documents = {str(kind): result_document(kind, plan, facts) for kind in RESULT_DOCUMENTS}
    check_circular(documents["通报"], plan, status, made.ranking)
    for one in chance.sample(units, 4):
        documents[one.unit.name] = feedback_notice(plan, one)
    check_numbers(documents, workbook)
    for name, data in documents.items():
        check_sense(name, data)
        assert [one for one in check_form(data, name) if not one.holds] == []


@pytest.mark.parametrize("seed", [3])
def test_documents_of_a_made_up_campaign(plan: Plan, seed: int) -> None:
    check_campaign(plan, seed)


@pytest.mark.slow
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(min_value=10, max_value=2**32))
def test_documents_of_200_random_campaigns(plan: Plan, seed: int) -> None:
    check_campaign(plan, seed)


@pytest.mark.slow
def test_the_numbers_of_the_samples(campaign: Campaign) -> None:
    circular(campaign, NOW)
    feedback(campaign, NOW)
    apply_to_budget(campaign, NOW)
    closing(campaign, NOW)
    workbook = consolidate(campaign, NOW).path.read_bytes()
    files = [*campaign.path("成果").glob("*.docx"), *campaign.path("反馈整改").rglob("*.docx")]
    documents = {file.name: file.read_bytes() for file in files}
    assert len(documents) == 3 + 2 + 31
    check_numbers(documents, workbook)
    for name, data in documents.items():
        check_sense(name, data)


def test_a_number_that_is_nowhere_is_seen(campaign: Campaign) -> None:
    path = circular(campaign, NOW).path
    workbook = consolidate(campaign, NOW).path.read_bytes()
    document = docx.Document(str(path))
    document.paragraphs[5].add_run("另有4321个单位。")
    saved = io.BytesIO()
    document.save(saved)
    with pytest.raises(AssertionError, match="4321"):
        check_numbers({"通报": saved.getvalue()}, workbook)


def test_every_figure_of_the_vocabulary_names_its_source() -> None:
    for kind in (*RESULT_DOCUMENTS, DocumentKind.FEEDBACK):
        for scope, fields in VOCABULARY[kind].items():
            if kind is DocumentKind.FEEDBACK and scope != WHOLE:
                continue  # tables of the notice itself
            figures = {name for name, one in fields.items() if one is not FieldKind.TEXT}
            assert figures <= set(SOURCES[scope]), (kind, scope)
