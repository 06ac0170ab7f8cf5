"""Issuing workbooks: filled into one that was written once, beside each written by xlsxwriter.

Both make the bytes and write them into a file; printed as JSON, CPU milliseconds a workbook.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from perfxl.campaign import Campaign
from perfxl.plan.model import Unit
from perfxl.products.template import Templates, template
from perfxl.stages.issue import unit_stamp

# xlsxwriter takes long, and as long for each.
_FROM_SCRATCH = 60


def _each(units: Sequence[Unit], make: Callable[[Unit], bytes]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        started = time.process_time()
        for unit in units:
            (Path(folder) / f"{unit.code}.xlsx").write_bytes(make(unit))
        return 1000 * (time.process_time() - started) / len(units)


def main() -> None:
    """For the campaign that is named first."""
    campaign = Campaign(Path(sys.argv[1]))
    plan = campaign.plan
    templates = Templates(plan)

    def from_scratch(unit: Unit) -> bytes:
        return template(plan, unit, unit_stamp(campaign, unit))

    def filled(unit: Unit) -> bytes:
        return templates.workbook(unit, unit_stamp(campaign, unit))

    size = len(from_scratch(plan.units[0]))
    took = {
        "xlsxwriter": _each(plan.units[:_FROM_SCRATCH], from_scratch),
        # With what it takes to write the one workbook per kind.
        "perfxl": _each(plan.units, filled),
        "writing": _each(plan.units, lambda _: bytes(size)),
    }
    campaign.close()
    print(json.dumps(took))


if __name__ == "__main__":
    main()
