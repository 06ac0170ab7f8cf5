"""The command line: it only speaks; stages do the work.

Exit codes: 0 fine, 1 findings of severity 错误, 2 a mistake that the operator can mend.
"""

from perfxl.cli.group import cli
from perfxl.cli.main import main

__all__ = ["cli", "main"]
