"""click's own words (usage, options, errors) in Chinese."""

from __future__ import annotations

import click


class _ChineseHelp(click.Command):
    """Help pages with Chinese headings."""

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """``--help`` with a Chinese explanation."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = "显示帮助"
        return option

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The usage line."""
        pieces = " ".join(self.collect_usage_pieces(ctx)).replace("[OPTIONS]", "[选项]")
        pieces = pieces.replace("COMMAND [ARGS]...", "命令 [参数]...")
        formatter.write_usage(ctx.command_path, pieces, prefix="用法：")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options, and a group's commands."""
        records = [
            record
            for param in self.get_params(ctx)
            if isinstance(param, click.Option)
            and (record := param.get_help_record(ctx)) is not None
        ]
        if records:
            with formatter.section("选项"):
                formatter.write_dl(records)
        if isinstance(self, click.Group):
            self.format_commands(ctx, formatter)


class ChineseCommand(_ChineseHelp):
    """A command whose help page is in Chinese."""


class ChineseGroup(_ChineseHelp, click.Group):
    """A group whose help page is in Chinese, commands in the order of ``order``."""

    order: tuple[str, ...] = ()

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Commands in the declared order; one that is not declared stands last."""
        known = [name for name in self.order if name in self.commands]
        return known + [name for name in self.commands if name not in known]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One line per command."""
        rows = [
            (name, command.get_short_help_str(limit=70))
            for name in self.list_commands(ctx)
            if (command := self.get_command(ctx, name)) is not None and not command.hidden
        ]
        if rows:
            with formatter.section("命令"):
                formatter.write_dl(rows)


def _as_typed(parameter: click.Parameter | None) -> str:
    """A parameter as the operator writes it: an option with its dashes."""
    if isinstance(parameter, click.Option):
        return parameter.opts[-1]
    return parameter.human_readable_name if parameter else ""


def usage_mistake(error: click.ClickException) -> str:
    """A click error as one Chinese line with what to do."""
    match error:
        case click.NoSuchOption():
            what = f"没有选项 {error.option_name}"
        case click.MissingParameter():
            what = f"缺少参数 {_as_typed(error.param)}"
        case click.BadParameter():
            what = f"参数 {_as_typed(error.param)} 的值不对"
        case click.UsageError() if "No such command" in error.message:
            what = f"没有这个命令：{error.message.rsplit(' ', 1)[-1].strip(chr(39) + '.')}"
        case click.UsageError() if "unexpected extra" in error.message:
            what = "多余的参数：" + error.message.rsplit("(", 1)[-1].rstrip(")")
        case _:
            what = error.format_message()
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "perfxl"
    return f"[E000] 命令写法有误：{what}（查看用法：{path} --help）"
