"""Counts with lists, amounts with sums, shares with their parts, and the four budgets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from perfxl.narrative.findings import Subject, Verdict
from perfxl.narrative.numbers import DIGITS, NUMBER, decimals, number, shown

_OK, _BAD, _OPEN = Verdict.CONFIRMED, Verdict.CONTRADICTION, Verdict.UNDECIDED


@dataclass(frozen=True)
class Judgement:
    """A judged quantity in a sentence."""

    verdict: Verdict
    subject: Subject
    found: str
    follows: str
    arithmetic: str


def judge_quantities(sentence: str, after: str = "") -> Iterator[Judgement]:
    """What a plain sentence says in numbers, judged; nothing where it says nothing to be judged.

    ``after`` is the sentence that follows: it may name the budgets that this one counts.
    """
    yield from budgets(_untitled(sentence), _untitled(after))
    text = _masked(sentence)
    yield from counts(text)
    yield from amounts(text)
    yield from shares(text)


# Document numbers, dates and titles hold numbers that count nothing.
_NUMBERED = re.compile(
    r"[\u4e00-\u9fff]{0,6}[〔\[(【]\s*(?:19|20)\d\d\s*[〕\])】]\s*(?:第\s*)?\d+\s*号|第?\d+号"
    r"|(?:19|20)\d\d\s*年(?:度)?(?:\s*\d{1,2}\s*月(?:份)?(?:\s*\d{1,2}\s*[日号])?)?|\d{1,2}\s*月\s*\d{1,2}\s*日"
    r"|\d+(?:\.\d+)?\s*分(?!之)|第[\d一二三四五六七八九十]+[个项次批条期]"
)
_TITLE = re.compile("《[^《》]*(?:《[^《》]*》[^《》]*)*》")


# A name in quotation marks: what it counts (“3个乡镇供水项目”) the report does not claim.
_QUOTED = re.compile("“[^“”。；;]{3,60}”")


def _untitled(text: str) -> str:
    """The text with the contents of its titles blanked, in the same length."""
    return _TITLE.sub(lambda one: "《" + "＊" * (len(one[0]) - 2) + "》", text)


def _masked(text: str) -> str:
    """The text with its document numbers, dates, quoted names and titles' contents blanked, in the
    same length."""
    text = _QUOTED.sub(lambda one: "“" + "＊" * (len(one[0]) - 2) + "”", _untitled(text))
    return _NUMBERED.sub(lambda one: "＊" * len(one[0]), text)


_UNIT = r"(?:个|项|份|家|部|件|类|种|大类)"
_NOT_COUNTED = r"(?:月|工作日|百分点|小时|星期|季度|年度|自然|人|次|层面|维度)"
_COUNT = re.compile(
    rf"(?<![第每各另这那几数某]){NUMBER.replace('一二两', '二两')}\s*{_UNIT}(?!{_NOT_COUNTED})"
)
_LEADS = re.compile(
    r"(?:分别(?:是|为)?|具体(?:是|为|包括)|即|包括|包含|依次(?:是|为)|[:：])\s*[:：]?\s*"
)
_AND = re.compile("以及|和|及|与|暨")
_SPLITS = re.compile(r"[;；]")
_PARTITION = re.compile(
    r"(?:分为|分成|分别(?:是|为)|(?<![部得评满扣处充十百])分(?=[\u4e00-\u9fff])|划分为|由|下?设(?:置|有|立)?(?:了|为)?|包括|包含|涵盖|含)"
)
_ACTS = re.compile(
    r"了|对|开展|组织|通过|采取|采用|针对|调查|选取|选择|抽取|走访|座谈|查阅|印发|按照|根据|围绕|结合|等方式|会同|联合|覆盖|涉及|完成|安排|支持|用于|我[县市区局]"
)


def counts(text: str) -> Iterator[Judgement]:
    """「N个X」 with the list that follows it, or that stands right before it."""
    for found in _COUNT.finditer(text):
        written = re.match(NUMBER, found[0])
        value = number(written[0]) if written else None
        if value is None or value.denominator != 1 or value < 2 or value > 60:
            continue
        judged = _list_after(text, found, int(value)) or _list_before(text, found, int(value))
        if judged is not None:
            yield judged


def _noun(text: str, found: re.Match[str]) -> str:
    after = re.match(r"[^，。；、：:,;()《》“”\s＊得\d]{0,12}", text[found.end() :])
    return re.split("分别|包括|包含|即|为|是|具体", after[0])[0] if after else ""


def _list_after(  # noqa: PLR0911, PLR0912 - one manner of listing a branch
    text: str, found: re.Match[str], count: int
) -> Judgement | None:
    rest = text[found.end() :]
    lead = _LEADS.search(rest)
    # The list belongs to the last count before it.
    other = _COUNT.search(rest)
    titles = re.match(
        r"[^《。；，,]{0,24}?[,，:：]?(?:分别(?:是|为)?|即|包括|为|是)?[:：]?\s*(?=《)", rest
    )
    if (
        lead
        and not (other and other.start() < lead.start())
        and len(re.findall("[,，]", rest[: lead.start()])) <= 1
        and "、" not in rest[: lead.start()]
        and not re.search("[;；]", rest[: lead.start()])
    ):
        listed = rest[lead.end() :]
        if re.match("一是|第一[,，]", listed):
            return _ordinals(text, found, count, listed)
    elif titles and (not other or other.start() > titles.end()):
        listed = rest[titles.end() :]
        lead = titles
    else:
        ordinal = re.match(r"[^。；、]{0,16}[:：,，]?\s*一是", rest)
        return _ordinals(text, found, count, rest) if ordinal else None
    said = found[0] + _noun(text, found)
    if listed.lstrip(" “").startswith("《"):
        named = _titles(listed)
        after = listed[named[1] :]
        if named[0] < 1:
            return None
        return _judged(said, count, named[0], named[0], "等" if after.startswith("等") else "")
    stop = re.search("[。！;；]", listed)
    if stop and stop[0] in ";；" and listed.count("；") + listed.count(";") >= 1:
        pieces = [p for p in _SPLITS.split(re.split("[。！]", listed)[0]) if p.strip()]
        if len(pieces) == count:
            return _judged(said, count, count, count, "")
        if "、" not in pieces[0]:
            return Judgement(_OPEN, Subject.COUNT, said, "列举的写法不能确定各项的分界", "")
    listed = re.split("[。！;；]", listed)[0]
    by_comma = "、" not in listed
    if not by_comma:
        # A list with 、 ends at the first comma behind its last 、, or goes on in another clause.
        clauses = re.split("[,，]", listed)
        listed = clauses[0] if "、" in clauses[0] else listed
        if (
            "、" in clauses[0]
            and len(clauses) > 1
            and any("、" in c for c in clauses[1:])
            and (_items(listed)[1] < count)
        ):
            return Judgement(_OPEN, Subject.COUNT, said, "列举的写法不能确定各项的分界", "")
    open_ended = "等" if re.search(r"等(?:$|[^级同待于])|等等|……", _outside(listed)) else ""
    if by_comma:
        pieces = [p for p in re.split("[,，]", listed) if p.strip()]
        least, most = (
            len(pieces),
            len(pieces) + len(_AND.findall(_outside(pieces[-1]))) if pieces else 0,
        )
        if most <= 1:
            return None
        if not least <= count <= most:
            return (
                None
                if open_ended
                else Judgement(
                    _OPEN, Subject.COUNT, said, f"列举的写法不能确定各项的分界（约 {least} 项）", ""
                )
            )
        return _judged(said, count, least, most, open_ended)
    least, most = _items(listed)
    return _judged(said, count, least, most, open_ended)


def _titles(listed: str) -> tuple[int, int]:
    """How many titles stand in a row, and where they end."""
    many, at = 0, 0
    while True:
        found = re.compile(
            r"[、,，；;和及与以\s”“＊()（）〔〕]*《＊*》(?:[(（][^)）]*[)）])?"
        ).match(listed, at)
        if not found:
            return many, at
        many, at = many + 1, found.end()


def _outside(text: str) -> str:
    """Without what stands in brackets and quotation marks, innermost first."""
    before = None
    while before != text:
        before, text = text, re.sub(r"\([^()]*\)|《[^《》]*》|“[^“”]*”", "＊", text)
    return text


def _items(listed: str) -> tuple[int, int]:
    """Fewest and most items of a list with 、: what 和 joins at its end may be one or two."""
    pieces = [piece for piece in _outside(listed).split("、") if piece.strip()]
    return len(pieces), len(pieces) + len(_AND.findall(pieces[-1] if pieces else ""))


def _judged(said: str, count: int, least: int, most: int, open_ended: str) -> Judgement | None:
    named = str(least) if least == most else f"{least}～{most}"
    if least <= count <= most:
        return Judgement(_OK, Subject.COUNT, said, f"列举 {count} 项", f"{count} = {count}")
    if open_ended and count > most:
        return None
    return Judgement(_BAD, Subject.COUNT, said, f"只列举 {named} 项" if most < count else f"列举 {named} 项",
                     f"{count} ≠ {named}")  # fmt: skip


_ORDINALS = "一二三四五六七八九十"


def _ordinals(text: str, found: re.Match[str], count: int, listed: str) -> Judgement | None:
    told = [c for c in _ORDINALS if f"{c}是" in listed or f"第{c}，" in listed]
    if len(told) < 2:
        return None
    said = found[0] + _noun(text, found)
    return _judged(said, count, len(told), len(told), "")


# What the members of a kind are called at their end.
_ENDINGS = (
    (
        "(?:预算|主管|县直|相关|一级)*(?:部门|单位)",
        "[局委办部院室厅会社所团]$|中心$|政府$|单位$|公司$|学校$",
    ),
    ("乡|镇", "[乡镇]$|街道$"),
    ("(?:重点|重大)?项目", "项目$|工程$"),
    ("[一二三]级指标", "."),
    ("(?:管理)?(?:办法|制度|文件|细则)", "[法则见知]$|制度$|方案$|规定$|规程$"),
)


def _list_before(  # noqa: PLR0911 - one manner of listing a branch
    text: str, found: re.Match[str], count: int
) -> Judgement | None:
    """「A、B、C 3个X」, 「A、B等3个X」."""
    before = text[: found.start()]
    clause = re.split("[。；;！,，:：]", before)[-1]
    if "、" not in clause:
        return None
    if re.search(r"等(?![级同待于]|\s*(?:共计|共|这|一共|总共|合计)?\s*$)", clause):
        # 教育、卫生等领域的8个项目: the list is of something else.
        return None
    if _COUNT.search(clause) or re.search(r"\d\s*[个家项份人名]", clause):
        # Each member has a count of its own: 优秀3个、良好5个.
        return None
    closed = re.sub(r"\s*(?:共计|共|这|一共|总共|合计)\s*$", "", clause)
    etc = closed.endswith("等")
    listed = closed.removesuffix("等")
    noun = _noun(text, found)
    said = found[0] + noun
    least, most = _items(listed)
    if least <= count <= most:
        return Judgement(_OK, Subject.COUNT, said, f"列举 {count} 项", f"{count} = {count}")
    partition = _PARTITION.search(re.split("[。；;]", before)[-1])
    if etc:
        # 分…等10个: a division into kinds names them all; one that is nearly named is short of some.
        if count > most:
            nearly = partition and least >= 3 and count - most <= 2
            plain_kinds = noun.endswith("指标") and re.match("[一二三]级", noun)
            return _judged(said, count, least, most, "" if nearly and plain_kinds else "等")
        if _ACTS.search(listed):
            return None
        return _judged(said, count, least, most, "")
    pieces = [one for one in _outside(listed).split("、") if one]
    alike = len(noun) >= 2 and sum(one.endswith(noun[-2:]) for one in pieces) >= len(pieces) - 1
    alike = alike or any(
        re.match(category, noun) and all(re.search(own, one.strip(" ＊")) for one in pieces)
        for category, own in _ENDINGS
    )
    all_titles = all(one.strip().endswith(("》", "＊")) for one in pieces)
    if alike or all_titles or (partition and not _ACTS.search(pieces[-1])):
        return _judged(said, count, least, most, "")
    if re.search(r"[了对在向给把于从]\s*$|[。]", listed) or _ACTS.search(pieces[-1]):
        return None
    return Judgement(
        _OPEN, Subject.COUNT, said, f"前面列举 {least} 项，不能确定是否就是这 {count} 个", ""
    )


_BUDGETS = ("一般公共预算", "政府性基金", "国有资本经营", "社会保险基金")
_ALL_FOUR = re.compile(
    r"(?P<number>[二三四2-4])[”\"’]?\s*本[”\"’]?\s*(?:预算|账)|(?P<named>[二三四])本[”\"]?预算"
)


def _named_budgets(text: str) -> list[str]:
    found = []
    for word, budget in (
        ("一般公共", _BUDGETS[0]),
        ("政府性基金|政府基金", _BUDGETS[1]),
        ("国有资本|国资预算", _BUDGETS[2]),
        ("社会保险|社保", _BUDGETS[3]),
    ):
        if re.search(word, text):
            found.append(budget)
    return found


def budgets(sentence: str, after: str = "") -> Iterator[Judgement]:
    """「四本预算」 beside fewer or more than four named."""
    found = _ALL_FOUR.search(sentence)
    if found is None:
        return
    named = _named_budgets(sentence)
    said = {"二": 2, "三": 3, "四": 4, "2": 2, "3": 3, "4": 4}[found["number"] or found["named"]]
    if not named and not _ALL_FOUR.search(after):
        named = _named_budgets(after)
        if len(named) < said and not re.search("全部|均|都", after):
            return
    if len(named) < 2:
        return
    word, listed = found[0].replace("”", "").replace("“", ""), "、".join(named)
    if len(named) == said:
        yield Judgement(_OK, Subject.BUDGETS, word, f"列出 {listed}", f"{said} = {said}")
    elif re.search('等\\s*[“"]?$', sentence[: found.start()]) and len(named) < said:
        return
    elif said == 4:
        missing = "、".join(one for one in _BUDGETS if one not in named)
        yield Judgement(
            _BAD, Subject.BUDGETS, word, f"只列出 {listed}，没有 {missing}", f"4 ≠ {len(named)}"
        )
    else:
        yield Judgement(
            _OPEN, Subject.BUDGETS, word, f"文中列出 {listed}", f"{said} ≠ {len(named)}"
        )


_MONEY = {"亿元": 10**8, "百万元": 10**6, "万元": 10**4, "千元": 1000, "元": 1, "亿": 10**8}
_AMOUNT = re.compile(
    rf"(?<![\d.,])(?P<number>{DIGITS})\s*(?P<unit>亿元|百万元|万元|千元|元|亿(?![\w]))"
)
_BARE = re.compile(rf"(?<![\d.,＊])(?P<number>{DIGITS})(?=\s*(?:[、,，；;。)和及]|$))")
_TOTAL = re.compile(
    r"(?:共计|合计|总计|总额|总金额|累计|总投资|总规模|总量|(?<!公)共)[^，。；、\d]{0,14}$"
)


@dataclass(frozen=True)
class Amount:
    """Money in 元, and the worth of its last digit."""

    value: Fraction
    grain: Fraction
    text: str
    start: int
    end: int

    @property
    def unit(self) -> str:
        """亿元, 万元, 元."""
        return re.sub(r"[\d.,]", "", self.text)


def _amounts(text: str) -> list[Amount]:
    found = []
    for one in _AMOUNT.finditer(text):
        value = number(one["number"])
        if value is not None:
            found.append(_amount(one, value, one["unit"], 0))
    return found


def _amount(one: re.Match[str], value: Fraction, unit: str, offset: int) -> Amount:
    worth = _MONEY[unit]
    grain = Fraction(worth, 10 ** decimals(one["number"]))
    return Amount(
        value * worth, grain, one["number"] + unit, offset + one.start(), offset + one.end()
    )


def amounts(text: str) -> Iterator[Judgement]:
    """Totals beside their parts: 「共计T，其中a、b、c」 or 「a、b、c，共计T」."""
    for piece in re.split("(?<=[。])", text):
        found = _amounts(piece)
        for at, total in enumerate(found):
            named = bool(_TOTAL.search(piece[: total.start]))
            rest = piece[total.end :]
            inner = re.search("其中|分别(?:为|是)|包括", rest)
            between = found[at + 1] if at + 1 < len(found) else None
            if (
                inner
                and (between is None or between.start > total.end + inner.start())
                and not (re.search("[;；]", rest[: inner.start()]))
            ):
                yield from _parts_after(
                    piece, total, total.end + inner.end(), named=named, word=inner[0]
                )
            elif named:
                yield from _parts_before(piece, found[:at], total)


def _parts_after(  # noqa: PLR0912 - one manner of 其中 a branch
    piece: str, total: Amount, start: int, *, named: bool, word: str
) -> Iterator[Judgement]:
    tail = piece[start:]
    if "其中" in tail:
        nested = tail.index("其中")
        tail = tail[:nested]
    else:
        nested = -1
    parts = _amounts(tail)
    unit = re.sub(r"[\d.,]", "", total.text)
    covered = {p.start for p in parts}
    parts += [
        _amount(one, bare, unit, 0)
        for one in _BARE.finditer(tail)
        if one.start() not in covered and (bare := number(one["number"])) is not None
    ]
    parts.sort(key=lambda p: p.start)
    later = next((p for p in parts if _TOTAL.search(tail[: p.start])), None)
    if later is not None:
        parts = [p for p in parts if p.start < later.start]
    if not parts:
        return
    holds, value, sums = _added(total, parts)
    if holds and len(parts) > 1:
        yield _holding(total, parts, value, sums)
        return
    more = sum(p.value for p in parts) > total.value
    if len(parts) == 1 and not more:
        return
    open_ended = re.search("等(?![级同待于])|主要|重点", tail)
    if open_ended and not more:
        return
    if word != "其中" and not named and len(parts) < 2:
        return
    if nested >= 0 and not more:
        yield Judgement(_OPEN, Subject.AMOUNT, total.text, f"嵌套的“其中”，各项合计 {value}", sums)
    elif more or named or (len(parts) >= 2 and _near(total, parts)):
        if more and re.search("[,，;；].*[;；]", tail):
            # Another subject may have begun behind a semicolon.
            first = [p for p in parts if p.start < re.search("[;；]", tail).start()]  # type: ignore[union-attr]
            if first and sum(p.value for p in first) == total.value:
                return
        yield Judgement(_BAD, Subject.AMOUNT, total.text, f"各项合计 {value}", sums)
    else:
        yield Judgement(
            _OPEN, Subject.AMOUNT, total.text, f"“其中”只列出合计 {value}，不能确定是否列全", sums
        )


def _holding(total: Amount, parts: list[Amount], value: str, sums: str) -> Judgement:
    """Equal, or equal but for rounding: which in one and the same unit is for a person to judge."""
    equal = sum(p.value for p in parts) == total.value
    if equal or any(p.unit != total.unit for p in parts):
        return Judgement(_OK, Subject.AMOUNT, total.text, f"各项合计 {value}", sums)
    return Judgement(
        _OPEN, Subject.AMOUNT, total.text, f"各项合计 {value}，可能是四舍五入造成的差额", sums
    )


def _near(total: Amount, parts: list[Amount]) -> bool:
    return sum(p.value for p in parts) * 10 >= total.value * 7


def _parts_before(piece: str, before: list[Amount], total: Amount) -> Iterator[Judgement]:
    parts: list[Amount] = []
    joined = True
    for part in reversed(before):
        after = parts[0] if parts else total
        gap = piece[part.end : after.start]
        if _TOTAL.search(piece[: part.start]) or "其中" in gap:
            break
        if parts and not re.match(r"\s*\)?\s*(?:[、;；和及与]|以及|[,，])", gap):
            break
        if parts and re.match(r"\s*[,，]", gap):
            own, other = piece[part.start - 2 : part.start], piece[after.start - 2 : after.start]
            joined = joined and own == other
        parts.insert(0, part)
    for start in range(len(parts) - 1):
        holds, value, sums = _added(total, parts[start:])
        if holds:
            yield _holding(total, parts[start:], value, sums)
            return
    if len(parts) < 2:
        return
    _, value, sums = _added(total, parts)
    if joined:
        yield Judgement(_BAD, Subject.AMOUNT, total.text, f"各项合计 {value}", sums)
    else:
        yield Judgement(
            _OPEN, Subject.AMOUNT, total.text, f"前面各数合计 {value}，不能确定是否为其各项", sums
        )


def _added(total: Amount, parts: list[Amount]) -> tuple[bool, str, str]:
    """Whether parts add up to a total as exactly as they are written; the sum; the arithmetic."""
    value = sum((p.value for p in parts), Fraction(0))
    slack = Fraction(0)
    if any(p.grain < total.grain for p in parts):
        slack += total.grain / 2
    # 13亿元 beside 12.55亿元 is 13.00; in another unit it may have been rounded.
    slack += sum(
        (p.grain / 2 for p in parts if p.grain > total.grain and p.unit != total.unit), Fraction(0)
    )
    holds = abs(value - total.value) <= slack
    unit = re.sub(r"[\d.,]", "", total.text)
    worth = _MONEY[unit]
    as_said = f"{shown(value / worth, 6)}{unit}"
    same = all(re.sub(r"[\d.,]", "", p.text) == unit for p in parts)
    listed = " + ".join(shown(p.value / worth, 6) if same else p.text for p in parts)
    sign = "" if value == total.value else (" ≈ " if holds else " ≠ ")
    said = shown(total.value / worth, 6)
    return holds, as_said, f"{listed} = {as_said}" + (f"{sign}{said}{unit}" if sign else "")


_PERCENT = re.compile(rf"(?P<number>{DIGITS})\s*%|百分之(?P<words>{NUMBER})")
_RATE = re.compile(
    r"(?:(?:覆盖|完成|执行|公开|整改|开展|报送|达标|优良|优秀|及时|支出|进度|评价|自评|监控|到位|合格|满意|回收|参与|使用|拨付|比)率"
    r"|覆盖面|比例|比重|占比)[^，。；\d]{0,6}$|占[^，。；]{0,24}$"
)
_GROWTH = re.compile(
    r"增长|同比|提高|上升|下降|压减|节约|减少|增幅|降幅|不低于|不少于|达不到|超过|以上|目标"
)
_COUNTED = re.compile(
    rf"(?<![第每\d.,])(?P<number>{DIGITS})\s*(?P<unit>个|家|项|份|人|户|件|篇|名|次)(?!{_NOT_COUNTED})"
)


def shares(text: str) -> Iterator[Judgement]:
    """「应…22个，实际…18个，覆盖率…%」: a share against two numbers of one kind before it."""
    start = 0
    for found in _PERCENT.finditer(text):
        before = text[start : found.start()]
        start = found.end()
        before = re.split("[；;]", before)[-1]
        rate = _RATE.search(before)
        if not rate or _GROWTH.search(re.split("[,，。；;]", before)[-1]):
            continue
        written = found["number"] or found["words"]
        numbers = [(a.value, a.text, "元") for a in _amounts(before)]
        numbers += [
            (value, one[0], one["unit"])
            for one in _COUNTED.finditer(before)
            if (value := number(one["number"])) is not None
        ]
        percent = number(written)
        if percent is None or len(numbers) < 2:
            continue
        if len(numbers) == 2 and numbers[0][2] != numbers[1][2]:
            # The share of something that the sentence does not say.
            continue
        if len(numbers) > 2:
            yield Judgement(_OPEN, Subject.SHARE, found[0], "句中数量较多，不能确定分子、分母", "")
            continue
        (small, few, _), (large, many, _) = sorted(numbers, key=lambda one: one[0])
        if not large:
            continue
        exact = 100 * small / large
        grain = Fraction(1, 10 ** decimals(written))
        sums = f"{few} ÷ {many} = {shown(exact)}%"
        if abs(exact - percent) < grain:
            yield Judgement(_OK, Subject.SHARE, found[0], f"按句中数量为 {shown(exact)}%", sums)
        else:
            yield Judgement(
                _BAD,
                Subject.SHARE,
                found[0],
                f"按句中数量为 {shown(exact)}%",
                f"{sums} ≠ {found[0]}",
            )


_KINDS = (("部门|单位", "部门"), ("项目", "项目"), ("[乡镇]", "乡镇"))


def pair_of_counts(text: str) -> tuple[int, int] | None:
    """The two different counts of departments (or of projects, of townships) in a plain text, the
    smaller first; None where there are others beside them."""
    found = []
    for one in _COUNTED.finditer(_masked(text)):
        after = re.split("[,，。；、]", text[one.end() : one.end() + 8])[0]
        before = re.split("[,，。；、]", text[max(0, one.start() - 14) : one.start()])[-1]
        kinds = [kind for words, kind in _KINDS if re.search(words, after)]
        kinds = kinds or [kind for words, kind in _KINDS if re.search(words, before)]
        value = number(one["number"])
        if value is not None and value.denominator == 1:
            found.append((int(value), kinds[:1]))
    if len(found) != 2 or found[0][1] != found[1][1] or not found[0][1]:
        return None
    few, many = sorted(value for value, _ in found)
    return (few, many) if 0 < few < many else None
