"""What the fixture ``office`` gives, for the tests that name its type."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Office = Callable[..., Mapping[str, Sequence[Sequence[Any]]]]
