"""Splines through readings, and times for which there is none."""

from __future__ import annotations

import numpy as np

from simulator.smoothing import smoothing_spline


def test_a_straight_line_comes_back_with_its_slope() -> None:
    time = np.array([0.0, 1.0, 2.0, 4.0, 7.0, 8.0])
    spline = smoothing_spline(time, np.stack([2.0 * time, 1.0 - time], axis=1))
    assert spline is not None
    np.testing.assert_allclose(spline.derivative()(time), np.broadcast_to([2.0, -1.0], (6, 2)), atol=1e-6)


def test_four_readings_have_no_spline_and_neither_have_times_of_very_different_size() -> None:
    assert smoothing_spline(np.arange(4.0), np.arange(4.0)) is None
    far = np.concatenate([np.geomspace(1e-12, 1.0, 20), [1e9]])
    assert smoothing_spline(far, np.sin(far)) is None
