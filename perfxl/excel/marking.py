"""Marks a workbook in the worker process: what was returned is never parsed in this one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple

from perfxl.excel.markup import Mark, OpinionSheet
from perfxl.isolation.service import kept_workers

__all__ = ["Mark", "OpinionSheet", "marked"]


def marked(data: bytes, marks: Sequence[Mark], opinions: OpinionSheet) -> bytes:
    """As ``markup.mark_workbook``. Raises Unreadable where the file cannot be marked."""
    content: bytes = kept_workers().call(
        "perfxl.excel.markup:mark_plain", data, [astuple(mark) for mark in marks], astuple(opinions)
    )
    return content
