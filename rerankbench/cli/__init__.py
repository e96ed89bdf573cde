"""The command line: parse, call, exit code. No logic."""

from __future__ import annotations

import errno
import os
import sys
from typing import Annotated

import click
import typer

from rerankbench import __version__
from rerankbench.cli.datasets import datasets
from rerankbench.cli.leaderboard import leaderboard
from rerankbench.cli.run import run
from rerankbench.cli.steps import evaluate, rerank, retrieve
from rerankbench.console import Terminal
from rerankbench.errors import RerankbenchError

INTERRUPTED = 130

app = typer.Typer(
    name="rerankbench",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Choose, compare and guard rerankers: nDCG@10 and docs/sec, measured here.

    Start with: rerankbench run
    """
    if version:
        typer.echo(f"rerankbench {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit


app.command()(run)
app.command()(leaderboard)
app.command()(retrieve)
app.command()(rerank)
app.command()(evaluate)
app.command()(datasets)


def main() -> None:
    """Run the command line and exit: 0 fine, 1 cells failed, 2 input error, 130 interrupted."""
    sys.exit(_run(sys.argv[1:]))


def _run(arguments: list[str]) -> int:
    terminal = Terminal()
    try:
        code = app(args=arguments, standalone_mode=False)
    except click.exceptions.Abort:
        return _interrupted(terminal)
    except KeyboardInterrupt:
        return _interrupted(terminal)
    except click.ClickException as error:
        error.show()
        return 2
    except RerankbenchError as error:
        terminal.error(str(error))
        return error.exit_code
    except BrokenPipeError:
        # The reader of our output has gone (`| head`): nothing more to say, also not at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
            raise
        terminal.error(f"{error.filename or 'a file'}: cannot be written ({error.strerror})")
        return 2
    return int(code or 0)


def _interrupted(terminal: Terminal) -> int:
    terminal.warn("interrupted; finished work is kept, type the same command again to go on")
    return INTERRUPTED
