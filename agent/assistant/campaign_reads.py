"""The reads of coding assistants, as JSON: as much of campaigns as planners may know, and no more.

Of the scores that is `exact`, `support`, `blind`, and those of the trivial answer. Trials on sibling networks, which
judge whether a change generalises, are left out: an assistant proposes, and must not fit them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from agent.campaign.campaign_list import list_campaigns
from agent.campaign.folder import CampaignFolder, find_experiment, open_campaign
from agent.campaign.status import read_status
from agent.executor.workspace import Workspace
from agent.screen.experiment_view import diff, diffstat
from agent.winners.overview import accepted, read_winners
from memory.experiment_id import full_id
from memory.leaderboard import standing
from memory.ledger import Ledger
from memory.records import Experiment, VerdictName

_TOLD = ("exact", "support", "blind", "baseline_exact", "uninformed_exact", "baseline_support")
_DIFF = 60_000  # characters of a diff
_LEFT_OUT = {"winners": {"__all__": {"verification"}}}  # on sibling networks


@dataclass(frozen=True)
class CampaignReads:
    """The reads in one clone. A campaign without a name is the one written to last."""

    workspace: Workspace

    def campaigns(self) -> dict[str, Any]:
        """List the campaigns of this clone: state, best experiment, score, gain, time spent."""
        return {"campaigns": [asdict(line) for line in list_campaigns(self.workspace)]}

    def status(self, campaign: str | None = None) -> dict[str, Any]:
        """Show how a campaign stands: state, incumbent, leaderboard, running trials, budget, and the user's brief."""
        opened = open_campaign(self.workspace, campaign)
        with Ledger(opened.ledger_path, readonly=True) as ledger:
            return {**read_status(opened, ledger).model_dump(mode="json"), "brief": opened.brief()}

    def experiments(
        self, campaign: str | None = None, verdict: VerdictName | None = None, search: str = "", last: int = 30
    ) -> dict[str, Any]:
        """List experiments, newest first: what they change, their score, verdict and gain.

        Give a verdict or words to search for, to see fewer; `last` bounds the list.
        """
        opened = open_campaign(self.workspace, campaign)
        with Ledger(opened.ledger_path, readonly=True) as ledger:
            words = search.lower().split()
            found = [
                e for e in ledger.that_contain(words) if verdict is None or (e.verdict and e.verdict.verdict == verdict)
            ]
        shown = list(reversed(found))[: max(1, last)]
        return {"found": len(found), "experiments": [_line(opened, e) for e in shown]}

    def experiment(self, experiment: str | int, campaign: str | None = None) -> dict[str, Any]:
        """Show one experiment, as e0012 or 12: hypothesis, configuration, trials, verdict, changed files, commit."""
        opened, e = self._find(experiment, campaign)
        trials = [
            {
                "trial": t.trial,
                "status": t.status,
                "reason": t.reason,
                "seconds": t.seconds,
                "scores": {name: t.scores[name] for name in _TOLD if name in t.scores},
            }
            for t in e.trials
        ]
        whole = {"configuration": e.configuration, "commit": e.landed or e.commit, "move": e.move, "trials": trials}
        return {**_line(opened, e), **whole, "changed_files": diffstat(self.workspace, e)}

    def diff(self, experiment: str | int, campaign: str | None = None) -> dict[str, Any]:
        """Show the diff of an experiment, as e0012 or 12, against its parent."""
        _, e = self._find(experiment, campaign)
        text = diff(self.workspace, e)
        return {"experiment": e.id, "parent": e.parent, "diff": text[:_DIFF], "cut_off": len(text) > _DIFF}

    def findings(self, campaign: str | None = None) -> dict[str, Any]:
        """List the findings on all evidence so far: established principles, refuted hypotheses, open questions."""
        with Ledger(open_campaign(self.workspace, campaign).ledger_path, readonly=True) as ledger:
            return {"findings": [asdict(finding) for finding in ledger.current_findings()]}

    def winners(self, campaign: str | None = None) -> dict[str, Any]:
        """List the accepted experiments with their evidence: those behind the incumbent first."""
        opened = open_campaign(self.workspace, campaign)
        with Ledger(opened.ledger_path, readonly=True) as ledger:
            found = read_winners(self.workspace, opened, ledger, accepted(ledger, None))
        return found.model_dump(mode="json", exclude=_LEFT_OUT)

    def _find(self, experiment: str | int, campaign: str | None) -> tuple[CampaignFolder, Experiment]:
        opened = open_campaign(self.workspace, campaign)
        with Ledger(opened.ledger_path, readonly=True) as ledger:
            return opened, find_experiment(opened, ledger, full_id(str(experiment)))


def _line(campaign: CampaignFolder, e: Experiment) -> dict[str, Any]:
    """Return an experiment in short."""
    line = standing(e, campaign.settings.fidelity)
    return {
        "id": e.id,
        "title": e.headline,
        "hypothesis": e.hypothesis,
        "planner": e.planner,
        "author": e.author,
        "parent": e.parent,
        "combines": e.combines,
        "changes": e.changes,
        "changes_code": bool(e.patch),
        "score": line and line.score,
        "seeds": line.seeds if line else 0,
        "verdict": asdict(e.verdict) if e.verdict else None,
    }
