"""The commands of the documentation as the tests run them: all differences from a reader's run.

A command whose program has no place here fails the tests, so that no command is written that nobody runs. The options
of our own commands are looked at as they are written, in `test_mentions`.
"""

from __future__ import annotations

import re
import shlex
from typing import NamedTuple

# These run as they are written, once `SHORTER` has been applied.
PROGRAMS = {"stoichloop", "python", "git", "mkdir", "cp", "cat"}


class Rule(NamedTuple):
    """A replacement of `pattern` by `replacement`, for the reason `why`."""

    pattern: str
    replacement: str
    why: str


# Run once, in this order, in the clone that those of all pages are copies of, and not again on any page.
NIGHT = (
    "stoichloop explore pde_m1_tiny --fidelity probe --experiments 1",
    "stoichloop winners --ablate",
    "stoichloop verify e0002 --siblings 1",
    "stoichloop data --sbml MODEL.xml",
)

# The programs of these pages run in a fixture, so that other tests read the campaign that they leave.
IN_A_FIXTURE = {"docs/api.md": "documented"}

# A command that is one of these as a whole is not run; what is written beside it is.
INSTEAD = (
    Rule(r"make( \w+( NAME=\w+)?)?", r"make -n\1", "runs for minutes: what it would do is made out"),
    Rule(r"source \.venv/bin/activate", "make -n demo | grep -- '-m venv .venv$'", "make demo makes what it activates"),
    Rule(
        r"\.venv/bin/(pre-commit) install", r"grep '^\1==' requirements-dev.lock", "changes the clone: it is installed"
    ),
    Rule(r"pytest (?:-\S+ |torture )*((?:tests/\S+ ?)+)(-k .*)?", r"ls -d \1", "runs for minutes: there are tests"),
    Rule(r"python -m benchmarks (\w+).*", r"ls benchmarks/\1.py", "runs for minutes: there is such a benchmark"),
    Rule(r"stoichloop explore .*--(model|program) .*", r"\g<0> --help", "needs a model, or an agent"),
    Rule(r"(nohup )?stoichloop explore .*", NIGHT[0], "spends a night: one experiment says that it works"),
    Rule(r"stoichloop verify .*", NIGHT[2], "one network says that it works"),
    Rule(r"stoichloop (report --serve|status --watch)", r"\g<0> --help", "shows it until Ctrl-C"),
    Rule(r"stoichloop forget.*", r"\g<0> --help", "removes the campaign of the tests"),
    Rule(r"stoichloop restore.*", r"\g<0> --help", "needs a damaged ledger"),
    Rule(r"stoichloop report --serve.*", r"\g<0> --help", "ends when it is told to"),
)

SMALLER = Rule(r"\b(pde_m1|ecoli_core)\b", "pde_m1_tiny", "a network whose trials take seconds")

# In all others these parts are replaced, one rule after the other; in a program of a page, the first.
SHORTER = (
    SMALLER,
    Rule(r"\be\d{4}\b", "e0002", "what was accepted in the campaign of the tests"),
    Rule(r"(?<=show )e\d{4}\b", "e0003", "what was trained there by the loop"),
    Rule(r"^stoichloop export --sbml \S+$", r"\g<0> --experiment e0003", "the incumbent is one by decree: no estimate"),
    Rule(
        r"^stoichloop pick.*",
        r"git switch --quiet --create picked && \g<0> && git switch --quiet -",
        "what follows on a page is written for the code before it",
    ),
    Rule(r" --steps \d+", "", "see the next rule"),
    Rule(r"^stoichloop train", r"\g<0> --steps 5", "training is tried, not recovery"),
    Rule(
        r"(?<!pathway )--recipe (best|recipes/\S+)",
        r"\g<0> --set starts=1 --set patience=0",
        "so is the search for columns, whose recipe for measurements is quick as it is",
    ),
)


def affordable(command: str) -> str:
    """Return the command to run for a command of a page; raises `ValueError` for an unknown one."""
    for rule in INSTEAD:
        if match := re.fullmatch(rule.pattern, command):
            return match.expand(rule.replacement)
    for rule in SHORTER:
        command = re.sub(rule.pattern, rule.replacement, command)
    program = shlex.split(command)[0]
    if program not in PROGRAMS:
        raise ValueError(f"{program} is not among the programs that tests/docs/affordable.py has a place for")
    return command
