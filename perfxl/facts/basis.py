"""Every figure that the documents state, and where in the consolidated workbook it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from perfxl.facts.campaign import CampaignFacts, result_facts
from perfxl.facts.feedback import FeedbackFacts, feedback_texts
from perfxl.plan import wording as vocabulary
from perfxl.plan.model import Plan
from perfxl.plan.wording import VOCABULARY, DocumentKind, FieldKind
from perfxl.points import as_text
from perfxl.tables import DOCUMENT_BASIS, frame_of
from perfxl.wording import Facts, shown

INDICATOR_MEAN, _DUE = "同类平均", "整改期限"
_RESULTS, _FEEDBACK = "通报、政府报告、公开稿", "反馈意见"
# By scope: what names the thing, and the field's source.
SOURCES: Mapping[str, Mapping[str, str]] = {
    vocabulary.WHOLE: {
        "考核年度": "考核方案“考核信息”",
        "考核依据": "考核方案“考核信息”",
        "印发日期": "考核方案“考核信息”",
        "报送截止日期": "考核方案“考核信息”",
        "整改期限": "考核方案“考核信息”：印发日期起算",
        "联系电话": "考核方案“考核信息”",
        "发文字号": "考核方案“考核信息”",
        "暂定项数": "得分汇总“未核定项数”",
        "单位总数": "报送情况",
        "单位类别数": "报送情况",
        "单位构成": "报送情况",
        "报送单位数": "报送情况",
        "按时报送单位数": "报送情况",
        "逾期报送单位数": "报送情况",
        "未报送单位数": "报送情况",
        "逾期报送单位": "报送情况",
        "未报送单位": "报送情况",
        "评分股室数": "得分明细“评分股室”（已核定的）",
        "表扬单位": "排名：最高等级、按时报送、名次在前三",
        "最低等级单位": "排名“等级”",
        "较好指标数": "指标分析：得分率 95% 及以上",
        "薄弱指标数": "指标分析：得分率低于 85%",
        "问题类数": "审核意见：错误和核实，涉及单位最多的几类",
        "满分": "得分汇总“适用分值”",
        "总分": "排名“总分”",
        "自评总分": "自评偏差“自评合计”",
        "名次": "排名“名次”",
        "参加排名数": "排名",
        "同类平均分": "排名：已报送单位总分的平均",
        "高于平均": "总分减同类平均分",
        "低于平均": "同类平均分减总分",
        "不适用项数": "得分明细“采用依据”",
        "扣分项数": "扣分明细",
        "问题数": "整改明细（下发反馈意见后）",
    },
    vocabulary.KIND: {
        "单位数": "排名",
        "参加排名数": "排名",
        "未报送数": "报送情况",
        "平均分": "排名：已报送单位总分的平均",
        "最高分": "排名“总分”",
        "最低分": "排名“总分”",
        "等级分布": "排名“等级”",
        "前列单位": "排名“名次”前三",
    },
    vocabulary.STRONG: {
        "得分率": "指标分析“得分率”",
        "评分单位数": "指标分析",
        "扣分单位数": "指标分析“扣分单位”",
    },
    vocabulary.WEAK: {
        "得分率": "指标分析“得分率”",
        "评分单位数": "指标分析",
        "扣分单位数": "指标分析“扣分单位”",
    },
    vocabulary.COMMON: {
        "单位数": "审核意见",
        "次数": "审核意见",
        "举例": "审核意见",
    },
}
_SUBJECT = {
    vocabulary.KIND: ("类别",),
    vocabulary.STRONG: ("类别", "指标"),
    vocabulary.WEAK: ("类别", "指标"),
    vocabulary.COMMON: ("问题",),
}


def document_basis(
    plan: Plan, results: CampaignFacts, feedback: Sequence[FeedbackFacts]
) -> pd.DataFrame:
    """The figures of the documents as they write them (``tables.DOCUMENT_BASIS``).

    Raises NoCalendar.
    """
    facts = result_facts(plan, results)
    rows = list(_rows(DocumentKind.CIRCULAR, _RESULTS, "", facts))
    common = {row["field"] for row in rows if not row["subject"]}
    rows += _indicator_means(feedback)
    for one in feedback:
        texts = feedback_texts(plan, one)
        own = Facts(texts.whole)
        rows += (
            row
            for row in _rows(DocumentKind.FEEDBACK, _FEEDBACK, one.unit.name, own)
            if row["field"] not in common or row["field"] == _DUE
        )
    return frame_of(rows, DOCUMENT_BASIS)


def _indicator_means(feedback: Sequence[FeedbackFacts]) -> Iterator[dict[str, object]]:
    """The mean of every indicator of a kind, as the notices' tables show it beside the score."""
    met = set()
    for one in feedback:
        for line in one.lines:
            key = (one.unit.kind, line.code)
            if key not in met and line.mean is not None:
                met.add(key)
                yield {
                    "document": _FEEDBACK,
                    "subject": f"{one.unit.kind}·{line.code} {line.name}",
                    "field": INDICATOR_MEAN,
                    "text": as_text(line.mean, 2),
                    "source": "得分汇总：已报送且适用的单位得分的平均",
                }


def _rows(
    kind: DocumentKind, document: str, subject: str, facts: Facts
) -> Iterator[dict[str, object]]:
    for scope, fields in VOCABULARY[kind].items():
        things = facts.scopes.get(scope, ()) if scope else (facts.whole,)
        for thing in things:
            names = [str(thing[name]) for name in _SUBJECT.get(scope, ())]
            for field, source in SOURCES.get(scope, {}).items():
                if field in fields and field in thing:
                    value = thing[field]
                    text = shown(fields[field], value)
                    if not text and fields[field] is FieldKind.COUNT and value == 0:
                        text = "0"
                    yield {
                        "document": document,
                        "subject": subject or "·".join(names),
                        "field": field,
                        "text": text,
                        "source": source,
                    }
