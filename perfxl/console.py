"""What the command line shows: tables that align with Chinese text, progress, plain messages.

Owns rich. Text from returned files is printed as text: no markup, no control characters.
"""

from __future__ import annotations

import sys
import time
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

PIPED_WIDTH = 240
_SHOW_PROGRESS_AFTER_SECONDS = 1.0


def prepare_streams() -> None:
    """A console that lacks a character (cp936) shows a substitute instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def plain(text: str) -> str:
    """Text without characters that steer a terminal; line breaks become spaces."""
    return "".join(
        " " if unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp") else character
        for character in text
    )


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    title: str = "",
    right: Sequence[int] = (),
) -> None:
    """Print rows under headings; ``right`` names the columns (0-based) that align right."""
    shown = [[plain(cell) for cell in row] for row in rows]
    piped = None if sys.stdout.isatty() else _piped_table(columns, shown, right)
    if piped is not None:
        print("\n".join(filter(None, (title, *piped))))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=None if sys.stdout.isatty() else PIPED_WIDTH, markup=False)
    table = Table(box=box.ASCII2 if not sys.stdout.isatty() else box.SIMPLE_HEAD, title=None)
    for index, label in enumerate(columns):
        table.add_column(
            Text(label), justify="right" if index in right else "left", overflow="fold"
        )
    for row in shown:
        table.add_row(*map(Text, row))
    if title:
        print(title)
    console.print(table)


def _piped_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int]
) -> list[str] | None:
    """The lines that rich makes of a table for a pipe, without its layout of every single cell;
    None where a line would have to be folded.

    A batch has hundreds of rows, and rich takes as long over each as the checks do.
    """
    from rich.cells import cell_len

    lines = [columns, *rows]
    if not rows or any(len(line) != len(columns) for line in lines):
        return None
    sizes = [[cell_len(cell) for cell in line] for line in lines]
    # What takes no room (a lone accent) is rich's to lay out.
    if any(
        cell and not size
        for line, of in zip(lines, sizes, strict=True)
        for cell, size in zip(line, of, strict=True)
    ):
        return None
    widths = [max(column) for column in zip(*sizes, strict=True)]
    if sum(widths) + 3 * len(widths) + 1 > PIPED_WIDTH:
        return None
    rule = "".join("+" + "-" * (width + 2) for width in widths) + "+"
    texts = []
    for line, line_sizes in zip(lines, sizes, strict=True):
        cells = []
        for at, (cell, size, width) in enumerate(zip(line, line_sizes, widths, strict=True)):
            stripped = cell.rstrip() if at in right else cell
            blank = " " * (width - size + len(cell) - len(stripped))
            cells.append(f" {blank}{stripped} " if at in right else f" {stripped}{blank} ")
        texts.append(f"|{'|'.join(cells)}|")
    return [rule, texts[0], rule, *texts[1:], rule]


@contextmanager
def progress(label: str, total: int) -> Iterator[Callable[[], None]]:
    """A function to call after each of ``total`` steps; a bar shows once it takes a second."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress

    bar = Progress(console=Console(stderr=True), transient=True)
    task = bar.add_task(label, total=total)
    started = time.monotonic()
    shown = False

    def advance() -> None:
        nonlocal shown
        bar.advance(task)
        if not shown and time.monotonic() - started > _SHOW_PROGRESS_AFTER_SECONDS:
            bar.start()
            shown = True

    try:
        yield advance
    finally:
        if shown:
            bar.stop()
