"""Code without a model: which moves are proposed, in which order."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from agent.analyzer.judging.findings import find
from agent.analyzer.judging.noise import noise_at
from agent.base.loop_git import loop_git
from agent.executor.code.code_state import CodeState
from agent.executor.code.patch import apply_diff
from agent.planner.contract import Objection, Options
from agent.planner.move_catalogue import MOVES, apply, move_names, read_move, read_moves
from agent.planner.planners.moves import SMALL, Moves, create
from agent.planner.planners.sweep import Sweep
from agent.planner.proposal import Proposal
from memory.records import Experiment, Verdict
from stoichloop.errors import StoichloopError
from tests.agent.experiments import FIDELITY, scored, situation
from tests.agent.hosts import Campaign
from tests.agent.planner.situations import code_in
from tests.conftest import ROOT, UNCONTAINED


@pytest.fixture
def baseline() -> Experiment:
    return scored("e0001", [0.3], block=0, verdict=Verdict("accepted", "", number=1))


def tried(name: str, move: str, exact: float, parent: str, *, accepted: bool = False) -> Experiment:
    verdict = Verdict("accepted" if accepted else "rejected", "", number=int(name[1:]))
    return replace(scored(name, [exact], verdict=verdict), move=move, patch="a diff", parent=parent)


def propose(state: CodeState, past: list[Experiment], parent: Experiment, count: int = 20) -> list[Proposal]:
    return Moves(FIDELITY).propose(situation(state, past, [("exploit", parent)] * count, rung="code"))


def test_every_move_is_proposed_once_the_smallest_first(state: CodeState, baseline: Experiment) -> None:
    proposals = propose(state, [baseline], baseline)
    moves = [read_move(proposal.move or "") for proposal in proposals]
    assert [move.name for move in moves] == [
        move.name for move in sorted(map(read_move, move_names()), key=lambda move: (move.lines, move.name))
    ]
    assert all(move.description.why in proposal.hypothesis for move, proposal in zip(moves, proposals, strict=True))


def test_whoever_explores_is_bold(state: CodeState, baseline: Experiment) -> None:
    told = situation(state, [baseline], [("exploit", baseline), ("explore", baseline)], rung="code")
    small, large = (read_move(proposal.move or "") for proposal in Moves(FIDELITY).propose(told))
    assert small.lines == min(read_move(name).lines for name in move_names())
    assert large.lines == max(read_move(name).lines for name in move_names())


def test_what_was_tried_on_this_code_is_not_tried_again(state: CodeState, baseline: Experiment) -> None:
    past = [baseline, tried("e0002", "sign_tied", 0.2, "e0001")]
    assert "sign_tied" not in [proposal.move for proposal in propose(state, past, baseline)]


def test_an_accepted_move_stays_and_others_are_tried_on_top_the_best_known_last_of_the_untried(
    state: CodeState, baseline: Experiment
) -> None:
    good, bad = tried("e0003", "role_start", 0.35, "e0001"), tried("e0004", "integer_columns", 0.1, "e0001")
    leader = tried("e0002", "sign_tied", 0.5, "e0001", accepted=True)
    order = [proposal.move for proposal in propose(state, [baseline, leader, good, bad], leader)]
    assert "sign_tied" not in order
    assert order[-3:] == ["role_start", "free_laws", "integer_columns"]


def test_a_move_that_led_elsewhere_comes_before_large_ones_that_are_untried(
    state: CodeState, baseline: Experiment
) -> None:
    good, bad = tried("e0003", "role_start", 0.35, "e0001"), tried("e0004", "metabolite_scale", 0.1, "e0001")
    leader = tried("e0002", "sign_tied", 0.5, "e0001", accepted=True)
    order = [proposal.move for proposal in propose(state, [baseline, leader, good, bad], leader)]
    at = order.index("role_start")
    assert all(read_move(move or "").lines <= SMALL for move in order[:at])
    assert all(read_move(move or "").lines > SMALL for move in order[at + 1 : -1])
    assert order[-3:] == ["integer_columns", "free_laws", "metabolite_scale"]


def test_moves_that_are_left_out_are_never_proposed(state: CodeState, baseline: Experiment) -> None:
    told = situation(state, [baseline], [("exploit", baseline)] * 20, rung="code")
    names = {proposal.move for proposal in create(Options(0, FIDELITY, without=("sign_tied",))).propose(told)}
    assert names
    assert "sign_tied" not in names


def test_a_move_in_a_combination_is_in_the_code(state: CodeState, baseline: Experiment) -> None:
    part = tried("e0002", "sign_tied", 0.35, "e0001")
    leader = replace(tried("e0003", "", 0.5, "e0001", accepted=True), move=None, combines=("e0002",))
    assert "sign_tied" not in [proposal.move for proposal in propose(state, [baseline, part, leader], leader)]


def test_a_sweep_on_the_same_code_does_not_make_a_rejected_move_new(state: CodeState, baseline: Experiment) -> None:
    swept = replace(scored("e0003", [0.4], verdict=Verdict("accepted", "", number=3)), parent="e0001")
    past = [baseline, tried("e0002", "sign_tied", 0.2, "e0001"), swept]
    assert "sign_tied" not in [proposal.move for proposal in propose(state, past, swept)]


@pytest.mark.parametrize("passed", ["sign_tied", "role_start", "integer_columns"])
def test_a_move_that_does_not_apply_gives_way_to_the_next_and_the_log_says_so(
    state: CodeState, baseline: Experiment, passed: str
) -> None:
    told = situation(
        state,
        [baseline],
        [("exploit", baseline)] * 20,
        rung="code",
        objection=lambda proposal: "conflict in gnn/model.py" if proposal.move == passed else None,
    )
    assert passed not in [proposal.move for proposal in Moves(FIDELITY).propose(told)]
    assert isinstance(told.host, Campaign)
    assert set(told.host.notes) == {f"move {passed} is skipped on the code of e0001: conflict in gnn/model.py"}


def test_a_move_that_was_run_already_is_passed_over_in_silence(state: CodeState, baseline: Experiment) -> None:
    told = situation(state, [baseline], [("exploit", baseline)], rung="code")
    told = replace(told, host=Campaign(state, objections=lambda _: Objection("it has been run", known=True)))
    assert Moves(FIDELITY).propose(told) == []
    assert isinstance(told.host, Campaign)
    assert told.host.notes == []


def test_a_move_brings_what_it_requires_where_the_code_lacks_it(
    state: CodeState, baseline: Experiment, checkout: Path
) -> None:
    """`early_columns` needs `fitted_columns`, which alone may not lead."""
    whole = next(p for p in propose(state, [baseline], baseline) if p.move == "early_columns")
    assert whole.hypothesis.endswith("Brings what it requires: fitted_columns.")
    apply_diff(whole.diff, checkout)
    brought = loop_git(checkout).write_tree()
    loop_git(checkout).reset("--hard", "--quiet")
    apply(read_moves(["fitted_columns", "early_columns"]), checkout)
    assert loop_git(checkout).write_tree() == brought


def test_what_a_move_brought_is_in_the_code(state: CodeState, baseline: Experiment) -> None:
    fitted = tried("e0002", "fitted_columns", 0.5, "e0001", accepted=True)
    on_top = next(p for p in propose(state, [baseline, fitted], fitted) if p.move == "early_columns")
    assert on_top.diff == read_move("early_columns").diff
    early = tried("e0002", "early_columns", 0.5, "e0001", accepted=True)
    assert not {"early_columns", "fitted_columns"} & {p.move for p in propose(state, [baseline, early], early)}


def test_a_move_whose_requirement_is_left_out_is_left_out(state: CodeState, baseline: Experiment) -> None:
    told = situation(state, [baseline], [("exploit", baseline)] * 20, rung="code")
    names = {p.move for p in create(Options(0, FIDELITY, without=("fitted_columns",))).propose(told)}
    assert not {"early_columns", "fitted_columns"} & names


def test_a_move_that_is_left_out_may_be_broken(state: CodeState, baseline: Experiment, tmp_path: Path) -> None:
    for name in ("fitted_columns", "early_columns"):
        shutil.copytree(MOVES / name, tmp_path / name)
    told = situation(state, [baseline], [("exploit", baseline)], rung="code")
    (tmp_path / "early_columns" / "move.yaml").write_text("title: a move\nwhy: for a test\nrequires: [absent]\n")
    [proposal] = Moves(FIDELITY, ("early_columns",), tmp_path).propose(told)
    assert proposal.move == "fitted_columns"


@pytest.mark.parametrize(
    ("requires", "message"),
    [
        ("[fitted_colums]", "requires: there is no move 'fitted_colums'; take early_columns, fitted_columns"),
        ("[early_columns]", "move 'early_columns' requires 'early_columns': remove one from requires"),
    ],
)
def test_a_catalogue_that_cannot_be_followed_is_refused_before_the_start(
    tmp_path: Path, requires: str, message: str
) -> None:
    for name in ("fitted_columns", "early_columns"):
        shutil.copytree(MOVES / name, tmp_path / name)
    (tmp_path / "early_columns" / "move.yaml").write_text(f"title: a move\nwhy: for a test\nrequires: {requires}\n")
    with pytest.raises(StoichloopError, match=re.escape(message)):
        Moves(FIDELITY, catalogue=tmp_path)


def test_a_requirement_that_does_not_apply_is_said_in_the_log(baseline: Experiment, tmp_path: Path) -> None:
    code = code_in(tmp_path)
    (code.folder / "gnn" / "decided.py").write_text("# in the way of fitted_columns\n")
    told = situation(code, [baseline], [("exploit", baseline)] * 20, rung="code")
    assert "early_columns" not in {proposal.move for proposal in Moves(FIDELITY).propose(told)}
    assert isinstance(told.host, Campaign)
    assert any(note.startswith("move early_columns is skipped on the code of e0001: ") for note in told.host.notes)


def test_a_tree_is_proposed_as_a_diff_of_the_code_of_its_parent(state: CodeState, baseline: Experiment) -> None:
    proposal = next(p for p in propose(state, [baseline], baseline) if p.move == "integer_columns")
    assert proposal.diff == read_move("integer_columns").diff_on(ROOT)
    assert "deleted file mode 100644\n" in proposal.diff
    assert "+++ b/gnn/spline.py\n" in proposal.diff


def test_a_tree_that_the_base_commit_holds_already_is_passed_over(baseline: Experiment, tmp_path: Path) -> None:
    """So it is in a campaign that starts from a picked winner: no experiment of its own has made the move."""
    code, git = code_in(tmp_path), loop_git(tmp_path)
    git.init("--quiet")
    git.add("--all")
    apply([read_move("integer_columns")], code.folder)
    assert "integer_columns" not in [proposal.move for proposal in propose(code, [baseline], baseline)]


def test_a_tree_is_proposed_on_older_code_that_lacks_a_file_to_remove(baseline: Experiment, tmp_path: Path) -> None:
    code = code_in(tmp_path)
    (code.folder / "gnn" / "adam.py").unlink()
    proposal = next(p for p in propose(code, [baseline], baseline) if p.move == "integer_columns")
    assert "gnn/adam.py" not in proposal.diff
    assert "--- a/gnn/loss.py\n+++ /dev/null\n" in proposal.diff


def test_a_field_that_an_accepted_move_declares_is_swept_and_named(baseline: Experiment, tmp_path: Path) -> None:
    code, git = code_in(tmp_path), loop_git(tmp_path)
    git.init("--quiet")
    git.add("--all")
    apply([read_move("least_squares_finish")], code.folder)
    state = CodeState(code.folder, UNCONTAINED)
    leader = replace(
        tried("e0002", "least_squares_finish", 0.5, "e0001", accepted=True), configuration=state.resolve({})
    )
    past = [
        replace(
            scored(f"e{number:04d}", [number / 100]), configuration={**leader.configuration, "finish_ridge": number}
        )
        for number in range(3, 15)
    ]
    findings = find([baseline, leader, *past], (), noise_at([baseline], [FIDELITY]), 1, "exact")
    assert "higher finish_ridge recovers more" in next(f for f in findings if f.subject == "finish_ridge").statement
    told = situation(state, [baseline, leader], [("principle", leader), ("explore", leader)], findings=findings)
    alone, swept = Sweep(seed=0, fidelity=FIDELITY).propose(told)
    assert "finish_ridge" in alone.title
    assert "finish_ridge" in state.fields
    assert {*swept.changes} <= {*state.fields}
