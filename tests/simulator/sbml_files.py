"""Small SBML files to import."""

from __future__ import annotations

from pathlib import Path

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
