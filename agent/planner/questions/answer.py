"""The answer in what a language model or an agent program has printed: the last object outside its thoughts that fits.

Objects within others, and those in a thought, are never the answer: they are examples and drafts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from agent.planner.questions.lenient_json import BrokenJsonError, parse_at
from agent.planner.questions.provider_error import ProviderError, error_in
from agent.planner.questions.question import AnswerT, CodeAnswer, what_is_wrong

# The tags of thoughts as the chat templates of DeepSeek, Qwen, Magistral, Kimi, Sky-T1 and gpt-oss write them.
_NAMES = "think|thinking|thoughts?|reasoning|reflection|analysis|scratchpad"
_OPEN = rf"<(?:\w+:)?(?:{_NAMES})>|\[THINK\]|◁think▷|<\|begin_of_thought\|>|<\|channel\|>(?!final)\w+"
_CLOSE = rf"</(?:\w+:)?(?:{_NAMES})>|\[/THINK\]|◁/think▷|<\|end_of_thought\|>|<\|channel\|>final"
_CLOSING = re.compile(_CLOSE, re.IGNORECASE)
_MARK = re.compile(rf"(?P<open>{_OPEN})|(?P<close>{_CLOSE})|\{{|\[(?=\s*+\{{)", re.IGNORECASE)
_MOST = 10_000  # objects, broken ones and tags together
_SIMILAR = 0.75  # as difflib counts: `change` for `changes`


class ErrorAnswerError(ValueError):
    """The output is the error of a provider; `error` has it."""

    def __init__(self, error: ProviderError) -> None:
        super().__init__(f"it is an error: {error.words}")
        self.error = error


@dataclass(frozen=True)
class _Candidate:
    """An outermost object: its content, or what is wrong with it, and its keys."""

    content: dict[str, Any] | None
    fault: BrokenJsonError | str
    keys: Sequence[str]


def read_answer(printed: str, form: type[AnswerT]) -> AnswerT:
    """Return the last outermost object in the output that has the form.

    Raises `ErrorAnswerError`, or `ValueError` with the fault of the object that comes nearest to the form.
    """
    candidates, thinks = _outermost(printed)
    fault: object = "there is no JSON object in it"
    nearest = -1
    if thinks:
        fault, nearest = "it ends within a thought that is never closed; the answer must follow the thought", 0
    reported: ProviderError | None = None
    for candidate in reversed(candidates):
        problem: object = candidate.fault
        if candidate.content is not None:
            try:
                return fit(candidate.content, form)
            except ValueError as error:
                problem = error
            reported = reported or error_in(candidate.content)
        alike = sum(key in form.model_fields for key in candidate.keys)
        if alike > nearest:
            fault, nearest = problem, alike
    if reported is not None and nearest <= 0:
        raise ErrorAnswerError(reported)
    raise ValueError(str(fault))


def fit(content: dict[str, Any], form: type[AnswerT]) -> AnswerT:
    """Return an object as its form; raise `ValueError` with its first fault.

    Null stands for an optional key that is left out. Notes beside the keys of the form are passed over.
    """
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
            raise ValueError(what_is_wrong(remaining)) from None


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
                    found.append(_Candidate(None, error, error.keys))
                    end = error.end() if balanced else None
                    balanced = end is not None  # looked for once in vain, or each fault would read all of the rest
                    at = max(at, error.at if end is None else end)
    raise ValueError(f"it has more than {_MOST} objects")


def _candidate(value: object) -> _Candidate:
    """Return an object, also the only one of a list, as a candidate."""
    objects = value if isinstance(value, list) else [value]
    if len(objects) == 1 and isinstance(objects[0], dict):
        return _Candidate(objects[0], "", list(objects[0]))
    first = objects[0] if isinstance(objects[0], dict) else {}
    return _Candidate(None, f"it is a list of {len(objects)}; give one object", list(first))


def _is_note(fault: Any, content: dict[str, Any], form: type[AnswerT]) -> bool:
    """Return whether a key beside the form's is a note like `confidence`, and not part of the experiment."""
    key, value = str(fault["loc"][-1]), fault["input"]
    if len(fault["loc"]) > 1 or not value:
        return True
    absent = {*form.model_fields, *CodeAnswer.model_fields} - content.keys()
    known = absent | ({key} & CodeAnswer.model_fields.keys())
    return not isinstance(value, dict | list) and not get_close_matches(key, known, cutoff=_SIMILAR)


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
