"""Validated reader of `estimate.npz`, the artifact that a trial hands to the controller."""

from __future__ import annotations

import struct
import zipfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.base.untrusted import open_plain
from simulator.kinetics import Floats
from simulator.network import Graph

_MAX_BYTES = 64 * 2**20
_MAX_POINTS = 10_000
_MAX_LOG_K, _MAX_VALUE = 12.0, 1e6
# Bytes in a zip file: the last record, the record of a large file before it, the largest directory of our few arrays.
_END, _LOCATOR, _DIRECTORY = 22, 20, 2**12
_SURE = 0.9  # least probability of a coefficient that counts as determined


class EstimateError(Exception):
    """The artifact cannot be trusted or read; the message gives the reason in one sentence."""


@dataclass(frozen=True)
class Confidence:
    """A trial's own statement on each coefficient, shape (E,) each. The loop optimises no score that uses it.

    Attributes:
        probability: that the coefficient is right, 0 to 1. runner_up: the most probable other integer.
        price: rise of the unexplained sum of squares with the runner-up, as a share of it; 0 if the data do not tell.
    """

    probability: Floats
    runner_up: Floats
    price: Floats

    @property
    def sure(self) -> NDArray[np.bool_]:
        """Mask, shape (E,), of coefficients that are probable enough, and that the data prefer, to be determined."""
        return np.asarray((self.probability >= _SURE) & ((self.price > 0) | ~self.contested))

    @property
    def contested(self) -> NDArray[np.bool_]:
        """Mask, shape (E,), of coefficients with an alternative, which may be 0; a forced one is certain."""
        return np.asarray((self.runner_up != 0) | (self.price > 0) | (self.probability < 1))


@dataclass(frozen=True)
class Estimate:
    """A trained model as numbers, all float64; what may be None is None if the trial leaves it out.

    Attributes:
        sto_all: signed coefficients, shape (E,). log_k: shape (R,).
        substrate_func: table (C, M) at concentrations substrate_func_c (C,) and magnitudes |s|
            substrate_func_s (M,). rate_func: table (H,) at rate_func_h (H,). Grids increase strictly.
        lacking: lacks of the network, shape (R + 1, species), 0 for none: for each rate and each species
            that is not stated to act on it, the part of the rate that this species alone explains. The last row is
            exchange with the outside. Species are the metabolites, then the inputs. No score uses it.
        conserved: weights of metabolites in totals of amounts that do not change, shape (K, N). No score uses it.
    """

    sto_all: Floats
    log_k: Floats
    substrate_func_c: Floats
    substrate_func_s: Floats
    substrate_func: Floats
    rate_func_h: Floats
    rate_func: Floats
    confidence: Confidence | None = None
    lacking: Floats | None = None
    conserved: Floats | None = None


_OPTIONAL, _LACKING, _CONSERVED = tuple(Confidence.__dataclass_fields__), "lacking", "conserved"
_NAMES = tuple(name for name in Estimate.__dataclass_fields__ if name not in ("confidence", _LACKING, _CONSERVED))
_FULL = _NAMES + _OPTIONAL
_CONTENTS = (_NAMES, _FULL, (*_FULL, _LACKING), (*_FULL, _CONSERVED), (*_FULL, _LACKING, _CONSERVED))


def read_estimate(path: Path, graph: Graph) -> Estimate:
    """Read and validate an artifact for `graph`; raises `EstimateError`."""
    try:
        with open_plain(path) as stream:
            content = stream.read(_MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise EstimateError(f"{path.name} is missing") from error
    except OSError as error:
        raise EstimateError(f"{path.name} is not a regular file") from error
    if len(content) > _MAX_BYTES:
        raise EstimateError(f"{path.name} has more than {_MAX_BYTES} bytes")
    arrays = _unpack(content, path.name)
    for name, array in arrays.items():
        if array.dtype != np.float64:
            raise EstimateError(f"array '{name}' has dtype {array.dtype}, but must be float64")
        if not np.isfinite(array).all():
            raise EstimateError(f"array '{name}' holds values that are not finite")
        if np.abs(array).max(initial=0.0) > (_MAX_LOG_K if name == "log_k" else _MAX_VALUE):
            raise EstimateError(f"array '{name}' holds values so large that nothing can be computed with them")
    confidence = Confidence(*(arrays.pop(name) for name in _OPTIONAL)) if _OPTIONAL[0] in arrays else None
    estimate = Estimate(**arrays, confidence=confidence)
    _check_shapes(estimate, graph)
    if confidence is not None:
        _check_confidence(confidence, graph)
    if estimate.lacking is not None:
        _check_lacking(estimate.lacking, graph)
    if estimate.conserved is not None:
        _check_conserved(estimate.conserved, graph)
    return estimate


def _unpack(content: bytes, name: str) -> dict[str, Floats]:
    try:
        if not _has_small_directory(content):  # which Python would read, however large
            raise EstimateError(f"{name} must hold exactly the arrays {', '.join(_NAMES)}")
        with zipfile.ZipFile(BytesIO(content)) as archive:
            members = archive.infolist()
        held = sorted(member.filename for member in members)
        if held not in (sorted(f"{one}.npy" for one in names) for names in _CONTENTS):
            raise EstimateError(f"{name} must hold exactly the arrays {', '.join(_NAMES)}")
        if sum(member.file_size for member in members) > _MAX_BYTES:
            raise EstimateError(f"{name} unpacks to more than {_MAX_BYTES} bytes")
        with np.load(BytesIO(content), allow_pickle=False) as arrays:
            return {array: arrays[array] for array in arrays.files}
    except EstimateError:
        raise
    # A malformed file of an experiment must not stop the loop.
    except Exception as error:
        raise EstimateError(f"{name} cannot be read as an .npz file: {error or type(error).__name__}") from error


def _has_small_directory(content: bytes) -> bool:
    """Return whether a zip file ends in the record of a directory that is no larger than ours can be."""
    end = content[-_END:]
    if not end.startswith(b"PK\x05\x06"):
        raise ValueError("it does not end with its directory")
    if content[-_END - _LOCATOR :].startswith(b"PK\x06\x07"):
        return False
    _, _, _, _, entries, size, _, comment = struct.unpack("<4s4H2IH", end)
    return bool(entries in map(len, _CONTENTS) and size <= _DIRECTORY and not comment)


def _check_shapes(estimate: Estimate, graph: Graph) -> None:
    for name in ("substrate_func_c", "substrate_func_s", "rate_func_h"):
        grid = getattr(estimate, name)
        if grid.ndim != 1 or not 2 <= len(grid) <= _MAX_POINTS or not (np.diff(grid) > 0).all():
            raise EstimateError(f"array '{name}' must be a strictly increasing grid of 2 to {_MAX_POINTS} points")
    expected = {
        "sto_all": graph.met_all.shape,
        "log_k": (graph.n_reactions,),
        "substrate_func": (len(estimate.substrate_func_c), len(estimate.substrate_func_s)),
        "rate_func": estimate.rate_func_h.shape,
    }
    for name, shape in expected.items():
        if getattr(estimate, name).shape != shape:
            raise EstimateError(f"array '{name}' has shape {getattr(estimate, name).shape}, but must have {shape}")


def _check_confidence(confidence: Confidence, graph: Graph) -> None:
    for name, array in vars(confidence).items():
        if array.shape != graph.met_all.shape:
            raise EstimateError(f"array '{name}' has shape {array.shape}, but must have {graph.met_all.shape}")
    if (confidence.probability < 0).any() or (confidence.probability > 1).any():
        raise EstimateError("array 'probability' holds values outside of 0 to 1")
    if (confidence.runner_up != np.rint(confidence.runner_up)).any():
        raise EstimateError("array 'runner_up' holds values that are not integers")


def _check_lacking(lacking: Floats, graph: Graph) -> None:
    if lacking.ndim != 2 or len(lacking) != graph.n_reactions + 1 or lacking.shape[1] < graph.n_metabolites:
        wanted = f"({graph.n_reactions + 1}, at least {graph.n_metabolites})"
        raise EstimateError(f"array '{_LACKING}' has shape {lacking.shape}, but must have {wanted}")
    if (lacking < 0).any():
        raise EstimateError(f"array '{_LACKING}' holds negative values")


def _check_conserved(conserved: Floats, graph: Graph) -> None:
    if conserved.ndim != 2 or not 1 <= len(conserved) <= conserved.shape[1] == graph.n_metabolites:
        wanted = f"(1 to {graph.n_metabolites}, {graph.n_metabolites})"
        raise EstimateError(f"array '{_CONSERVED}' has shape {conserved.shape}, but must have {wanted}")
    if (conserved < 0).any() or not conserved.any(axis=1).all():
        raise EstimateError(f"array '{_CONSERVED}' holds negative weights or a total without members")
