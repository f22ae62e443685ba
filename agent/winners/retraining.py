"""Retrainings of what was accepted, as `stoichloop verify` and `stoichloop winners --ablate` make them."""

from __future__ import annotations

from collections.abc import Callable

from agent.analyzer.judging.confirmation import MIN_PAIRS
from agent.base.console import Console
from agent.campaign.folder import CampaignFolder
from agent.executor.workspace import Workspace
from agent.training.datasets import dataset_of
from agent.training.measurement import laboratory
from agent.winners.chain import Chain
from agent.winners.leave_one_out import ablate
from agent.winners.local_campaign import remembering
from agent.winners.overview import accepted
from agent.winners.verify import verify
from memory.ledger import Ledger
from memory.records import Verification
from stoichloop.errors import UsageError

_MOST_SIBLINGS, _MOST_SEEDS = 999, 400


def verify_on_siblings(
    workspace: Workspace,
    chain: Chain,
    siblings: int,
    *,
    seed: int,
    fidelity: str,
    console: Console,
    check: Callable[[], None],
) -> Verification:
    """Train an experiment and its base commit on the first `siblings` sibling networks of its regime."""
    if not 1 <= siblings <= _MOST_SIBLINGS:
        raise UsageError(f"--siblings {siblings} must be from 1 to {_MOST_SIBLINGS}")
    with remembering(workspace, chain, console, check) as trials:
        networks = [
            (number, dataset_of(chain.tip.regime, number, root=workspace.data, quiet=console.quiet)[0])
            for number in range(1, siblings + 1)
        ]
        return verify(trials, chain, networks, seed=seed, fidelity=fidelity)


def ablate_changes(
    workspace: Workspace,
    campaign: CampaignFolder,
    experiment: str | None,
    seeds: int,
    *,
    console: Console,
    check: Callable[[], None],
) -> None:
    """Measure the worth of each change behind an accepted experiment or the incumbent, on `seeds` fresh seeds."""
    if not MIN_PAIRS <= seeds <= _MOST_SEEDS:
        raise UsageError(f"--seeds {seeds} must be from {MIN_PAIRS} to {_MOST_SEEDS}")
    workspace.refuse_uncontained("code of experiments")
    dataset, _ = dataset_of(campaign.settings.regime, root=workspace.data, quiet=console.quiet)
    with (
        campaign.lead(),
        Ledger(campaign.ledger_path) as ledger,
        laboratory(workspace, ledger, console, check) as trials,
    ):
        ablate(campaign, ledger, trials, dataset, accepted(ledger, experiment), seeds)
