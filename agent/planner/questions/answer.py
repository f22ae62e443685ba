"""The answer in the output of a language model or an agent program: the last object outside its thoughts that fits.

Objects within others, and those in a thought, are never the answer: they are examples and drafts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError

from agent.planner.questions.lenient_json import BrokenJsonError, parse_at
from agent.planner.questions.provider_error import ProviderError, error_in
from agent.planner.questions.question import AnswerT, ProposalsAnswer, ProposedExperiment, what_is_wrong

# The tags of thoughts as the chat templates of DeepSeek, Qwen, Magistral, Kimi, Sky-T1 and gpt-oss write them.
_NAMES = "think|thinking|thoughts?|reasoning|reflection|analysis|scratchpad"
_OPEN = rf"<(?:\w+:)?(?:{_NAMES})>|\[THINK\]|◁think▷|<\|begin_of_thought\|>|<\|channel\|>(?!final)\w+"
_CLOSE = rf"</(?:\w+:)?(?:{_NAMES})>|\[/THINK\]|◁/think▷|<\|end_of_thought\|>|<\|channel\|>final"
_CLOSING = re.compile(_CLOSE, re.IGNORECASE)
_MARK = re.compile(rf"(?P<open>{_OPEN})|(?P<close>{_CLOSE})|\{{|\[(?=\s*+\{{)", re.IGNORECASE)
_MOST = 10_000  # objects, broken ones and tags together
_FIRST = re.compile(r"^proposals\.0(?:\.|: )")
_SIMILAR = 0.75  # as difflib counts: `change` for `changes`


class ErrorAnswerError(ValueError):
    """The output is the error of a provider; `error` has it."""

    def __init__(self, error: ProviderError) -> None:
        super().__init__(f"it is an error: {error.words}")
        self.error = error


@dataclass(frozen=True)
class _Candidate:
    """An outermost object, or the objects of an outermost list, or what is wrong with it; and its keys."""

    objects: Sequence[dict[str, Any]]
    fault: BrokenJsonError | str
    keys: Sequence[str]


def read_answer(printed: str, form: type[AnswerT]) -> AnswerT:
    """Return the last outermost object in the output that has the form.

    Raises `ErrorAnswerError`, or `ValueError` with the fault of the object that comes nearest to the form.
    """
    candidates, thinks = _outermost(printed)
    known = {*form.model_fields, *(ProposedExperiment.model_fields if form is ProposalsAnswer else ())}
    fault: object = "there is no JSON object in it"
    nearest = -1
    if thinks:
        fault, nearest = "it ends within a thought that is never closed; the answer must follow the thought", 0
    reported: ProviderError | None = None
    for candidate in reversed(candidates):
        problem: object = candidate.fault
        if candidate.objects:
            try:
                return fit(candidate.objects, form)
            except ValueError as error:
                problem = error
            reported = reported or error_in(candidate.objects[0])
        alike = sum(key in known for key in candidate.keys)
        if alike > nearest:
            fault, nearest = problem, alike
    if reported is not None and nearest <= 0:
        raise ErrorAnswerError(reported)
    raise ValueError(str(fault))


def fit(objects: Sequence[dict[str, Any]], form: type[AnswerT]) -> AnswerT:
    """Return objects as a form; raise `ValueError` with the first fault.

    Proposals may stand alone or in a list, without the object around them. Null stands for an optional key that is left
    out. Notes beside the keys of the form are passed over.
    """
    content, alone = _around(objects, form)
    try:
        return form.model_validate(content)
    except ValidationError as error:
        rest = deepcopy(content)
        for fault in error.errors(include_url=False):
            if fault["input"] is None or (fault["type"] == "extra_forbidden" and _is_note(fault, rest, form)):
                _leave_out(rest, fault["loc"])
        try:
            return form.model_validate(rest)
        except ValidationError as remaining:
            words = what_is_wrong(remaining)
            raise ValueError(_FIRST.sub("", words) if alone else words) from None


def _around(objects: Sequence[dict[str, Any]], form: type[AnswerT]) -> tuple[dict[str, Any], bool]:
    """Return the outer object of a form, and whether it was made around a single proposal."""
    if form is ProposalsAnswer and not (len(objects) == 1 and "proposals" in objects[0]):
        return {"proposals": list(objects)}, len(objects) == 1
    if len(objects) > 1:
        raise ValueError(f"it is a list of {len(objects)}; give one object")
    return objects[0], False


def _outermost(printed: str) -> tuple[list[_Candidate], bool]:
    """Return the outermost objects outside thoughts, and whether the output ends within a thought."""
    found: list[_Candidate] = []
    at, balanced = 0, True
    for _ in range(_MOST):
        mark = _MARK.search(printed, at)
        if mark is None:
            return found, False
        at = mark.end()
        if mark["close"]:
            found.clear()  # all of it was a thought, whose opening tag the chat template has taken
        elif mark["open"]:
            closing = _CLOSING.search(printed, at)
            if closing is None:
                return found, True
            at = closing.end()
        else:
            try:
                value, at = parse_at(printed, mark.start())
                found.append(_candidate(value))
            except BrokenJsonError as error:
                if error.keys:  # else it may be a bracket in a sentence
                    found.append(_Candidate((), error, error.keys))
                    end = error.end() if balanced else None
                    balanced = end is not None  # looked for once in vain, or each fault would read all of the rest
                    at = max(at, error.at if end is None else end)
    raise ValueError(f"it has more than {_MOST} objects")


def _candidate(value: object) -> _Candidate:
    """Return an object, or a list of objects, as a candidate."""
    values = value if isinstance(value, list) else [value]
    objects = [each for each in values if isinstance(each, dict)]
    first = objects[0] if objects else {}
    if len(objects) < len(values):
        return _Candidate((), "it is a list of more than objects; give one object", list(first))
    return _Candidate(objects, "", list(first))


def _is_note(fault: Any, content: dict[str, Any], form: type[BaseModel]) -> bool:
    """Return whether a key beside the form's is a note like `confidence`, and not part of the experiment."""
    *place, key = fault["loc"]
    if not fault["input"]:
        return True
    if len(place) == 2 and form is ProposalsAnswer:
        content, form = content["proposals"][place[1]], ProposedExperiment
    elif place:
        return True
    absent = form.model_fields.keys() - content.keys()
    return not isinstance(fault["input"], dict | list) and not get_close_matches(str(key), absent, cutoff=_SIMILAR)


def _leave_out(content: dict[str, Any], place: Sequence[str | int]) -> None:
    """Take a key out of an object, if it is a key of one."""
    parent: Any = content
    for step in place[:-1]:
        try:
            parent = parent[step]
        except (KeyError, IndexError, TypeError):
            return  # the place names a kind, not a key
    if isinstance(parent, dict):
        parent.pop(place[-1], None)
