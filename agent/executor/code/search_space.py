"""The search space that a state of the code declares, and values of a configuration, with bounds on all that they hold.

Both come from unreviewed code or planners. Later steps compute with them: the sweep divides by ranges, the
findings rank values, the ledger writes them as JSON. They rely on the bounds that are checked here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic import Field as Bounds

from stoichloop.foreign_text import is_printable, one_line, visible

LARGEST = 1e15  # below it, a float holds each integer exactly
_LEAST_OF_LOG = 1e-15
_CHARACTERS = 100  # of a value that is a text
_FIELDS, _CHOICES = 200, 100


def _checked(value: object) -> float | int | str:
    if isinstance(value, str):
        if len(value) > _CHARACTERS or not is_printable(value):
            raise ValueError(f"a text must have at most {_CHARACTERS} characters, all of them printable")
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"a value must be a number or a text, and {type(value).__name__} is neither")
    if not abs(value) <= LARGEST:  # which is true of a NaN too
        raise ValueError(f"a number must be finite, and at most {LARGEST:g} in magnitude")
    return value


def _checked_name(name: str) -> str:
    if not re.fullmatch(r"\w{1,64}", name) or not is_printable(name):
        raise ValueError("a name must have at most 64 characters, all of them letters, digits or _")
    return name


Value = Annotated[Any, AfterValidator(_checked)]
Name = Annotated[str, AfterValidator(_checked_name)]
Limit = Annotated[float, Bounds(ge=-LARGEST, le=LARGEST, allow_inf_nan=False)]
Values = Annotated[dict[Name, Value], Bounds(max_length=_FIELDS)]


class Field(BaseModel):
    """One field of the configuration, as `python -m gnn.config` declares it.

    A `shared` field must have the same value in all trials that are trained together. Sweeps try the values of a field
    that is `swept`; other fields are for users, language models and ablations.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: Value
    kind: Literal["float", "int", "choice"]
    doc: Annotated[str, AfterValidator(one_line)] = Bounds(max_length=1000)
    low: Limit | None = None
    high: Limit | None = None
    log: bool = False
    shared: bool = True
    swept: bool = True
    choices: tuple[Value, ...] = Bounds(default=(), max_length=_CHOICES)

    def model_post_init(self, _: object) -> None:
        """Raise `ValueError` where there is nothing to search."""
        if self.kind == "choice":
            self._check_choices()
        else:
            self._check_range()

    def spans(self, value: object) -> bool:
        """Return whether the range holds a value. Values beyond are allowed where the code takes them."""
        if self.kind == "choice" or isinstance(value, str) or self.low is None or self.high is None:
            return True  # the code says what it takes
        return isinstance(value, int | float) and self.low <= value <= self.high

    def _check_choices(self) -> None:
        if self.value not in self.choices:
            raise ValueError(f"{self.value!r} is not among its choices {list(self.choices)}; add it to them")
        if len({str(choice) for choice in self.choices}) < len(self.choices):
            raise ValueError(f"its choices {list(self.choices)} are not all different; leave out what is there twice")

    def _check_range(self) -> None:
        if isinstance(self.value, str) or self.low is None or self.high is None:
            raise ValueError(f"kind {self.kind} needs a number as value, low and high")
        if not self.low < self.high:
            raise ValueError(f"low {self.low:g} must be below high {self.high:g}")
        if self.log and self.low < _LEAST_OF_LOG:
            raise ValueError(
                f"low {self.low:g} must be at least {_LEAST_OF_LOG:g} on a logarithmic scale; "
                "declare a higher low, or log=False"
            )
        if self.kind == "int" and any(number % 1 for number in (self.value, self.low, self.high)):
            raise ValueError("kind int needs whole numbers as value, low and high")


_SPACE: TypeAdapter[dict[str, Field]] = TypeAdapter(Annotated[dict[Name, Field], Bounds(max_length=_FIELDS)])
_VALUES: TypeAdapter[dict[str, Any]] = TypeAdapter(Values)


def widened(fields: Mapping[str, Field], configuration: Mapping[str, Any]) -> dict[str, Field]:
    """Return fields whose ranges include the values of a configuration, which a proposal may have set beyond them."""
    found = dict(fields)
    for name, value in configuration.items():
        field = fields.get(name)
        if field is not None and isinstance(value, int | float) and not field.spans(value):
            assert field.low is not None
            assert field.high is not None
            if not field.log or value >= _LEAST_OF_LOG:
                limits = {"low": min(field.low, value), "high": max(field.high, value)}
                found[name] = field.model_copy(update=limits)
    return found


def read_space(printed: str) -> dict[str, Field]:
    """Read the output of `python -m gnn.config`; raise `ValueError` with the first fault in words."""
    try:
        return _SPACE.validate_json(printed)
    except ValidationError as error:
        raise ValueError(f"its search space is not valid: {first_fault(error)}") from error


def read_values(printed: str) -> dict[str, Any]:
    """Read the output of `python -m gnn.config --resolve`; raise `ValueError` with the first fault in words."""
    try:
        return _VALUES.validate_json(printed)
    except ValidationError as error:
        raise ValueError(f"its configuration is not valid: {first_fault(error)}") from error


def first_fault(error: ValidationError) -> str:
    """Return the first fault that a model found, with its place, in at most 300 characters."""
    fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part)[:_CHARACTERS] for part in fault["loc"] if part != "[key]")
    message = fault["msg"].removeprefix("Value error, ")
    return visible(f"{place}: {message}" if place else message)[:300]
