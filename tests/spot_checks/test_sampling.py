"""The draw: the right numbers from each stratum, and the same projects whoever draws again."""

from __future__ import annotations

import hashlib
from collections import Counter
from fractions import Fraction

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfxl.spot_checks.sampling import allocation, draw, number_of_share
from perfxl.tables import PROJECTS, frame

SIZES = st.dictionaries(st.sampled_from("甲乙丙丁戊己庚"), st.integers(0, 60), min_size=1)


def population(sizes: dict[str, int]) -> pd.DataFrame:
    rows = [
        {"unit": f"{number % 7 + 101}", "kind": "部门", "project": f"{stratum}{number}",
         "name": f"项目{number}", "stratum": stratum, "receipt": "r", "file": "f.xlsx",
         "sheet": "项目清单", "row": number + 4, "said": "{}"}
        for stratum, size in sizes.items()
        for number in range(size)
    ]  # fmt: skip
    return frame({name: [row[name] for row in rows] for name in PROJECTS}, PROJECTS)


@given(SIZES, st.integers(0, 200))
def test_numbers_add_up_and_none_is_more_than_there_are(sizes: dict[str, int], wanted: int) -> None:
    given_ = allocation(sizes, wanted)
    assert set(given_) == set(sizes)
    assert sum(given_.values()) == min(wanted, sum(sizes.values()))
    assert all(0 <= given_[name] <= size for name, size in sizes.items())


@given(SIZES, st.integers(0, 200))
def test_each_stratum_has_one_where_there_are_enough(sizes: dict[str, int], wanted: int) -> None:
    filled = [name for name, size in sizes.items() if size]
    if wanted >= len(filled):
        assert all(allocation(sizes, wanted)[name] >= 1 for name in filled)


@given(SIZES, st.integers(1, 200))
def test_a_share_is_within_one_of_proportional(sizes: dict[str, int], wanted: int) -> None:
    """But for those strata that are lifted to one, and what they take from the others."""
    total = sum(sizes.values())
    exact = {name: Fraction(size * min(wanted, total), total or 1) for name, size in sizes.items()}
    if all(share >= 1 for name, share in exact.items() if sizes[name]):
        given_ = allocation(sizes, wanted)
        assert all(abs(given_[name] - exact[name]) < 1 for name in sizes)


@pytest.mark.parametrize(
    ("sizes", "wanted", "expected"),
    [
        ({"甲": 63, "乙": 24, "丙": 1}, 9, {"甲": 6, "乙": 2, "丙": 1}),
        ({"A": 5, "B": 5}, 3, {"A": 2, "B": 1}),
        ({"甲": 2, "乙": 1, "丙": 0}, 9, {"甲": 2, "乙": 1, "丙": 0}),
        ({"A": 9, "B": 9, "C": 9}, 2, {"A": 1, "B": 1, "C": 0}),
    ],
)
def test_known_allocations(sizes: dict[str, int], wanted: int, expected: dict[str, int]) -> None:
    assert allocation(sizes, wanted) == expected


@pytest.mark.parametrize(("of", "share", "number"), [(180, 1000, 18), (181, 1000, 19), (3, 1, 1)])
def test_a_share_is_rounded_up(of: int, share: int, number: int) -> None:
    assert number_of_share(of, share) == number


@given(SIZES, st.integers(1, 40), st.randoms())
def test_the_order_of_rows_does_not_matter(sizes: dict[str, int], wanted: int, chance) -> None:  # type: ignore[no-untyped-def]
    all_of_them = population(sizes)
    order = list(range(len(all_of_them)))
    chance.shuffle(order)
    shuffled = all_of_them.iloc[order].reset_index(drop=True)
    pd.testing.assert_frame_equal(
        draw(all_of_them, wanted, "种子").sample, draw(shuffled, wanted, "种子").sample
    )


def test_anybody_can_draw_again_by_the_method_as_printed() -> None:
    projects = population({"甲": 30, "乙": 10})
    sample = draw(projects, 8, "2024").sample
    for stratum, number in (("甲", 6), ("乙", 2)):
        own = projects[projects["stratum"] == stratum]
        digests = {
            hashlib.sha256(f"2024|{row.unit}|{row.project}".encode()).hexdigest(): row.project
            for row in own.itertuples()
        }
        first = {digests[one] for one in sorted(digests)[:number]}
        assert set(sample.loc[sample["stratum"] == stratum, "project"]) == first


def test_another_seed_draws_others_and_each_is_as_likely() -> None:
    projects = population({"甲": 20})
    drawn = Counter[str]()
    for seed in range(400):
        drawn.update(draw(projects, 5, str(seed)).sample["project"])
    assert len(drawn) == 20
    # 100 each are expected; five standard deviations are some 43.
    assert all(57 <= times <= 143 for times in drawn.values())
