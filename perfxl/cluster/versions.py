"""What of an installation decides how a file is read; asked here and on every worker."""

from __future__ import annotations

import platform
from importlib import metadata

import perfxl

# What of an installation decides what a file is read as.
_DECIDES = (
    *("python-calamine", "openpyxl", "xlrd", "olefile", "lxml", "pypdf"),
    *("py7zr", "rarfile"),
)


def versions_here() -> dict[str, str]:
    """The versions by name of what decides how a file is read; empty where it is not installed."""
    found = {"perfxl": perfxl.__version__, "Python": ".".join(platform.python_version_tuple()[:2])}
    for name in _DECIDES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = ""
    return found
