import pytest
import torch

from gnn.determinism import make_deterministic

ON_A_GPU = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")]


@pytest.fixture(autouse=True)
def as_a_trial_computes() -> None:
    make_deterministic()
