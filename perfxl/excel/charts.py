"""Charts of live cells, plain enough for an official print: one ink, white ground, thin lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from perfxl.excel.style import BLUE, BODY_FONT, HEADING_FONT, INK
from perfxl.excel.writer import SheetWriter

_GRID = "#D9D9D9"
# Pixels for the title, for the lower axis and its title, and at the sides.
_ABOVE, _BELOW, _EDGE = 44, 42, 40


@dataclass(frozen=True)
class Cells:
    """A range on a sheet: first row, first column, last row, last column (0-based)."""

    sheet: str
    first_row: int
    first_column: int
    last_row: int
    last_column: int

    def listed(self) -> list[object]:
        """As xlsxwriter takes it."""
        return [self.sheet, self.first_row, self.first_column, self.last_row, self.last_column]


@dataclass(frozen=True)
class BarChart:
    """Names along one axis, one number each along the other.

    ``step`` is the distance of the value axis' marks;
    ``across`` lays the bars down, the first on top; ``highest`` fixes the end of the value axis;
    ``longest_name`` counts the characters that names need beside lying bars.
    """

    title: str
    names: Cells
    values: Cells
    name_axis: str
    value_axis: str
    value_format: str
    axis_format: str
    step: float
    across: bool = True
    highest: float | None = None
    longest_name: int = 10


def insert_bar_chart(
    sheet: SheetWriter, row: int, column: int, chart: BarChart, *, width: int, height: int
) -> None:
    """Put a chart with its corner at a cell; size in pixels."""
    made = sheet.book.new_chart("bar" if chart.across else "column")
    made.add_series(
        {
            "name": chart.title,
            "categories": chart.names.listed(),
            "values": chart.values.listed(),
            "fill": {"color": BLUE},
            "border": {"none": True},
            "gap": 60,
            "data_labels": {
                "value": True,
                "num_format": chart.value_format,
                "font": _font(9),
            },
        }
    )
    made.set_title({"name": chart.title, "name_font": {**_font(11), "name": HEADING_FONT}})
    made.set_legend({"none": True})
    names: dict[str, Any] = {
        "name": chart.name_axis,
        "name_font": _font(10),
        "num_font": _font(8),
        "line": {"color": INK},
        "major_tick_mark": "none",
        "reverse": chart.across,
        # Otherwise Excel leaves out every other name where they stand close.
        "interval_unit": 1,
    }
    values: dict[str, Any] = {
        "name": chart.value_axis,
        "name_font": _font(10),
        "num_font": _font(8),
        "num_format": chart.axis_format,
        "min": 0,
        "major_unit": chart.step,
        "major_gridlines": {"visible": True, "line": {"color": _GRID, "width": 0.5}},
        "line": {"none": True},
        # With names from top to bottom, this keeps the values at the foot.
        "label_position": "high" if chart.across else "next_to",
    }
    if chart.highest is not None:
        values["max"] = chart.highest
    # xlsxwriter calls the lower axis x, whichever way the bars go.
    made.set_x_axis(values if chart.across else names)
    made.set_y_axis(names if chart.across else values)
    made.set_chartarea({"border": {"color": _GRID}, "fill": {"color": "#FFFFFF"}})
    made.set_plotarea({"layout": _layout(chart, width, height)})
    made.set_size({"width": width, "height": height})
    sheet.raw.insert_chart(row, column, made, {"object_position": 2})


def _layout(chart: BarChart, width: int, height: int) -> dict[str, float]:
    """Where the bars stand, in parts of the chart; programs left to themselves waste the room."""
    left = min(_EDGE + 12 * chart.longest_name, int(0.45 * width)) if chart.across else 62
    return {
        "x": left / width,
        "y": _ABOVE / height,
        "width": (width - left - _EDGE) / width,
        "height": (height - _ABOVE - _BELOW) / height,
    }


def _font(size: int) -> dict[str, Any]:
    return {"name": BODY_FONT, "size": size, "bold": False, "color": INK}
