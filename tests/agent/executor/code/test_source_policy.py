"""Rules on the source of a patch: which imports, seeds and steps are refused, and what is counted."""

from pathlib import Path

import pytest

from agent.executor.code.source_policy import inspect_source
from tests.conftest import ROOT


def refusal(source: str) -> str | None:
    return inspect_source("gnn/x.py", source.encode())[0]


@pytest.mark.parametrize(
    "source",
    [
        "f(seed + 1)",
        "f(member.seed ^ 1)",
        "seed, _ = 4, 5",
        "[seed, other] = numbers",
        "for seed in (3,):\n    f(seed)",
        "for seed in range(9):\n    f(seed)",
        "a = [f(seed) for seed in range(9)]",
        "with x as seed:\n    f(seed)",
        "with x as (seed, y):\n    f(seed)",
        "if (seed := 4):\n    f(seed)",
        "m = torch.manual_seed\nm(3)",
        "f(np.random.default_rng)",
        "from torch import manual_seed as ms",
        "from numpy.random import seed as start",
        "torch.seed()",
        "np.random.default_rng()",
        "np.random.PCG64(3)",
        "np.random.Generator(np.random.PCG64(7))",
        "config.seed = 5",
        "self.seed = 3",
        "seed += 1",
        "seed: int = 4",
        "torch.random.set_rng_state(x)",
        "os.urandom(8)",
        "Member(config, seed=4)",
    ],
)
def test_another_seed_is_refused(source: str) -> None:
    words = refusal(source)
    assert words is not None
    assert words.startswith("gnn/x.py, line ")
    assert "a change of seed is never an experiment" in words


@pytest.mark.parametrize(
    "source",
    [
        "train(members, steps * 4)",
        "train(members, 4 * arguments.steps)",
        "train(members, steps << 3)",
        "train(members, steps ** 2)",
        "for _ in range(steps + 100):\n    pass",
        "train(members, steps / 0.5)",
        "steps = 900",
        "self.steps = 9",
        "steps, x = 900, 1",
        "steps += 5",
        "for steps in (900,):\n    pass",
        "with x as steps:\n    pass",
    ],
)
def test_more_steps_are_refused(source: str) -> None:
    words = refusal(source)
    assert words is not None
    assert "changes the number of steps" in words


@pytest.mark.parametrize(
    "source",
    [
        "torch.manual_seed(member.seed)",
        "g = torch.Generator().manual_seed(seed)",
        "g = np.random.Generator(np.random.PCG64(seed))",
        "self.seed = seed",
        "seed = arguments.seed",
        "class Member:\n    seed: int\n    steps: int",
        "members = [Member(c, int(seed), o) for c, seed, o in asked]",
        "Member(config, seed=member.seed)",
        "from torch import manual_seed\nmanual_seed(seed)",
        "a[seed] = b[steps]",
        "rows = range(steps + 1)",
        "half = steps // 2",
        "memory = share * steps",
        "self._steps, self._every = steps, max(1, steps // 100)",
    ],
)
def test_seed_and_steps_may_be_handed_on(source: str) -> None:
    assert refusal(source) is None


@pytest.mark.parametrize("source", ["import socket", "from scipy import stats", "x = eval('1')", "import os, ctypes"])
def test_other_packages_are_refused(source: str) -> None:
    words = refusal(source)
    assert words is not None
    assert "which a trial may not use" in words


def test_our_own_code_keeps_the_rules() -> None:
    files = [*ROOT.glob("gnn/*.py"), *ROOT.glob("moves/*/gnn/*.py")]
    assert {file.name: inspect_source(file.name, file.read_bytes())[0] for file in files} == {
        file.name: None for file in files
    }
    assert Path(ROOT / "gnn" / "train.py") in files


PLAIN = '"""Doc."""\n\nimport math\n\n\ndef f(x):\n    """Doc."""\n    if x:\n        x = 1\n    return x\n'


@pytest.mark.parametrize(
    "same",
    [
        PLAIN.replace("\n", "\r"),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n\n\n", "\n"),
        PLAIN.replace('    """Doc."""\n', "").replace('"""Doc."""\n', "# a comment\n"),
        PLAIN.replace("if x:\n        x = 1\n", "if x: x = 1\n"),
        PLAIN.replace("math\n", "\\\n\\\n  math\n").replace("\n\n\n", "; \n\n"),
        PLAIN.replace("\n\n\n", "\n\x0c\n"),
    ],
)
def test_lines_are_counted_as_the_parser_sees_them(same: str) -> None:
    assert inspect_source("gnn/x.py", same.encode()) == inspect_source("gnn/x.py", PLAIN.encode()) == (None, 5)
    packed = "x = 1; y = 2; z = 3\n"
    assert inspect_source("gnn/x.py", packed.encode())[1] == 3
