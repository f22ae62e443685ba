"""Small SBML files to import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

_LEVEL_3 = """<?xml version="1.0" encoding="UTF-8"?>
<sbml xmlns="http://www.sbml.org/sbml/level3/version1/core" level="3" version="1"><model id="small">
<listOfCompartments><compartment id="c" constant="true"/></listOfCompartments>
<listOfSpecies>{species}</listOfSpecies><listOfReactions>{reactions}</listOfReactions></model></sbml>
"""
Side = Mapping[str, float | str | None]  # coefficients by species; None where the file states none

EQUATIONS = {
    "FORWARD": "2 a_c + b_c --> 4 c_c",
    "REVERSIBLE": "b_c <=> a_c",
    "CARRIER": "a_c + c_c --> 2 c_c",  # c on both sides: one c is made of one a
    "EX_c": "c_c <=>",
    "SOURCE": "d_c --> d_c + b_c",  # nothing is used up
    "BIOMASS": "0.3 a_c + 1.7 b_c --> c_c",
    "LUMPED": "7 a_c --> b_c",
}


def write_sbml(path: Path, equations: dict[str, str]) -> Path:
    """Write a model of these reactions; needs COBRApy."""
    import cobra
    from cobra.io import write_sbml_model

    model = cobra.Model("small")
    for name, equation in equations.items():
        reaction = cobra.Reaction(name)
        model.add_reactions([reaction])
        reaction.build_reaction_from_string(equation, verbose=False)
    for metabolite in model.metabolites:
        metabolite.compartment = "c"
    write_sbml_model(model, str(path))
    return path


def write_level_3(path: Path, reactions: Mapping[str, tuple[Side, Side]], boundary: Sequence[str] = ()) -> Path:
    """Write a model with these ids as they are, each species once on a side."""
    sides = [side for both in reactions.values() for side in both]
    ids = sorted({name for side in sides for name in side})
    species = "".join(
        f'<species id="{name}" compartment="c" hasOnlySubstanceUnits="false" constant="false" '
        f'boundaryCondition="{str(name in boundary).lower()}"/>'
        for name in ids
    )
    parts = "".join(
        f'<reaction id="{name}" reversible="false" fast="false">'
        + "".join(
            f"<listOf{kind}>{''.join(map(_reference, side.items()))}</listOf{kind}>"
            for kind, side in zip(("Reactants", "Products"), both, strict=True)
            if side
        )
        + "</reaction>"
        for name, both in reactions.items()
    )
    path.write_text(_LEVEL_3.format(species=species, reactions=parts))
    return path


def _reference(member: tuple[str, float | str | None]) -> str:
    name, coefficient = member
    stated = "" if coefficient is None else f' stoichiometry="{coefficient}"'
    return f'<speciesReference species="{name}"{stated} constant="true"/>'
