"""Runs perfxl with the given arguments; then says on the standard error what memory it took."""

from __future__ import annotations

import atexit
import resource
import sys

from perfxl.cli import main


def _say() -> None:
    own, others = (
        resource.getrusage(who).ru_maxrss >> 10
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(f"peak {own} MB, its processes {others} MB each at most", file=sys.stderr)


if __name__ == "__main__":
    # What is registered first is called last: by then the processes have ended.
    atexit.register(_say)
    main()
