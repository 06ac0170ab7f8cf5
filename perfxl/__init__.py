"""perfxl: a county's yearly assessment of budget performance management, carried by workbooks."""

__version__ = "0.1.0"
