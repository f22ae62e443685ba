"""A campaign's place in git and in its ledger, made without spending the night: experiments are accepted by decree."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from agent.campaign.folder import start_campaign
from agent.campaign.registrar import Registrar, commit_of
from agent.executor.code.worktree import Worktrees
from agent.executor.workspace import Workspace
from agent.planner.move_catalogue import read_move
from agent.planner.proposal import Edit, Proposal
from memory.ledger import Ledger
from memory.records import Decision, Experiment, TrialResult, Verdict
from simulator.dataset import Dataset

FIDELITY = "probe"
SIGN_TIED: dict[str, Any] = {"diff": read_move("sign_tied").diff, "move": "sign_tied"}
_BESIDE = '    depth: int = integer(2, 1, 3, "hidden layers in both functions")\n'
_IDLE = '    idle: int = integer(1, 1, 9, "a number that nothing reads")\n'
IDLE_FIELD: dict[str, Any] = {"edits": (Edit(file="gnn/config.py", search=_BESIDE, replace=_BESIDE + _IDLE),)}
IDLE_VALUE: dict[str, Any] = {"changes": {"idle": 2}}


class Night:
    """The campaign `night`; its baseline has been measured on four seeds."""

    def __init__(self, workspace: Workspace, dataset: Dataset, name: str = "night", planner: str = "sweep") -> None:
        self.campaign = start_campaign(workspace, name, dataset, planner=planner, fidelity=FIDELITY, seed=0)
        self.ledger = Ledger(self.campaign.ledger_path)
        self.worktrees = Worktrees(workspace.repo, self.campaign.folder / "worktrees", workspace.sandbox)
        self.registrar = Registrar(self.campaign, self.worktrees, self.ledger)
        baseline = self.registrar.baseline()
        self.ledger.open_block(Decision("baseline", None, "first"), [baseline])
        self._judge(baseline, {0: 0.25, 1: 0.32, 2: 0.36, 3: 0.28}, Verdict("accepted", "the baseline"))

    def accept(
        self, parent: str, scores: Mapping[int, float], verdict: Verdict | None = None, **proposed: Any
    ) -> Experiment:
        """Judge an experiment, accepted unless another verdict is given, and land it."""
        experiment = self.propose(parent, **proposed)
        by_decree = Verdict("accepted", "by decree", parent, 0.1, (0.05, 0.15), 0.001)
        self._judge(experiment, scores, verdict or by_decree)
        found = self.ledger.experiment(experiment.id)
        assert found is not None
        return found

    def propose(self, parent: str, **proposed: Any) -> Experiment:
        """Add an experiment without a verdict."""
        proposal = Proposal(hypothesis=f"better than {parent}", parent=parent, **proposed)
        (experiment,) = self.registrar.identify([proposal], "sweep", self.ledger.experiments())
        self.ledger.open_block(Decision("sweep", None, "a test"), [experiment])
        return experiment

    def accept_tree(self, parent: str, scores: Mapping[int, float]) -> Experiment:
        """Accept the move `integer_columns`, which rewrites or deletes most of gnn/, on top of an experiment."""
        built_on = self.ledger.experiment(parent)
        assert built_on is not None
        diff = read_move("integer_columns").diff_on(self.worktrees.at(commit_of(built_on)).folder)
        return self.accept(parent, scores, diff=diff, move="integer_columns")

    def reject(self, parent: str, scores: Mapping[int, float], **proposed: Any) -> Experiment:
        """Reject an experiment with these scores; it lands on no branch."""
        return self.accept(parent, scores, verdict=Verdict("rejected", "-0.2790 on seed 0", parent), **proposed)

    def stack(self) -> None:
        """Signs that make the score, a field that nothing reads, and another value for it."""
        self.accept("e0001", {0: 0.55, 1: 0.56}, **SIGN_TIED)
        self.accept("e0002", {0: 0.55, 1: 0.57}, **IDLE_FIELD)
        self.accept("e0003", {0: 0.56, 1: 0.57}, **IDLE_VALUE)

    def close(self) -> None:
        self.worktrees.clear()
        self.ledger.close()

    def _judge(self, experiment: Experiment, scores: Mapping[int, float], verdict: Verdict) -> None:
        for seed, exact in scores.items():
            trial = f"{experiment.id}/s{seed}/{FIDELITY}"
            folder = f"experiments/{experiment.id}/s{seed}-{FIDELITY}"
            values = {"exact": exact, "baseline_exact": 0.55, "skill": 0.0, "blind": 0.0}
            result = TrialResult(
                trial, experiment.id, seed, FIDELITY, "completed", "", values, 1.0, folder, time.time()
            )
            self.ledger.add_result(result)
        self.ledger.add_verdict(experiment.id, verdict)
        self.registrar.land()
