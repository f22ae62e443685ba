import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pydantic_ai
import pytest

from agent.base.interruption import Interruption
from agent.executor.code.code_state import CodeState
from agent.planner.contract import GIVEN_UP, Objection, Options, Rung, why_given_up
from agent.planner.planners import auto
from agent.planner.planners.llm import create
from agent.planner.planners.llm import planner_of as asked_at
from agent.planner.proposal import Proposal
from agent.planner.questions.question import CORRECTIONS
from agent.planner.registry import create_planner
from memory.records import Call, Verdict
from stoichloop.errors import StoichloopError
from stoichloop.extras import how_to_install
from tests.agent.experiments import FIDELITY, scored
from tests.agent.planner.model_server import (
    Scene,
    answers,
    babbles,
    drops,
    fails,
    says,
    serving,
    stalls,
)
from tests.agent.planner.situations import EDIT, broken, planner_of, situation
from tests.conftest import ROOT

KEY = "sk-never-to-be-seen"
GOOD = answers(hypothesis="a faster rate finds them", changes={"lr_S": 0.01})
PATCH = answers(hypothesis="a blank line helps", edits=[EDIT.model_dump()])
OFF_THE_MARK = answers(hypothesis="a blank line helps", edits=[{**EDIT.model_dump(), "search": "this stands nowhere"}])
OUTSIDE = answers(hypothesis="read the truth", edits=[{**EDIT.model_dump(), "file": "agent/loop/loop.py"}])


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOICHLOOP_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def test_an_answer_becomes_a_proposal_and_a_call(state: CodeState) -> None:
    told = situation(state)
    with serving(GOOD) as server:
        proposals = planner_of(server).propose(told.situation)
    (call,) = told.calls
    wanted = Proposal(hypothesis="a faster rate finds them", parent="e0001", changes={"lr_S": 0.01}, prompt=call.prompt)
    assert proposals == [wanted]
    assert (call.planner, call.model, call.outcome) == ("llm", server.address, "answered")
    assert (call.tokens_in, call.tokens_out, len(call.prompt)) == (1000, 50, 64)


def test_the_library_shows_no_banner_on_the_terminal_of_a_campaign() -> None:
    assert not pydantic_ai.BANNER_ENABLED


def test_each_role_is_told_what_was_proposed_before(state: CodeState) -> None:
    told = situation(state, roles=("exploit", "explore"))
    other = answers(hypothesis="wider functions", changes={"width": 64})
    with serving(GOOD, GOOD, other) as server:
        proposals = planner_of(server).propose(told.situation)
    assert [(p.role, p.changes) for p in proposals] == [("exploit", {"lr_S": 0.01}), ("explore", {"width": 64})]
    assert "a faster rate finds them" not in server.prompt(0)
    assert "a faster rate finds them" in server.prompt(1)
    assert told.outcomes[1] == "answered, but it has been proposed for this block already"


def test_a_patch_is_proposed_on_the_code_rung(state: CodeState) -> None:
    told = situation(state, rung="code")
    with serving(PATCH) as server:
        proposals = planner_of(server).propose(told.situation)
    assert proposals[0].edits == (EDIT,)


@pytest.mark.parametrize(
    ("scene", "outcome"),
    [
        (
            says("I would rather talk"),
            "malformed answer: there is no JSON object in it; it begins: I would rather talk",
        ),
        (answers(hypothesis="nothing"), "malformed answer: give changes, edits or a diff"),
        (babbles, "malformed answer: not one that a model server gives: retry in 0.01 s"),
        (fails(429, Retry_After="1"), "429: retry in 1 s"),
        (fails(500), "500: retry in 0.01 s"),
        (stalls, "stalled: no answer in 0.5 s: retry in 0.01 s"),
        (drops, "connection dropped: retry in 0.01 s"),
    ],
)
def test_a_fault_is_survived_and_recorded(state: CodeState, scene: Scene, outcome: str) -> None:
    told = situation(state)
    with serving(scene, GOOD) as server:
        assert planner_of(server, patience_s=0.5).propose(told.situation)
    assert told.outcomes[0].startswith(outcome)
    assert told.outcomes[1:] == ["answered"]


@pytest.mark.parametrize(
    ("wished", "pause"),
    [
        *((long, "0.05") for long in ("3600", "Thu, 01 Jan 2099 00:00:00 GMT")),
        *((none, "0.01") for none in ("-1", "Thu, 01 Jan 1970 00:00:00 GMT", "nan", "inf", "soon")),
    ],
)
def test_a_server_cannot_ask_for_a_long_pause(state: CodeState, wished: str, pause: str) -> None:
    told = situation(state)
    with serving(fails(429, Retry_After=wished), GOOD) as server:
        planner_of(server, longest_pause_s=0.05).propose(told.situation)
    assert told.outcomes == [f"429: retry in {pause} s", "answered"]


def test_a_server_that_keeps_failing_is_given_up(state: CodeState) -> None:
    told = situation(state, roles=("exploit", "explore"))
    with serving(*[fails(503)] * 9) as server:
        assert planner_of(server, tries=3).propose(told.situation) == []
    assert told.outcomes == ["503: retry in 0.01 s", "503: retry in 0.02 s", "503"]


def test_a_request_that_is_wrong_is_not_repeated(state: CodeState) -> None:
    told = situation(state)
    with serving(fails(401)) as server:
        assert planner_of(server).propose(told.situation) == []
    assert told.outcomes[0].startswith(f"{GIVEN_UP}401 Unauthorized")


def test_what_was_answered_before_a_failure_is_returned(state: CodeState) -> None:
    told = situation(state, roles=("exploit", "explore"))
    with serving(GOOD, *[drops] * 9) as server:
        assert len(planner_of(server).propose(told.situation)) == 1


@pytest.mark.parametrize(("bad", "word"), [(OFF_THE_MARK, "stands 0 times"), (OUTSIDE, "is refused")])
def test_an_objection_is_given_back(state: CodeState, bad: Scene, word: str) -> None:
    told = situation(state, rung="code")
    with serving(bad, PATCH) as server:
        proposals = planner_of(server).propose(told.situation)
    assert proposals[0].edits == (EDIT,)
    assert word in server.prompt(1)
    assert word in told.outcomes[0]


def test_a_patch_that_stays_refused_is_returned_for_the_record(state: CodeState) -> None:
    told = situation(state, rung="code")
    with serving(*[OUTSIDE] * 9) as server:
        proposals = planner_of(server).propose(told.situation)
    assert [edit.file for p in proposals for edit in p.edits] == ["agent/loop/loop.py"]
    assert len(told.calls) == 1 + CORRECTIONS


def test_what_was_run_already_is_never_returned(state: CodeState) -> None:
    told = situation(state, rung="code", objection=lambda _: Objection("e0007 is the same", known=True))
    with serving(*[PATCH] * 9) as server:
        assert planner_of(server).propose(told.situation) == []
    assert len(told.calls) == 1 + CORRECTIONS


def test_a_request_that_could_exceed_the_limit_is_not_sent(state: CodeState) -> None:
    told = situation(state, roles=("exploit",) * 5)
    scenes = [
        says(f'{{"hypothesis": "{n}", "changes": {{"lr_S": 0.0{n}}}}}', tokens_in=20_000, tokens_out=500)
        for n in range(1, 9)
    ]
    with serving(*scenes) as server:
        proposals = planner_of(server, tokens=70_000).propose(told.situation)
        assert planner_of(server, tokens=70_000).propose(told.situation) == []
    assert 1 <= len(proposals) == len(server.requests) < 5
    spent = sum(call.tokens_in + call.tokens_out for call in told.calls)
    assert spent <= 70_000
    for outcome in told.outcomes[-2:]:
        assert outcome.startswith(f"{GIVEN_UP}the token limit is reached, as {spent:,} of 70,000 tokens are used")


def test_an_answer_that_never_came_counts_at_its_most(state: CodeState) -> None:
    told = situation(state)
    with serving(*[stalls] * 2) as server:
        planner_of(server, patience_s=0.2, tries=2).propose(told.situation)
    assert [call.tokens_out for call in told.calls] == [1000, 1000]


def test_dollars_are_limited_where_the_price_is_known(state: CodeState, monkeypatch: pytest.MonkeyPatch) -> None:
    told = situation(state)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert asked_at(Options(0, FIDELITY, dollars=0.01), "openai:gpt-4o").propose(told.situation) == []
    assert told.outcomes[0].startswith(f"{GIVEN_UP}the dollar limit is reached, as 0.00 of 0.01 dollars are spent")


def test_the_key_goes_to_the_server_alone(state: CodeState) -> None:
    told = situation(state)
    with serving(fails(500), says("no JSON"), fails(400)) as server:
        planner_of(server).propose(told.situation)
    assert server.keys == [f"Bearer {KEY}"] * 3
    assert KEY not in repr(told.calls)
    assert KEY not in repr(server.requests)


def test_a_failed_patch_is_repaired_on_the_code_it_changed(state: CodeState) -> None:
    told = situation(state, rung="code", roles=("explore",), past=[broken()], output="NameError: beta")
    with serving(PATCH) as server:
        (proposal,) = planner_of(server).propose(told.situation)
    assert (proposal.parent, proposal.repairs, proposal.role) == ("e0001", "e0002", "explore")
    assert "NameError: beta" in server.prompt(0)


def test_repairs_are_bounded(state: CodeState) -> None:
    chain = [broken(), broken("e0003", repairs="e0002"), broken("e0004", repairs="e0003")]
    for past, wanted in ((chain[:1], "e0002"), (chain[:2], "e0003"), (chain, None)):
        told = situation(state, rung="code", roles=("exploit", "exploit"), past=past)
        other = answers(hypothesis="two lines", edits=[{**EDIT.model_dump(), "replace": "\n"}])
        with serving(PATCH, other) as server:
            proposals = planner_of(server).propose(told.situation)
        assert [p.repairs for p in proposals] == [wanted, None]


@pytest.mark.parametrize(
    ("scene", "outcome"),
    [
        (stalls, "interrupted"),
        (fails(429, Retry_After="60"), "429: retry in 60 s"),
        (fails(503, Retry_After="Thu, 01 Jan 2099 00:00:00 GMT"), "503: retry in 60 s"),
    ],
)
def test_an_interruption_ends_the_wait(state: CodeState, scene: Scene, outcome: str) -> None:
    with Interruption() as interruption, serving(scene) as server:
        told = situation(state, check=interruption.check)

        def interrupt_the_wait() -> None:
            deadline = time.monotonic() + 60
            while not (server.requests if scene is stalls else told.outcomes) and time.monotonic() < deadline:
                time.sleep(0.02)
            os.kill(os.getpid(), signal.SIGINT)

        thread = threading.Thread(target=interrupt_the_wait)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            planner_of(server).propose(told.situation)
        thread.join()
    assert told.outcomes == [outcome]


@pytest.mark.parametrize(
    ("models", "word"),
    [
        ((), "needs a model"),
        (("gpt-5",), "Unknown model"),
        (("nobody:gpt-5",), "Unknown model"),
        (("openai:gpt-5",), "needs a key; set the environment variable OPENAI_API_KEY"),
        (("qwen@http://sk-1:x@127.0.0.1/v1",), "must not hold a key"),
    ],
)
def test_a_model_that_cannot_be_asked_is_refused_at_the_door(models: tuple[str, ...], word: str) -> None:
    with pytest.raises(StoichloopError, match=word):
        create_planner("llm", Options(seed=0, fidelity=FIDELITY, models=models))


def test_only_a_server_on_this_machine_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STOICHLOOP_API_KEY")
    assert create(Options(0, FIDELITY, models=("qwen3:8b@http://localhost:11434/v1",))).planners
    with pytest.raises(StoichloopError, match="STOICHLOOP_API_KEY"):
        create(Options(0, FIDELITY, models=("qwen3:8b@https://models.example.org/v1",)))


def test_the_user_is_told_what_requests_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "x")
    told = auto.create(Options(0, FIDELITY, models=("openai:gpt-5", "a@http://localhost/v1"), tokens=7_200_000)).expense
    assert told == (
        "the campaign's requests to openai:gpt-5 end at 7,200,000 tokens (--tokens) or 20 dollars (--dollars); "
        "the campaign's requests to a@http://localhost/v1 end at 7,200,000 tokens (--tokens); "
        "their price is not known here, so --dollars does not end them"
    )
    assert not auto.create(Options(0, FIDELITY)).expense


def test_a_missing_extra_is_named() -> None:
    asks = (
        "import sys; sys.modules['pydantic_ai'] = None\n"
        "from agent.planner.contract import Options\n"
        "from agent.planner.registry import create_planner\n"
        "create_planner('llm', Options(0, 'probe', models=('openai:gpt-5',)))"
    )
    done = subprocess.run([sys.executable, "-c", asks], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr.strip().endswith(f"is missing; {how_to_install('llm')}")


def test_limits_hold_for_the_whole_campaign(state: CodeState) -> None:
    told = situation(state)
    spent = Call("llm", "m", "", 1_999_000, 0, 0.0, 1.0, "answered", 0.0)
    told.calls.append(spent)
    with serving(GOOD) as server:
        assert planner_of(server, tokens=2_000_000).propose(told.situation) == []
    assert server.requests == []


@pytest.mark.parametrize("rung", ["sweep", "code"])
def test_at_a_limit_sweeps_and_moves_go_on(state: CodeState, rung: Rung) -> None:
    told = situation(state, rung=rung, roles=("exploit", "explore"))
    with serving(GOOD) as server:
        proposals = create(Options(seed=0, fidelity=FIDELITY, models=(server.address,), tokens=500)).propose(
            told.situation
        )
    assert server.requests == []
    assert [p.planner for p in proposals] == [{"sweep": "sweep", "code": "moves"}[rung]] * 2
    words = why_given_up(told.calls)
    assert "the token limit is reached, as 0 of 500 tokens are used" in words
    assert "sweeps and moves go on without it; to ask it again, give a higher --tokens" in words


def test_near_misses_are_combined_without_the_model_in_one_of_six_proposals(state: CodeState) -> None:
    rejected = Verdict("rejected", "", "e0001", 0.01)
    near = {"e0002": ("lr_S", 0.02, 0.40), "e0003": ("width", 64, 0.35), "e0004": ("depth", 3, 0.34)}
    tried = [
        replace(scored(name, [score], verdict=rejected), changes={field: value})
        for name, (field, value, score) in near.items()
    ]
    told = situation(state, rung="code", roles=("exploit", "explore"), past=tried)
    with serving(*[answers(hypothesis="other rates", changes={"lr_k": 0.01})] * 5) as server:
        made = create(Options(seed=0, fidelity=FIDELITY, models=(server.address,)))
        all_three, own = made.propose(told.situation)
        assert all_three.changes == {"lr_S": 0.02, "width": 64, "depth": 3}
        assert [(p.planner, p.role) for p in (all_three, own)] == [("combine", "exploit"), ("llm", "explore")]
        past = [*told.situation.past, replace(scored("e0005"), combines=all_three.combines, planner="combine")]
        asked = []
        for number in range(6, 11):
            past.append(replace(scored(f"e{number:04d}"), planner="llm"))
            asked += made.propose(replace(told.situation, past=past, roles=told.situation.roles[:1]))
    assert [p.planner for p in asked] == ["llm"] * 4 + ["combine"]
    assert asked[-1].combines == ("e0002", "e0003")


def test_without_a_key_nothing_takes_the_place_of_the_model(state: CodeState) -> None:
    told = situation(state)
    with serving(fails(401)) as server:
        assert create(Options(seed=0, fidelity=FIDELITY, models=(server.address,))).propose(told.situation) == []


def test_another_model_is_asked_where_one_has_given_up(state: CodeState) -> None:
    told = situation(state, roles=("exploit",) * 2)
    two = answers(
        proposals=[{"hypothesis": "faster", "changes": {"lr_S": n}} for n in (0.01, 0.02)],
    )
    with serving(fails(401)) as broken_one, serving(two) as other:
        made = create(Options(seed=0, fidelity=FIDELITY, models=(broken_one.address, other.address)))
        proposals = made.propose(told.situation)
    assert [p.planner for p in proposals] == [f"llm {other.address}"] * 2
    assert {call.planner for call in told.calls} <= {f"llm {other.address}", f"llm {broken_one.address}"}
