"""Answers that have the form, and hold what no proposal may."""

from typing import Any

import pytest

from agent.executor.code.code_state import CodeState
from agent.planner.questions.question import ConfigurationAnswer, next_question
from tests.agent.planner.situations import situation
from tests.conftest import ROOT, UNCONTAINED


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"lr_S": 1e300}, "a number must be finite, and at most 1e+15 in magnitude"),
        ({"gate": "a\x1b[31m"}, "all of them printable"),
        ({"a b": 1}, "changes.a b"),
    ],
)
def test_values_that_no_configuration_can_hold_are_objected_to(changes: dict[str, Any], words: str) -> None:
    question = next_question(situation(CodeState(ROOT, UNCONTAINED)).situation, [], 0)
    objection = question.objection(ConfigurationAnswer(hypothesis="h", changes=changes))
    assert objection is not None
    assert words in objection
    assert question.proposal is None
