"""Tables on the command line."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perfxl import console

TEXT = st.text("ab中文 、（é\u0301👍ＡÅ-|+[bold]\t\u200b", max_size=12)
HEADING = st.text("ab中文 、（ＡÅ-|+[bold]", max_size=12)
TABLES = st.integers(1, 5).flatmap(
    lambda width: st.tuples(
        st.lists(HEADING, min_size=width, max_size=width),
        st.lists(st.lists(TEXT, min_size=width, max_size=width), max_size=4),
    )
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(TABLES, st.sets(st.integers(0, 4)), st.sampled_from(["", "标题"]))
def test_a_table_for_a_pipe_is_the_one_that_rich_prints(
    capsys: pytest.CaptureFixture[str],
    table: tuple[list[str], list[list[str]]],
    right: set[int],
    title: str,
) -> None:
    columns, rows = table
    console.print_table(columns, rows, title=title, right=sorted(right))
    printed = capsys.readouterr().out
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(console, "_piped_table", lambda *_: None)
        console.print_table(columns, rows, title=title, right=sorted(right))
    assert printed == capsys.readouterr().out


def test_a_table_that_is_too_wide_is_folded(capsys: pytest.CaptureFixture[str]) -> None:
    console.print_table(["一", "二"], [["长" * 300, "短"]])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 5
    assert sum(line.count("长") for line in lines) == 300
