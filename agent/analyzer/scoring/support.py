"""The support of an integer matrix by the data alone: neither the truth nor a rate law enters.

Given S, every rate is fitted as a smooth function of what the regime says that it depends on. Then each column is
compared with every other integer column that the regime allows, all other rates refitted. The support of a coefficient
is the probability of its integer: near 0 where another fits better, shared where the data cannot tell, as for the
length of a column that no convention fixes. Two columns that are wrong together at one metabolite hide each other,
since the error of that metabolite seems large then; so pairs of its coefficients are compared too, all rates as they
are. Two reactions with the same participants may have proportional rates, and then share what they change between them
in many ways; so their columns are compared together too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations, islice, product

import numpy as np

from agent.analyzer.scoring.decode import reaction_edges
from agent.analyzer.scoring.estimate import Confidence
from agent.analyzer.scoring.rate_balance import RateBalance
from agent.analyzer.scoring.rate_system import RateProducts, RateSystem
from agent.analyzer.scoring.smooth_rates import Participants, rate_features
from simulator.dataset import FrozenData
from simulator.kinetics import Floats
from simulator.network import Graph, Ints
from simulator.regime import Constraints
from simulator.stated_columns import StatedColumns

_FEATURES, _MOST_WEIGHTS = 8, 4096  # of each rate; of all, beyond which each rate has fewer
_DRAWS = (0, 1)  # seeds of the laws; features of other laws weigh columns a little differently
_MOST_PAIRS = 10_000  # of coefficients of one metabolite
_MOST_COLUMNS = 4096  # of one reaction; of more, those that differ in one coefficient are compared


def confidence_in(sto_all: Ints, dataset: FrozenData) -> Confidence:
    """Return the support of each integer coefficient, shape (E,), 1 where it is stated, with its strongest rival."""
    return _confidence(tuple(sto_all.tolist()), _Key(dataset))


@lru_cache(maxsize=64)  # the trivial answer comes back with every trial
def _confidence(sto_all: tuple[int, ...], key: _Key) -> Confidence:
    answer, graph = np.array(sto_all), key.dataset.graph
    columns = _columns(answer, key.dataset)
    rows = [_pairs(answer, np.flatnonzero(graph.met_all == m), graph, columns) for m in range(graph.n_metabolites)]
    compared = [*((reaction,) for reaction in columns), *_alike(key.dataset, columns)]
    choices = [_choice(answer, graph, columns, reactions) for reactions in compared]
    draws = [_of_draw(answer, graph, choices, rows, products) for products in _products(key)]
    least = np.argmin([draw.probability for draw in draws], axis=0), np.arange(len(answer))
    probability = np.mean([draw.probability for draw in draws], axis=0)
    runner_up, price = (np.stack([getattr(draw, name) for draw in draws])[least] for name in ("runner_up", "price"))
    return Confidence(probability, runner_up, price)


@dataclass(frozen=True)
class _Choice:
    """K choices of the columns of some reactions: the edges of each, (D_j,), and its columns at them, (K, D_j)."""

    reactions: tuple[int, ...]
    edges: list[Ints]
    columns: list[Ints]


def _of_draw(
    sto_all: Ints, graph: Graph, choices: list[_Choice], pairs: list[Ints], products: RateProducts
) -> Confidence:
    """Return the confidence with one draw of laws, by `choices` of columns and the `pairs` of each metabolite."""
    found = Confidence(np.ones(len(sto_all)), *np.zeros((2, len(sto_all))))
    system = RateSystem(products, graph.matrix(sto_all.astype(float)).T / products.scale)
    total = products.rows * graph.n_metabolites
    for choice in choices:
        metabolites, edges = [graph.met_all[own] for own in choice.edges], np.concatenate(choice.edges)
        scaled = [own / products.scale[at] for own, at in zip(choice.columns, metabolites, strict=True)]
        evidence = system.evidence(choice.reactions, metabolites, scaled)
        _weigh(found, edges, sto_all[edges], np.concatenate(choice.columns, axis=1), evidence, total)
    for metabolite, rows in enumerate(pairs):
        if len(rows) > 1:
            edges = np.flatnonzero(graph.met_all == metabolite)
            misfit = system.row_misfit(metabolite, graph.rxn_all[edges], rows / products.scale[metabolite])
            evidence = products.rows * np.log(misfit[0] / misfit)
            _weigh(found, edges, rows[0], rows, evidence, total)
    return found


def _choice(sto_all: Ints, graph: Graph, columns: dict[int, Ints], reactions: tuple[int, ...]) -> _Choice:
    """Return all choices of allowed columns of some reactions; if many, of those with the fewest other coefficients."""
    edges = [np.flatnonzero(graph.rxn_all == reaction) for reaction in reactions]
    most, few = round(_MOST_COLUMNS ** (1 / len(reactions))), list[Ints]()
    for reaction, own in zip(reactions, edges, strict=True):
        changed = np.sum(columns[reaction] != sto_all[own], axis=1)
        few.append(columns[reaction][np.argsort(changed, kind="stable")[:most]])
    places = np.indices([len(every) for every in few]).reshape(len(few), -1)
    return _Choice(reactions, edges, [every[at] for every, at in zip(few, places, strict=True)])


def _alike(dataset: FrozenData, columns: dict[int, Ints]) -> list[tuple[int, int]]:
    """Return the pairs of reactions with a choice whose rates depend on the same species in the same way."""
    groups = dict[tuple[frozenset[frozenset[int]], frozenset[int]], list[int]]()
    for reaction in columns:
        own = Participants.of(dataset.graph, dataset.stated, reaction)
        sides = frozenset(frozenset(side.tolist()) for side in (own.substrates, own.products))
        groups.setdefault((sides, frozenset(own.regulators.tolist())), []).append(reaction)
    return [pair for reactions in groups.values() for pair in combinations(reactions, 2)]


def _weigh(found: Confidence, edges: Ints, own: Ints, choices: Ints, evidence: Floats, rows: int) -> None:
    """Enter the confidence in `own` integers (D,) at these edges among `choices` (K, D), where it is less than before.

    `evidence` is twice the log evidence of each choice, shape (K,); `rows` is the number of data.
    """
    evidence = np.where(np.isfinite(evidence), evidence, -np.inf)
    best = float(evidence.max())
    share = np.exp((evidence - best) / 2.0) if best > -np.inf else np.zeros(len(evidence))
    share /= max(float(share.sum()), 1e-300)
    for edge, mine, values in zip(edges, own, choices.T, strict=True):
        integers, place = np.unique(values, return_inverse=True)
        chance = np.bincount(place, share)
        probability = float(chance[integers == mine][0])
        if len(integers) == 1 or probability > found.probability[edge]:
            continue
        rival = int(np.where(integers == mine, -1.0, chance).argmax())
        gap = float(evidence[values == mine].max() - evidence[place == rival].max())
        found.probability[edge], found.runner_up[edge] = probability, integers[rival]
        found.price[edge] = np.expm1(np.clip(np.nan_to_num(gap) / rows, 0.0, 10.0))


def _columns(sto_all: Ints, dataset: FrozenData) -> dict[int, Ints]:
    """Return the allowed columns of each reaction that has a choice."""
    graph, found = dataset.graph, dict[int, Ints]()
    for edges in reaction_edges(graph):
        allowed = allowed_columns(sto_all[edges], edges, graph, dataset.regime.constraints, dataset.stated_columns)
        if len(allowed) > 1:
            found[int(graph.rxn_all[edges[0]])] = allowed
    return found


def _pairs(sto_all: Ints, edges: Ints, graph: Graph, columns: dict[int, Ints]) -> Ints:
    """Return the coefficients (K, D) of one metabolite, as they are and then with two of them changed."""
    changes = []
    for place, edge in enumerate(edges):
        reaction = int(graph.rxn_all[edge])
        members = np.flatnonzero(graph.rxn_all == reaction)
        others = columns.get(reaction, sto_all[None, members])
        single = others[np.sum(others != sto_all[members], axis=1) == 1]
        own = single[:, members == edge].ravel()
        changes += [(place, value) for value in own[own != sto_all[edge]].tolist()]
    pairs = list(islice((pair for pair in combinations(changes, 2) if pair[0][0] != pair[1][0]), _MOST_PAIRS))
    rows = np.tile(sto_all[edges], (len(pairs) + 1, 1))
    for row, pair in enumerate(pairs, 1):
        for place, value in pair:
            rows[row, place] = value
    return rows


@dataclass(frozen=True)
class _Key:
    """Frozen data, equal to others with the same manifest."""

    dataset: FrozenData = field(compare=False)
    manifest: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "manifest", self.dataset.manifest.model_dump_json())


@lru_cache(maxsize=2)
def _products(key: _Key) -> list[RateProducts]:
    """Return what does not depend on S, for each draw of laws."""
    dataset = key.dataset
    graph, balance = dataset.graph, RateBalance.of(dataset.observed, dataset.stated.volume)
    most = min(_FEATURES, max(1, _MOST_WEIGHTS // graph.n_reactions))
    participants = [Participants.of(graph, dataset.stated, reaction) for reaction in range(graph.n_reactions)]
    found = []
    for seed in _DRAWS:
        generator = np.random.default_rng(seed)
        features = [rate_features(balance.logs, own, most, generator) for own in participants]
        found.append(RateProducts.of(balance, features))
    return found


def allowed_columns(column: Ints, edges: Ints, graph: Graph, constraints: Constraints, stated: StatedColumns) -> Ints:
    """Return the integer columns (K, D) that a reaction with these edges may have, with its own `column` (D,)."""
    sizes, choices = constraints.alphabet, []
    for role, known in zip(graph.role[edges].tolist(), stated.known[edges].tolist(), strict=True):
        signs = (role,) if role else (-1, 1)
        absent = (0,) if constraints.may_be_absent else ()
        choices.append((known,) if known else (*absent, *(sign * size for sign in signs for size in sizes)))
    if math.prod(map(len, choices)) <= _MOST_COLUMNS:
        every = np.array(list(product(*choices)), dtype=np.int64)
    else:
        changed = [(place, value) for place, own in enumerate(choices) for value in own]
        every = np.tile(column, (len(changed), 1))
        every[np.arange(len(changed)), [place for place, _ in changed]] = [value for _, value in changed]
    consumed, produced = (np.sum(side, axis=1) for side in (every < 0, every > 0))
    fits = (consumed <= constraints.max_substrates) & (produced <= constraints.max_products)
    if len(edges) > 1:
        fits &= (consumed > 0) & (produced > 0)
    if constraints.mass_balanced:
        fits &= every.sum(axis=1) == 0
    if constraints.primitive and not stated.incomplete[graph.rxn_all[edges[0]]] and not stated.known[edges].any():
        fits &= np.gcd.reduce(every, axis=1) == 1
    return np.unique(np.concatenate([every[fits], column[None]]), axis=0)
