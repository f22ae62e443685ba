"""Status of a campaign, read from its ledger: for `status`, the live view and scripts."""

from __future__ import annotations

import time
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from agent.analyzer.judging.noise import measure_noise
from agent.campaign.campaign_state import read_state
from agent.campaign.folder import CampaignFolder
from agent.campaign.session import age_s
from agent.campaign.utilisation import Utilisation, read_utilisation
from agent.executor.artifacts import CONFIG, read_curves
from memory.formatting import counted
from memory.leaderboard import Standing, count_verdicts, incumbent, leaders, standing
from memory.ledger import WALL_S, Ledger
from memory.objective import Objective
from memory.records import Outline, Session


class _StatusModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Line(_StatusModel):
    """One line of the leaderboard."""

    experiment: str
    score: float
    standard_error: float | None
    seeds: int
    verdict: str
    title: str


class Running(_StatusModel):
    """A trial that is running now."""

    trial: str
    step: int
    steps: int
    seconds: float
    loss: float | None


class Status(_StatusModel):
    """A campaign at one moment. Times are seconds.

    `state` says how it ended, or that it runs; `next_commands` are of use then. `noise` is None before it is measured.
    `utilisation` is that of the slots over the campaign and over its newest session, None before it is known.
    """

    campaign: str
    regime: str
    fidelity: str
    objective: Objective
    state: str
    next_commands: tuple[str, ...]
    running: bool
    rung: str | None
    why: str | None
    incumbent: Line | None
    baseline: Line | None
    noise: float | None
    leaderboard: list[Line]
    verdicts: dict[str, int]
    experiments: int
    trials: int
    history: list[float]
    best: list[float]
    now: list[Running]
    spent_s: float
    budget_s: float
    left_s: float
    experiments_granted: int | None
    experiments_judged: int
    events: list[str]
    utilisation: Utilisation | None = None
    utilisation_session: Utilisation | None = None

    def __repr__(self) -> str:
        counts = f"{counted(self.experiments, 'experiment')}, {counted(self.trials, 'trial')}"
        return f"<Status of {self.campaign}: {self.state}; {counts}>"


def read_status(campaign: CampaignFolder, ledger: Ledger) -> Status:
    """Read everything once."""
    settings, grant, session = campaign.settings, ledger.grant(), ledger.session()
    lines = ledger.outlines(settings.fidelity)
    best = leaders(lines)
    known = {e.id: e for e in ledger.these({*best, *(e.id for e in lines if e.accepted), *(e.id for e in lines[:1])})}
    state = read_state(campaign, ledger, lines)
    alive = state.kind == "running"
    spent = ledger.spent(WALL_S)
    if alive and session and not state.paused:  # what the controller has not written down yet
        spent += max(0.0, time.time() - max(ledger.last_spend_at(), session.started_at))
    leader = incumbent(list(known.values()))
    block = ledger.block()
    history, course = _history(lines)
    noise = measure_noise(list(known.values()), settings.fidelity)
    return Status(
        campaign=settings.name,
        regime=settings.regime,
        fidelity=settings.fidelity,
        objective=settings.objective,
        state=str(state),
        next_commands=state.commands,
        running=alive,
        rung=block.rung if block else None,
        why=block.reason if block else None,
        incumbent=_line(standing(leader, settings.fidelity)) if leader else None,
        baseline=_line(standing(known[lines[0].id], settings.fidelity)) if lines else None,
        noise=noise.sigma if noise.degrees else None,
        leaderboard=[line for name in best if (line := _line(standing(known[name], settings.fidelity)))],
        verdicts=count_verdicts(line.verdict for line in lines),
        experiments=len(lines),
        trials=sum(line.trials for line in lines),
        history=history,
        best=course,
        now=_running(campaign, ledger, session) if alive and session else [],
        spent_s=spent,
        budget_s=grant.wall_s if grant else 0.0,
        left_s=max(0.0, grant.wall_s - spent) if grant else 0.0,
        experiments_granted=grant.experiments if grant else None,
        experiments_judged=sum(1 for line in lines if line.block > 0 and line.verdict is not None),
        events=[event.message for event in ledger.events()[-3:]],
        utilisation=read_utilisation(ledger),
        utilisation_session=read_utilisation(ledger, session.started_at) if session else None,
    )


def _history(lines: Sequence[Outline]) -> tuple[list[float], list[float]]:
    """Return the score of each experiment in order, and of the last one accepted by then."""
    history: list[float] = []
    best: list[float] = []
    for line in lines:
        if line.score is not None:
            history.append(line.score)
            best.append(line.score if line.accepted or not best else best[-1])
    return history, best


def _line(line: Standing | None) -> Line | None:
    if line is None:
        return None
    verdict = line.experiment.verdict
    return Line(
        experiment=line.experiment.id,
        score=line.score,
        standard_error=line.error,
        seeds=line.seeds,
        verdict=verdict.verdict if verdict else "open",
        title=line.experiment.headline,
    )


def _running(campaign: CampaignFolder, ledger: Ledger, session: Session) -> list[Running]:
    now = []
    for trial in ledger.running():
        folder = campaign.folder / trial.folder
        config, age = folder / CONFIG, age_s(trial, session)
        if age is None or not config.exists():  # it waits for a worker
            continue
        # On a worker, it is younger than the process here that stands for it.
        since = time.time() - config.stat().st_mtime
        points = read_curves(folder)
        now.append(
            Running(
                trial=trial.trial,
                step=points[-1].step if points else 0,
                steps=trial.steps,
                seconds=min(age, since) if since > 0 else age,
                loss=points[-1].loss if points else None,
            )
        )
    return now
