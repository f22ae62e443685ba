"""A diagnosis prints figures: it is run once, judged without a comparison, and counts nowhere."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.analyzer.judging.acceptance import Wanted
from agent.analyzer.judging.diagnosis import judge_diagnosis
from agent.planner.ladder import decide
from agent.planner.parents import upper_bounds
from memory.records import Block, Experiment, Verdict
from tests.agent.experiments import FIDELITY, failed, scored

OPEN = replace(scored("e0002"), kind="diagnosis")


def ended(reason: str = "") -> Experiment:
    return replace(failed("e0002", "diagnosed", reason), kind="diagnosis")


def test_it_wants_one_trial() -> None:
    wanted = judge_diagnosis(OPEN, FIDELITY)
    assert isinstance(wanted, Wanted)
    assert [(key.experiment, key.fidelity) for key in wanted.trials] == [("e0002", FIDELITY)]


@pytest.mark.parametrize(("reason", "words"), [("", "read"), ("exit status 3: done", "early: exit status 3: done")])
def test_however_it_ends_it_is_no_failure(reason: str, words: str) -> None:
    verdict = judge_diagnosis(ended(reason), FIDELITY)
    assert isinstance(verdict, Verdict)
    assert verdict.verdict == "diagnosed"
    assert verdict.reason.endswith(words)


def test_it_counts_in_no_statistic() -> None:
    diagnosis = replace(ended(), verdict=Verdict("diagnosed", "its output was read", number=2))
    assert diagnosis.tried(FIDELITY) == set()
    assert diagnosis.scores(FIDELITY) == {}
    baseline = scored("e0001", [0.3], block=0, verdict=Verdict("accepted", "", number=1))
    assert upper_bounds([baseline, diagnosis], 0.1, FIDELITY) == upper_bounds([baseline], 0.1, FIDELITY)
    blocks = [Block(0, "baseline", 0.0, "done"), Block(1, "code", 1.0, "done")]
    decisions = [decide(blocks, [baseline, *more], ("sweep", "code")) for more in ([], [diagnosis])]
    assert decisions[0] == decisions[1]
