"""The help of the program: commands in groups; plain text, which can be copied and piped."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from typer.core import TyperGroup


class GroupedHelp(TyperGroup):
    """A group of commands that lists them under their panels, in the order in which they were added."""

    def format_commands(self, _ctx: Any, formatter: Any) -> None:
        """Write a section for each panel."""
        width = max(map(len, self.commands))
        for panel, commands in groupby(self.commands.items(), lambda item: getattr(item[1], "rich_help_panel", "")):
            room = formatter.width - width - 6
            with formatter.section(str(panel)):
                formatter.write_dl([(name.ljust(width), each.get_short_help_str(room)) for name, each in commands])
