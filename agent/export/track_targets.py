"""Targets of `--track`, written KIND:PLACE as in `mlflow:sqlite:///mlflow.db` and `wandb:PROJECT`."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from agent.campaign.folder import CampaignFolder
from agent.export.mlflow_runs import MlflowRuns
from agent.export.tracker import Tracker
from agent.export.wandb_runs import WandbRuns
from stoichloop.errors import StoichloopError, UsageError
from stoichloop.extras import how_to_install

_KINDS = {"mlflow": "mlflow:URI", "wandb": "wandb:PROJECT"}


def check_targets(targets: Sequence[str]) -> None:
    """Raise `StoichloopError` for a target of an unknown kind, or whose package is not installed."""
    for target in targets:
        kind, _, place = target.partition(":")
        if kind not in _KINDS or not place:
            raise UsageError(f"--track '{target}' must be {' or '.join(_KINDS.values())}")
        if find_spec(kind) is None:
            raise StoichloopError(f"--track {target}: the package {kind} is missing; {how_to_install(kind)}")


def tracker_of(target: str, campaign: CampaignFolder) -> Tracker:
    """Return the tracker of a target that has been checked."""
    kind, _, place = target.partition(":")
    return MlflowRuns(campaign, place) if kind == "mlflow" else WandbRuns(campaign, place)
