"""Runs perfxl with the given arguments; then says on the standard error what that took."""

from __future__ import annotations

import atexit
import resource
import sys

from perfxl.cli import main


def _say() -> None:
    own, others = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    seconds = [used.ru_utime + used.ru_stime for used in (own, others)]
    print(
        f"peak {own.ru_maxrss >> 10} MB, its processes {others.ru_maxrss >> 10} MB each at most; "
        f"{seconds[0]:.0f} + {seconds[1]:.0f} s of processor",
        file=sys.stderr,
    )


if __name__ == "__main__":
    # What is registered first is called last: by then the processes have ended.
    atexit.register(_say)
    main()
