from pathlib import Path

import numpy as np
import torch

from gnn.observations import read_observations
from simulator.dataset import Dataset

CPU = torch.device("cpu")


def test_frames_are_columns_and_trajectories_lie_end_to_end(tiny: Dataset) -> None:
    observations = read_observations(tiny.observations_path, CPU)
    trajectory = tiny.observed[3]
    frames = observations.time.shape[1]
    third = slice(3 * frames, 4 * frames)
    np.testing.assert_array_equal(observations.time[3], trajectory.time.astype(np.float32))
    np.testing.assert_array_equal(observations.concentration[:, third].T, trajectory.concentration.astype(np.float32))
    np.testing.assert_array_equal(observations.dcdt[:, third].T, trajectory.dcdt.astype(np.float32))


def test_without_dcdt_it_is_estimated_from_concentrations(tiny: Dataset, tmp_path: Path) -> None:
    with np.load(tiny.observations_path, allow_pickle=False) as content:
        arrays = {name: content[name] for name in content if name != "dcdt"}
    rng = np.random.default_rng(0)
    noise = 0.002 * rng.standard_normal(arrays["concentration"].shape)
    for name, readings, allowed in (("exact", 0.0, 0.005), ("noisy", noise, 0.05)):
        path = tmp_path / f"{name}.npz"
        np.savez(path, allow_pickle=False, **{**arrays, "concentration": arrays["concentration"] + readings})
        exact, inferred = (read_observations(p, CPU) for p in (tiny.observations_path, path))
        error = (inferred.dcdt - exact.dcdt).square().mean().sqrt() / exact.dcdt.square().mean().sqrt()
        assert float(error) < allowed
        assert float((inferred.concentration - exact.concentration).std()) <= 0.001
