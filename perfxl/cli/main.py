"""Entry point: operator's mistakes become a Chinese message and exit code 2."""

from __future__ import annotations

import gc
import sys
from typing import NoReturn

import click

# Importing the modules registers their commands, in the order of work.
from perfxl.cli import (
    check_report,
    closing,
    follow_up,
    ledger,
    library,
    mail,
    prepare,
    projects,
    results,
    returns,
    scoring,
    spot_check,
    year,
    year_month,
)
from perfxl.cli.chinese import usage_mistake
from perfxl.cli.group import MISTAKE_EXIT, cli
from perfxl.errors import PerfxlError

COMMAND_MODULES = (
    prepare,
    projects,
    returns,
    follow_up,
    ledger,
    mail,
    spot_check,
    scoring,
    results,
    closing,
    year,
    year_month,
    check_report,
    library,
)
_OBJECTS_BEFORE_COLLECTION = 100_000


def main() -> None:
    """Entry point: operator's mistakes become a Chinese message and exit code 2."""
    from perfxl.console import plain, prepare_streams

    prepare_streams()
    # A command ends soon, and most of what it makes lives as long.
    gc.set_threshold(_OBJECTS_BEFORE_COLLECTION)
    try:
        code = cli.main(prog_name="perfxl", standalone_mode=False)
    except PerfxlError as error:
        _stop("\n".join(plain(line) for line in str(error).splitlines()))
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        sys.exit(0)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.Abort:
        _stop("已中止。")
    except click.ClickException as error:
        _stop(plain(usage_mistake(error)))
    except PermissionError as error:
        _stop(
            f"[E501] {plain(str(error.filename))}：文件正被其他程序打开，或没有读写权限"
            "（请在 Excel 或 WPS 中关闭它后重试）"
        )
    except OSError as error:
        _stop(
            f"[E502] {plain(str(error.filename or ''))}：文件或文件夹不能读写（{error.strerror}）"
            "（请检查路径、磁盘空间和权限）"
        )
    finally:
        # The system takes back what is left, faster than it could be looked through.
        gc.freeze()
    sys.exit(code if isinstance(code, int) else 0)


def _stop(message: str) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(MISTAKE_EXIT)
