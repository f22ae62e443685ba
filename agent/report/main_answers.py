"""The answers at the top of the page: how it ended, how good, how sure, what made it so, at what cost."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from agent.analyzer.judging.interval import GAIN, Interval, interval_of_mean
from agent.campaign.status import Status
from agent.report.spend import Spend
from agent.winners.overview import Winner, Winners
from memory.ending import CampaignState
from memory.leaderboard import typical_trial
from memory.objective import trivial_of
from memory.records import Experiment


@dataclass(frozen=True)
class BaselineGain:
    """The mean lead over the baseline on `seeds` shared seeds; `seeds` is 0 for the difference of both means."""

    mean: float
    interval: Interval | None
    seeds: int


@dataclass(frozen=True)
class MainAnswers:
    """The answers of a campaign whose baseline has a score.

    Attributes:
        best: the best experiment as a winner. improved: it is not the baseline.
        gain: its gain over the baseline. trivial: the score of the trivial answer, None on measured data.
        steps: the changes that the best experiment holds, oldest first. gone: changes that later ones undid.
        trials_an_hour: finished trials of any length per hour of a controller; None before there is an hour to tell of.
    """

    best: Winner
    improved: bool
    gain: BaselineGain | None
    trivial: float | None
    steps: tuple[Winner, ...]
    gone: tuple[Winner, ...]
    trials_an_hour: float | None


def badge(state: CampaignState) -> tuple[str, str]:
    """Return the status in a word and the class of its colour: `finished`, `stopped`, `running` or `crashed`."""
    if state.kind in ("crashed", "killed"):
        return state.kind, "failed"
    if state.kind == "finished":
        return "finished", "accepted"
    return ("stopped" if state.kind == "interrupted" else state.kind), "open" if state.kind == "running" else "rejected"


def answers_of(winners: Winners, baseline: Experiment, leader: Experiment, status: Status, spend: Spend) -> MainAnswers:
    """Gather the answers."""
    trial = typical_trial(leader, winners.fidelity)
    steps = [winner for winner in winners.winners if winner.leads and winner.parent is not None]
    enough = spend.wall_s > 60.0
    return MainAnswers(
        best=next(winner for winner in winners.winners if winner.experiment == leader.id),
        improved=leader.parent is not None,
        gain=_gain(baseline, leader, winners.fidelity),
        trivial=trivial_of(trial.scores) if trial else None,
        steps=tuple(steps),
        gone=tuple(winner for winner in winners.winners if winner.undone),
        trials_an_hour=3600.0 * status.trials / spend.wall_s if enough else None,
    )


def _gain(baseline: Experiment, leader: Experiment, fidelity: str) -> BaselineGain | None:
    before, after = baseline.scores(fidelity), leader.scores(fidelity)
    if not before or not after or leader.id == baseline.id:
        return None
    pairs = [after[seed] - before[seed] for seed in sorted(before.keys() & after.keys())]
    if len(pairs) < 2:  # one seed may be a lucky one
        return BaselineGain(statistics.fmean(after.values()) - statistics.fmean(before.values()), None, 0)
    return BaselineGain(statistics.fmean(pairs), interval_of_mean(pairs, GAIN), len(pairs))
