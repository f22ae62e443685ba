"""Overview of a campaign's accepted experiments: the changes behind the incumbent, then the others."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from agent.analyzer.judging.interval import SHARE, Interval, interval_of_mean
from agent.campaign.folder import CampaignFolder
from agent.campaign.registrar import commit_of
from agent.executor.code.private_repository import reading
from agent.executor.code.worktree import CHOSEN
from agent.executor.workspace import Workspace
from agent.winners.attribution import undone
from memory.formatting import UNCHECKED, counted, within
from memory.leaderboard import incumbent, lineage
from memory.ledger import Ledger
from memory.objective import Objective
from memory.records import Ablation, Experiment, Verification
from stoichloop.errors import StoichloopError


class _WinnerModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ChangedLines(_WinnerModel):
    """Lines that a commit adds and removes."""

    added: int = 0
    removed: int = 0

    def __str__(self) -> str:
        return f"+{self.added} -{self.removed}"


class Winner(_WinnerModel):
    """An accepted experiment. `effect` is its gain over its rival; `ablation` its effect within the stack.

    `leads` is true if the incumbent is built on it and holds its change; if later changes undo all of it, `undone` is
    true instead. The baseline has no branch and changes nothing. `verdict` is the verdict's reason. `combines` names
    the experiments whose changes it makes together, and `parts` has the ablations of these in the stack.
    """

    experiment: str
    leads: bool
    undone: bool
    parent: str | None
    move: str | None
    combines: list[str]
    title: str
    hypothesis: str
    score: float | None
    interval: Interval | None
    seeds: list[int]
    branch: str | None
    commit: str
    code: ChangedLines
    configuration: ChangedLines
    verdict: str
    rival: str | None
    effect: float | None
    effect_interval: Interval | None
    p_value: float | None
    ablation: Ablation | None
    parts: list[Ablation]
    verification: Verification | None


class Winners(_WinnerModel):
    """All winners of a campaign, those behind the incumbent first.

    `recorded` is false in a clone without the ledger, whose branches hold neither effects nor ablations.
    """

    campaign: str
    regime: str
    fidelity: str
    objective: Objective
    incumbent: str
    recorded: bool
    winners: list[Winner]


def accepted(ledger: Ledger, name: str | None) -> Experiment:
    """Return an accepted experiment by name, or the incumbent; raise `StoichloopError` if there is none."""
    experiments = ledger.experiments()
    found = incumbent(experiments) if name is None else next((e for e in experiments if e.id == name), None)
    if found is None or not found.accepted:
        if name is None:
            of = record.name if (record := ledger.campaign()) else ""
            raise StoichloopError(
                f"nothing is accepted yet, not even the baseline; 'stoichloop status {of}' says how to go on"
            )
        known = ", ".join(e.id for e in experiments if e.accepted) or "none"
        raise StoichloopError(f"'{name}' is not an accepted experiment of this campaign; accepted are {known}")
    return found


def read_winners(workspace: Workspace, campaign: CampaignFolder, ledger: Ledger, leader: Experiment) -> Winners:
    """Read all winners; `leader` is the incumbent or the experiment to treat as the incumbent."""
    experiments, settings = ledger.experiments(), campaign.settings
    line = lineage(experiments, leader)
    gone = undone(workspace.root, tuple(map(commit_of, line)))
    dead = [e for position, e in enumerate(line) if position in gone]
    leading = [e for e in line if e not in dead]
    others = [e for e in experiments if e.accepted and e not in leading]
    ablations, verifications = ledger.ablations(leader.id), ledger.verifications()

    def winner(e: Experiment) -> Winner:
        scores, verdict = e.scores(settings.fidelity), e.verdict
        assert verdict is not None
        code, configuration = (
            (ChangedLines(), ChangedLines()) if e.parent is None else changed_lines(workspace, commit_of(e))
        )
        return Winner(
            experiment=e.id,
            leads=e in leading,
            undone=e in dead,
            parent=e.parent,
            move=e.move,
            combines=list(e.combines),
            title=e.headline,
            hypothesis=e.hypothesis,
            score=sum(scores.values()) / len(scores) if scores else None,
            interval=interval_of_mean(list(scores.values()), SHARE),
            seeds=sorted(scores),
            branch=None if e.parent is None else _branch(workspace, settings.name, e),
            commit=commit_of(e),
            code=code,
            configuration=configuration,
            verdict=verdict.reason,
            rival=verdict.rival,
            effect=verdict.effect,
            effect_interval=verdict.interval,
            p_value=verdict.p_value,
            ablation=ablations.get(e.id),
            parts=[ablations[name] for name in e.combines if name in ablations],
            verification=verifications.get(e.id),
        )

    return Winners(
        campaign=settings.name,
        regime=settings.regime,
        fidelity=settings.fidelity,
        objective=settings.objective,
        incumbent=leader.id,
        recorded=True,
        winners=[winner(e) for e in (*leading, *others)],
    )


def changed_lines(workspace: Workspace, commit: str) -> tuple[ChangedLines, ChangedLines]:
    """Count the lines that a commit changes in the code and in the chosen configuration."""
    code, configuration = ChangedLines(), ChangedLines()
    with reading(workspace.root) as git:
        rows = str(git.show("--numstat", "--format=", commit)).splitlines()
    for row in rows:
        added, removed, file = row.split("\t")
        if file == CHOSEN:
            configuration = ChangedLines(added=int(added), removed=int(removed))
        else:
            code = ChangedLines(added=code.added + int(added), removed=code.removed + int(removed))
    return code, configuration


def _branch(workspace: Workspace, campaign: str, experiment: Experiment) -> str | None:
    """Return the experiment's branch; None if it was deleted or moved."""
    branch = f"exp/{campaign}/{experiment.id}"
    there = workspace.repo.git.for_each_ref("--format=%(objectname)", f"refs/heads/{branch}")
    return branch if there == commit_of(experiment) else None


def picture(known: Winners) -> RenderableType:
    """Return the overview for the terminal, a paragraph per winner."""
    head = f"{known.campaign} · {known.regime} · {known.objective} at {known.fidelity}, with 95 % intervals"
    leading = [winner for winner in known.winners if winner.leads]
    others = [winner for winner in known.winners if not winner.leads]
    notes = [Text(UNCHECKED)] if known.objective != "exact" else []
    if not known.recorded:
        notes.append(Text("read from the branches: effects, ablations and verifications are where the campaign ran"))
    parts: list[RenderableType] = [Text(head, style="bold"), *notes, Text(f"\nchanges behind {known.incumbent}")]
    parts += [_paragraph(winner, known) for winner in leading]
    if others:
        parts += [Text("also accepted"), *(_paragraph(winner, known) for winner in others)]
    parts += [Text.assemble(("next: ", "dim"), command, no_wrap=True, overflow="ignore") for command in _next(known)]
    return Group(*parts)


def _next(known: Winners) -> list[str]:
    """Return the commands that are of use next: what is not known of the incumbent, and how to take it."""
    best = next((winner for winner in known.winners if winner.experiment == known.incumbent), None)
    if best is None or best.parent is None:  # the baseline is nothing to take
        return []
    of = f"{best.experiment} --campaign {known.campaign}"
    return [*([] if best.verification else [f"stoichloop verify {of}"]), f"stoichloop pick {of}"]


def _paragraph(winner: Winner, known: Winners) -> RenderableType:
    score = "no score" if winner.score is None else f"{winner.score:.4f}{within(winner.interval)}"
    title = Text(f"{winner.experiment}  {score} on {counted(len(winner.seeds), 'seed')}", style="bold")
    lines = [Text(f"{winner.move}: {winner.title}" if winner.move else winner.title)]
    if winner.combines:
        lines.append(Text(f"combines {', '.join(winner.combines)}"))
    if winner.parent is not None:
        place = winner.branch or f"commit {winner.commit[:12]}"
        changed = f"code {winner.code}, configuration {winner.configuration}"
        lines.append(Text(f"{place}, on {winner.parent}: {changed}", style="dim"))
    if winner.undone:
        lines.append(Text(f"later changes undo all of it: {known.incumbent} contains none of it"))
    if winner.effect is not None:
        p_value = "" if winner.p_value is None else f", p = {winner.p_value:.2g}"
        lines.append(
            Text(f"{winner.effect:+z.4f}{within(winner.effect_interval, signed=True)} against {winner.rival}{p_value}")
        )
    elif not known.recorded:
        lines.append(Text(winner.verdict))
    if (worth := winner.ablation) is not None:
        lines.append(_worth("in the stack", worth))
    elif winner.leads and winner.parent is not None and known.recorded:
        lines.append(Text("in the stack: not ablated yet"))
    lines += [_worth(f"{part.left_out} in the stack", part) for part in winner.parts]
    if (siblings := winner.verification) is not None:
        gain = "" if siblings.gain is None else f": {siblings.gain:+z.4f}{within(siblings.interval, signed=True)}"
        lines.append(
            Text(f"on {counted(len(siblings.siblings), 'sibling')}: {siblings.verdict}{gain} against the base commit")
        )
    return Group(title, Padding(Group(*lines), (0, 0, 1, 7)))


def _worth(place: str, ablation: Ablation) -> Text:
    return Text(f"{place}: {ablation.verdict}: {ablation.reason}{within(ablation.interval, signed=True)}")
