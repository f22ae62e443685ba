"""The whole recovery: undecided columns and few wide features first, then features around the rates that were found.

Two starts are refined, with laws of their own, and the less certain counts for each column. Where laws describe the
rates badly, a search ends where it began: what depends on the start, or on the laws, is not sure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from gnn.clock import Clock
from gnn.confidence import Confidence, answered, confidence_of
from gnn.config import Configuration
from gnn.design import Design, Rows, design_of, rows_of, weighed
from gnn.dispersion import dispersion
from gnn.features import near_features, wide_features
from gnn.lacking import lacking
from gnn.laws import Participants, Saturations
from gnn.moieties import Moiety, determined
from gnn.network import Lack, Network, network_of
from gnn.observations import Floats, Graph, Ints, Observations
from gnn.search import OPEN, Search

_LEAST_SHARE = 1e-8  # of the variance of drawn laws, below which a component is none
_ROUNDS = 25  # of additions to the network
_PATIENCE = 2  # additions to the network in a row that do not raise the evidence
_TELLING = 0.05  # effect of an addition from which it is worth a word

_STARTS = 2
_Noted = Callable[[Search], Callable[[], None]]  # from a search to what it calls after each round


@dataclass(frozen=True)
class Recovered:
    """The answer.

    Attributes:
        sto_all: integer coefficients, shape (E,). size: root mean square of each rate, shape (R,).
        confidence: how sure each coefficient is. lacks: regulators and exchange that the network seems to lack.
        moieties: totals that no column changes.
    """

    sto_all: Ints
    size: Floats
    confidence: Confidence
    lacks: tuple[Lack, ...]
    moieties: tuple[Moiety, ...]


@dataclass(frozen=True)
class _Pass:
    """A search among the columns of a network, with features around the rates of the pass before.

    Attributes:
        given: the network without additions. network: the same with them.
        features: of each rate where it is evaluated, shape (m, P_j). rival: choices that had less evidence.
        dispersion: number of rows that count as one.
    """

    given: Network
    network: Network
    features: list[Floats]
    search: Search
    rival: Ints
    dispersion: float = 1.0


@dataclass(frozen=True)
class _Judged:
    """Twice the log evidence of all columns in a pass, by reaction, and the number of data that it counts."""

    margins: dict[int, Floats]
    rows: float


class _Breeder:
    """Breeds laws towards a rate, and gives at most `most` features around those that come closest."""

    def __init__(self, rows: Rows, most: int, generator: np.random.Generator) -> None:
        self.most, self.generator = most, generator
        self._logs, self.tables = rows.logs, Saturations(rows.logs, generator)

    def __call__(self, own: Participants, rows: Rows, rate: Floats) -> Floats:
        if rows.logs is not self._logs:  # concentrations that were not read are known better now
            self._logs, self.tables = rows.logs, Saturations(rows.logs, self.generator)
        return near_features(self.tables, own, rows.of, rate, self.most, self.generator)


def recover(observations: Observations, config: Configuration, seed: int, clock: Clock) -> Recovered:
    """Recover the integer column of every reaction."""
    generator = np.random.default_rng(seed)
    network = network_of(observations)
    rows = rows_of(observations, config.drift, determined(network.moieties, observations))
    breed = _Breeder(rows, config.near_features, generator)
    wide = [
        wide_features(breed.tables, own, config.wide_features, _LEAST_SHARE, generator) for own in network.participants
    ]
    ended, judged = list[_Pass](), list[_Judged]()
    first, second = _started(design_of(rows, wide), network, clock)
    for number, (search, other) in enumerate([(first, second), (second, first)]):
        stages = [partial(clock.of, stage=1 + number * config.passes + one) for one in range(config.passes)]
        last, lately = _followed(_Pass(network, network, wide, search, other.chosen), breed, stages)
        ended.append(last)
        judged += lately
    return _answer(ended, judged)


def stages_of(config: Configuration) -> int:
    """Return the number of stages that a recovery reports to its clock."""
    return 1 + _STARTS * config.passes


def _followed(last: _Pass, breed: _Breeder, stages: Sequence[_Noted]) -> tuple[_Pass, list[_Judged]]:
    """Refine a start in a pass for each stage; return the last pass, and how the two last judged all columns."""
    judged = list[_Judged]()
    for number, noted in enumerate(stages):
        if number > 0:
            last = replace(last, dispersion=dispersion(last.search.left, last.search.design.rows.lengths))
        last = _refined(last, last.network, breed, noted)
        if number == 0:
            # Missing participants make errors follow each other: all rows count in full until they are found.
            last = _completed(last, breed, noted)
        if number == 1:
            last = _pruned(last, breed)
        last.search.judge(range(last.network.graph.n_reactions))
        judged.append(_Judged(last.search.margins, last.search.independent_rows))  # revision brings margins up to date
        if number == len(stages) - 2:
            last.search.revise(noted(last.search))
    return last, judged[-2:]


def _started(design: Design, network: Network, clock: Clock) -> tuple[Search, Search]:
    """Return a settled search that decided the surest columns first, and one from the smallest columns.

    Where rates can make up for wrong columns of each other, as around cycles, the first decisions may mislead all later
    ones; where most coefficients are 1, the second start is near. Wide features are too rough to compare the two.
    """
    starts = (np.full(network.graph.n_reactions, start) for start in (OPEN, 0))
    first, second = (Search(design, network.graph, network.options, start) for start in starts)
    for search in (first, second):
        note = clock.of(search, 0)
        search.decide(note)
        search.settle(note)
    return first, second


def _refined(before: _Pass, network: Network, breed: _Breeder, noted: _Noted) -> _Pass:
    """Breed laws towards the rates that were found, for a network that may have grown, and judge all columns again."""
    rows = weighed(before.search.design.rows.refilled(before.search.explained), before.search.left)
    rates = _rates(before, network)
    # Laws are positive, the rate of an exchange is negative for an outflow.
    ways = np.ones(rates.shape[1])
    ways[network.n_given :] = np.sign(rows.of(np.ones((len(rows.logs), 1)))[:, 0] @ rates[:, network.n_given :])
    features = [breed(own, rows, rate) for own, rate in zip(network.participants, (ways * rates).T, strict=True)]
    new = np.zeros(len(network.options) - len(before.rival), dtype=np.int64)
    chosen, rival = (np.append(one, new) for one in (before.search.chosen, before.rival))
    search = Search(design_of(rows, features), network.graph, network.options, chosen, before.dispersion)
    search.settle(noted(search))
    return replace(before, network=network, features=features, search=search, rival=search.challenged(rival))


def _completed(first: _Pass, breed: _Breeder, noted: _Noted) -> _Pass:
    """Give the network what it lacks for as long as the evidence rises, and return the pass with the most."""
    best, last, failed = first, first, 0
    for _ in range(_ROUNDS):
        lacks = lacking(last.search, last.network, last.features)
        if not lacks or failed == _PATIENCE:
            break
        last = _refined(last, last.network.supplemented(lacks), breed, noted)
        best, failed = (last, 0) if last.search.evidence > best.search.evidence else (best, failed + 1)
    return best


def _pruned(best: _Pass, breed: _Breeder) -> _Pass:
    """Take each addition away again, the last first, if the evidence does not fall without it."""
    kept: list[Lack] = []
    for lack in reversed(best.network.added):
        without = _without(best, lack, breed)
        if without.search.evidence >= best.search.evidence:
            best = without
        else:
            kept.insert(0, replace(lack, effect=_effect(best, without, lack)))
    return replace(best, network=replace(best.network, added=tuple(kept)))


def _effect(best: _Pass, without: _Pass, lack: Lack) -> float:
    """Return what an addition alone explains, relative to the rate that it changes or the metabolite exchanged."""
    more, less = without.search.left, best.search.left
    if lack.reaction is None:
        whole, more, less = (part[:, lack.species] for part in (best.search.design.rows.target, more, less))
    else:
        whole = best.search.fitted[:, lack.reaction]
    explained = max(np.sum(more**2) - np.sum(less**2), 0.0) / max(np.sum(whole**2), 1e-300)
    return float(np.sqrt(min(explained, 1.0)))


def _without(before: _Pass, lack: Lack, breed: _Breeder) -> _Pass:
    """Return a pass with the same columns and without one addition."""
    network = before.given.supplemented(one for one in before.network.added if one != lack)
    features, chosen, rival = list(before.features), before.search.chosen, before.rival
    if lack.reaction is None:
        place = before.network.n_given + before.network.exchanges.index(lack.species)
        del features[place]
        chosen, rival = np.delete(chosen, place), np.delete(rival, place)
    else:
        rate = _rates(before, before.network)[:, lack.reaction]
        features[lack.reaction] = breed(network.participants[lack.reaction], before.search.design.rows, rate)
    design = design_of(before.search.design.rows, features)
    search = Search(design, network.graph, network.options, chosen, before.dispersion)
    return replace(before, network=network, features=features, search=search, rival=rival)


def _rates(before: _Pass, network: Network) -> Floats:
    """Return what each column of unit length should carry: its rate, and what is left unexplained along it (n, R)."""
    search = before.search
    known = search.fitted + search.left @ search.system.columns.numpy().T
    new = network.exchanges[len(before.network.exchanges) :]
    return np.concatenate([known, search.left[:, new]], axis=1)


def _answer(ended: list[_Pass], judged: list[_Judged]) -> Recovered:
    """Return the columns that the margins of all starts allow; sizes and lacks of the start that is nearest to them."""
    given = ended[0].given
    own = [tuple(one.margins[reaction] for one in judged) for reaction in range(given.graph.n_reactions)]
    chosen = answered(given.options, own)
    sure = confidence_of(given.graph, given.options, own, chosen, [one.rows for one in judged])
    last = max(ended, key=lambda one: np.sum(one.search.chosen[: len(chosen)] == chosen))
    graph, search = given.graph, last.search
    integers = search.integers_of(chosen)[: len(graph.met_all)]
    lacks = tuple(lack for lack in last.network.added if lack.effect >= _TELLING)
    return Recovered(integers, _size(search, graph, integers), sure, lacks, given.moieties)


def _size(search: Search, graph: Graph, integers: Ints) -> Floats:
    """Return the root mean square of the rates of these columns, in rows, shape (R,)."""
    told, scale = (part[graph.met_all] for part in (search.design.rows.told, search.design.rows.scale))
    length = np.bincount(graph.rxn_all, told * (integers / scale) ** 2, graph.n_reactions)
    fitted = search.fitted[:, : graph.n_reactions]
    return np.asarray(np.sqrt(np.mean(fitted**2, axis=0) / np.maximum(length, 1e-300)))
