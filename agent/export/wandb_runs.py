"""Export to Weights & Biases: a group of a project for a campaign, a run for each experiment that has its verdict.

name      the experiment's id and title
config    what is known of it in words, and the whole configuration
history   loss and loss_pred by step, of its representative trial
summary   scores as means over the seeds, and the figures of the verdict
A run that W&B has finished can take no more, so that an experiment is told once, at its verdict. A file in the
campaign's folder lists those that were told. With WANDB_MODE=offline, the runs wait in that folder for `wandb sync`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.campaign.folder import CampaignFolder
from agent.executor.artifacts import read_curves
from agent.export.tracker import Tracked, facts_of, group_name, metrics_of, run_name
from memory.leaderboard import typical_trial
from memory.ledger import Ledger
from memory.records import CampaignRecord, Experiment
from stoichloop.errors import StoichloopError
from stoichloop.extras import how_to_install
from stoichloop.foreign_text import shorten

_WORDS = 240  # characters kept of an error
_NAME = 128  # characters of a name of W&B's
_TAG = 64


def track_wandb(campaign: CampaignFolder, project: str) -> Tracked:
    """Add a campaign's new verdicts to the W&B project PROJECT or ENTITY/PROJECT."""
    with Ledger(campaign.ledger_path, readonly=True) as ledger:
        record, experiments = ledger.campaign(), ledger.experiments()
    assert record is not None
    return WandbRuns(campaign, project).tell(record, experiments)


@dataclass(frozen=True)
class WandbRuns:
    """The runs of a campaign in one project of W&B; see `Tracker`."""

    campaign: CampaignFolder
    project: str

    @property
    def _told_path(self) -> Path:
        return self.campaign.folder / "wandb" / "told.txt"

    def tell(self, record: CampaignRecord, experiments: Sequence[Experiment]) -> Tracked:
        """See `Tracker`."""
        told = self._told_path.read_text(encoding="utf-8").splitlines() if self._told_path.is_file() else []
        judged = [e for e in experiments if e.verdict is not None]
        news = [e for e in judged if self._line(e) not in told]
        for experiment in news:
            try:
                self._add(record, experiment)
            except StoichloopError:
                raise
            except Exception as error:  # W&B's errors have no common base
                words = shorten(str(error) or type(error).__name__, _WORDS).rstrip(".")
                again = f"stoichloop export {record.name} --wandb {self.project}"
                raise StoichloopError(
                    f"W&B project {self.project}: {words}; fix this, and '{again}' adds what is missing"
                ) from error
            with self._told_path.open("a", encoding="utf-8") as lines:
                lines.write(f"{self._line(experiment)}\n")
        return Tracked(group_name(record), len(news), 0, len(judged) - len(news))

    def _line(self, e: Experiment) -> str:
        return f"{self.project} {e.id}"

    def _add(self, record: CampaignRecord, e: Experiment) -> None:
        """Add the run of an experiment. Its id is always the same: told again after a crash, it is still one run."""
        try:
            import wandb
        except ImportError as error:
            raise StoichloopError(
                f"W&B project {self.project}: the package wandb is missing; {how_to_install('wandb')}"
            ) from error
        assert e.verdict is not None
        entity, _, project = self.project.rpartition("/")
        begun = hashlib.sha256(f"{record.created_at} {record.base_commit}".encode()).hexdigest()[:8]
        facts: dict[str, Any] = {**facts_of(record, e), "regime": record.regime, "fidelity": record.fidelity}
        self._told_path.parent.mkdir(exist_ok=True)
        run = wandb.init(
            entity=entity or None,
            project=project,
            dir=self.campaign.folder,
            id=f"{record.name}-{begun}-{e.id}",
            name=run_name(e)[:_NAME],
            group=group_name(record)[:_NAME],
            job_type=e.planner[:_TAG],
            tags=[e.verdict.verdict],
            config={**facts, "configuration": e.configuration},
            resume="allow",
            reinit="create_new",
            settings=wandb.Settings(
                silent=True, console="off", disable_git=True, save_code=False, x_disable_stats=True, x_disable_meta=True
            ),
        )
        trial = typical_trial(e, record.fidelity) or next(reversed(e.trials), None)
        for point in read_curves(self.campaign.folder / trial.folder) if trial else ():
            run.log({"loss": point.loss, "loss_pred": point.loss_pred}, step=point.step)
        run.summary.update(metrics_of(record, e))
        run.finish(exit_code=1 if e.verdict.verdict == "failed" else 0)
