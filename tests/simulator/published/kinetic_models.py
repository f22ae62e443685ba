"""Small SBML models with rate laws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Model:
    """A model to write.

    Attributes:
        reactions: equation and rate of each, such as `("2 A + B -> C", "k * A * B")`; `<->` where it is reversible.
        initial: initial concentration of each species. boundary: the species that no reaction changes.
        parameters: their values. rules: formulas of parameters, species and volumes over time.
        starts: formulas of what initial assignments compute.
        nucleus: species in a compartment of volume 0.4; the others are in one of volume 1.
        events: for each trigger, the symbol that it changes and the new value.
    """

    reactions: Mapping[str, tuple[str, str]]
    initial: Mapping[str, float]
    boundary: Sequence[str] = ()
    parameters: Mapping[str, float] = field(default_factory=dict)
    rules: Mapping[str, str] = field(default_factory=dict)
    starts: Mapping[str, str] = field(default_factory=dict)
    nucleus: Sequence[str] = ()
    events: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def write(self, path: Path) -> Path:
        """Write the model; needs libSBML."""
        import libsbml

        document = libsbml.SBMLDocument(3, 1)
        model = document.createModel()
        for name, size in {"cell": 1.0, "nucleus": 0.4}.items():
            compartment = model.createCompartment()
            compartment.setId(name)
            compartment.setSize(size)
            compartment.setSpatialDimensions(3.0)
            compartment.setConstant(name not in self.rules)
        for name, initial in self.initial.items():
            species = model.createSpecies()
            species.setId(name)
            species.setCompartment("nucleus" if name in self.nucleus else "cell")
            species.setInitialConcentration(initial)
            species.setHasOnlySubstanceUnits(False)
            species.setBoundaryCondition(name in self.boundary)
            species.setConstant(False)
        for name, initial in self.parameters.items():
            parameter = model.createParameter()
            parameter.setId(name)
            parameter.setValue(initial)
            parameter.setConstant(False)
        for name, formula in self.rules.items():
            rule = model.createAssignmentRule()
            rule.setVariable(name)
            rule.setMath(libsbml.parseL3Formula(formula))
        for name, formula in self.starts.items():
            start = model.createInitialAssignment()
            start.setSymbol(name)
            start.setMath(libsbml.parseL3Formula(formula))
        for name, (equation, rate) in self.reactions.items():
            _add_reaction(model, name, equation, rate)
        for trigger, (symbol, value) in self.events.items():
            event = model.createEvent()
            event.setUseValuesFromTriggerTime(True)
            condition = event.createTrigger()
            condition.setMath(libsbml.parseL3Formula(trigger))
            condition.setPersistent(True)
            condition.setInitialValue(True)
            assignment = event.createEventAssignment()
            assignment.setVariable(symbol)
            assignment.setMath(libsbml.parseL3Formula(value))
        path.write_text(libsbml.writeSBMLToString(document), encoding="utf-8")
        return path


def _add_reaction(model: Any, name: str, equation: str, rate: str) -> None:
    import libsbml

    reaction = model.createReaction()
    reaction.setId(name)
    reaction.setReversible("<->" in equation)
    reaction.setFast(False)
    left, right = equation.replace("<->", "->").split("->")
    for side, create in ((left, reaction.createReactant), (right, reaction.createProduct)):
        for part in (part.split() for part in side.split("+") if part.strip()):
            member = create()
            member.setSpecies(part[-1])
            member.setStoichiometry(float(part[0]) if len(part) > 1 else 1.0)
            member.setConstant(True)
    reaction.createKineticLaw().setMath(libsbml.parseL3Formula(rate))
