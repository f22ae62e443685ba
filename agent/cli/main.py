"""The `stoichloop` command: the list of commands, and one sentence for every known error."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from typing import Annotated

import typer
from typer.exceptions import TyperException

from agent.base.git_environment import forget_git_environment
from agent.cli.campaigns_command import campaigns
from agent.cli.data_command import data
from agent.cli.doctor_command import doctor
from agent.cli.explore_command import explore
from agent.cli.export_command import export
from agent.cli.forget_command import forget
from agent.cli.grouped_help import GroupedHelp
from agent.cli.idea_command import idea
from agent.cli.log_command import log
from agent.cli.mcp_command import mcp
from agent.cli.output import INTERRUPTED, WRONG_USAGE, failure_sentence, note, prepare_streams, usage_sentence
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
from stoichloop.errors import UsageError

# The groups of the help, each command with an example, in the order in which a user comes to need them.
GROUPS: dict[str, dict[Callable[..., None], str]] = {
    "Start": {
        doctor: "stoichloop doctor",
        regimes: "stoichloop regimes",
        data: "stoichloop data pde_m1_tiny",
        train: "stoichloop train pde_m1_tiny --recipe best",
        explore: "stoichloop explore pde_m1 --budget 8h",
    },
    "Watch": {
        campaigns: "stoichloop campaigns",
        status: "stoichloop status --watch",
        log: "stoichloop log --last 20",
        show: "stoichloop show 15 --diff",
        report: "stoichloop report --serve",
    },
    "Steer": {
        idea: "stoichloop idea 'train S more slowly' --set lr_S=0.005",
        veto: "stoichloop veto 12 --because 'it deletes the network'",
        pin: "stoichloop pin 7",
        pause: "stoichloop pause",
        resume: "stoichloop resume",
        stop: "stoichloop stop --at 0.99",
    },
    "Use": {
        winners: "stoichloop winners --ablate",
        pick: "stoichloop pick 15",
        verify: "stoichloop verify 15 --siblings 3",
        export: "stoichloop export --csv tables",
        mcp: "stoichloop mcp",
    },
    "Repair": {
        restore: "stoichloop restore",
        forget: "stoichloop forget pde_m1",
    },
}

app = typer.Typer(
    cls=GroupedHelp,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Recover the stoichiometric matrix of a metabolic network by an overnight loop of experiments.",
    epilog="Exit status: 0 success; 1 failure, with one sentence on standard error; 2 wrong usage; 130 interrupted. "
    "docs/glossary.md defines the terms.",
)
for group, commands in GROUPS.items():
    for command, example in commands.items():
        app.command(rich_help_panel=group, epilog=f"Example: {example}")(command)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"stoichloop {version('stoichloop')}")
        raise typer.Exit


@app.callback()
def _options(
    ctx: typer.Context,
    *,
    _: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version, and exit.")
    ] = False,
) -> None:
    """Options of the program itself; they act before any command."""
    if ctx.invoked_subcommand is None:
        print(ctx.get_help())


def main() -> None:
    """Run the command line."""
    gc.freeze()  # modules stay alive: without this, collecting garbage among them is a tenth of `status`
    prepare_streams()
    forget_git_environment()
    try:
        sys.exit(app(prog_name="stoichloop", standalone_mode=False))
    except typer.Abort:  # Ctrl-C, or the end of input where a question was asked
        note("interrupted")
        sys.exit(INTERRUPTED)
    except TyperException as error:
        note(usage_sentence(error), "bold red")
        sys.exit(error.exit_code)
    except Exception as error:
        sentence = failure_sentence(error)
        if sentence is None:
            raise
        note(sentence, "bold red")
        sys.exit(WRONG_USAGE if isinstance(error, UsageError) else 1)


if __name__ == "__main__":
    main()
