"""Proposals that nobody means well, through the registrar's door on a real clone: accepted, or refused in words.

Any exception fails the test, and so does an experiment that the ledger, the findings or the sweep cannot take.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from agent.analyzer.judging.findings import find
from agent.analyzer.judging.noise import Noise
from agent.campaign.registrar import Registrar
from agent.executor.code.unified_diff import PatchRefusedError, as_git_reads
from agent.planner.planners.sweep import Sweep
from agent.planner.proposal import Proposal
from memory.records import Decision, Verdict
from simulator.dataset import Dataset
from tests.agent.campaign.registrars import begun
from tests.agent.planner.situations import situation
from tests.conftest import clone_for
from tests.fuzz.test_boundaries import DIFF, TEXTS, VALUES, turned

FILES = st.sampled_from(
    [
        *("gnn/loss.py", "gnn/a.py", "gnn/größe.py", "gnn/loss/x.py", "gnn/configuration.json", "gnn/../x.py", "gnn/"),
        *("gnn/train.py/x.py", "gnn/a\0.py", f"gnn/{'ü' * 150}.py", "gnn", "notes.txt", "/etc/passwd", ".git/a.py"),
    ]
) | TEXTS.map(lambda text: f"gnn/{text}.py")
SOURCES = TEXTS | st.sampled_from(
    ["-" * 90_000 + "1", "x = steps * 0x" + "F" * 6000, "(" * 9000, "x" + ".a" * 30_000, "x = 1\r", "import numpy"]
)
EDITS = st.fixed_dictionaries({"file": FILES, "search": st.just("") | TEXTS, "replace": SOURCES})
MOVES = st.builds(
    "diff --git a/{0} b/{1}\nsimilarity index 90%\n{2} from {0}\n{2} to {1}\n{3}".format,
    FILES,
    FILES,
    st.sampled_from(["copy", "rename"]),
    st.just("") | TEXTS,
)
HUNKS = st.builds(
    "--- {0}\n+++ {1}\n@@ -{2},{3} +{2} @@\n{4}\n".format,
    FILES | st.just("/dev/null"),
    FILES | st.just("/dev/null"),
    st.integers(0, 99),
    st.integers(0, 3),
    st.lists(st.sampled_from(["+a = 1", " import math", "-import math", "", "\\ No newline", "@@"])).map("\n".join),
)
DIFFS = MOVES | HUNKS | turned(DIFF).map(lambda raw: raw.decode("latin-1")) | TEXTS
NUMBERS = st.sampled_from([0, -1, 1, 0.5, 1e-300, 1e300, 10**400, float("nan"), float("inf"), 1e15, True, None])
FIELDS = st.fixed_dictionaries(
    {"value": NUMBERS | VALUES, "kind": st.sampled_from(["float", "int", "choice"]), "doc": TEXTS},
    optional={"low": NUMBERS, "high": NUMBERS, "log": st.booleans(), "choices": st.lists(NUMBERS | TEXTS, max_size=3)},
)
SPACES = st.dictionaries(st.sampled_from(["depth", "lr_S", "new", "a b", "\x1b"]), FIELDS, max_size=3)
PRINTED = SPACES.map(json.dumps) | TEXTS


def prints(text: str) -> dict[str, Any]:
    """An edit after which the code prints this when it is asked for its search space."""
    return {"file": "gnn/config.py", "search": "print(json.dumps(describe()))", "replace": f"print({text!a})"}


PATCHES = st.one_of(
    st.lists(EDITS, min_size=1, max_size=2).map(lambda edits: {"edits": edits}),
    DIFFS.map(lambda diff: {"diff": diff}),
    PRINTED.map(lambda text: {"edits": [prints(text)]}),
    st.just({}),
)
CHANGES = st.dictionaries(st.sampled_from(["lr_S", "depth", "none"]) | TEXTS, NUMBERS | VALUES, max_size=2)


@pytest.fixture(scope="module")
def registrar(tiny: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registrar]:
    """Of a campaign whose baseline is accepted."""
    workspace = clone_for(tmp_path_factory.mktemp("fuzz") / "clone", tiny)
    with begun(workspace, tiny) as made:
        yield made


@settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=25)
@given(patch=PATCHES, changes=CHANGES)
def test_a_proposal_is_accepted_or_refused_in_words(
    registrar: Registrar, patch: dict[str, Any], changes: dict[str, Any]
) -> None:
    with suppress(ValidationError):
        proposal = Proposal.model_validate({"hypothesis": "h", "parent": "e0001", "changes": changes, **patch})
        take(registrar, proposal)


def take(registrar: Registrar, proposal: Proposal) -> None:
    """Take a proposal through the loop's steps, but for its trials."""
    ledger = registrar.ledger
    objection = registrar.objections(ledger.experiments())(proposal)
    experiments = registrar.identify([proposal], "fuzzer", ledger.experiments())
    if not experiments:
        assert objection is not None
        return
    ledger.open_block(Decision("code", None, "fuzzed"), experiments)
    for e in experiments:
        assert (objection is None) == (e.verdict is None)
        if e.commit is not None:
            state = registrar.worktrees.at(e.commit)
            told = situation(state, roles=("exploit", "explore"), objection=lambda _: None)
            assert isinstance(Sweep(0, "probe").propose(told.situation), list)
            ledger.add_verdict(e.id, Verdict("rejected", "fuzzed"))
    findings = find(ledger.experiments(), [], {"probe": Noise(0.1, 3)}, 1, "exact")
    ledger.close_block(experiments[0].block, "fuzzed", findings)
    registrar.land()


@settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=100)
@given(diff=DIFFS)
def test_a_diff_is_read_or_refused(diff: str) -> None:
    with suppress(PatchRefusedError):
        assert as_git_reads(diff).startswith("diff --git ")
