"""Import of a published model, simulated by its own rate laws, as a regime with a truth.

NAME_own.yaml   the regime: the network of the model, and how it was sampled
NAME_own/       the data, frozen like any other; the truth has the rates along the trajectories, and no parameters
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from simulator.dataset import Dataset, freeze, verify
from simulator.generate import System
from simulator.integration import Trajectory
from simulator.kinetics import Floats
from simulator.kinetics.recorded_rates import RecordedRates
from simulator.measured_regime import read_known
from simulator.network import graph_of, stoichiometry_of
from simulator.published.published_model import PublishedModel, read_published
from simulator.published.roadrunner_model import FailedRunError, RoadRunnerModel
from simulator.published.sample_times import duration_of, sample_times
from simulator.published_settings import PublishedKinetics, PublishedNetwork, Sampling
from simulator.readings import read
from simulator.regime import Observation, Regime, Training
from simulator.sbml import name_of
from simulator.stated_kinetics import StatedKinetics
from stoichloop.errors import RegimeError

_SPREAD = 0.5
_FULL_STEPS = 4000
_HELDOUT = 4  # one trajectory to test on for so many to train on
_LONGEST, _LEAST_LONG, _SHORTEST = 1e6, 1e-3, 1e-6
_TRIES = 10


@dataclass(frozen=True)
class Request:
    """The sampling of a model: trajectories to train on, samples of each, noise as a share of each reading."""

    trajectories: int = 30
    samples: int = 40
    noise: float = 0.0


def import_published(path: Path, request: Request, root: Path) -> tuple[Dataset, bool]:
    """Return the data of a model under `root`, and True if this call simulated them; raises `RegimeError`."""
    model = read_published(path)
    runner = RoadRunnerModel(path, model)
    peaks, duration = _look_ahead(path, runner)
    regime = _regime(path, model, request, duration)
    target = root / f"{regime.name}.yaml"
    if target.exists() and read_known(target).fingerprint() != regime.fingerprint():
        raise RegimeError(
            f"--sbml {path}: {target} was made from another model or with other samples; rename the file, or move "
            f"{target} and {root / regime.name} away"
        )
    simulated = not (root / regime.name).exists()
    data = freeze(regime, _simulate(path, regime, runner, peaks), root) if simulated else verify(regime, root)
    if not target.exists():
        content = yaml.safe_dump(regime.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=110)
        target.write_text(content, encoding="utf-8")
    return data, simulated


def _look_ahead(path: Path, runner: RoadRunnerModel) -> tuple[Floats, float]:
    """Return the largest concentrations from the model's own start, shape (N,), and the time that matters."""
    longest, why = _LONGEST, ""
    while longest > _LEAST_LONG:
        times = np.append(0.0, np.geomspace(_SHORTEST, longest, 400))
        try:
            concentration = runner.run(runner.initial(), times)[0].concentration
        except FailedRunError as error:
            longest, why = longest / 10.0, " ".join(str(error).split())
            continue
        duration = duration_of(times, concentration)
        return concentration[times <= duration].max(axis=0), duration
    raise RegimeError(f"--sbml {path}: the model cannot be integrated from its own start ({why}); give another one")


def _regime(path: Path, model: PublishedModel, request: Request, duration: float) -> Regime:
    network = model.network
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    size = f"{len(network.metabolite_names)} metabolites x {len(network.reaction_names)} reactions"
    noise = f"{request.noise:.3g} of each reading as noise" if request.noise else "exact c(t)"
    parts = {"Left out": model.left_out, "Taken otherwise than they seem": model.taken}
    lists = [
        f"{what}: {'; '.join(f'{kind}: {_listed(names)}' for kind, names in found.items()) or 'nothing'}."
        for what, found in parts.items()
    ]
    return Regime(
        name=f"{name_of(path)}_own",
        title=f"{path.name} by its own rate laws, {size}, {noise}",
        description=f"Simulated from the rate laws of {path.name}. {len(network.reversible)} reactions are reversible, "
        f"{len(network.regulators)} have regulators, {len(network.inputs)} inputs are given over time. "
        + " ".join(lists),
        seed=2**127 + int(digest[:31], 16),
        network=network,
        kinetics=PublishedKinetics(model_sha256=digest),
        trajectories=Sampling(
            count=request.trajectories,
            heldout=max(1, request.trajectories // _HELDOUT),
            samples=request.samples,
            duration=float(f"{duration:.3g}"),
            spread=_SPREAD,
        ),
        observation=Observation(
            dcdt_noise=0.0,
            concentration_noise=request.noise,
            noise_on_reading=True,
            dcdt_given=False,
            decoys=0.0,
            roles_told=True,
        ),
        training=Training(full_steps=_FULL_STEPS),
    )


def _listed(names: list[str]) -> str:
    return ", ".join(sorted(names))


def _simulate(path: Path, regime: Regime, runner: RoadRunnerModel, peaks: Floats) -> System:
    """Return the system of a published model, from starts drawn around its own."""
    spec, network = regime.trajectories, regime.network
    assert isinstance(spec, Sampling)
    assert isinstance(network, PublishedNetwork)
    start_seed, noise_seed, dcdt_seed = np.random.SeedSequence(regime.seed).spawn(3)
    rng = np.random.default_rng(start_seed)
    runs: list[tuple[Trajectory, Floats]] = []
    for _ in range(_TRIES * (spec.count + spec.heldout)):
        if len(runs) == spec.count + spec.heldout:
            break
        try:
            runs.append(_sampled(runner, _start(runner.initial(), peaks, spec, rng), spec))
        except FailedRunError:
            continue
    else:
        raise RegimeError(f"--sbml {path}: most starts around the model's own cannot be integrated; give another model")
    exact, heldout = [run for run, _ in runs[: spec.count]], [run for run, _ in runs[spec.count :]]
    stoichiometry = stoichiometry_of(network, rng)
    graph = graph_of(stoichiometry)
    return System(
        graph=graph,
        sto_all=stoichiometry[graph.met_all, graph.rxn_all],
        law=RecordedRates(np.stack([rates for _, rates in runs[: spec.count]])),
        stated=StatedKinetics.published(network),
        exact=exact,
        observed=read(exact, regime.observation, dcdt_seed, noise_seed),
        heldout=heldout,
    )


def _start(initial: Floats, peaks: Floats, spec: Sampling, rng: np.random.Generator) -> Floats:
    """Draw a start; a metabolite that the model starts at zero gets a share of the most that it reaches."""
    factors, shares = 10.0 ** rng.uniform(-spec.spread, spec.spread, len(initial)), rng.uniform(0.01, 1.0, len(initial))
    reached = np.where(peaks > 1e-9 * peaks.max(), peaks, np.median(peaks[peaks > 0]))
    return np.where(initial > 1e-9 * peaks.max(), initial * factors, reached * shares)


def _sampled(runner: RoadRunnerModel, start: Floats, spec: Sampling) -> tuple[Trajectory, Floats]:
    """Run once to see where concentrations curve, and once more at the samples."""
    fine = np.unique([0.0, *np.geomspace(1e-4 * spec.duration, spec.duration, 150), *_even(spec.duration, 150)])
    ahead, _ = runner.run(start, fine)
    return runner.run(start, sample_times(fine, ahead.concentration, spec.samples))


def _even(duration: float, count: int) -> Floats:
    return np.linspace(0.0, duration, count)
