"""The campaign in this workspace that a chain from git belongs to; a fresh clone has none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from agent.base.console import Console
from agent.campaign.budget import usual_s
from agent.campaign.folder import CampaignFolder, open_campaign
from agent.executor.workspace import Workspace
from agent.training.measurement import Laboratory, laboratory
from agent.winners.chain import Chain, find_chain
from memory.ledger import Ledger
from stoichloop.errors import StoichloopError


def campaign_of(workspace: Workspace, chain: Chain) -> CampaignFolder | None:
    """Return the local campaign whose ledger holds the chain's experiment; None if there is none."""
    name = chain.tip.campaign
    if not (workspace.runs / name / "campaign.yaml").is_file():
        return None
    campaign = open_campaign(workspace, name)
    with Ledger(campaign.ledger_path, readonly=True) as ledger:
        record = ledger.experiment(chain.tip.experiment)
    return campaign if record is not None and record.fingerprint == chain.tip.fingerprint else None


def chosen_chain(workspace: Workspace, experiment: str, campaign: str | None, *, force: bool) -> Chain:
    """Find the chain of an experiment whose code is to be run.

    Raises `StoichloopError` if it was not accepted, or vetoed since, unless `force`; and where no sandbox holds.
    """
    chain = find_chain(workspace.repo, experiment, campaign)
    if not force:
        chain.require_accepted()
        refuse_vetoed(workspace, chain)
    workspace.refuse_uncontained("code of experiments")
    return chain


def refuse_vetoed(workspace: Workspace, chain: Chain) -> None:
    """Raise `StoichloopError` for an experiment that the user has vetoed since its branch was made."""
    campaign = campaign_of(workspace, chain)
    if campaign is None:
        return
    with Ledger(campaign.ledger_path, readonly=True) as ledger:
        record = ledger.experiment(chain.tip.experiment)
    if record is not None and record.verdict is not None and not record.accepted:
        raise StoichloopError(f"{record.id} is {record.verdict.verdict}: {record.verdict.reason}; --force takes it")


def usual_trial_s(workspace: Workspace, chain: Chain, fidelity: str) -> float | None:
    """Return the usual time of a trial of the chain's experiment, None where no local campaign knows it."""
    campaign = campaign_of(workspace, chain)
    if campaign is None:
        return None
    with Ledger(campaign.ledger_path, readonly=True) as ledger:
        return usual_s(ledger.these([chain.tip.experiment]), fidelity)


def idle_changes(workspace: Workspace, chain: Chain) -> list[str]:
    """Return the experiments of the chain that an ablation did not show to matter."""
    campaign = campaign_of(workspace, chain)
    if campaign is None:
        return []
    with Ledger(campaign.ledger_path, readonly=True) as ledger:
        ablations = ledger.ablations(chain.tip.experiment)
    return [name for name, ablation in ablations.items() if ablation.verdict == "not shown to matter"]


@contextmanager
def remembering(
    workspace: Workspace, chain: Chain, console: Console, check: Callable[[], None]
) -> Iterator[Laboratory]:
    """Yield a laboratory that records into the chain's local campaign, locked meanwhile, if there is one."""
    campaign = campaign_of(workspace, chain)
    with ExitStack() as stack:
        ledger = None
        if campaign is not None:
            stack.enter_context(campaign.lead())
            ledger = stack.enter_context(Ledger(campaign.ledger_path))
        yield stack.enter_context(laboratory(workspace, ledger, console, check))
