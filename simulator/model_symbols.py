"""Symbols of an SBML model: on what a formula depends."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

TIME = "time"


@dataclass(frozen=True)
class ModelSymbols:
    """The quantities of a libSBML model that change.

    Attributes:
        metabolites: species that reactions change.
        driven: symbols that a rate rule or an event changes.
        resized: compartments whose volume a rule or an event changes, or an initial assignment computes.
    """

    model: Any
    metabolites: frozenset[str] = field(init=False)
    driven: frozenset[str] = field(init=False)
    resized: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        rules = list(self.model.getListOfRules())
        ruled = {rule.getVariable() for rule in rules}
        members = {
            member.getSpecies()
            for reaction in self.model.getListOfReactions()
            for side in (reaction.getListOfReactants(), reaction.getListOfProducts())
            for member in side
        }
        fixed = {s.getId() for s in self.model.getListOfSpecies() if s.getBoundaryCondition() or s.getConstant()}
        events = {
            assignment.getVariable()
            for event in self.model.getListOfEvents()
            for assignment in event.getListOfEventAssignments()
        }
        metabolites = frozenset(members - fixed - ruled)
        driven = {rule.getVariable() for rule in rules if rule.isRate()} | (events - metabolites)
        object.__setattr__(self, "metabolites", metabolites)
        object.__setattr__(self, "driven", frozenset(driven))
        computed = {assignment.getSymbol() for assignment in self.model.getListOfInitialAssignments()}
        compartments = {compartment.getId() for compartment in self.model.getListOfCompartments()}
        object.__setattr__(self, "resized", frozenset(compartments & (ruled | events | computed)))

    @cached_property
    def _assigned(self) -> dict[str, Any]:
        return {rule.getVariable(): rule.getMath() for rule in self.model.getListOfRules() if rule.isAssignment()}

    def of_law(self, reaction: Any) -> frozenset[str]:
        """Return the metabolites and the inputs on which a rate depends; `TIME` is an input."""
        law = reaction.getKineticLaw()
        local = {parameter.getId() for parameter in (*law.getListOfParameters(), *law.getListOfLocalParameters())}
        return self._of_formula(law.getMath(), frozenset(local))

    @cached_property
    def in_rates(self) -> frozenset[str]:
        """All names in rate laws and rate rules, and in the assignments behind them."""
        laws = [reaction.getKineticLaw() for reaction in self.model.getListOfReactions()]
        trees = [law.getMath() for law in laws if law is not None]
        trees += [rule.getMath() for rule in self.model.getListOfRules() if rule.isRate()]
        found: set[str] = set()
        while trees:
            new = _names(trees.pop()) - found
            found |= new
            trees += [self._assigned[name] for name in new if name in self._assigned]
        return frozenset(found)

    def _of_formula(self, tree: Any, seen: frozenset[str]) -> frozenset[str]:
        return frozenset().union(*(self._of_symbol(name, seen) for name in _names(tree) if name not in seen))

    def _of_symbol(self, name: str, seen: frozenset[str]) -> frozenset[str]:
        if name in self.metabolites:
            return frozenset({name}) | self._of_dilution(name, seen)
        if name in self.driven or name == TIME:
            return frozenset({name})
        if name in self._assigned:
            found = self._of_formula(self._assigned[name], seen | {name})
            # A quantity that time alone moves is an input itself, and says more than time.
            return found if found & self.metabolites or not found else frozenset({name})
        reaction = self.model.getReaction(name)
        if reaction is not None and reaction.getKineticLaw() is not None:
            return self._of_formula(reaction.getKineticLaw().getMath(), seen | {name})
        return frozenset()

    def _of_dilution(self, metabolite: str, seen: frozenset[str]) -> frozenset[str]:
        """Return what moves the volume by which a formula divides the amount of a metabolite."""
        species = self.model.getSpecies(metabolite)
        if species.getCompartment() not in self.resized - seen or species.getHasOnlySubstanceUnits():
            return frozenset()
        return self._of_symbol(species.getCompartment(), seen | {metabolite})


def _names(tree: Any) -> set[str]:
    """Return the names in a formula, `TIME` for the time."""
    import libsbml

    if tree is None:
        return set()
    own = {TIME} if tree.getType() == libsbml.AST_NAME_TIME else {tree.getName()} if tree.isName() else set()
    return own.union(*(_names(tree.getChild(number)) for number in range(tree.getNumChildren())))
