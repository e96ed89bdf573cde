"""How help is laid out: plain text, commands in groups, capital words for what is to be typed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup
from typer.exceptions import TyperException

from rerankbench.errors import LONGEST, shortened

Paths = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="PATH", help="Folders with records, or record files.", show_default="results"
    ),
]

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 80}


class Command(TyperCommand):
    """A command whose arguments are named as its options' values are: FILE, [FOLDER]..."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """What follows the command's name in the line `Usage:`."""
        arguments = [each for each in self.params if isinstance(each, TyperArgument)]
        return [*filter(None, [self.options_metavar]), *map(_in_usage, arguments)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Arguments, then options, each with its description."""
        sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is None:
                continue
            if isinstance(parameter, TyperArgument):
                sections["Arguments"].append((_word(parameter), _described(record[1])))
            else:
                sections["Options"].append((record[0], _described(record[1])))
        for head, rows in sections.items():
            if rows:
                with formatter.section(head):
                    formatter.write_dl(rows)


class Group(TyperGroup):
    """Commands under headings; usage errors are as short as all other messages."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Every command with the whole of its description's first paragraph."""
        commands = [each for each in self.commands.values() if not each.hidden]
        width = max(len(each.name or "") for each in commands)
        sections: dict[str, list[tuple[str, str]]] = {}
        for each in commands:
            row = ((each.name or "").ljust(width), _first_paragraph(each))
            sections.setdefault(_heading(each), []).append(row)
        for head, rows in sections.items():
            with formatter.section(head):
                formatter.write_dl(rows)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read options, with complaints of one length."""
        with _short_usage_errors():
            return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run a command, with complaints of one length."""
        with _short_usage_errors():
            return super().invoke(ctx)


def _word(argument: TyperArgument) -> str:
    return argument.metavar or argument.name.upper()


def _in_usage(argument: TyperArgument) -> str:
    name = _word(argument) if argument.required else f"[{_word(argument)}]"
    return name if argument.nargs == 1 else f"{name}..."


def _described(text: str) -> str:
    """Typer puts a default that is said in words into brackets of its own."""
    return re.sub(r"\[default: \(([^()]*)\)", r"[default: \1", text)


def _heading(command: Any) -> str:
    panel = getattr(command, "rich_help_panel", None)
    return panel if isinstance(panel, str) else "Commands"


def _first_paragraph(command: Any) -> str:
    return " ".join((command.help or "").partition("\n\n")[0].split())


@contextmanager
def _short_usage_errors() -> Iterator[None]:
    try:
        yield
    except TyperException as error:
        # typer puts before it which option it is about.
        error.message = shortened(error.message, LONGEST // 2)
        raise


def new_app(**settings: Any) -> typer.Typer:
    """An app or a group of commands whose help is laid out so."""
    return typer.Typer(
        cls=Group,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings=SETTINGS,
        **settings,
    )
