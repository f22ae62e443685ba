"""Answers that have the form: what becomes a proposal, and what is objected to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from agent.executor.code.code_state import CodeState
from agent.executor.code.scratch import difference
from agent.planner.contract import Objection
from agent.planner.proposal import Edit, Proposal
from agent.planner.questions.question import ProposalsAnswer, ProposedExperiment, Question, next_question
from agent.planner.questions.reading import Reading
from memory.records import Experiment, Role, Verdict
from tests.agent.experiments import FIDELITY, scored, with_crash
from tests.agent.planner.codes import BASE, LINES, MODEL, Codes, edited
from tests.agent.planner.situations import EDIT, broken, situation
from tests.conftest import ROOT

REJECTED = Verdict("rejected", "screened out at probe: -0.0100 on seed 0", "e0001", number=3)
ACCEPTED = Verdict("accepted", "better than e0001", "e0001", number=2)


def question(state: CodeState, past: Sequence[Experiment] = (), roles: Sequence[Role] = ("exploit",)) -> Question:
    return next_question(situation(state, past=past, roles=roles).situation, [], 0)


def answer(*proposed: dict[str, Any]) -> ProposalsAnswer:
    return ProposalsAnswer(proposals=tuple(ProposedExperiment(hypothesis="h", **content) for content in proposed))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"lr_S": 1e300}, "a number must be finite, and at most 1e+15 in magnitude"),
        ({"gate": "a\x1b[31m"}, "all of them printable"),
        ({"a b": 1}, "changes.a b"),
    ],
)
def test_values_that_no_configuration_can_hold_are_objected_to(
    state: CodeState, changes: dict[str, Any], words: str
) -> None:
    asked = question(state)
    objection = asked.objection(answer({"changes": changes}))
    assert objection is not None
    assert words in objection
    assert asked.proposals == []


def test_a_model_chooses_what_to_change_whatever_the_rung(state: CodeState) -> None:
    for rung in ("sweep", "code"):
        asked = next_question(situation(state, rung=rung, roles=("exploit", "explore")).situation, [], 0)
        both = answer({"changes": {"lr_S": 0.01}}, {"edits": (EDIT,), "changes": {"lr_k": 0.01}})
        assert asked.objection(both) is None
        assert [(p.patches, p.role) for p in asked.proposals] == [(False, "exploit"), (True, "explore")]


def test_any_accepted_experiment_may_be_the_parent_and_no_other(state: CodeState) -> None:
    past = [replace(scored("e0002", [0.5]), verdict=ACCEPTED), replace(scored("e0003"), verdict=REJECTED)]
    asked = question(state, past, ("exploit", "exploit"))
    assert asked.objection(answer({"changes": {"lr_S": 0.01}}, {"changes": {"lr_S": 0.02}, "parent": "e0001"})) is None
    assert [p.parent for p in asked.proposals] == ["e0002", "e0001"]
    again = question(state, past)
    words = "e0003 is not an accepted experiment; parents are e0001, e0002"
    assert again.objection(answer({"changes": {"lr_S": 0.01}, "parent": "e0003"})) == words


def test_what_has_passed_is_kept_and_only_the_rest_is_asked_for_again(state: CodeState) -> None:
    asked = question(state, roles=("exploit", "explore", "exploit"))
    good, bad = {"changes": {"lr_S": 0.01}}, {"edits": (EDIT.model_copy(update={"search": "nowhere"}),)}
    objection = asked.objection(answer(good, bad))
    assert objection is not None
    assert objection.startswith("proposal 2: the text to replace stands 0 times")
    assert objection.endswith("the others are kept, so give only this again")
    assert asked.objection(answer(good, {"edits": (EDIT,)})) is None
    assert [p.patches for p in asked.proposals] == [False, True]


def test_more_than_is_wanted_is_left_out(state: CodeState) -> None:
    asked = question(state)
    assert asked.objection(answer({"changes": {"lr_S": 0.01}}, {"changes": {"lr_S": 0.02}})) is None
    assert [p.changes for p in asked.proposals] == [{"lr_S": 0.01}]
    assert asked.outcome == "answered, and 1 proposal too many"


@pytest.mark.parametrize(("wanted", "known"), [(1, False), (3, False), (2, True)])
def test_no_answer_has_more_patches_tried_in_vain_than_proposals_are_wanted(
    state: CodeState, wanted: int, known: bool
) -> None:
    """Each may take a minute in which nothing else is done."""
    tried: list[Proposal] = []

    def slow(proposal: Proposal) -> Objection:
        tried.append(proposal)
        return Objection("gnn.config does not answer", known=known)

    roles: list[Role] = ["exploit"] * wanted
    told = situation(state, roles=roles, objection=slow).situation
    asked = next_question(told, [], 0)
    patches = [{"edits": (EDIT.model_copy(update={"replace": f"x = {n}\n"}),)} for n in range(100)]
    for _ in range(2):
        tried.clear()
        objection = asked.objection(answer(*patches))
        assert objection is not None
        assert objection.endswith(f"proposal {wanted + 1} and all after it were not looked at: give {wanted} at most")
        assert len(tried) == wanted
    assert len(asked.proposals) == (0 if known else wanted)


def test_an_objection_is_short_and_printable_whatever_the_answer_holds(state: CodeState) -> None:
    past = [replace(scored(f"e{n:04d}"), verdict=ACCEPTED) for n in range(2, 60)]
    many = question(state, past, ("exploit",)).objection(answer(*[{"changes": {"lr_S": 0.1}, "parent": "e0099"}] * 100))
    unknown = question(state).objection(answer({"combines": ("e" * 10**6, "\x1b[31m")}))
    name = question(state).objection(answer({"changes": {"\x1b[31m\u200d": 1}}))
    assert many is not None
    assert many.endswith("; and 92 faults more")
    for words in (many, unknown, name):
        assert words is not None
        assert words.isprintable()
        assert len(words) < 5000


def test_a_refused_patch_which_no_commit_holds_cannot_be_combined(state: CodeState) -> None:
    refused = replace(broken(), commit=None, verdict=Verdict("refused", "it is no Python", number=2))
    words = question(state, [refused]).objection(answer({"combines": ("e0002",)}))
    assert words == "e0002 cannot be combined: no such candidate was run with a change"


def test_a_value_beyond_its_range_needs_a_reason(state: CodeState) -> None:
    asked, beyond = question(state), {"changes": {"init_scale_S": 0.01}}
    words = "init_scale_S 0.01 is outside its range, from 0.05 to 2; give the reason in widen, under init_scale_S"
    assert asked.objection(answer(beyond)) == words
    assert asked.objection(answer({**beyond, "widen": {"init_scale_S": "smaller was better"}})) is None
    assert asked.proposals[0].hypothesis == "h init_scale_S leaves its range: smaller was better"


def test_code_is_refused_where_nothing_contains_it(state: CodeState) -> None:
    told = replace(situation(state).situation, rungs=("sweep",))
    asked = next_question(told, [], 0)
    words = asked.objection(answer({"edits": (EDIT,)}))
    assert words == "code cannot run here, because there is no sandbox: give changes only"
    assert "there is no sandbox" in asked.text(Reading(told, FIDELITY))


def test_a_diagnosis_is_proposed_and_its_output_is_read_with_the_next_questions(state: CodeState) -> None:
    asked = question(state)
    assert asked.objection(answer({"edits": (EDIT,), "kind": "diagnosis"})) is None
    assert asked.proposals[0].kind == "diagnosis"
    done = replace(scored("e0002"), kind="diagnosis", verdict=Verdict("diagnosed", "its output was read", number=2))
    told = situation(state, past=[done], output="x" * 3000 + "rms of dc/dt 0.043").situation
    text = next_question(told, [], 0).text(Reading(told, FIDELITY))
    assert "x" * 1900 + "rms of dc/dt 0.043" in text
    assert "x" * 2001 not in text
    assert len(text) <= Reading(told, FIDELITY).characters


def test_what_is_like_a_rejected_proposal_is_returned_once(state: CodeState) -> None:
    base = situation(state).situation.past[0].configuration
    tried = replace(scored("e0002"), changes={"lr_S": 0.02}, configuration={**base, "lr_S": 0.02}, verdict=REJECTED)
    asked = question(state, [tried])
    words = "e0002 tried this on e0001 and was rejected: screened out at probe: -0.0100 on seed 0; answer again"
    assert (asked.objection(answer({"changes": {"lr_S": 0.03}})) or "").startswith(words)
    assert asked.objection(answer({"changes": {"lr_S": 0.03}})) is None
    for other in ({"lr_S": 0.0001}, {"lr_S": 0.03, "lr_k": 0.01}, {"lr_k": 0.03}):
        assert question(state, [tried]).objection(answer({"changes": other})) is None


@pytest.mark.parametrize(("faults", "warned"), [(1, True), (2, False)])
def test_an_answer_with_another_fault_is_not_yet_warned_of_its_likeness(
    state: CodeState, faults: int, warned: bool
) -> None:
    """The last answer is not warned at all, since none can follow in which the model insists."""
    tried = replace(scored("e0002"), changes={"lr_S": 0.02}, verdict=REJECTED)
    asked = question(state, [tried])
    for _ in range(faults):
        assert "is outside its range" in (asked.objection(answer({"changes": {"lr_S": 1e9}})) or "")
    assert (asked.objection(answer({"changes": {"lr_S": 0.03}})) or "").startswith("e0002 tried this") == warned
    assert asked.objection(answer({"changes": {"lr_S": 0.03}})) is None


def test_a_patch_that_adds_the_lines_of_a_rejected_one_is_returned_once(state: CodeState) -> None:
    lines = [f"total = total + term_{n}" for n in range(4)]
    patch = "--- a/gnn/loss.py\n+++ b/gnn/loss.py\n@@ -1 +1,5 @@\n" + "".join(f"+{line}\n" for line in lines)
    tried = replace(scored("e0002"), patch=patch, verdict=REJECTED)

    def adds(*added: str, kind: str = "candidate") -> ProposalsAnswer:
        edit = Edit(file=EDIT.file, search=EDIT.search, replace=EDIT.search + "\n".join(added))
        return answer({"edits": (edit,), "kind": kind})

    assert "e0002 tried this" in (question(state, [tried]).objection(adds(*lines[:3], "total = 0.0")) or "")
    assert question(state, [tried]).objection(adds(lines[0], "total = 0.0", "return total")) is None
    assert question(state, [tried]).objection(adds(*lines, kind="diagnosis")) is None


def _always(objection: Objection, _: Proposal) -> Objection:
    return objection


def test_a_known_answer_is_no_proposal_and_a_refused_patch_is_one(state: CodeState) -> None:
    for known in (True, False):
        told = situation(state, objection=partial(_always, Objection("no", known=known))).situation
        asked = next_question(told, [], 0)
        assert asked.objection(answer({"edits": (EDIT,)})) == "no"
        assert len(asked.proposals) == (0 if known else 1)


@pytest.mark.parametrize(("search", "parent"), [(EDIT.search, "e0002"), ("this stands nowhere\n", "e0001")])
def test_a_repair_goes_on_top_of_the_incumbent_if_the_patch_still_applies(
    state: CodeState, search: str, parent: str
) -> None:
    def edit(folder: Path) -> None:
        path = folder / EDIT.file
        path.write_text(path.read_text().replace(EDIT.search, EDIT.replace))

    patch = difference(ROOT, edit).replace(EDIT.search.strip(), search.strip())
    past = [replace(scored("e0002", [0.5]), verdict=ACCEPTED), replace(broken("e0003"), patch=patch)]
    asked = question(state, past)
    assert (asked.parent.id, asked.repairs and asked.repairs.id) == (parent, "e0003")
    assert asked.objection(answer({"changes": {"lr_S": 0.01}})) == "a repair changes the code: give edits or a diff"
    assert asked.objection(answer({"edits": (EDIT,)})) is None
    assert [(p.parent, p.repairs) for p in asked.proposals] == [(parent, "e0003")]


@pytest.mark.parametrize(("score", "repaired"), [(0.4, True), (0.2, False)])
def test_a_rejected_patch_that_leads_where_it_completes_is_repaired(
    state: CodeState, score: float, repaired: bool
) -> None:
    uneven = with_crash(replace(scored("e0002", [score]), verdict=REJECTED, patch=broken().patch), "LinAlgError")
    told = situation(state, rung="code", past=[uneven]).situation
    asked = next_question(told, [], 0)
    assert (asked.repairs is uneven) == repaired
    words = f"{REJECTED.reason}; 1 of 2 trainings did not complete: crashed, LinAlgError"
    assert (words in asked.text(Reading(told, FIDELITY)).partition("Why it failed:")[2]) == repaired


def test_experiments_are_combined_by_their_names(state: CodeState) -> None:
    tried = [
        replace(scored("e0002"), changes={"lr_S": 0.02}, verdict=REJECTED),
        replace(scored("e0003"), changes={"lr_k": 0.02}, verdict=REJECTED),
    ]
    asked = question(state, tried)
    words = "e0009 cannot be combined: no such candidate was run with a change"
    assert asked.objection(answer({"combines": ("e0002", "e0009")})) == words
    assert asked.objection(answer({"combines": ("e0002", "e0003")})) is None
    (proposal,) = asked.proposals
    assert (proposal.changes, proposal.combines) == ({"lr_S": 0.02, "lr_k": 0.02}, ("e0002", "e0003"))
    assert proposal.hypothesis == "h"


def test_a_rejected_experiment_is_built_on_by_combining_it_with_edits_of_its_code(tmp_path: Path) -> None:
    codes = Codes(tmp_path)
    codes.add(codes.baseline, [0.31], texts={**BASE, MODEL: edited(LINES, line2="signs")}, changes={"lr_S": 0.02})
    deeper = {"file": MODEL, "search": "signs\n", "replace": "signs\ndeeper\n"}
    asked = next_question(codes.situation(codes.baseline), [], 0)
    assert asked.objection(answer({"combines": ("e0002",), "edits": (deeper,), "changes": {"width": 64}})) is None
    (proposal,) = asked.proposals
    assert codes.made_by(proposal, MODEL) == edited(LINES, line2="signs")
    assert proposal.edits == (Edit(**deeper),)  # on top of that
    assert (proposal.parent, proposal.changes) == ("e0001", {"lr_S": 0.02, "width": 64})
    assert proposal.combines == ()  # with the edit it is more than e0002
    again = next_question(codes.situation(codes.baseline), [], 0)
    words = "the code that a diff would be of is not shown: give edits beside combines"
    assert again.objection(answer({"combines": ("e0002",), "diff": "--- a/gnn/model.py"})) == words
