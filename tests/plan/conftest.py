"""Fixtures of the tests of plans."""

from __future__ import annotations

from pathlib import Path

import pytest
from plan_draft import Draft


@pytest.fixture
def draft(repository: Path) -> Draft:
    """The sample plan, opened to be spoilt."""
    return Draft(repository)
