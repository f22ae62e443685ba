import numpy as np

from gnn.derivative import smooth

TIME = np.stack([np.linspace(0.0, 3.0, 80), np.sort(np.random.default_rng(1).uniform(0.0, 2.0, 80))])


def test_a_cubic_is_recovered_exactly_on_even_and_uneven_frames() -> None:
    course = np.stack([1.0 + TIME - 0.3 * TIME**3, 2.0 - TIME**2], axis=-1)
    value, slope = smooth(TIME, course)
    np.testing.assert_allclose(value, course, atol=1e-9)
    np.testing.assert_allclose(slope, np.stack([1.0 - 0.9 * TIME**2, -2.0 * TIME], axis=-1), atol=1e-7)


def test_the_window_depends_on_the_noise_and_curvature_of_each_metabolite() -> None:
    exact, derivative = np.sin(4.0 * TIME)[..., None], 4.0 * np.cos(4.0 * TIME)[..., None]
    noise = 0.02 * np.random.default_rng(0).standard_normal(exact.shape)
    readings = np.concatenate([exact, exact + noise, 5.0 + noise], axis=-1)
    value, slope = smooth(TIME, readings)
    error = np.sqrt(np.mean((slope - np.concatenate([derivative, derivative, 0 * derivative], -1)) ** 2, axis=(0, 1)))
    assert error[0] < 0.02  # nothing to smooth: a narrow window
    assert error[1] < 0.5  # of an amplitude of 4; differences of neighbours would be off by about 1
    assert error[2] < error[1] / 2  # nothing but noise: a wide window
    assert np.std(value[..., 1:] - readings[..., :1] * [1, 0] - [0, 5.0]) < 0.012


def test_trajectories_are_independent_and_may_be_very_short() -> None:
    course = np.stack([np.full((3, 1), 1.0), np.full((3, 1), 9.0)])
    value, slope = smooth(np.tile([0.0, 1.0, 2.0], (2, 1)), course)
    np.testing.assert_allclose(value, course)
    np.testing.assert_allclose(slope, 0.0, atol=1e-12)
