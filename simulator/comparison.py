"""Comparison of frozen data by value: the same regime has other last bits on another machine.

The difference of two arrays is the largest one of their numbers, as a share of the largest magnitude in either.
Integers, truth values and shapes must agree.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.dataset import SETTINGS, Manifest, changed_settings, read_arrays, read_manifest
from stoichloop.errors import DatasetError

TOLERANCE = 1e-8  # ten times the relative tolerance of the integrator


_MEND = "give a folder of frozen data, such as data/NAME of another clone, as it was frozen"


@dataclass(frozen=True)
class Comparison:
    """The differences between data and other data.

    Attributes:
        identical: True if all files are equal byte for byte.
        settings: keys of the regime that differ, with both values where they may be shown.
        missing: files that the other folder lacks.
        arrays: difference of each array, by `FILE: ARRAY`; infinite where shapes or integers differ.
        versions: what made both, where it differs, as `numpy 2.3.1 / 2.4.0`.
    """

    identical: bool
    settings: tuple[str, ...]
    missing: tuple[str, ...]
    arrays: dict[str, float]
    versions: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """True if the data are equal to rounding."""
        return not self.settings and max(self.arrays.values()) <= TOLERANCE

    def sentence(self) -> str:
        """Return the outcome in words, without a full stop."""
        if self.settings:
            return f"made with other settings: {', '.join(self.settings)}"
        name = max(self.arrays, key=lambda array: self.arrays[array])
        largest = self.arrays[name]
        scope = f", as far as compared: without {', '.join(self.missing)}" if self.missing else ""
        made = f"; made with {', '.join(self.versions)}" if self.versions else ""
        if self.identical:
            return f"equal byte for byte{scope}"
        if self.equal:
            return f"equal to rounding{scope}: differences are at most {largest:.1g}, in {name}{made}"
        apart = sum(difference > TOLERANCE for difference in self.arrays.values())
        share = "its shape or its integers" if np.isinf(largest) else f"by {largest:.1g}, more than {TOLERANCE:g}"
        return f"different in {apart} of {len(self.arrays)} arrays{scope}, most in {name}: {share}{made}"


def read_other(folder: Path) -> Manifest:
    """Return the manifest of data to compare with, of which a part may be missing; raises `DatasetError`."""
    return read_manifest(folder, _MEND, partial=True)


def compare(folder: Path, other: Path) -> Comparison:
    """Compare the frozen data in two folders; the other one may lack its sealed part. Raises `DatasetError`."""
    mine, theirs = read_manifest(folder, _MEND), read_other(other)
    names = [name for name in mine.files if name.endswith(".npz") and name in theirs.files and (other / name).is_file()]
    if not names:
        raise DatasetError(f"{other}: holds no arrays to compare with; {_MEND}")
    return Comparison(
        identical=mine.files == theirs.files,
        settings=_settings(folder, mine, other, theirs),
        missing=tuple(name for name in mine.files if not (other / name).is_file()),
        arrays={key: value for name in names for key, value in _arrays(name, folder, other).items()},
        versions=tuple(
            f"{key} {mine.made_with.get(key, 'unknown')} / {theirs.made_with.get(key, 'unknown')}"
            for key in mine.made_with | theirs.made_with
            if mine.made_with.get(key) != theirs.made_with.get(key)
        ),
    )


def _settings(folder: Path, mine: Manifest, other: Path, theirs: Manifest) -> tuple[str, ...]:
    if mine.regime_fingerprint == theirs.regime_fingerprint:
        return ()
    if not (other / SETTINGS).is_file():
        return (f"regime {mine.regime} / {theirs.regime}",)
    one, two = (json.loads((place / SETTINGS).read_text(encoding="utf-8")) for place in (folder, other))
    return tuple(changed_settings(one, two, "here", "there"))


def _arrays(name: str, folder: Path, other: Path) -> dict[str, float]:
    one, two = read_arrays(folder / name), read_arrays(other / name)
    return {
        f"{name}: {key}": _difference(one[key], two[key]) if key in one and key in two else np.inf
        for key in sorted(one.keys() | two.keys())
    }


def _difference(one: NDArray[Any], two: NDArray[Any]) -> float:
    if one.shape != two.shape or one.dtype.kind != two.dtype.kind:
        return np.inf
    if one.dtype.kind != "f":
        return 0.0 if np.array_equal(one, two) else np.inf
    if not np.array_equal(np.isfinite(one), np.isfinite(two)):
        return np.inf
    one, two = np.nan_to_num(one), np.nan_to_num(two)
    largest = max(np.abs(one).max(initial=0.0), np.abs(two).max(initial=0.0))
    return float(np.abs(one - two).max(initial=0.0) / largest) if largest else 0.0
