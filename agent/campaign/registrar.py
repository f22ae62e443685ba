"""The registrar: gives a proposal its number, commit and configuration, and a judged experiment its place in git.

What is tried lies on no branch: refs/experiments/CAMPAIGN/e0017 keeps it, so that nothing is lost and `git branch`
stays short. When an experiment has its verdict, the same content is committed again with the verdict in its message; an
accepted one also becomes the branch exp/CAMPAIGN/e0017, on top of the branch of its parent.
"""

from __future__ import annotations

import errno
import hashlib
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from git import GitCommandError

from agent.analyzer.judging.interval import SHARE, interval_of_mean
from agent.campaign.folder import CampaignFolder, Settings
from agent.executor.code.code_state import PATIENCE_S
from agent.executor.code.patch import apply_diff, apply_edits, inspect
from agent.executor.code.unified_diff import PatchRefusedError
from agent.executor.code.worktree import Worktrees, choose, keep_what_fits
from agent.executor.sandbox.bubblewrap import Sandbox
from agent.planner.contract import Objection
from agent.planner.proposal import Proposal
from memory.formatting import counted, within
from memory.intervention import Intervention
from memory.leaderboard import incumbent, left_out
from memory.ledger import Ledger
from memory.records import TITLE_CHARACTERS, Experiment, Verdict, experiment_name
from stoichloop.errors import StoichloopError
from stoichloop.foreign_text import commit_paragraph, one_line, shorten, visible

START_ANEW = "fix gnn/, commit, and start another --campaign from there"
USER = "user"  # in the place of the planner, where an experiment is an idea of the user
_WIDTH = 66  # characters of a line of a commit message
_USUAL_S = 5.0  # an answer of the code on a configuration; what takes longer is counted
_REASON = 1000  # characters of a refusal, and of a verdict in a commit message
_SLOW = "answers too slowly to look at further configurations; propose a change of its code"
_KNOWN = Objection("an earlier experiment, or one of this block, is the same", known=True)


@dataclass(frozen=True)
class _Draft:
    """A proposal that can become an experiment. `commit` is None until one is needed."""

    configuration: dict[str, Any]
    fingerprint: str
    commit: str | None


@dataclass
class Registrar:
    """Gives experiments of one campaign their identity, and their place in git."""

    campaign: CampaignFolder
    worktrees: Worktrees
    ledger: Ledger
    _drafts: dict[str, _Draft | StoichloopError] = field(default_factory=dict)

    def baseline(self) -> Experiment:
        """Return the first experiment: the base commit, unchanged."""
        commit = self.campaign.settings.base_commit
        try:
            configuration = self.worktrees.at(commit).resolve({})
        except StoichloopError as error:
            raise StoichloopError(
                f"commit {commit[:12]}, which this campaign starts from: {error}; {START_ANEW}"
            ) from error
        return Experiment(
            id="e0001",
            block=0,
            parent=None,
            planner="none",
            title="the base commit as it is",
            hypothesis="the base commit as it is; its spread over seeds is the noise to beat",
            changes={},
            configuration=configuration,
            fingerprint=self.worktrees.fingerprint(commit, configuration),
            proposed_at=time.time(),
            commit=commit,
        )

    def objections(self, past: Sequence[Experiment]) -> Callable[[Proposal], Objection | None]:
        """Return a test that lets each proposal pass once: None, or the reason why it cannot become an experiment.

        What has been run or has passed before is no experiment again. Where code answers slowly, all configurations
        share a minute: nothing else is done meanwhile.
        """
        seen = {e.fingerprint for e in past}
        known = {e.id: e for e in past}
        late_s = 0.0

        def objection(proposal: Proposal) -> Objection | None:
            parent = known.get(proposal.parent)
            if parent is None or not parent.accepted:
                return Objection(_not_a_parent(proposal))
            try:
                fingerprint = self._draft(proposal, parent).fingerprint
            except StoichloopError as error:
                return Objection(str(error))
            fingerprint = _anew(fingerprint, proposal, past) if fingerprint in seen else fingerprint
            if fingerprint in seen:
                return _KNOWN
            seen.add(fingerprint)
            return None

        def timed(proposal: Proposal) -> Objection | None:
            nonlocal late_s
            if proposal.patches:
                return objection(proposal)
            if late_s > PATIENCE_S:
                return Objection(f"{proposal.parent} {_SLOW}")
            began = time.monotonic()
            found = objection(proposal)
            late_s += max(0.0, time.monotonic() - began - _USUAL_S)
            return found

        return timed

    def identify(self, proposals: Sequence[Proposal], planner: str, past: Sequence[Experiment]) -> list[Experiment]:
        """Give proposals their identity: the next numbers, commits, whole configurations.

        What cannot become an experiment is refused, with the reason; a refusal that stands already is left out. A
        proposal on a parent that there is not is an event, since an experiment has a parent.
        """
        seen = {e.fingerprint for e in past}
        by_id = {e.id: e for e in past}
        experiments: list[Experiment] = []
        for proposal in proposals:
            parent = by_id.get(proposal.parent)
            if parent is None:
                self.ledger.add_event(f"a proposal by {planner} was refused: {_not_a_parent(proposal)}")
                continue
            experiment = self._experiment(experiment_name(len(past) + len(experiments) + 1), proposal, parent, planner)
            if experiment.fingerprint in seen:
                experiment = replace(experiment, fingerprint=_anew(experiment.fingerprint, proposal, past))
            if experiment.fingerprint not in seen:
                seen.add(experiment.fingerprint)
                experiments.append(experiment)
        self._drafts.clear()
        return experiments

    def try_idea(
        self, idea: Intervention, parent: Experiment, past: Sequence[Experiment], uncontained: str | None = None
    ) -> Experiment:
        """Give an idea of the user its identity, on a parent. One that cannot be tried is refused, with the reason.

        `uncontained` is the reason why no code may run.
        """
        proposal = proposal_of(idea, parent.id)
        if uncontained is not None and proposal.patches:
            self._drafts[_key(proposal)] = StoichloopError(uncontained)
        experiment = self._experiment(experiment_name(len(past) + 1), proposal, parent, USER, idea)
        known = next((e for e in past if e.fingerprint == experiment.fingerprint), None)
        self._drafts.clear()
        if known is not None:
            # A fingerprint of its own, for the ledger has one experiment for each.
            fingerprint = hashlib.sha256(f"idea {idea.number} is {known.fingerprint}".encode()).hexdigest()
            verdict = Verdict("refused", f"{known.id} has tried this already")
            experiment = replace(experiment, fingerprint=fingerprint, commit=None, verdict=verdict)
        if experiment.verdict is not None:
            verdict = replace(experiment.verdict, reason=credited(experiment.verdict.reason, experiment))
            experiment = replace(experiment, verdict=verdict)
        return experiment

    def _experiment(
        self, name: str, proposal: Proposal, parent: Experiment, planner: str, idea: Intervention | None = None
    ) -> Experiment:
        experiment = Experiment(
            id=name,
            block=self.ledger.next_block(),
            parent=parent.id,
            planner=proposal.planner or planner,
            title=proposal.title,
            hypothesis=proposal.hypothesis,
            changes=proposal.changes,
            configuration=parent.configuration,
            fingerprint="",
            proposed_at=time.time(),
            role=proposal.role,
            move=proposal.move,
            repairs=proposal.repairs,
            combines=proposal.combines,
            kind=proposal.kind,
            prompt=proposal.prompt,
            idea=idea.number if idea else None,
            author=idea.author if idea else "",
        )
        try:
            draft = self._draft(proposal, parent)
        except StoichloopError as error:
            asked = _key(proposal)
            return replace(
                experiment,
                fingerprint=hashlib.sha256(f"refused {asked}".encode()).hexdigest(),
                patch=proposal.diff or "\n".join(edit.model_dump_json(indent=1) for edit in proposal.edits),
                verdict=Verdict("refused", str(error)),
            )
        experiment = replace(experiment, configuration=draft.configuration, fingerprint=draft.fingerprint)
        base = commit_of(parent)
        tried = draft.commit or self.worktrees.commit(base, edit_of(proposal, self.worktrees.sandbox), "draft")
        commit = self.worktrees.reword(tried, base, self._message(experiment), experiment.proposed_at)
        self.worktrees.keep(self._ref(experiment), commit)
        patch = self.worktrees.patch_of(commit, base) if proposal.patches else ""
        return replace(experiment, commit=commit, patch=patch)

    def _draft(self, proposal: Proposal, parent: Experiment) -> _Draft:
        """Return the draft of a proposal on its parent; raise `StoichloopError` with the reason if there is none.

        A refusal is kept like a draft, so that code which is slow to answer is not asked again.
        """
        if not parent.accepted:
            raise StoichloopError(_not_a_parent(proposal))
        key = _key(proposal)
        if key not in self._drafts:
            try:
                self._drafts[key] = self._new_draft(proposal, parent)
            except StoichloopError as error:
                self._drafts[key] = StoichloopError(visible(str(error))[:_REASON])
        draft = self._drafts[key]
        if isinstance(draft, StoichloopError):
            raise draft
        return draft

    def _new_draft(self, proposal: Proposal, parent: Experiment) -> _Draft:
        base = commit_of(parent)
        if not proposal.patches:
            configuration = self.worktrees.at(base).resolve({**parent.configuration, **proposal.changes})
            return _Draft(configuration, self.worktrees.fingerprint(base, configuration), None)
        deadline = time.monotonic() + PATIENCE_S
        commit = self.worktrees.commit(base, edit_of(proposal, self.worktrees.sandbox, deadline), "draft")
        state = self.worktrees.at(commit, deadline)
        configuration = state.resolve({})
        state.deadline = math.inf
        return _Draft(configuration, self.worktrees.fingerprint(commit, configuration), commit)

    # The place in git

    def land(self) -> None:
        """Give every judged experiment its commit with the verdict, and every accepted one its branch.

        The same verdict makes the same commit, so what a killed controller began is only done again.
        """
        experiments = {e.id: e for e in self.ledger.experiments()}
        for e in experiments.values():
            if e.parent is None or e.commit is None or e.verdict is None or e.landed is not None:
                continue
            base = commit_of(experiments[e.parent])
            commit = self.worktrees.reword(e.commit, base, self._message(e), e.proposed_at)
            self.worktrees.keep(self._ref(e), commit)
            branch = f"exp/{self.campaign.settings.name}/{e.id}"
            if e.accepted and not self.worktrees.branch(branch, commit):
                self.ledger.add_event(f"branch {branch} exists and is not {e.id}'s, which is kept as {self._ref(e)}")
            self.ledger.add_landing(e.id, commit)

    def _ref(self, experiment: Experiment) -> str:
        return f"refs/experiments/{self.campaign.settings.name}/{experiment.id}"

    def _message(self, experiment: Experiment) -> str:
        settings = self.campaign.settings
        trailers = {
            "Campaign": settings.name,
            "Experiment": experiment.id,
            "Parent": experiment.parent,
            "Idea-Of": one_line(experiment.author) or None,
            "Regime": settings.regime,
            "Move": experiment.move,
            "Combines": ", ".join(experiment.combines) or None,
            "Fingerprint": experiment.fingerprint,
            **(_verdict_trailers(experiment, settings) if experiment.verdict else {}),
        }
        return (
            f"{experiment.id}: {one_line(experiment.headline)}\n\n{commit_paragraph(experiment.hypothesis, _WIDTH)}\n\n"
            + "".join(f"{key}: {one_line(value)}\n" for key, value in trailers.items() if value is not None)
        )


def _anew(fingerprint: str, proposal: Proposal, past: Sequence[Experiment]) -> str:
    """Return another fingerprint for an earlier experiment that is now the incumbent without some of its parts.

    It was run against an earlier incumbent; the question now is whether it is as good as the combination.
    """
    leader = incumbent(past)
    if leader is None or not left_out(past, proposal.parent, proposal.combines, leader):
        return fingerprint
    return hashlib.sha256(f"{fingerprint} of {leader.id}".encode()).hexdigest()


def _key(proposal: Proposal) -> str:
    """Return the fields that a draft depends on, as text."""
    return proposal.model_dump_json(include={"parent", "changes", "edits", "diff"})


def _not_a_parent(proposal: Proposal) -> str:
    return f"{proposal.parent} is not an accepted experiment, so nothing can be built on it"


def proposal_of(idea: Intervention, parent: str) -> Proposal:
    """Return the proposal that makes the changes of an idea; raise `ValueError` for one that is too long."""
    title = shorten(idea.words, TITLE_CHARACTERS, " ...")
    return Proposal(title=title, hypothesis=idea.words, parent=parent, changes=idea.changes, diff=idea.patch)


def credited(reason: str, experiment: Experiment) -> str:
    """Return the reason of a verdict, with whose idea the experiment is where that is a user's."""
    return f"{reason}; an idea of {experiment.author}" if experiment.author else reason


def commit_of(experiment: Experiment) -> str:
    """Return the commit that an experiment's children are built upon."""
    commit = experiment.landed or experiment.commit
    assert commit is not None
    return commit


def edit_of(proposal: Proposal, sandbox: Sandbox, deadline: float = math.inf) -> Callable[[Path], None]:
    """Return the edit of a proposal on a checkout of its parent; it raises `StoichloopError` if it does not fit.

    Its code is asked until `deadline`.
    """
    if not proposal.patches:
        return choose(proposal.changes)

    def edit(folder: Path) -> None:
        try:
            if proposal.diff:
                apply_diff(proposal.diff, folder)
            apply_edits(proposal.edits, folder)
            inspect(folder, sandbox, deadline)
        except (OSError, ValueError, GitCommandError) as error:
            if _is_fault_of_machine(error):
                raise
            raise PatchRefusedError(f"the patch cannot be applied: {_fault_of(error, folder)}") from error
        try:
            keep_what_fits(folder, sandbox, deadline)
        except StoichloopError as error:
            raise PatchRefusedError(f"with the patch, python -m gnn.config fails: {error}") from error
        choose(proposal.changes)(folder)

    return edit


def _fault_of(error: Exception, folder: Path) -> str:
    """Return the words of an error, with the file in the checkout at `folder` whose name the system does not take."""
    if not isinstance(error, OSError):
        return str(error)
    if error.filename is None or not Path(error.filename).is_relative_to(folder):
        return str(error.strerror)
    return f"{Path(error.filename).relative_to(folder)}: {error.strerror}; choose another name"


def _is_fault_of_machine(error: Exception) -> bool:
    """Return whether this machine, and not the patch, is to blame: a full disk, or too many open files."""
    full = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.ENOMEM, errno.EMFILE, errno.ENFILE)
    return getattr(error, "errno", None) in full or os.strerror(errno.ENOSPC) in str(error)


def _verdict_trailers(experiment: Experiment, settings: Settings) -> dict[str, str]:
    verdict, scores = experiment.verdict, experiment.scores(settings.fidelity)
    assert verdict is not None
    trailers = {"Verdict": f"{verdict.verdict}, {shorten(verdict.reason, _REASON)}"}
    if scores:
        values = list(scores.values())
        mean = f"{sum(values) / len(values):.4f}{within(interval_of_mean(values, SHARE))}"
        trailers["Score"] = f"{mean} {settings.objective} at {settings.fidelity}"
        trailers["Seeds"] = ", ".join(f"{seed} ({score:.4f})" for seed, score in sorted(scores.items()))
    trials = experiment.all_trials
    trailers["Cost"] = f"{sum(t.seconds for t in trials):.0f} s in {counted(len(trials), 'trial')}"
    return trailers
