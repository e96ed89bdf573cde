"""The command line: parse, call, exit code. No logic."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from rerankbench import __version__
from rerankbench.cli import baseline
from rerankbench.cli.audit import audit
from rerankbench.cli.card import card
from rerankbench.cli.compare import compare
from rerankbench.cli.convert import convert
from rerankbench.cli.datasets import datasets
from rerankbench.cli.depth import depth
from rerankbench.cli.doctor import doctor
from rerankbench.cli.export import export
from rerankbench.cli.gate import gate
from rerankbench.cli.history import history
from rerankbench.cli.import_run import import_run
from rerankbench.cli.init import init
from rerankbench.cli.judge import judge
from rerankbench.cli.leaderboard import leaderboard
from rerankbench.cli.models import models
from rerankbench.cli.report import report
from rerankbench.cli.run import run
from rerankbench.cli.slices import slices
from rerankbench.cli.steps import evaluate, rerank, retrieve
from rerankbench.cli.usage import Command, new_app
from rerankbench.console import Terminal, showing_log
from rerankbench.errors import RerankbenchError, show_traceback

INTERRUPTED = 130
FAULT = 1
_HOW_TO_GO_ON = "interrupted; finished work is saved, repeat the same command to continue"

_OF_FILES = {
    errno.ENOSPC: "free space",
    errno.EDQUOT: "free space",
    errno.EACCES: "choose another place, or change its rights",
    errno.EPERM: "choose another place, or change its rights",
    errno.EROFS: "choose another place",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ELOOP: "fix the link",
    errno.ENOTDIR: "check the path",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "close some programs",
    errno.EFBIG: "choose another place",
    errno.EIO: "check the disk",
}
"""Errors of the file system, wherever they occur, and what to do about them."""


app = new_app(name="rerankbench")


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


_PANELS: dict[str, dict[str, Callable[..., None] | typer.Typer]] = {
    "Measure": {"run": run, "retrieve": retrieve, "rerank": rerank, "evaluate": evaluate},
    "Read": {"leaderboard": leaderboard, "report": report, "card": card, "depth": depth},
    "Compare": {"compare": compare, "slices": slices, "judge": judge},
    "Guard": {"gate": gate, "baseline": baseline.app, "history": history, "init": init},
    "Inspect": {"doctor": doctor, "audit": audit, "models": models, "datasets": datasets},
    "Exchange": {"convert": convert, "import": import_run, "export": export},
}
for _panel, _commands in _PANELS.items():
    for _name, _command in _commands.items():
        if isinstance(_command, typer.Typer):
            app.add_typer(_command, name=_name, rich_help_panel=_panel)
        else:
            app.command(_name, cls=Command, rich_help_panel=_panel)(_command)


def main() -> None:
    """Run the command line and exit: 0 fine, 1 a failure, 2 an input error, 130 interrupted."""
    sys.exit(_run(sys.argv[1:]))


def _run(arguments: list[str]) -> int:
    terminal = Terminal()
    try:
        with showing_log(terminal):
            app(args=arguments)
    except SystemExit as ended:
        # Typer ends every call like this: usage errors with 2, an interrupt with 130.
        code = int(ended.code or 0)
        if code == INTERRUPTED:
            terminal.warn(_HOW_TO_GO_ON)
        return code
    except RerankbenchError as error:
        terminal.error(str(error))
        return error.exit_code
    except OSError as error:
        if error.errno not in _OF_FILES:
            return _fault(terminal, error)
        what = f"{error.filename or 'a file'}: the file system refuses ({error.strerror})"
        terminal.error(f"{what}; {_OF_FILES[error.errno]}")
        return 2
    except Exception as error:  # noqa: BLE001 - nobody who measures wants a traceback
        return _fault(terminal, error)
    return 0


def _fault(terminal: Terminal, error: Exception) -> int:
    """Report an unexpected error in one line."""
    show_traceback(error)
    reason = (str(error).strip().splitlines() or ["no reason given"])[0][:120]
    terminal.error(
        f"{type(error).__name__}: {reason}; this is a fault of rerankbench, please report it "
        "(RERANKBENCH_TRACEBACK=1 shows where it happened)"
    )
    return FAULT
