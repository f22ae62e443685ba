"""A user's request for a campaign, with every default of `stoichloop explore`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, fields

from agent.base.duration import parse_duration
from stoichloop.errors import UsageError

TOKENS_AN_HOUR = 3_600_000  # of one question a minute, as long as the default --context allows

# The smallest and the largest value of each number; the command line and the Python interface share them.
RANGES: dict[str, tuple[int, int | None]] = {
    "experiments": (1, 1_000_000),
    "seed": (0, 2**32 - 1),
    "workers": (1, None),
    "tokens": (0, None),
    "dollars": (0, None),
    "context": (4_000, None),
}


@dataclass(frozen=True)
class CampaignRequest:
    """The settings of `stoichloop explore`.

    Creating one raises `StoichloopError` for a malformed duration and for a number outside its range. An option that is
    a tuple is given once for each of its values.

    Attributes:
        name: the campaign's name.
        budget: wall-clock time to spend, like 8h or 90m.
        experiments: the largest number of experiments to judge, None for no limit.
        planner: the name of the planner that proposes experiments.
        fidelity: training length at which candidates are finally compared: probe, half or full.
        seed: random seed of the planner.
        workers: number of trials at a time on this machine, None for two per GPU and one per core left.
        model: language models that `auto` and `llm` ask: the first, and the next where one fails; empty for no model.
        program: agent program that `auto` and `command` ask, None for no program.
        tokens: limit on the tokens of all requests to models; None for `TOKENS_AN_HOUR` of the budget.
        dollars: limit on the price of all requests to the model, in US dollars.
        context: size of the model's context window, in tokens of input and output together.
        patience: longest wait for one answer, like 5m; None for the planner's own limit.
        without: names of moves that are not to be proposed.
        notify: command that gets a line of JSON when the campaign ends, is stuck or accepts something; None for none.
        track: trackers that are told of the campaign while it runs, each `mlflow:URI` or `wandb:PROJECT`.
        until: score at which to end: once the incumbent's mean reaches it; None for the campaign's own rule.
    """

    name: str
    budget: str = "8h"
    experiments: int | None = None
    planner: str = "auto"
    fidelity: str = "full"
    seed: int = 0
    workers: int | None = None
    model: tuple[str, ...] = ()
    program: str | None = None
    tokens: int | None = None
    dollars: float = 20.0
    context: int = 100_000
    patience: str | None = None
    without: tuple[str, ...] = ()
    until: float | None = None
    notify: str | None = None
    track: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _ = self.budget_s, self.patience_s
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if value is not None and not (low <= value and (high is None or value <= high)):  # nor is NaN within
                limits = f"at least {low}" if high is None else f"from {low} to {high}"
                raise UsageError(f"--{name} {value} must be {limits}")
        if self.until is not None and not 0 < self.until <= 1:
            raise UsageError(f"--until {self.until} must be above 0 and at most 1, like 0.999")

    def command(self, regime: str, flags: Sequence[str] = ()) -> str:
        """Return the command that makes this request for a regime; `flags` are options that it does not hold."""
        words = ["stoichloop", "explore", regime, *(() if self.name == regime else ("--campaign", self.name))]
        for option in fields(self)[1:]:
            if (value := getattr(self, option.name)) != option.default:
                for each in value if isinstance(value, tuple) else (value,):
                    words += [f"--{option.name}", str(each)]
        return shlex.join([*words, *flags])

    @property
    def budget_s(self) -> float:
        """The budget in seconds."""
        return parse_duration("--budget", self.budget)

    @property
    def patience_s(self) -> float | None:
        """The longest wait for one answer in seconds, None for the planner's own limit."""
        return None if self.patience is None else parse_duration("--patience", self.patience)
