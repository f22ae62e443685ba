"""Search spaces and values that would break what computes with them later: each is refused with its field."""

import json
from typing import Any

import pytest

from agent.executor.code.search_space import Field, read_space, read_values, widened

NUMBER: dict[str, Any] = {"value": 0.1, "kind": "float", "doc": "d", "low": 0.01, "high": 1.0, "log": True}
CHOICE: dict[str, Any] = {"value": "a", "kind": "choice", "doc": "d", "choices": ["a", "b"]}


def test_a_space_that_can_be_searched_is_read() -> None:
    whole = {**NUMBER, "kind": "int", "value": 2, "low": 1, "high": 3, "log": False}
    fields = read_space(json.dumps({"lr": NUMBER, "act": CHOICE, "größe": whole}))
    assert list(fields) == ["lr", "act", "größe"]
    assert (fields["lr"].low, fields["act"].choices) == (0.01, ("a", "b"))


@pytest.mark.parametrize(
    ("field", "words"),
    [
        (NUMBER | {"low": 0.0}, "low 0 must be at least 1e-15 on a logarithmic scale"),
        (NUMBER | {"low": -1.0}, "declare a higher low, or log=False"),
        (NUMBER | {"low": 5e-324}, "logarithmic scale"),
        (NUMBER | {"low": 2.0}, "low 2 must be below high 1"),
        (NUMBER | {"low": 1.0}, "low 1 must be below high 1"),
        (NUMBER | {"low": None}, "needs a number as value, low and high"),
        (NUMBER | {"value": "fast"}, "needs a number as value"),
        (NUMBER | {"value": 10**400}, "x.value: a number must be finite, and at most 1e+15"),
        (NUMBER | {"high": 10**400}, "x.high"),
        (NUMBER | {"high": float("inf")}, "x.high"),
        (NUMBER | {"value": float("nan")}, "a number must be finite"),
        (NUMBER | {"value": True}, "bool is neither"),
        (NUMBER | {"value": [0.1]}, "list is neither"),
        (NUMBER | {"kind": "int"}, "kind int needs whole numbers"),
        (NUMBER | {"doc": "d" * 2000}, "x.doc"),
        (NUMBER | {"more": 1}, "x.more"),
        (CHOICE | {"choices": []}, "'a' is not among its choices []"),
        (CHOICE | {"value": "c"}, "'c' is not among its choices"),
        (CHOICE | {"choices": ["a", "a"]}, "are not all different"),
        (CHOICE | {"choices": ["a", "1", 1]}, "are not all different"),
        (CHOICE | {"choices": ["a", "\x1b[31m"]}, "all of them printable"),
        *((CHOICE | {"choices": ["a", f"b{end}c"]}, "all of them printable") for end in "\n\t\r\u2028"),
        (CHOICE | {"choices": ["a", None]}, "NoneType is neither"),
        (CHOICE | {"choices": ["a", *map(str, range(200))]}, "at most 100 items"),
    ],
)
def test_a_field_that_cannot_be_searched_is_named_with_its_fault(field: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match="its search space is not valid: x") as refusal:
        read_space(json.dumps({"x": field}))
    assert words in str(refusal.value)


def test_a_description_is_one_line() -> None:
    assert read_space(json.dumps({"x": NUMBER | {"doc": "a rate\n# head\t\x1b"}}))["x"].doc == "a rate # head \\x1b"


@pytest.mark.parametrize("name", ["a\u200db", "a\u3164", "a-b", "", "a" * 65, "a\n"])
def test_a_name_of_which_something_is_not_seen_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="all of them letters, digits or _"):
        read_space(json.dumps({name: NUMBER}))


@pytest.mark.parametrize(
    "printed",
    [
        *("", "[]", "null", '{"a b": 1}', '{"": 1}', '{"a": NaN}', '{"a": 1e999}', '{"a": {}}', '{"a":' * 5000),
        *(f'{{"a": {"9" * 5000}}}', json.dumps({f"f{n}": 1 for n in range(300)}), json.dumps({"a" * 99: 1})),
    ],
)
def test_a_configuration_that_is_none_is_refused_in_a_few_words(printed: str) -> None:
    with pytest.raises(ValueError, match="its configuration is not valid") as refusal:
        read_values(printed)
    assert len(str(refusal.value)) < 400


@pytest.mark.parametrize(
    ("value", "span"),
    [(0.01, (0.01, 2.0)), (0.05, (0.05, 2.0)), (4.0, (0.05, 4.0)), (0.0, (0.05, 2.0))],  # 0 has no logarithm
)
def test_a_range_includes_the_value_that_a_configuration_has_beyond_it(value: float, span: tuple[float, float]) -> None:
    declared = {"scale": Field(value=0.5, kind="float", doc="of S", low=0.05, high=2.0, log=True)}
    found = widened(declared, {"scale": value, "another": 1})["scale"]
    assert (found.low, found.high) == span
    assert found.spans(value) == (value > 0)
    assert declared["scale"].spans(value) == (value == 0.05)
