import numpy as np

from gnn.spline import interpolated, smoothed

TIME = np.sort(np.random.default_rng(0).uniform(0.0, 4.0, 40))
VALUES = np.stack([np.exp(-TIME), 2.0 + np.sin(TIME)], axis=1)


def test_exact_readings_stay_as_they_are() -> None:
    np.testing.assert_allclose(smoothed(TIME, VALUES), VALUES, atol=1e-3)


def test_noise_is_smoothed_away() -> None:
    noisy = VALUES + 0.05 * np.random.default_rng(1).normal(size=VALUES.shape)
    assert np.std(smoothed(TIME, noisy) - VALUES) < 0.6 * np.std(noisy - VALUES)


def test_the_spline_goes_through_its_values_and_follows_between_them() -> None:
    np.testing.assert_allclose(interpolated(TIME, VALUES, TIME), VALUES, atol=1e-12)
    between = 0.5 * (TIME[5:30] + TIME[6:31])
    expected = np.stack([np.exp(-between), 2.0 + np.sin(between)], axis=1)
    np.testing.assert_allclose(interpolated(TIME, VALUES, between), expected, atol=1e-3)
