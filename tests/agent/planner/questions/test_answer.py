"""Which of the objects in an output is the answer, and what is said where none is."""

from __future__ import annotations

import time

import pytest

from agent.planner.questions.answer import ErrorAnswerError, read_answer
from agent.planner.questions.lesson import LessonAnswer
from agent.planner.questions.question import ProposalsAnswer, ProposedExperiment

GOOD = '{"hypothesis": "real", "changes": {"lr_S": 0.01}}'
DRAFT = GOOD.replace("real", "draft")
EDIT = '{"file": "gnn/loss.py", "search": "a", "replace": "b"}'


def answer(printed: str) -> ProposedExperiment:
    (proposed,) = read_answer(printed, ProposalsAnswer).proposals
    return proposed


@pytest.mark.parametrize(
    "printed",
    [
        f"<think>maybe {DRAFT} no, that diverged. Lower.</think>\n{GOOD}",
        f"<thinking>{DRAFT}</thinking>{GOOD}",
        f"<Reasoning>\n{DRAFT}\n</Reasoning>\n\n{GOOD}",
        f"<seed:think>{DRAFT}</seed:think>{GOOD}",
        f"[THINK]{DRAFT}[/THINK]{GOOD}",
        f"◁think▷{DRAFT}◁/think▷{GOOD}",
        f"<|begin_of_thought|>{DRAFT}<|end_of_thought|>{GOOD}",
        f"<|channel|>analysis<|message|>{DRAFT}<|end|><|start|>assistant<|channel|>final<|message|>{GOOD}",
        f"maybe {DRAFT}</think>{GOOD}",  # the template has opened the thought itself
        f"{DRAFT}</think>{DRAFT}</think>{GOOD}",
        f"<think>{DRAFT}<think>{DRAFT}</think>{DRAFT}</think>{GOOD}",
        f"<think>a brace {{ and a quote ' in it</think>{GOOD}",
        f"{GOOD}\n<think>that should do {DRAFT}",
    ],
)
def test_no_thought_holds_the_answer(printed: str) -> None:
    assert answer(printed).hypothesis == "real"


@pytest.mark.parametrize("printed", [f"<think>{DRAFT}", f"<think>a</think><thinking>{DRAFT} but", f"[THINK]{DRAFT}"])
def test_an_answer_that_was_cut_in_the_thought_is_none(printed: str) -> None:
    with pytest.raises(ValueError, match="ends within a thought that is never closed"):
        answer(printed)


@pytest.mark.parametrize(
    "printed",
    [
        f"{DRAFT}\nBetter:\n{GOOD}",
        f"{GOOD}\n{{}}\nDone.",
        f'{GOOD}\n{{"done": true}}',
        f"```json\n{GOOD}\n```\nThat is it.",
        f"[{GOOD}]",
        f"Let me see {{ ... }} for {{x: x > 0}} in S[0], [{{1}}]:\n{GOOD}",
        f"{DRAFT.replace('}}', '')}\n{GOOD}",  # a draft that breaks off
        GOOD.replace("real", "real </think> <think> { ["),
    ],
)
def test_the_last_outermost_object_that_fits_is_the_answer(printed: str) -> None:
    assert answer(printed).hypothesis.startswith("real")


@pytest.mark.parametrize(
    "printed",
    [
        "{'hypothesis': 'real', 'changes': {'lr_S': 0.01}}",
        '{"hypothesis": "real", "changes": {"lr_S": 0.01,},}',
        '{hypothesis: "real", changes: {lr_S: .01}}',
        '{"hypothesis": "real", // of the rate\n # or so\n "changes": {"lr_S": /* low */ 1e-2}}',
        "{'hypothesis': '''real''', 'changes': {'lr_S': +0.01}, 'title': ''}",
        GOOD.replace("}}", '}, "title": null}'),
        GOOD.replace("}}", '}, "confidence": 0.9, "reasoning": "it was too slow"}'),
        GOOD.replace("}}", '}, "edits": [], "diff": ""}'),
    ],
)
def test_what_leaves_no_doubt_is_read(printed: str) -> None:
    assert answer(printed) == ProposedExperiment(hypothesis="real", changes={"lr_S": 0.01})


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (r'"\ud83d\ude00"', "😀"),
        (r'"a\ud83d"', "a\N{REPLACEMENT CHARACTER}"),
        (r'"\udc00b"', "\N{REPLACEMENT CHARACTER}b"),
        ('"two\nlines"', "two\nlines"),
        (r'"\d+ of $\alpha$"', r"\d+ of $\alpha$"),
        (r"'it\'s'", "it's"),
        (r'"\"\\\/\u00e9"', '"\\/é'),
    ],
)
def test_texts_are_what_was_meant_and_can_be_written(written: str, meant: str) -> None:
    text = answer(f'{{"hypothesis": {written}, "changes": {{"lr_S": 1}}}}').hypothesis
    assert text == meant
    text.encode()


@pytest.mark.parametrize(
    ("printed", "fault"),
    [
        ("I would rather talk", "there is no JSON object in it"),
        (GOOD.replace("0.01", '"a" 1'), "its JSON is broken at line 1, column 48"),
        ('{"hypothesis": "he said\n"so"", "changes": {"lr_S": 0.02}}', "its JSON is broken at line 2, column 2"),
        (GOOD.replace("}}", "}"), "it breaks off before its end"),
        (GOOD.replace("0.01", "9" * 5000), "its JSON is broken at line 1"),
        (GOOD.replace("0.01", "4_1"), "its JSON is broken at line 1"),
        (GOOD.replace("0.01", "NaN"), "changes.lr_S: a number must be finite"),
        (GOOD.replace("0.01", "-Infinity"), "changes.lr_S: a number must be finite"),
        (GOOD.replace("0.01", "1e999"), "changes.lr_S: a number must be finite"),
        (GOOD.replace("0.01", "9" * 400), "changes.lr_S: a number must be finite"),
        (GOOD.replace("0.01", "null"), "changes.lr_S: Input should be a valid number"),
        (GOOD.replace('"real"', "null"), "hypothesis: Field required"),
        (GOOD.replace("changes", "change"), "change: the form has no such key"),
        (GOOD.replace("changes", "chosen"), "chosen: the form has no such key"),
        ('{"hypothesis": "real"}', "give changes, edits or a diff"),
        (GOOD.replace("}}", '}, "kind": "diagnosis"}'), "a diagnosis prints figures: give edits or a diff"),
        (GOOD.replace("}}", f'}}, "edits": [{EDIT}], "diff": "--- a/gnn/loss.py"}}'), "give edits or a diff, one"),
        (f'{{"proposals": [{GOOD}, {{"changes": {{"lr_S": 1}}}}]}}', "proposals.1.hypothesis: Field required"),
        ('{"proposals": []}', "proposals: "),
        (f'{{"confidence": 0.9, "title": "x", "changes": {GOOD}}}', "hypothesis: Field required"),
        (f"[{GOOD}, 1]", "it is a list of more than objects; give one object"),
    ],
)
def test_the_fault_of_the_outer_object_is_named(printed: str, fault: str) -> None:
    with pytest.raises(ValueError, match=rf"^{fault}"):
        answer(printed)


def test_objects_within_others_are_never_answers() -> None:
    for printed in (f'{{"proposal": {GOOD}}}', f'{{"a": {{"b": [{GOOD}]}}}}', f'{{"proposal": {GOOD}, "x": y}}'):
        with pytest.raises(ValueError):  # noqa: PT011 - whatever it says
            answer(printed)


def test_the_parts_of_a_patch_and_of_a_lesson_are_read_alike() -> None:
    noted = EDIT.replace("}", ', "why": "it is shorter"}')
    code = answer(f'{{"hypothesis": "h", "edits": [{noted}], "diff": null, "changes": null}}')
    assert code.edits[0].replace == "b"
    assert read_answer('{"summary": "s", "findings": null}', LessonAnswer).findings == ()


@pytest.mark.parametrize(
    "printed",
    [
        f'{{"proposals": [{GOOD}, {DRAFT}]}}',
        f'{{"proposals": [{GOOD}, {DRAFT}], "reasoning": "both are cheap"}}',
        f"Two of them:\n[{GOOD}, {DRAFT}]",
        "[" + GOOD.replace("}}", '}, "confidence": 0.9, "parent": null}, ') + DRAFT + "]",
    ],
)
def test_several_proposals_are_one_answer(printed: str) -> None:
    assert [p.hypothesis for p in read_answer(printed, ProposalsAnswer).proposals] == ["real", "draft"]


@pytest.mark.parametrize(
    "error", ['{"error": {"message": "bad"}}', '{"error": "bad"}', '{"type": "x", "error": {"code": "bad"}}']
)
def test_an_error_is_no_answer(error: str) -> None:
    with pytest.raises(ErrorAnswerError, match="it is an error: bad"):
        answer(error)
    assert answer(f"{GOOD}\n{error}").hypothesis == "real"


@pytest.mark.parametrize(
    "hostile",
    [
        "{",
        '{"',
        "{'{\"",
        '{"a":',
        '{"a":x ',
        '{"a":{},',
        '[{"a":1},[',
        "{/*",
        "{//",
        '{"""',
        "{}",
        "<think>",
        '{a:"',
        "[ ",
    ],
)
def test_no_output_costs_more_than_its_length(hostile: str) -> None:
    """A parser that reads the rest anew at each bracket would take a minute."""
    began = time.process_time()
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says
        answer(hostile * (20_000 // len(hostile)))
    assert time.process_time() - began < 5.0
