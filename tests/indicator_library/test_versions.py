"""Changes of the library: whatever happens, the years add up and the register says what is there."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from perfxl.indicator_library.model import Change, Entry
from perfxl.indicator_library.versions import Values, at_odds, balances, compare

# The state of a few indicators after each of several years: absent, in use, retired, with a text.
STATES = st.dictionaries(
    st.sampled_from(["ZB0001", "ZB0002", "ZB0003", "ZB0004"]),
    st.tuples(st.sampled_from(["在用", "停用", ""]), st.sampled_from(["甲", "乙"])),
)


def library_of(state: dict[str, tuple[str, str]]) -> dict[str, Values]:
    return {
        number: {"number": number, "name": number, "state": said, "definition": text}
        for number, (said, text) in state.items()
    }


def register_of(states: list[dict[str, tuple[str, str]]]) -> list[dict[str, str]]:
    """What the commands would have registered: two states a year."""
    before: dict[str, Values] = {}
    known: set[str] = set()
    register = []
    for number, state in enumerate(states):
        after = library_of(state)
        for one in compare(before, after, known):
            register.append(
                {
                    "on": f"{2020 + number // 2}-05-01",
                    "change": str(one.change),
                    "number": one.number,
                }
            )
        known |= set(after)
        before = after
    return register


@settings(max_examples=40, deadline=None)
@given(st.lists(STATES, max_size=8))
def test_the_years_add_up_and_end_with_what_is_in_use(
    states: list[dict[str, tuple[str, str]]],
) -> None:
    register = register_of(states)
    years = balances(register)
    before: frozenset[str] = frozenset()
    for one in years:
        assert one.before == before
        change = len(one.added) + len(one.restored) - len(one.retired)
        assert len(one.before) + change == len(one.after)
        before = one.after
    last = library_of(states[-1]) if states else {}
    assert before == {number for number, said in last.items() if said["state"] != "停用"}
    assert at_odds(register, [Entry(values) for values in last.values()]) == ([], [])


@settings(max_examples=40, deadline=None)
@given(STATES, STATES)
def test_comparing_tells_every_difference(
    one: dict[str, tuple[str, str]], other: dict[str, tuple[str, str]]
) -> None:
    before, after = library_of(one), library_of(other)
    told = {change.number for change in compare(before, after)}
    differing = {
        number
        for number in {*one, *other}
        if (number in one) != (number in other)
        or (one[number][0] or "在用", one[number][1])
        != (other[number][0] or "在用", other[number][1])
    }
    assert told == differing


def test_what_was_retired_and_restored_within_a_year_is_told_as_both() -> None:
    register = [
        {"on": "2023-01-01", "change": str(Change.ADDED), "number": "ZB0001"},
        {"on": "2024-02-01", "change": str(Change.RETIRED), "number": "ZB0001"},
        {"on": "2024-02-02", "change": str(Change.RETIRED), "number": "ZB0001"},
        {"on": "2024-03-01", "change": str(Change.RESTORED), "number": "ZB0001"},
    ]
    last = balances(register)[-1]
    assert (last.added, last.restored, last.retired) == ((), ("ZB0001",), ("ZB0001",))
    assert at_odds(register, []) == (["ZB0001"], [])
