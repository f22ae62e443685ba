"""The facts about a dataset that `stoichloop data` prints."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from memory.formatting import UNCHECKED, counted
from simulator.dataset import Dataset
from simulator.identifiability.facts import Facts
from simulator.measured.measurements import MeasuredFacts, Measurements

_NAMED = 12  # items of a list to print; --json has all


def datasheet(dataset: Dataset | Measurements) -> RenderableType:
    """Return the regime's description and a table of its facts; of measurements, what was done and what is advised."""
    lines = _measured(dataset) if isinstance(dataset, Measurements) else _simulated(dataset)
    lists = _lists(dataset.facts) if isinstance(dataset, Measurements) else {}
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in lines.items():
        table.add_row(Text(name, style="bold"), value)
    return Group(Text(dataset.regime.description.strip()), *_bulleted(lists), Text(), table)


def _lists(facts: MeasuredFacts) -> dict[str, Sequence[str]]:
    prospects = facts.prospects
    return {
        "Changes to the table": facts.table,
        "Changes to the network": facts.network,
        "Changes that the network does not explain": prospects.unexplained if prospects else (),
        "To measure next": prospects.advice if prospects else (),
    }


def _bulleted(lists: Mapping[str, Sequence[str]]) -> Iterator[RenderableType]:
    for heading, items in lists.items():
        if items:
            yield Text(f"\n{heading}", style="bold")
            rows = Table(box=None, show_header=False, pad_edge=False)
            for item in items:
                rows.add_row("-", Text(item))
            yield rows


def _measured(dataset: Measurements) -> dict[str, str]:
    facts, constraints = dataset.facts, dataset.regime.constraints
    magnitudes = ", ".join(map(str, constraints.alphabet))
    balance = "every column of S sums to zero" if constraints.mass_balanced else "mass balance is not assumed"
    primitive = "no common divisor in a column; " if constraints.primitive else ""
    held = f"{facts.heldout_frames} in {_trajectories(facts.heldout_trajectories)} held out for scoring"
    return {
        "network": f"{_network(facts)}, {counted(facts.edges, 'edge')}; roles are known",
        **_stated(dataset),
        "stated": f"coefficients of magnitude {magnitudes}; {primitive}{balance}",
        "observed": f"{counted(facts.frames, 'frame')} in {_trajectories(facts.trajectories)}; "
        + (held if facts.heldout_frames else "none held out: scores are measured on the same frames"),
        "followed for": f"{min(facts.followed_for):g} to {max(facts.followed_for):g}, in the time unit of the file",
        "concentrations": f"{facts.smallest_concentration:g} to {facts.largest_concentration:g}, "
        "in the concentration unit of the file",
        "activity rank": f"{counted(facts.activity_rank, 'component')} carrying 99 % of the variance, "
        "each metabolite in units of its own variation",
        "noise": _noise(facts),
        **_prospects(facts),
        "truth": f"unknown. This is {UNCHECKED}; experiments are judged by the score 'support'",
    }


def _stated(dataset: Measurements) -> dict[str, str]:
    """Return what is stated of rates and of coefficients, where anything is."""
    stated, columns, facts = dataset.stated, dataset.stated_columns, dataset.facts
    exchange = int((np.bincount(dataset.graph.rxn_all, minlength=dataset.graph.n_reactions) == 1).sum())
    counts = {
        "reversible reactions": int(stated.reversible.sum()),
        "reactions with one member": exchange,
        "regulations": len(stated.met_reg),
        "known coefficients": int(np.sum(columns.known != 0)),
        "tied coefficients": int(np.sum(columns.tied != 0)),
        "conserved totals": len(columns.conserved),
        "volumes": len(np.unique(stated.volume)) if len(np.unique(stated.volume)) > 1 else 0,
        "incomplete columns": int(columns.incomplete.sum()),
        "rates with an unmeasured participant": int(columns.unobserved_rate.sum()),
    }
    words = [f"{count} {what}" for what, count in counts.items() if count]
    words += [f"given over time: {_listed(facts.inputs)}"] if facts.inputs else []
    return {"rates and columns": ", ".join(words)} if words else {}


def _noise(facts: MeasuredFacts) -> str:
    known = {name: share for name, share in zip(facts.metabolite_names, facts.noise, strict=True) if share is not None}
    if not known:
        return "cannot be estimated from so few readings"
    noisiest = max(known, key=lambda name: known[name])
    of = "a reading" if facts.prospects else "a metabolite's root mean square"
    return f"{statistics.median(known.values()):.2%} of {of} in the median, {known[noisiest]:.2%} at most ({noisiest})"


def _prospects(facts: MeasuredFacts) -> dict[str, str]:
    prospects = facts.prospects
    if prospects is None:  # data from before it was recorded
        return {}
    return {
        "prospects": prospects.verdict,
        "too few readings": _listed(prospects.thin) + " (changes read, compared with constants of its rates)"
        if prospects.thin
        else "none",
        "vary together": _listed("{" + ", ".join(group) + "}" for group in prospects.never_apart),
    }


def _trajectories(count: int) -> str:
    return counted(count, "trajectory", "trajectories")


def _network(facts: Facts | MeasuredFacts) -> str:
    return ", ".join(
        counted(count, noun) for count, noun in ((facts.metabolites, "metabolite"), (facts.reactions, "reaction"))
    )


def _simulated(dataset: Dataset) -> dict[str, str]:
    facts = dataset.facts
    resolved = set(facts.scale_free_resolved)
    unresolved = [facts.reaction_names[r] for r in facts.scale_free_reactions if r not in resolved]
    edges = counted(facts.edges, "edge")
    if dataset.regime.constraints.may_be_absent:
        edges = f"{counted(facts.edges, 'candidate edge')}, {facts.true_edges} of them real"
    own = dataset.regime.constraints.primitive
    roles = "known" if dataset.regime.observation.roles_told else "unknown"
    return {
        "network": f"{_network(facts)}, {edges}; roles are {roles}",
        **({"rate laws": _laws(dataset)} if own else {}),
        "observed": f"{counted(facts.frames, 'frame')} in {_trajectories(facts.trajectories)}, "
        f"{facts.heldout_trajectories} more held out",
        "followed for": f"{min(facts.followed_for):.2f} to {max(facts.followed_for):.2f} time units, "
        f"median {statistics.median(facts.followed_for):.2f}",
        "activity rank": f"{counted(facts.activity_rank, 'component')} carrying 99 % of the variance of concentrations",
        "rates vary": f"coefficient of variation at least {min(facts.rate_variation):.4f}, "
        f"median {statistics.median(facts.rate_variation):.3f}, over {counted(len(facts.rate_variation), 'reaction')}",
        "smallest concentration": f"{facts.smallest_concentration:.4f}, never clamped",
        "identifiable": f"{facts.identifiable_edges} of {counted(facts.edges, 'coefficient')}, with all rates known "
        f"({counted(facts.null_dimension, 'direction')} undetermined)",
        "given the participants alone"
        if own
        else "given the form alone": f"{facts.identifiable_edges_given_form} of {counted(facts.edges, 'coefficient')}",
        "proportional rates": _listed(" = ".join(_names(facts, group)) for group in facts.proportional_reactions),
        "collinear groups": _listed(
            "{" + ", ".join(f"{facts.metabolite_names[m]} in {facts.reaction_names[r]}" for m, r in group) + "}"
            for group in facts.collinear_groups
        ),
        "scale-free columns": "none: no column has a common divisor"
        if own
        else f"{len(facts.scale_free_reactions)}, {len(resolved)} of them resolved by the form "
        f"of the rate law; unresolved: {_listed(unresolved)}",
    }


def _laws(dataset: Dataset) -> str:
    """Return the stated structure of rates where each reaction has a law of its own."""
    stated, inputs = dataset.stated, dataset.observed[0].inputs.shape[1]
    exchange = int((np.bincount(dataset.graph.rxn_all, minlength=dataset.graph.n_reactions) == 1).sum())
    return (
        f"one for each reaction; {int(stated.reversible.sum())} reversible, {exchange} exchange with the outside, "
        f"{counted(len(stated.met_reg), 'regulator')}, {counted(inputs, 'input')}, "
        f"{counted(len(np.unique(stated.volume)), 'volume')}"
    )


def _names(facts: Facts, reactions: Sequence[int]) -> list[str]:
    return [facts.reaction_names[reaction] for reaction in reactions]


def _listed(items: Iterable[str]) -> str:
    named = list(items)
    more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    return ", ".join(named[:_NAMED]) + more or "none"
