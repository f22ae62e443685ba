"""What a language model and its server give in place of an answer: what is said of it, and what it costs."""

import json

import pytest

from agent.executor.code.code_state import CodeState
from agent.planner.contract import why_given_up
from agent.planner.planners.auto import Auto
from agent.planner.planners.sweep import Sweep
from tests.agent.experiments import FIDELITY
from tests.agent.planner.model_server import Scene, answers, fails, says, sends, serving
from tests.agent.planner.situations import planner_of, situation

KEY = "sk-never-to-be-seen"
GOOD = answers(hypothesis="a faster rate finds them", changes={"lr_S": 0.01})


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOICHLOOP_API_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.mark.parametrize(
    "scene",
    [
        sends('{"error": {"code": 502, "message": "bad"}}'),
        sends('{"error": "upstream is gone"}'),
        sends('{"error": {"code": "rate_limit_exceeded", "message": "slow down"}}'),
        sends('{"choices": [{"error": {"code": 503, "message": "no worker"}, "finish_reason": "error"}]}'),
        sends('{"choices": []}'),
        sends('{"choices": null}'),
        sends('{"detail": "not ready"}'),
        sends("null"),
        sends("[]"),
        sends('"busy"'),
        sends(""),
        sends("", 204),
        sends("<html>Welcome</html>", Content_Type="text/html"),
        sends("", 302, Location="/login"),
        sends("", 307),
    ],
)
def test_a_response_that_holds_no_answer_costs_nothing(state: CodeState, scene: Scene) -> None:
    told = situation(state)
    with serving(scene, GOOD) as server:
        assert planner_of(server).propose(told.situation)
    assert told.outcomes[0].endswith(": retry in 0.01 s")
    assert told.outcomes[1:] == ["answered"]
    assert (told.calls[0].tokens_in, told.calls[0].tokens_out) == (0, 0)


def _error(message: str, code: str | None = None, kind: str = "invalid_request_error") -> str:
    return json.dumps({"error": {"message": message, "type": kind, "code": code}})


@pytest.mark.parametrize(
    ("scene", "words"),
    [
        (
            sends(_error(f"Incorrect API key: {KEY}", "invalid_api_key"), 401),
            "Incorrect API key: (key); check the API key",
        ),
        (sends(_error("No access to this model"), 403), "403 Forbidden: No access to this model; check the API key"),
        (sends(_error("model 'played' not found"), 404), "404 Not Found: model 'played' not found; check --model"),
        (sends('{"detail": "Not Found"}', 404), "404 Not Found: Not Found; check --model"),
        (sends("<html>no</html>", 404, Content_Type="text/html"), "404 Not Found; check --model"),
        (sends(_error("too many tokens", "context_length_exceeded"), 400), "too many tokens; give a smaller --context"),
        (sends(_error("the maximum context length is 8192"), 400), "is 8192; give a smaller --context"),
        (
            sends(_error("You exceeded your quota", "insufficient_quota"), 429, Retry_After="1"),
            "the account needs credit",
        ),
        (sends(_error("Insufficient balance"), 402), "402 Payment Required: Insufficient balance; the account needs"),
        (sends(_error("response_format is not supported"), 422), "response_format is not supported; check --model"),
        (sends('{"error": {"code": 401, "message": "no auth"}}'), "401 Unauthorized: no auth; check the API key"),
        (sends(_error("no such model", "model_not_found")), "no such model; check --model"),
    ],
)
def test_what_cannot_pass_ends_the_asking_at_once_in_the_words_of_the_provider(
    state: CodeState, scene: Scene, words: str
) -> None:
    told = situation(state, roles=("exploit", "explore"))
    with serving(*[scene] * 9) as server:
        made = planner_of(server)
        assert [made.propose(told.situation), made.propose(told.situation)] == [[], []]
        assert len(server.requests) == 1
    (call,) = told.calls
    assert words in why_given_up(told.calls)
    assert KEY not in call.outcome
    assert (call.tokens_in, call.tokens_out) == (0, 0)


def test_a_correction_that_is_rejected_does_not_end_the_asking(state: CodeState) -> None:
    told = situation(state)
    with serving(says("no JSON"), sends(_error("roles must alternate"), 400), GOOD) as server:
        made = planner_of(server)
        assert made.propose(told.situation) == []
        assert made.propose(told.situation)
    assert told.outcomes[1].startswith("400 Bad Request: roles must alternate")


def test_without_the_model_the_other_planners_go_on(state: CodeState) -> None:
    told = situation(state, roles=("exploit", "explore"))
    with serving(*[fails(401)] * 9) as server:
        hybrid = Auto([planner_of(server), Sweep(0, FIDELITY)])
        for _ in range(2):
            assert [p.planner for p in hybrid.propose(told.situation)] == ["sweep", "sweep"]
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("scene", "outcome"),
    [
        (
            says("<think>so long", tokens_out=70, ends="length"),
            "cut off: the answer reached its limit of tokens: it ends w",
        ),
        (
            says('{"hypothesis": "h', tokens_out=70, ends="length"),
            "cut off: the answer reached its limit of tokens: it br",
        ),
        (
            says("", tokens_out=70, ends="length", reasoning_content="so"),
            "cut off: the answer reached its limit of tokens w",
        ),
        (says(None, tokens_out=70, refusal=f"I can not, {KEY}"), "refused: I can not, (key)"),
        (says("", tokens_out=70, ends="content_filter"), "refused: by the provider's content filter"),
    ],
)
def test_an_answer_that_was_cut_off_or_refused_is_said_so_and_costs_what_it_used(
    state: CodeState, scene: Scene, outcome: str
) -> None:
    told = situation(state, roles=("exploit", "explore"))
    with serving(scene, GOOD) as server:
        proposals = planner_of(server).propose(told.situation)
    assert [p.role for p in proposals] == ["explore"]
    assert told.outcomes[0].startswith(outcome)
    assert [(call.tokens_in, call.tokens_out) for call in told.calls] == [(1000, 70), (1000, 50)]


def test_a_refusal_of_which_no_use_is_told_costs_nothing(state: CodeState) -> None:
    told = situation(state)
    with serving(says(None, tokens_in=0, tokens_out=0, refusal="No.")) as server:
        assert planner_of(server).propose(told.situation) == []
    assert [(call.tokens_in, call.tokens_out) for call in told.calls] == [(0, 0)]


def test_a_question_that_the_rules_of_a_provider_forbid_is_no_reason_to_ask_no_more(state: CodeState) -> None:
    told = situation(state)
    with serving(sends(_error("flagged", "content_policy_violation"), 400), GOOD) as server:
        made = planner_of(server)
        assert made.propose(told.situation) == []
        assert made.propose(told.situation)
    assert told.outcomes == ["refused: 400 Bad Request: flagged", "answered"]


def test_a_call_of_a_tool_is_no_answer(state: CodeState) -> None:
    told = situation(state)
    call = {"id": "1", "type": "function", "function": {"name": "python", "arguments": "{}"}}
    with serving(says(None, ends="tool_calls", tool_calls=[call]), GOOD) as server:
        assert planner_of(server).propose(told.situation)
    assert told.outcomes == ["malformed answer: it calls a tool, python", "answered"]


@pytest.mark.parametrize(
    "text", ["<think>{draft}</think>{good}", "{draft}</think>{good}", "<think>{draft}</think>```json\n{good}\n```"]
)
def test_no_draft_in_a_thought_is_proposed(state: CodeState, text: str) -> None:
    good = '{"hypothesis": "real", "changes": {"lr_S": 0.01}}'
    told = situation(state)
    with serving(says(text.format(good=good, draft=good.replace("real", "draft")))) as server:
        assert [p.hypothesis for p in planner_of(server).propose(told.situation)] == ["real"]
    assert told.outcomes == ["answered"]
