"""Small networks with a Michaelis-Menten law for each reaction, as a trial sees them."""

from collections.abc import Mapping, Sequence

import numpy as np

from gnn.observations import Constraints, Floats, Graph, Ints, Observations, stated_in

# m0 + m1 -> 2 m2, 2 m2 + m3 -> m1, m3 -> 2 m0, m1 -> m3, m0 + m2 -> 2 m3
COLUMNS = np.array([[-1, -1, 2, 0], [0, 1, -2, -1], [2, 0, 0, -1], [0, -1, 0, 1], [-1, 0, -1, 2]]).T


def graph_of(columns: Ints) -> Graph:
    """The graph of S, shape (N, R)."""
    reaction, metabolite = np.nonzero(columns.T)
    role = np.sign(columns[metabolite, reaction]).astype(np.int8)
    return Graph(len(columns), len(columns.T), metabolite, reaction, role, np.flatnonzero(role < 0))


def rates(c: Floats, inhibitors: Mapping[int, int] = {}) -> Floats:
    """The rates, shape (..., R), at concentrations (..., N): a half-saturation constant for each substrate.

    `inhibitors` are metabolites by the reaction that each inhibits.
    """
    half = 0.5 + np.arange(COLUMNS.size).reshape(COLUMNS.shape) % 4
    parts = [np.prod((c / (c + half[:, j]))[..., COLUMNS[:, j] < 0], axis=-1) for j in range(COLUMNS.shape[1])]
    for reaction, metabolite in inhibitors.items():
        parts[reaction] = parts[reaction] / (1.0 + c[..., metabolite])
    return np.stack(parts, axis=-1) * np.linspace(1.0, 2.0, COLUMNS.shape[1])


def observed(
    *, derivative: bool, noise: float = 0.0, inhibitors: Mapping[int, int] = {}, outflows: Sequence[int] = ()
) -> Observations:
    """Trajectories of the network: dc/dt is given, or concentrations alone. It states no inhibitor and no outflow."""

    def slope(c: Floats) -> Floats:
        lost = np.isin(np.arange(len(COLUMNS)), outflows) * c
        return np.asarray(rates(c, inhibitors) @ COLUMNS.T - lost)

    rng, step, frames, substeps = np.random.default_rng(0), 0.02, 16, 4
    c = rng.uniform(0.2, 4.0, (16, len(COLUMNS)))
    kept = []
    for count in range(frames * substeps):
        if count % substeps == 0:
            kept.append(c)
        c = c + step * slope(c + 0.5 * step * slope(c))
    c = np.stack(kept, axis=1)
    graph = graph_of(COLUMNS)
    return Observations(
        graph,
        Constraints((1, 2), False, 2, 2, may_be_absent=False, primitive=True),
        stated_in(graph, {}),
        reversible=np.zeros(graph.n_reactions, dtype=bool),
        met_reg=np.zeros(0, dtype=np.int64),
        rxn_reg=np.zeros(0, dtype=np.int64),
        volume=np.ones(graph.n_metabolites),
        time=np.tile(step * substeps * np.arange(frames), (len(c), 1)),
        species=c + noise * rng.normal(size=c.shape),
        gaps=np.zeros(c.shape, dtype=bool),
        dcdt=slope(c) if derivative else None,
    )


def truth(graph: Graph) -> Ints:
    """The coefficients of its edges; 1 for those of other metabolites."""
    whole = np.concatenate([COLUMNS, np.ones((graph.n_metabolites - len(COLUMNS), COLUMNS.shape[1]), dtype=np.int64)])
    return np.asarray(whole[graph.met_all, graph.rxn_all])
