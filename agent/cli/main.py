"""The `stoichloop` command: the list of commands, and one sentence with exit status 1 for every known error."""

from __future__ import annotations

import gc
import sys
from typing import Annotated

import typer

from agent.base.git_environment import forget_git_environment
from agent.cli.data_command import data
from agent.cli.doctor_command import doctor
from agent.cli.explore_command import explore
from agent.cli.export_command import export
from agent.cli.forget_command import forget
from agent.cli.idea_command import idea
from agent.cli.log_command import log
from agent.cli.output import failure_sentence, note, prepare_streams
from agent.cli.pause_command import pause, resume
from agent.cli.pick_command import pick
from agent.cli.pin_command import pin
from agent.cli.regimes_command import regimes
from agent.cli.report_command import report
from agent.cli.restore_command import restore
from agent.cli.show_command import show
from agent.cli.status_command import status
from agent.cli.stop_command import stop
from agent.cli.train_command import train
from agent.cli.verify_command import verify
from agent.cli.veto_command import veto
from agent.cli.winners_command import winners

# In the order in which a user comes to need them; `--help` lists them so.
COMMANDS = (
    regimes,
    data,
    train,
    explore,
    status,
    log,
    show,
    report,
    idea,
    veto,
    pin,
    pause,
    resume,
    stop,
    winners,
    pick,
    verify,
    export,
    restore,
    forget,
    doctor,
)

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Recover the stoichiometric matrix of a metabolic network by an overnight loop of experiments.",
    epilog="Exit status: 0 success; 1 failure, with one sentence on standard error; 2 wrong usage; 130 interrupted.",
)
for command in COMMANDS:
    app.command()(command)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"stoichloop {version('stoichloop')}")
        raise typer.Exit


@app.callback()
def _options(
    *,
    _: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version, and exit.")
    ] = False,
) -> None:
    """Options of the program itself; they act before any command."""


def main() -> None:
    """Run the command line."""
    gc.freeze()  # modules stay alive: without this, collecting garbage among them is a tenth of `status`
    prepare_streams()
    forget_git_environment()
    try:
        app()
    except Exception as error:
        sentence = failure_sentence(error)
        if sentence is None:
            raise
        note(sentence, "bold red")
        sys.exit(1)


if __name__ == "__main__":
    main()
