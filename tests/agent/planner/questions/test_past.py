"""What a question tells of a long campaign, read as a model would read it."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agent.analyzer.diagnostics.diagnose import diagnose
from agent.analyzer.judging.findings import find
from agent.analyzer.judging.noise import noise_at
from agent.analyzer.scoring.estimate import Estimate
from agent.executor.code.code_state import CodeState
from agent.planner.contract import Situation, Terms
from agent.planner.questions.reading import Reading
from agent.planner.questions.statement import statement_of, unused_files
from memory.records import Block, Experiment, Verdict
from simulator.dataset import Dataset
from tests.agent.analyzer.scoring.estimates import write_estimate
from tests.agent.experiments import FIDELITY, scored, with_crash
from tests.agent.planner.situations import ACCEPTED, situation
from tests.conftest import ROOT, UNCONTAINED, shared_functions

COUNT = 80


def patch(mark: str, lines: int = 40) -> str:
    """A readable diff whose last line has a mark."""
    added = "".join(f"+{n:03d}\n" for n in range(lines)) + f"+{mark}\n"
    return f"--- a/gnn/loss.py\n+++ b/gnn/loss.py\n@@ -1,0 +1,{lines + 1} @@\n{added}"


def a_night(state: CodeState) -> list[Experiment]:
    """80 experiments: every tenth is accepted, every other is a patch, and the last two still run."""
    configuration = state.resolve({})
    past = [scored("e0001", [0.3, 0.31], configuration=configuration, block=0, verdict=ACCEPTED)]
    leader = past[0]
    for n in range(2, COUNT + 1):
        own = leader.scores(FIDELITY)[0]
        score = own + (0.05 if n % 10 == 0 else 0.01 * (-1) ** (n // 2))
        if n > COUNT - 2:
            verdict = None
        elif n % 10 == 0:
            verdict = Verdict("accepted", f"better than {leader.id}", leader.id, 0.05, (0.04, 0.06), 1e-5, n)
        else:
            verdict = Verdict("rejected", "a lead of more than 0.0200 is needed", leader.id, score - own, number=n)
        changed = {"patch": patch(f"the mark of e{n:04d}")} if n % 2 == 0 else {"changes": {"lr_S": n / 1000}}
        e = scored(f"e{n:04d}", [score] if verdict else [], verdict=verdict, configuration=configuration)
        e = replace(e, parent=leader.id, title=f"idea {n}", hypothesis="long words " * 40, planner="llm", **changed)
        past.append(e)
        leader = e if e.accepted else leader
    return past


def told_of(past: list[Experiment], state: CodeState, terms: Terms | None = None, **more: object) -> Situation:
    told = situation(state, rung="code", **more).situation  # type: ignore[arg-type]
    findings = find(past, [], noise_at(past, [FIDELITY]), 9, "exact")
    host = replace(told.host, told=terms) if terms else told.host  # type: ignore[type-var]
    return replace(told, past=past, findings=findings, host=host)


@pytest.fixture(scope="module")
def state() -> CodeState:
    return CodeState(ROOT, UNCONTAINED)


@pytest.fixture
def entries(state: CodeState) -> dict[str, str]:
    """The entries of a question on the last accepted experiment, in their order."""
    past = a_night(state)
    parent = [e for e in past if e.accepted][-1]
    text = Reading(told_of(past, state), FIDELITY).question("exploit", parent, [])
    assert len(text) <= 200_000
    return dict(re.findall(r"^```quoted (e\d{4})\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))


def test_each_experiment_is_told_once_and_the_newest_first(entries: dict[str, str]) -> None:
    assert list(entries) == [f"e{n:04d}" for n in range(COUNT, 0, -1)]


def test_accepted_patches_and_those_that_led_are_whole(entries: dict[str, str]) -> None:
    for name, entry in entries.items():
        number = int(name[1:])
        led = number % 2 == 0 and "verdict: none" not in entry and (number % 10 == 0 or number // 2 % 2 == 0)
        assert (f"the mark of {name}" in entry) == led, name
        assert ("changed code: gnn/loss.py +41 -0" in entry) == (number % 2 == 0)


def test_an_entry_gives_change_lead_verdict_and_cost(entries: dict[str, str]) -> None:
    assert entries["e0007"].splitlines() == [
        "e0007 on e0001: idea 7",
        f"hypothesis: {('long words ' * 40).strip()}",
        "by: llm",
        "changed fields: lr_S 0.003 -> 0.007",
        "scores: exact 0.2900 over 1 seed at probe, blind 0.0000",
        "lead over its parent e0001: -0.0100 on 1 equal seed at probe",
        "verdict: rejected, a lead of more than 0.0200 is needed",
        "cost: 1 s a trial at probe, 1.00 times its parent's",
        "final loss: 0.25, of which prediction 0.25 and penalties 0, after 3 steps",
    ]
    assert "verdict: none yet, it is running or waits to" in entries["e0080"]


def test_a_seed_that_went_wrong_is_told(state: CodeState) -> None:
    """A mean over seeds does not say whether all are a little worse or one is much worse."""
    baseline = scored("e0001", [0.3, 0.3], configuration=state.resolve({}), block=0, verdict=ACCEPTED)
    uneven = replace(scored("e0002", [1.0, 0.88, 0.99]), parent="e0001", title="uneven")
    text = Reading(told_of([baseline, uneven], state), FIDELITY).question("exploit", baseline, [])
    assert "over 3 seeds at probe (0.8800 to 1.0000, median 0.9900)" in text
    assert "final loss of the worst seed: 0.25" in text
    assert "and penalties 0 (coeff_mass 0.001), after" in text


def test_a_verdict_against_another_says_against_whom(state: CodeState) -> None:
    """It led its parent; that another was accepted meanwhile says nothing against it."""
    baseline = scored("e0001", [0.3, 0.3], configuration=state.resolve({}), block=0, verdict=ACCEPTED)
    winner = scored("e0002", [0.7, 0.7], verdict=Verdict("accepted", "better", "e0001", 0.4, (0.3, 0.5), 1e-5, 2))
    late = scored("e0003", [0.4, 0.5], verdict=Verdict("rejected", "screened out", "e0002", -0.3, number=3))
    text = Reading(told_of([baseline, winner, late], state), FIDELITY).question("exploit", winner, [])
    assert "lead over its parent e0001: +0.1500 on 2 equal seeds at probe" in text
    assert "judged against e0002, not its parent: -0.2500 on 2 equal seeds at probe" in text


@pytest.mark.parametrize("characters", [60_000, 30_000])
def test_where_room_is_short_the_oldest_go_and_the_accepted_stay(state: CodeState, characters: int) -> None:
    past = a_night(state)
    parent = [e for e in past if e.accepted][-1]
    text = Reading(told_of(past, state), FIDELITY, characters).question("exploit", parent, [])
    assert len(text) <= characters
    told = re.findall(r"^```quoted (e\d{4})$", text, re.MULTILINE)
    assert told == sorted(told, reverse=True)
    assert told[:6] == [f"e{n:04d}" for n in range(COUNT, COUNT - 6, -1)]
    assert {e.id for e in past if e.accepted} <= set(told)
    assert all(f"the mark of {e.id}" in text for e in past if e.accepted and e.patch)


def test_a_question_states_the_task_and_nothing_of_the_truth(state: CodeState, tiny: Dataset, tmp_path: Path) -> None:
    terms = Terms(statement_of(tiny), {FIDELITY: 50}, 2, 60.0, unused_files(tiny))
    path = tiny.folder / "observations.npz"
    estimate = tmp_path / "estimate.npz"
    truth, grid = tiny.truth, np.linspace(-5.0, 5.0, 20)
    wrong = Estimate(
        1.3 * truth.sto_all.astype(float), shared_functions(tiny).log_k - 0.3, grid, grid, np.ones((20, 20)), grid, grid
    )
    write_estimate(wrong, estimate)
    past = a_night(state)
    known = {"baseline_exact": 0.5678, "uninformed_exact": 0.68, "r2": 0.4321}
    trial = replace(past[0].trials[0], scores={**past[0].trials[0].scores, **known})
    past[0] = replace(past[0], trials=(trial, *past[0].trials[1:]))
    told = told_of(past, state, terms)
    told = replace(told, host=replace(told.host, figures=lambda _: diagnose(estimate, path)))  # type: ignore[type-var]
    text = Reading(told, FIDELITY).question("exploit", past[0], [])
    for fact in (
        "The magnitude of a coefficient is 1 or 2",
        "Every column of S sums to zero",
        "The role of every edge is given",
        "No edge is false",
        "dc/dt is given, exact.",
        "has `exact` 0.5678\n(`baseline_exact`)",
        "the columns that the regime allows, has 0.6800.",
        "with the smallest angle to the estimated one",
        "50 steps (`probe`)",
        "A trial is ended after 60 s.",
        "standard deviation",
        "error of dc/dt",
        "whose sign is against their role",
    ):
        assert fact in text, fact
    assert "0.4321" not in text
    figures = set(re.findall(r"-?\d+\.\d+", text))
    for digits in (3, 4, 5, 6):
        assert not figures & {f"{value:.{digits}f}" for value in shared_functions(tiny).log_k}
    column = ", ".join(str(value) for value in truth.sto_all[:6])
    assert column not in text
    assert column.replace(", ", " ") not in text


def test_words_on_blocks_are_told_newest_first(state: CodeState) -> None:
    blocks = [Block(n, "code", 0.0, f"1 rejected; in the model's words: lesson {n}") for n in (1, 2)]
    text = Reading(told_of(a_night(state), state, blocks=blocks), FIDELITY).question("exploit", a_night(state)[0], [])
    assert "block 2 (code): lesson 2\nblock 1 (code): lesson 1\n" in text


def test_the_newest_failures_come_with_their_output(state: CodeState) -> None:
    baseline = scored("e0001", [0.3], configuration=state.resolve({}), block=0, verdict=ACCEPTED)
    broken = replace(scored("e0002", verdict=Verdict("failed", "exit status 1")), patch=patch("mark"))
    told = told_of([baseline, broken], state, output="x" * 5000 + "RuntimeError: 12 of 20")
    text = Reading(told, FIDELITY).question("exploit", baseline, [])
    assert "end of its output:\nxxx" in text
    assert "RuntimeError: 12 of 20\n" in text
    assert "x" * 2001 not in text


def test_a_training_that_broke_is_told_with_its_output_though_the_others_completed(state: CodeState) -> None:
    """The verdict counts it as 0, so a rejected experiment may have the higher scores."""
    baseline = scored("e0001", [0.9, 0.9], configuration=state.resolve({}), block=0, verdict=ACCEPTED)
    lower = Verdict("rejected", "screened out at probe on 4 seeds: 0.7275 against 0.9000", "e0001", -0.1725)
    uneven = with_crash(scored("e0002", [0.97] * 3, verdict=lower), "exit status 1: LinAlgError")
    text = Reading(told_of([baseline, uneven], state, output="x" * 5000), FIDELITY).question("exploit", baseline, [])
    first, second = re.findall(r"^```quoted e\d{4}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert "1 of 4 trainings did not complete: crashed, exit status 1: LinAlgError\n" in first
    assert f"end of its output:\n{'x' * 2000}\n" in first
    assert "did not complete" not in second
    assert f"end of its output:\n{'x' * 400}\n" in second  # the parent; trainings that complete print little
