"""Reads every sheet of every workbook of a folder with python-calamine, and nothing else."""

import io
import sys
from pathlib import Path

from python_calamine import CalamineWorkbook


def main() -> None:
    """Read the folder that is named first; print the number of filled cells."""
    cells = 0
    for path in sorted(Path(sys.argv[1]).glob("*.xlsx")):
        with CalamineWorkbook.from_filelike(io.BytesIO(path.read_bytes())) as book:
            for name in book.sheet_names:
                rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
                cells += sum(len(row) - row.count("") for row in rows)
    print(cells)


if __name__ == "__main__":
    main()
