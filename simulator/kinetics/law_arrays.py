"""Rate laws as arrays, and back: the form in which the truth is frozen."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from numpy.typing import NDArray

from simulator.kinetics.reaction_laws import ReactionLaws
from simulator.kinetics.recorded_rates import RecordedRates
from simulator.kinetics.regulators import Regulators
from simulator.kinetics.shared_functions import RandomFunction, SharedFunctions

Law = SharedFunctions | ReactionLaws | RecordedRates

_FUNCTIONS = ("substrate_func", "rate_func")
_PARAMETERS = ("law", "log_k", "log_equilibrium", "half", "power", "reference")


def arrays_of(law: Law) -> dict[str, NDArray[Any]]:
    """Return the arrays of a rate law, by name."""
    if isinstance(law, RecordedRates):
        return vars(law)
    if isinstance(law, ReactionLaws):
        regulators = {f"regulators.{part}": value for part, value in vars(law.regulators).items()}
        return {name: getattr(law, name) for name in _PARAMETERS} | regulators
    arrays = {"log_k": law.log_k}
    for name in _FUNCTIONS:
        arrays |= {f"{name}.{part}": value for part, value in vars(getattr(law, name)).items()}
    return arrays


def law_of(arrays: dict[str, NDArray[Any]]) -> Law:
    """Return the rate law of arrays."""
    if "recorded" in arrays:
        return RecordedRates(arrays["recorded"])
    if "law" in arrays:
        regulators = Regulators(**_parts(arrays, "regulators", Regulators))
        return ReactionLaws(**{name: arrays[name] for name in _PARAMETERS}, regulators=regulators)
    functions = {name: RandomFunction(**_parts(arrays, name, RandomFunction)) for name in _FUNCTIONS}
    return SharedFunctions(log_k=arrays["log_k"], **functions)


def _parts(arrays: dict[str, NDArray[Any]], name: str, kind: type) -> dict[str, NDArray[Any]]:
    return {field.name: arrays[f"{name}.{field.name}"] for field in fields(kind)}
