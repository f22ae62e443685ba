"""Judging of a diagnosis: an experiment that prints figures. Its one trial is never scored, so nothing is compared."""

from __future__ import annotations

from agent.analyzer.judging.acceptance import Wanted
from memory.records import Experiment, TrialKey, Verdict

_SEED = 0


def judge_diagnosis(diagnosis: Experiment, fidelity: str) -> Wanted | Verdict:
    """Return the one trial that is wanted, or the verdict once it has ended, however it did."""
    if not diagnosis.trials:
        return Wanted((TrialKey(diagnosis.id, _SEED, fidelity),))
    fault = diagnosis.trials[0].reason
    return Verdict("diagnosed", f"its output was read{f'; it ended early: {fault}' if fault else ''}")
