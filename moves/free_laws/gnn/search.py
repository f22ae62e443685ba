"""Integer columns by evidence: reactions are decided in order of certainty, then bettered one by one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from gnn.design import Design
from gnn.gaps import seen
from gnn.observations import Floats, Graph, Ints
from gnn.system import System, normal_of, price

OPEN = -1  # of a reaction that is not decided
_WORTH = 1.0  # in twice the log evidence: less is no reason for a change
_DEPARTURE = 2.0 * math.log(99.0)  # in twice the log evidence: 99 of 100 coefficients of published models are 1
_ROUNDS = 100
_CHANGES = 4  # of one column while others settle: noise and sizes are learned anew, and near ties go to and fro
_REVISIONS, _CERTAIN = 20, 100.0  # metabolites; twice the log evidence, beyond which there is no doubt
_SHARE = 0.15  # of the undecided reactions that are decided in one turn


def prior_odds(columns: Ints) -> Floats:
    """Return the odds against columns (..., D) for their coefficients other than 1, in twice the log evidence."""
    return np.asarray(_DEPARTURE * np.sum(np.abs(columns) != 1, axis=-1))


class Search:
    """Choices among the allowed columns of each reaction, and the linear system that they make.

    Attributes:
        chosen: index of the column of each reaction, or OPEN, shape (R,).
        margins: twice the log evidence of each allowed column, less that of the best, by reaction.
        metabolites: those of each reaction whose amounts do not follow from others.
        around: the reactions of each metabolite that have a choice.
    """

    def __init__(
        self, design: Design, graph: Graph, options: Sequence[Ints], chosen: Ints, dispersion: float = 1.0
    ) -> None:
        """Solve for these choices; `dispersion` is the number of rows that count as one."""
        self.design, self.graph, self.options, self.chosen = design, graph, options, chosen.copy()
        self.margins: dict[int, Floats] = {}
        self.edges = [graph.edges_of(reaction) for reaction in range(graph.n_reactions)]
        self._told = [design.rows.told[graph.met_all[edges]] for edges in self.edges]
        self.metabolites = [
            torch.from_numpy(graph.met_all[edges[told]]) for edges, told in zip(self.edges, self._told, strict=True)
        ]
        touching = [graph.rxn_all[graph.met_all == metabolite].tolist() for metabolite in range(graph.n_metabolites)]
        self.around = [[j for j in own if len(options[j]) > 1] for own in touching]
        self.units = [self._unit_columns(reaction) for reaction in range(graph.n_reactions)]
        variance = torch.ones(graph.n_reactions, dtype=torch.float64)
        self.system = System(normal_of(design), 1e-2, variance, dispersion)
        self.solve(4)

    def _unit_columns(self, reaction: int) -> Tensor:
        """Return the allowed columns in the scale of the targets, of length 1, shape (K, D)."""
        columns = (
            self.options[reaction][:, self._told[reaction]] / self.design.rows.scale[self.metabolites[reaction].numpy()]
        )
        return torch.from_numpy(columns / np.linalg.norm(columns, axis=1, keepdims=True))

    @property
    def integers(self) -> Ints:
        """The columns of all reactions, shape (E,); the first allowed one where a reaction is not decided."""
        return self.integers_of(self.chosen)

    def integers_of(self, choices: Ints) -> Ints:
        """Return the columns for other choices, shape (E,); zeros for reactions beyond them."""
        found = np.zeros(len(self.graph.met_all), dtype=np.int64)
        for reaction, choice in enumerate(choices):
            found[self.edges[reaction]] = self.options[reaction][max(choice, 0)]
        return found

    @property
    def decided(self) -> float:
        """The share of the reactions that are decided."""
        return float(np.mean(self.chosen != OPEN))

    def solve(self, times: int = 1, *, learn: bool = True) -> None:
        """Learn noise and size of rates from the last solution and solve for the present choices, `times` over."""
        reactions: list[int] = []
        columns: list[Tensor] = []
        for reaction, choice in enumerate(self.chosen):
            metabolites = self.metabolites[reaction]
            own = (
                torch.eye(len(metabolites), dtype=torch.float64)
                if choice == OPEN
                else self.units[reaction][choice : choice + 1]
            )
            reactions += [reaction] * len(own)
            columns.append(
                torch.zeros(len(own), self.graph.n_metabolites, dtype=torch.float64).index_copy(1, metabolites, own)
            )
        for _ in range(times):
            if self.system.solved and learn:
                self.system.learn()
            self.system.solve(reactions, torch.cat(columns))

    def judge(self, reactions: Iterable[int]) -> None:
        """Price all allowed columns of these reactions."""
        for reaction in reactions:
            evidence = price(self.system, reaction, self.metabolites[reaction]).evidence(self.units[reaction]).numpy()
            evidence = evidence - prior_odds(self.options[reaction])
            self.margins[reaction] = evidence - evidence.max()

    def gap(self, reaction: int) -> float:
        """Return the evidence of the best column over that of the second."""
        margins = self.margins[reaction]
        return float(-np.partition(margins, -2)[-2])

    def decide(self, note: Callable[[], None]) -> None:
        """Decide the open reactions, the most certain first; of those that share a metabolite, one at a time."""
        for reaction in np.flatnonzero(self.chosen == OPEN).tolist():
            if len(self.options[reaction]) == 1:
                self.chosen[reaction] = 0
        self.solve()
        while len(undecided := np.flatnonzero(self.chosen == OPEN).tolist()):
            self.judge(undecided)
            surest = sorted(undecided, key=lambda j: -self.gap(j))[: max(1, round(_SHARE * len(undecided)))]
            for reaction in self._apart(surest):
                self.chosen[reaction] = int(self.margins[reaction].argmax())
            self.solve()
            note()

    @property
    def evidence(self) -> float:
        """Twice the log evidence of the chosen columns, in the units of the amounts, whatever the scale of the rows."""
        rows = self.design.rows
        scales = 2.0 * self.independent_rows * float(rows.counts @ np.log(rows.scale) / rows.counts.sum())
        return self.system.evidence - float(prior_odds(self.integers)) - scales

    @property
    def independent_rows(self) -> float:
        """The number of data that the evidence counts."""
        return self.system.normal.rows / self.system.dispersion

    @property
    def fitted(self) -> Floats:
        """The rate along each column of unit length, in rows, shape (n, R); all reactions must be decided."""
        weights, ends = self.system.weights.numpy(), self.system.normal.ends
        return np.stack([own @ weights[ends[j] : ends[j + 1]] for j, own in enumerate(self.design.features)], axis=1)

    @property
    def explained(self) -> Floats:
        """The rates times columns, in rows, shape (n, N); all reactions must be decided."""
        return np.asarray(self.fitted @ self.system.columns.numpy())

    @property
    def left(self) -> Floats:
        """The targets less what is explained, where they were read, shape (n, N)."""
        return seen(self.design.rows.gaps, self.design.rows.target - self.explained)

    def revise(self, note: Callable[[], None]) -> None:
        """Decide the reactions around one metabolite anew, together, the doubtful first; keep what raises the evidence.

        Columns that are wrong together support each other, so that no change of one alone is better.
        """
        doubt = [min(map(self.gap, around), default=_CERTAIN) for around in self.around]
        for metabolite in np.argsort(doubt)[: sum(one < _CERTAIN for one in doubt)][:_REVISIONS].tolist():
            before, held, around = self.chosen.copy(), self._held, self.around[metabolite]
            self.chosen[around] = OPEN
            self.decide(note)
            self.settle(
                note, sorted({near for own in around for m in self.metabolites[own] for near in self.around[m]})
            )
            self._keep_better(before, held)

    def challenged(self, rival: Ints) -> Ints:
        """Take other choices for all reactions if these raise the evidence; return the choices that were not taken."""
        before, held = self.chosen, self._held
        self.chosen = rival.copy()
        self._keep_better(before, held)
        return before if self.chosen is not before else rival

    @property
    def _held(self) -> tuple[float, Tensor, float]:
        """Noise and size of rates, and the evidence that the present choices have with them."""
        return self.system.noise, self.system.variance, self.evidence

    def _keep_better(self, before: Ints, held: tuple[float, Tensor, float]) -> None:
        """Solve for the present choices; return to those before if the evidence does not rise, with what was `held`.

        Each would have a noise of its own. Where few rows count, that forgives a larger error for rates that then take
        fewer weights: columns that explain a thousandth as much would win.
        """
        self.system.noise, self.system.variance, evidence = held
        self.solve(learn=False)
        if self.evidence < evidence + _WORTH:
            self.chosen = before
        self.solve(2)

    def _apart(self, reactions: Iterable[int]) -> list[int]:
        """Return those that share no metabolite with one before."""
        taken = np.zeros(self.graph.n_metabolites, dtype=bool)
        found = []
        for reaction in reactions:
            metabolites = self.metabolites[reaction].numpy()
            if not taken[metabolites].any():
                taken[metabolites] = True
                found.append(reaction)
        return found

    def settle(self, note: Callable[[], None], among: Iterable[int] | None = None) -> None:
        """Change columns until none can be bettered alone, `among` some or all; doubtful ones are judged more often."""
        chosen = range(len(self.options)) if among is None else among
        several = [j for j in chosen if len(self.options[j]) > 1]
        judged, left = several, dict.fromkeys(several, _CHANGES)
        for _ in range(_ROUNDS):
            self.judge(judged)
            gain = {j: -float(self.margins[j][self.chosen[j]]) for j in judged}
            better = self._apart(sorted((j for j in judged if gain[j] > _WORTH and left[j]), key=lambda j: -gain[j]))
            for reaction in better:
                self.chosen[reaction] = int(self.margins[reaction].argmax())
                left[reaction] -= 1
            if better:
                self.solve()
            note()
            if not better and len(judged) == len(several):
                break
            judged = sorted(several, key=self.gap)[: max(len(several) // 4, 8)] if better else several
