"""Files, answers and artifacts in any state: their reader takes them or raises its own error.

Any other exception fails the test.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from agent.analyzer.scoring.estimate import Estimate, EstimateError, read_estimate
from agent.base.checked_yaml import read_document
from agent.campaign.folder import Settings, open_campaign
from agent.executor.artifacts import CurvePoint, read_curves
from agent.executor.code.code_state import CodeState
from agent.executor.code.patch import apply_diff, apply_edits, inspect
from agent.executor.code.unified_diff import PatchRefusedError
from agent.executor.code.worktree import throw_away
from agent.executor.workspace import Workspace, head_commit
from agent.planner.move_catalogue import read_move
from agent.planner.proposal import Edit
from agent.planner.questions.answer import read_answer
from agent.planner.questions.question import ProposalsAnswer
from agent.planner.questions.reading import Reading
from agent.training.overrides import parse_changes, read_changes
from agent.training.recipe import Recipe
from memory.records import IN_WORDS, Block
from simulator.dataset import Dataset
from simulator.measured.csv_table import read_table
from simulator.measured.measured_part import cut_down
from simulator.measured.stated_network import read_stated
from simulator.regime import REGIME_FOLDER, Regime, read_regime
from stoichloop.errors import DatasetError, RegimeError, StoichloopError
from tests.agent.analyzer.scoring.estimates import true_estimate, write_estimate
from tests.agent.experiments import FIDELITY
from tests.agent.planner.situations import situation
from tests.conftest import EXAMPLE, ROOT, UNCONTAINED

# The files are written anew for each example, so it does not matter that fixtures are not.
fuzzed = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
with_git = settings(fuzzed, max_examples=10)

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)
TEXTS = st.text(max_size=300) | st.binary(max_size=300).map(lambda raw: raw.decode("latin-1"))


@st.composite
def spoilt(draw: st.DrawFn, content: dict[str, Any]) -> bytes:
    """Draw a YAML file with keys lost, gained or of another kind, or with bytes changed."""
    spoilt = json.loads(json.dumps(content))
    for key in draw(st.lists(st.sampled_from(sorted(spoilt)), max_size=3)):
        spoilt[key] = draw(VALUES)
    for key in draw(st.lists(st.sampled_from(sorted(spoilt)), max_size=2)):
        spoilt.pop(key, None)
    spoilt |= draw(st.dictionaries(st.text(max_size=9), VALUES, max_size=1))
    return draw(turned(yaml.safe_dump(spoilt).encode()))


@st.composite
def turned(draw: st.DrawFn, content: bytes) -> bytes:
    """Draw the same bytes, cut short, with some of them changed, or others altogether."""
    if draw(st.booleans()):
        return content
    raw = bytearray(content[: draw(st.integers(0, len(content)))])
    for place in draw(st.lists(st.integers(0, max(0, len(raw) - 1)), max_size=4)) if raw else []:
        raw[place] = draw(st.integers(0, 255))
    return bytes(raw)


def indented(raw: bytes) -> bytes:
    """Under a key of its own."""
    return b"".join(b"  " + line for line in raw.splitlines(keepends=True))


# What PyYAML does not catch of its own: a character, a date, an integer, a truth value that there is not, and depth.
IMPOSSIBLE = [b'"\\U10010000"', b"2024-13-45", b'!!int ""', b"!!bool perhaps", b"[" * 5_000]


def with_impossible(test: Callable[..., None]) -> Callable[..., None]:
    """Try what is impossible beside what is drawn."""
    for raw in IMPOSSIBLE:
        test = example(raw=raw)(test)
    return test


REGIME_FILE = yaml.safe_load((REGIME_FOLDER / "pde_m1_tiny.yaml").read_text())
CAMPAIGN = Settings(
    name="night", regime="r", dataset="d", base_commit="c", planner="auto", fidelity="full", full_steps=9, seed=0
)
RECIPE = {"title": "t", "why": "w", "moves": ["sign_tied"], "configuration": {"lr_S": 0.01}}
DIFF = read_move("sign_tied").diff.encode()


@fuzzed
@with_impossible
@given(raw=spoilt(REGIME_FILE))
def test_regime_files(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "pde_m1_tiny.yaml"
    path.write_bytes(raw)
    with suppress(RegimeError):
        assert isinstance(read_regime(path), Regime)


NETWORK_FILE = yaml.safe_load((EXAMPLE / "pathway.yaml").read_text())
TABLE_LINES = b"".join((EXAMPLE / "pathway.csv").read_bytes().splitlines(keepends=True)[:7])


@fuzzed
@with_impossible
@given(raw=spoilt(NETWORK_FILE) | spoilt(NETWORK_FILE["reactions"]).map(lambda raw: b"reactions:\n" + indented(raw)))
def test_network_files(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "net.yaml"
    path.write_bytes(raw)
    with suppress(RegimeError):
        stated = read_stated(path)
        assert cut_down(path, stated, ("adp", "atp", "glc", "g6p")).network.reactions


@fuzzed
@given(raw=turned(TABLE_LINES) | st.binary(max_size=300) | TEXTS.map(str.encode))
def test_tables_of_measurements(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "m.csv"
    path.write_bytes(raw)
    with suppress(DatasetError):
        table = read_table(path)
        assert not any((course.concentration <= 0).any() for course in table.courses)


@fuzzed
@with_impossible
@given(raw=spoilt(CAMPAIGN.model_dump()))
def test_campaign_files(workspace: Workspace, raw: bytes) -> None:
    folder = workspace.runs / "night"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "campaign.yaml").write_bytes(raw)
    with suppress(StoichloopError):
        assert open_campaign(workspace, "night").settings.name == "night"


@fuzzed
@with_impossible
@given(raw=spoilt(RECIPE))
def test_recipes_and_configurations(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "my.yaml"
    path.write_bytes(raw)
    with suppress(StoichloopError):
        assert read_document(path, Recipe).title
    with suppress(StoichloopError):
        read_changes(path)


@fuzzed
@given(pairs=st.lists(TEXTS, max_size=3))
def test_changes_on_the_command_line(pairs: list[str]) -> None:
    with suppress(StoichloopError):
        assert all(parse_changes(pairs))


@fuzzed
@given(content=VALUES, around=TEXTS, raw=turned(b'{"hypothesis": "h", "edits": [{"file": "gnn/a.py", "search": ""}]}'))
def test_answers_of_models_and_programs(content: Any, around: str, raw: bytes) -> None:
    for text in (f"{around}{json.dumps(content)}{around}", raw.decode("latin-1")):
        with suppress(ValueError):
            assert read_answer(text, ProposalsAnswer).proposals[0].hypothesis


@pytest.fixture
def checkout(workspace: Workspace) -> Iterator[Path]:
    with throw_away(workspace.repo, workspace.runs / ".test", workspace.sandbox) as worktrees:
        yield worktrees.edited(head_commit(workspace), lambda folder: None).folder


@with_git
@given(diff=turned(DIFF).map(lambda raw: raw.decode("latin-1")) | TEXTS)
def test_diffs(checkout: Path, workspace: Workspace, diff: str) -> None:
    with suppress(PatchRefusedError):
        apply_diff(diff, checkout)
        inspect(checkout, UNCONTAINED)
    assert workspace.repo.git.status("--porcelain") == ""


@with_git
@given(file=TEXTS.filter(bool) | st.sampled_from(["gnn/a.py", "gnn/loss.py", "gnn/.py"]), search=TEXTS, replace=TEXTS)
def test_edits(checkout: Path, workspace: Workspace, file: str, search: str, replace: str) -> None:
    with suppress(PatchRefusedError):
        apply_edits([Edit(file=file[:200], search=search, replace=replace)], checkout)
        inspect(checkout, UNCONTAINED)
    assert workspace.repo.git.status("--porcelain") == ""


@pytest.fixture(scope="module")
def artifact(tiny: Dataset, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return a good estimate, as a trial writes it."""
    path = tmp_path_factory.mktemp("artifact") / "estimate.npz"
    write_estimate(true_estimate(tiny), path)
    return path.read_bytes()


@fuzzed
@given(data=st.data())
def test_artifacts(tiny: Dataset, artifact: bytes, tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "estimate.npz"
    path.write_bytes(data.draw(turned(artifact)))
    with suppress(EstimateError):
        assert isinstance(read_estimate(path, tiny.truth.graph), Estimate)


@fuzzed
@given(raw=turned(b'{"step": 1, "steps": 2, "loss": 0.5, "loss_pred": 0.5}\n' * 3) | st.binary(max_size=300))
def test_curves(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "curves.jsonl").write_bytes(raw)
    assert all(isinstance(point, CurvePoint) for point in read_curves(tmp_path))


@pytest.fixture(scope="module")
def state() -> CodeState:
    return CodeState(ROOT, UNCONTAINED)


@fuzzed
@given(brief=TEXTS, said=TEXTS, output=TEXTS)
def test_the_brief_and_what_was_printed(state: CodeState, brief: str, said: str, output: str) -> None:
    told = situation(state, brief=brief, blocks=[Block(1, "code", 0.0, f"1 rejected{IN_WORDS}{said}")], output=output)
    text = Reading(told.situation, FIDELITY).question("exploit", told.situation.past[0], [])
    assert len(text) <= 200_000
