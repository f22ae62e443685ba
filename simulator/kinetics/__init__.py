"""Rate laws: two functions that all reactions share (PDE_M1), or a law of its own for each reaction."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
