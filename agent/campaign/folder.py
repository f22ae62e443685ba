"""A campaign on disk: `runs/NAME/`, made once, opened again by the same command, led by one controller at a time.

campaign.yaml   what was asked            brief.md    the user's instructions
memory.db       the ledger                memory.md, log.md, curve.svg, report.html   rendered from it
data/           the data that trials are given, and those of siblings
inbox/          interventions of the user that wait for the controller
calls/0042.md   a question to a model, and its answer
experiments/e0017/s2-probe/   input and output of a trial; s2-probe-n3 on sibling 3
"""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from pydantic import BaseModel, ConfigDict

from agent.campaign.campaign_data import keep_data, refuse_other_data
from agent.executor.trial import check_fidelity
from agent.executor.workspace import Workspace, head_commit
from memory.formatting import counted
from memory.ledger import Ledger
from memory.objective import Objective
from memory.records import CampaignRecord, Experiment
from simulator.yaml_file import read_mapping
from stoichloop.errors import StoichloopError, UsageError

if TYPE_CHECKING:
    from simulator.dataset import FrozenData

_DRAFT_S = 3600.0  # age of a draft whose process is long gone: making a campaign takes a second
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class Settings(BaseModel):
    """`campaign.yaml`: the settings. Changing it in mid-campaign is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    regime: str
    dataset: str
    base_commit: str
    planner: str
    fidelity: str
    full_steps: int
    seed: int
    objective: Objective = "exact"  # the only one there was before it had a name


@dataclass(frozen=True)
class CampaignFolder:
    """A campaign's folder and settings."""

    folder: Path
    settings: Settings

    @property
    def ledger_path(self) -> Path:
        """Return the path of the ledger."""
        return self.folder / "memory.db"

    @property
    def report_path(self) -> Path:
        """Return the path of the report."""
        return self.folder / "report.html"

    @property
    def inbox_path(self) -> Path:
        """Return the folder of interventions that wait for the controller."""
        return self.folder / "inbox"

    @property
    def last_written(self) -> float:
        """Time of the last addition to the ledger. While a controller has it open, additions go to the -wal file."""
        return _last_written(self.folder)

    def brief(self) -> str:
        """Return the user's instructions as they are now; empty if there are none."""
        path = self.folder / "brief.md"
        return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""

    def trial_folder(self, trial: str, attempt: int) -> Path:
        """Return a folder for an attempt at trial `e0017/s2/probe`; attempts after the first are numbered."""
        experiment, *rest = trial.split("/")
        suffix = f".{attempt}" if attempt > 1 else ""
        return self.folder / "experiments" / experiment / f"{'-'.join(rest)}{suffix}"

    @contextmanager
    def lead(self) -> Iterator[None]:
        """Be the one controller of this campaign; the kernel lets go of the lock even if we are killed."""
        from filelock import FileLock, Timeout

        lock = FileLock(self.folder / "lock")
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise StoichloopError(
                f"campaign '{self.settings.name}' is already run by another controller; watch it with "
                f"'stoichloop status {self.settings.name}', or give this one another --campaign name"
            ) from error
        try:
            yield
        finally:
            lock.release()


def is_campaign_name(name: str) -> bool:
    """Return whether a campaign may have this name, which is that of a folder and part of the names of branches."""
    return _NAME.fullmatch(name) is not None


def check_name(name: str) -> None:
    """Raise `StoichloopError` if a campaign cannot have this name."""
    if not is_campaign_name(name):
        raise UsageError(
            f"--campaign '{name}' must be up to 64 letters, digits, '-' and '_': it names a folder and branches"
        )


def start_campaign(
    workspace: Workspace, name: str, dataset: FrozenData, *, planner: str, fidelity: str, seed: int
) -> CampaignFolder:
    """Open the campaign `name`, or make it; raises `StoichloopError` if its settings differ."""
    check_name(name)
    check_fidelity(fidelity)
    folder = workspace.runs / name
    asked = Settings(
        name=name,
        regime=dataset.regime.name,
        dataset=dataset.manifest.fingerprint(),
        base_commit=head_commit(workspace),
        planner=planner,
        fidelity=fidelity,
        full_steps=dataset.regime.training.full_steps,
        seed=seed,
        objective="support" if dataset.manifest.truth is None else "exact",
    )
    if folder.exists():
        campaign = open_campaign(workspace, name)
        _refuse_other_wishes(campaign, asked)
        _refuse_replaced_score(campaign, asked)
        refuse_other_data(campaign.folder, campaign.settings.dataset, dataset)
        return campaign
    _refuse_old_branches(workspace, name)
    _create(folder, asked, dataset)
    return CampaignFolder(folder, asked)


def _refuse_other_wishes(campaign: CampaignFolder, asked: Settings) -> None:
    # The base commit is where the campaign began; later commits of the user's do not move it.
    for key in ("regime", "planner", "fidelity", "full_steps", "seed"):
        made, wish = getattr(campaign.settings, key), getattr(asked, key)
        if made != wish:
            raise StoichloopError(
                f"{campaign.folder / 'campaign.yaml'}: key '{key}' is '{made}', but '{wish}' was asked for; "
                "ask for the same, or give this one another --campaign name"
            )


def _refuse_replaced_score(campaign: CampaignFolder, asked: Settings) -> None:
    made = campaign.settings.objective
    if made != asked.objective:
        raise StoichloopError(
            f"{campaign.folder / 'campaign.yaml'}: key 'objective' is '{made}', which '{asked.objective}' has "
            "replaced, and the two cannot be compared; begin another campaign with --campaign NAME"
        )


def _refuse_old_branches(workspace: Workspace, name: str) -> None:
    """Raise `StoichloopError` if branches of another campaign stand in the way of those of this one."""
    from agent.base.loop_git import linked_worktrees

    git = workspace.repo.git
    if git.for_each_ref("--format=%(refname)", "refs/heads/exp", "--count=1") == "refs/heads/exp":
        raise StoichloopError("branch 'exp' stands in the way of experiment branches 'exp/...'; rename it")
    # All worktrees of a clone share its branches: one campaign must not write into those of another.
    for root in linked_worktrees(git):
        if (root / "runs" / name / "campaign.yaml").is_file():
            raise StoichloopError(
                f"campaign '{name}' lives in {root / 'runs' / name}, in another worktree of this clone, and their "
                "branches would mix; choose another --campaign name here, or continue it there"
            )
    old = str(
        git.for_each_ref("--format=%(refname:short)", f"refs/heads/exp/{name}", f"refs/experiments/{name}")
    ).split()
    if old:
        raise StoichloopError(
            f"an earlier campaign '{name}' has left {counted(len(old), 'commit')}, from {old[0]} on; choose another "
            f"--campaign name, or delete them: stoichloop forget {name}; rename a branch that it keeps"
        )


def drafts_of(runs: Path, name: str) -> list[Path]:
    """Return the folders in which a campaign was being made when its process was killed, or is being made now."""
    draft = re.compile(rf"\.{re.escape(name)}-[a-z0-9_]{{8}}")
    return [path for path in runs.glob(".*") if draft.fullmatch(path.name)]


def _create(folder: Path, settings: Settings, dataset: FrozenData) -> None:
    """Make the whole folder under another name first: a campaign is there entirely or not at all."""
    from agent.planner.questions.prompts import render_prompt

    folder.parent.mkdir(parents=True, exist_ok=True)
    for path in drafts_of(folder.parent, settings.name):
        if time.time() - path.stat().st_mtime > _DRAFT_S:
            shutil.rmtree(path)
    draft = Path(tempfile.mkdtemp(prefix=f".{settings.name}-", dir=folder.parent))
    record = CampaignRecord(
        settings.name,
        settings.regime,
        settings.dataset,
        settings.base_commit,
        settings.fidelity,
        time.time(),
        settings.objective,
    )
    try:
        with Ledger(draft / "memory.db") as ledger:
            ledger.add_campaign(record)
        (draft / "brief.md").write_text(
            render_prompt("brief.md.j2", regime=settings.regime, objective=settings.objective), encoding="utf-8"
        )
        (draft / "campaign.yaml").write_text(yaml.safe_dump(settings.model_dump(), sort_keys=False), encoding="utf-8")
        keep_data(dataset, draft)
        draft.chmod(0o755)
        draft.rename(folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def open_campaign(workspace: Workspace, name: str | None) -> CampaignFolder:
    """Open an existing campaign; without a name, the one that was written to last. Raises `StoichloopError`."""
    folders = sorted((workspace.runs / known for known in workspace.campaign_names), key=_last_written)
    if name is None:
        if not folders:
            raise StoichloopError(
                f"{workspace.runs}: there is no campaign yet; start one with 'stoichloop explore pde_m1'"
            )
        name = folders[-1].name
    path = workspace.runs / name / "campaign.yaml"
    if not path.is_file():
        known = ", ".join(folder.name for folder in folders) or "none"
        raise StoichloopError(f"there is no campaign '{name}' in {workspace.runs}; campaigns there: {known}")
    try:
        settings = Settings.model_validate(read_mapping(path, str(path)))
    except ValueError as error:
        raise StoichloopError(f"{path}: malformed; restore it as it was when the campaign was made") from error
    if settings.name != name:
        raise StoichloopError(f"{path}: key 'name' is '{settings.name}'; a campaign cannot be copied or renamed")
    return CampaignFolder(path.parent, settings)


def find_experiment(campaign: CampaignFolder, ledger: Ledger, name: str) -> Experiment:
    """Return one experiment; raises `StoichloopError` that names the existing ones."""
    if (found := ledger.experiment(name)) is None:
        known = ledger.experiments()
        span = f"it has {known[0].id} to {known[-1].id}" if known else "it has none yet"
        raise StoichloopError(f"there is no experiment '{name}' in campaign '{campaign.settings.name}'; {span}")
    return found


def _last_written(folder: Path) -> float:
    """See `CampaignFolder.last_written`."""
    times = [path.stat().st_mtime for path in folder.glob("memory.db*") if not path.name.endswith("-shm")]
    return max(times, default=0.0)
